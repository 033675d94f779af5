"""Files in which Keras keeps a network's weights, read as data: no Python object is ever built.

archive.py     .keras: a zip with the weights and a description
hdf5.py        .h5, and what is in a .keras: arrays and attributes, within limits
layouts.py     which array belongs to which layer, in the two layouts there are
reading.py     a path → `KerasWeights`
matching.py    `KerasWeights` → the backbone of a detector
"""
