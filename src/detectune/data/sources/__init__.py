"""Where images and annotations come from, one file per format."""
