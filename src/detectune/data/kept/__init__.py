"""Outputs of a frozen beginning of a network, kept on disk and trained on."""
