"""What makes mAP near 0, one file for each kind of cause; `evaluation.diagnosis` asks them all."""
