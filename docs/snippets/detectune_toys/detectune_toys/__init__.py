"""One part of each kind, for detectune."""
