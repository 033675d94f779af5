"""Random changes to training images, one short function per op of `data_augmentation_options`."""
