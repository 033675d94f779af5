"""Trained detectors for deployment: one module for each format, and `export`, which checks them."""
