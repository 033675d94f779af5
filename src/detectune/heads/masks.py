from keras.layers import Layer


class MaskHead(Layer):
    pass
