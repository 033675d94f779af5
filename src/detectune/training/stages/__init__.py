"""What a training is made of: one file for each kind of stage, found by its name in the config."""
