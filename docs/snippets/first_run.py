import detectune

config = detectune.load_config("training/first.config", overrides=["train_config.seed=1"])
run = detectune.train(config, model_dir="training/second")
metrics = detectune.evaluate(run)["metrics"]
print(f"mAP {metrics['DetectionBoxes_Precision/mAP']:.3f}")

predictor = detectune.Predictor.load("training/second")  # or a zoo archive, or a SavedModel
detections = predictor.predict("images/test/one.jpg")
detections.draw(threshold=0.3).save("one.png")
for row in detections.to_coco()[:3]:
    print(row["category_name"], row["bbox"], row["score"])

detectune.export(run, to="saved_model", path="exported/second")
