import detectune

config = detectune.load_config("training/first.config")
detector = detectune.build_detector(config.model)
report = detectune.restore(detector, "my_network.keras", kind="classification")
print(report.summary())
