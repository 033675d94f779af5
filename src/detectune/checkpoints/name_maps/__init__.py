"""Where each variable of a detector stands in a checkpoint: one table per family."""
