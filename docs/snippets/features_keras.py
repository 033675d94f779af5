import numpy as np
from keras.applications import MobileNetV2
from keras.applications.mobilenet_v2 import preprocess_input
from keras.utils import img_to_array, load_img

model = MobileNetV2(include_top=False, pooling="avg", input_shape=(224, 224, 3))
image = load_img("flowers/test/rose/1.jpg", target_size=(224, 224))
batch = preprocess_input(np.expand_dims(img_to_array(image), axis=0))
vector = model.predict(batch, verbose=0)[0]
