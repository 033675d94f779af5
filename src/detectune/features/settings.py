"""How vectors were computed: all that is needed to compute those of other images alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any, Literal, cast, get_args

from detectune.features.pixels import RESIZES, Resize

Pooling = Literal["avg", "max"]
POOLINGS: tuple[Pooling, ...] = get_args(Pooling)
"""How a feature map becomes a vector: the mean, or the highest value, of every channel."""
Crops = Literal["boxes", "image"]
CROPS: tuple[Crops, ...] = get_args(Crops)
OWN_POOLING = "own"
"""That of a SavedModel, which gives vectors itself."""
LARGEST_SIDE = 4096
MOST_MARGIN = 10.0


@dataclass(frozen=True)
class Settings:
    """How vectors were computed."""

    network: str
    """As `open_network` takes it; paths are absolute."""
    weights: str
    """As `open_network` takes it; empty where the network brings its own."""
    fingerprint: str
    """Equal for equal networks with equal weights."""
    dimension: int
    """Numbers of a vector."""
    pooling: str
    """One of `POOLINGS`, or `OWN_POOLING`."""
    size: tuple[int, int]
    """Height and width that every image was brought to."""
    resize: Resize
    crops: Crops
    """Whether a vector is that of a box or of a whole image."""
    margin: float
    """What was added to boxes on every side, as a fraction of their sides."""
    value_range: tuple[float, float] | None = None
    """What a SavedModel is given for black and white; None for networks whose range is known."""

    def to_json(self) -> dict[str, Any]:
        """For a file."""
        pairs = {"size": list(self.size), "value_range": self.value_range and [*self.value_range]}
        return {**asdict(self), **pairs}

    @classmethod
    def from_json(cls, data: Any) -> Settings:
        """What `to_json` wrote.

        Raises:
            ValueError: it did not write that: what is wrong.
        """
        if not isinstance(data, Mapping):
            raise ValueError("its settings are missing")
        found = cast(Mapping[str, Any], data)
        for name in ("network", "weights", "fingerprint", "pooling", "resize", "crops"):
            _need(isinstance(found.get(name), str), name)
        _need(found["pooling"] in (*POOLINGS, OWN_POOLING), "pooling")
        _need(found["resize"] in RESIZES, "resize")
        _need(found["crops"] in CROPS, "crops")
        size, margin, dimension = (found.get(key) for key in ("size", "margin", "dimension"))
        _need(isinstance(size, list) and len(cast(list[Any], size)) == 2, "size")
        height, width = cast(list[Any], size)
        _need(_is_whole(height, LARGEST_SIDE) and _is_whole(width, LARGEST_SIDE), "size")
        _need(_is_whole(dimension, 1_000_000), "dimension")
        number = isinstance(margin, int | float) and not isinstance(margin, bool)
        _need(number and 0 <= cast(float, margin) <= MOST_MARGIN, "margin")
        return cls(
            network=found["network"],
            weights=found["weights"],
            fingerprint=found["fingerprint"],
            dimension=cast(int, dimension),
            pooling=found["pooling"],
            size=(height, width),
            resize=found["resize"],
            crops=found["crops"],
            margin=float(cast(float, margin)),
            value_range=_range(found.get("value_range")),
        )

    def difference(self, other: Settings) -> str:
        """What makes vectors of `other` something else than these; empty if they can be compared.

        Boxes and whole images are seen alike, so a classifier of one may be asked about the other.
        """
        for name in ("fingerprint", "dimension", "pooling", "size", "resize", "value_range"):
            mine, theirs = getattr(self, name), getattr(other, name)
            if mine != theirs:
                if name == "fingerprint":
                    return f"network {self.shown} against {other.shown}"
                return f"{name} {_shown(mine)} against {_shown(theirs)}"
        return ""

    @property
    def shown(self) -> str:
        """The network, for people."""
        weights = f" with {self.weights}" if self.weights else ""
        return f"{self.network}{weights} ({self.fingerprint[:8]})"


def _need(holds: bool, name: str) -> None:
    if not holds:
        raise ValueError(f"its setting {name} is missing or wrong")


def _range(value: Any) -> tuple[float, float] | None:
    if value is None:
        return None
    ends = cast(list[Any], value) if isinstance(value, list) else []
    _need(len(ends) == 2 and all(type(one) in (int, float) for one in ends), "value_range")
    _need(all(isfinite(one) for one in ends), "value_range")
    return float(ends[0]), float(ends[1])


def _is_whole(value: Any, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= most


def _shown(value: Any) -> str:
    if not isinstance(value, tuple):
        return str(value)
    whole = isinstance(value[0], int)
    return f"{value[0]}x{value[1]}" if whole else f"{value[0]:g} to {value[1]:g}"
