"""R-CNN is trained without gradients: crops become vectors, and vectors decide."""
