"""Pictures with boxes, masks and class names: the same everywhere that one is shown."""
