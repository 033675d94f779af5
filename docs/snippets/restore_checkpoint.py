import detectune

config = detectune.load_config("training/first/pipeline.config")
detector = detectune.build_detector(config.model)  # a keras.Model
report = detectune.restore(detector, "training/first", kind="detection")
print(report.summary())
print(len(report.matched), "restored;", report.fresh, "fresh;", report.left_over, "left over")
