"""How accuracy grows with the number of images: one config trained again and again.

options, data ─► grid of cells ─► a run directory for each ─► study.csv, study.svg, study.html
"""
