from detectune import load_config
from detectune.config.check import check_config
from detectune.config.save import write_config

config = load_config("tools.config", overrides=["train_config.batch_size=8"])
config.train_config.num_steps = 500  # a protobuf message, like any other
write_config(config, "shorter.config")
for problem in check_config("shorter.config"):
    print(problem.line, problem.severity, problem.text)
