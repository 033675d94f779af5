"""Layers that backbones, necks and heads share."""
