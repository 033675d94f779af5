import keras

import detectune

network = keras.applications.ConvNeXtTiny(include_top=False, weights="imagenet")
for layer in network.layers[:80]:
    layer.trainable = False

config = detectune.load_config("training/own.config")
run = detectune.train(config, model_dir="training/own", backbone=network)

predictor = detectune.Predictor.load("training/own")  # the object `network` is not needed here
print(predictor.predict("images/test/one.jpg").to_coco()[:3])
