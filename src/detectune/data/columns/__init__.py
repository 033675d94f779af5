"""What is read of the data beside images, boxes and classes: one file for each column."""
