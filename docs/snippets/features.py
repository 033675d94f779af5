import detectune

features = detectune.extract_features("flowers/train", "MobileNetV2")
features.save("flowers.npz")
print(len(features), features.settings.dimension, features.counts)

classifier = detectune.fit_classifier(features, "linear-svm")
print(classifier.cross_validation.text())

new = detectune.extract_features("flowers/test", "MobileNetV2")
answers = classifier.answers(new.vectors)
for name, best in zip(new.file_names, answers.classes, strict=True):
    print(name, classifier.classes[best])
