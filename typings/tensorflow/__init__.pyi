# TensorFlow has no types either.
from typing import Any

def __getattr__(name: str) -> Any: ...
