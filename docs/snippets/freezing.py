import detectune

config = detectune.load_config("training/first.config")
steps = config.train_config.num_steps
config.train_config.freeze.append("backbone")
config.train_config.unfreeze_at_step.add(step=steps // 2, part="backbone:60")
run = detectune.train(config, model_dir="training/gradual")
