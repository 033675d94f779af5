"""What an error has to say."""

from __future__ import annotations


def three_parts(error: Exception) -> list[str]:
    """The lines of `error`: place and value, what is allowed, the next step; none is empty."""
    lines = str(error).split("\n")
    assert len(lines) == 3, lines
    assert all(line.strip() for line in lines), lines
    return lines
