"""Trained detectors for deployment: an `Exporter` for each format, and `export`, which checks them.

What formats share is here once: `preprocessing` and `answers` are what an export computes around
the network, joined in `serving`; `comparison` and `destination` serve `export`.
"""
