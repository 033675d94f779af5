"""What is asked about `model { [detectune_toys.cells] { … } }` without building it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from detectune.config.architectures import Architecture
from detectune.config.needs import BOXES_ONLY, Needs
from detectune.config.problems import Problem
from detectune.registry import architectures


@architectures.register("cells")
class CellsArchitecture(Architecture):
    """One prediction for each cell of a map."""

    @property
    def required(self) -> Mapping[str, str]:
        return {"image_resizer": "image_resizer { fixed_shape_resizer { } }"}

    @property
    def needs(self) -> Needs:
        weighed = self.message.weigh_by_certainty
        return Needs(annotations={"certainty": 1}) if weighed else BOXES_ONLY

    def conflicts(self) -> Iterator[Problem]:
        if not self.message.backbone:
            yield Problem(
                "error",
                f"{self.path}.backbone",
                "it is empty.",
                "A backbone gives the map that cells belong to.",
                'Write backbone: "blocks", or remove the line.',
            )

    def describe(self) -> str:
        return f"cells on {self.message.backbone}, {self.num_classes} classes"
