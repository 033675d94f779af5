# Keras has no types, and what pyright guesses from its source is wrong.
from typing import Any

def __getattr__(name: str) -> Any: ...
