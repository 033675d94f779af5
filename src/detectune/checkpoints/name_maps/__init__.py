"""Where each variable of a detector stands in a checkpoint: tables, joined per class by `NameMap`.

`ssd.py` and `faster_rcnn.py` register their maps at their feet; `any_detector.py` the one of every
other detector. Packages outside do it in an entry point of the group
`detectune.checkpoints.name_maps`.
"""
