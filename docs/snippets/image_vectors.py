import numpy as np
from PIL import Image

from detectune.features.vector_network import load_vector_network

network = load_vector_network("mobilenet_feature_vector")
image = np.asarray(Image.open("images/test/one.jpg").convert("RGB"))
print(network.size, network.value_range, network.dimension)
print(network.vectors(image[None]).shape)
