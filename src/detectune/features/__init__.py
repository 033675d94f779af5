"""Images as vectors: networks that say of a whole image what it is like."""
