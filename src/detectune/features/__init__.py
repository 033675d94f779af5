"""Images as vectors of pre-trained networks, and classifiers on them."""
