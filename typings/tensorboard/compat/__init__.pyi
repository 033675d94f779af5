# protobuf makes the classes at run time, and the rest has no types.
from typing import Any

def __getattr__(name: str) -> Any: ...
