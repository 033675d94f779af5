"""Anchors for a data set: clusters of its boxes, beside the anchors of a model."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from google.protobuf import text_format

from detectune.advice.anchor_search import LIMITS, anchor_sizes, best_generator
from detectune.advice.box_clusters import Clusters, cluster_sizes, size_iou
from detectune.advice.box_sizes import box_sizes
from detectune.advice.coverage import Coverage, Covered, coverage
from detectune.config import schema
from detectune.config.architectures import architecture_of
from detectune.data.box_shapes import ImageBoxes
from detectune.errors import ConfigError, three_part
from detectune.summary.input_size import size_of_inputs
from detectune.wording import plural

CLUSTERS = 9
"""Three sizes of three shapes, as the first detectors with clusters had."""
WELL_EXPRESSED = 0.7
"""Clusters whose nearest anchor has a lower IoU are named: halfway between a match and a copy."""
ENOUGH_RECALL = 0.9
"""Below it, of the boxes of some size, a change of anchors is worth it."""


@dataclass(frozen=True)
class AnchorReport:
    """Clusters of boxes, the anchors of a model, and those that are proposed."""

    model: str
    input_size: tuple[int, int]
    """Height and width of the model's input, pixels."""
    sizes: np.ndarray
    """`[N, 2]`, heights and widths of the boxes in pixels of the input."""
    clusters: Clusters
    seed: int
    field: str
    """What the generator is called in the config."""
    given: schema.AnchorGenerator
    proposed: schema.AnchorGenerator
    """`given` where nothing covers the boxes better."""

    @property
    def given_sizes(self) -> np.ndarray:
        """`[A, 2]` of the anchors of the model."""
        return anchor_sizes(self.given, self.input_size)

    @property
    def proposed_sizes(self) -> np.ndarray:
        """`[A, 2]` of the anchors that are proposed."""
        return anchor_sizes(self.proposed, self.input_size)

    @property
    def rows(self) -> list[tuple[str, Coverage]]:
        """Coverage by the model's anchors, by those that are proposed, and by the clusters."""
        rows = [("the model's", coverage(self.sizes, self.given_sizes))]
        if self.proposed != self.given:
            rows.append(("proposed", coverage(self.sizes, self.proposed_sizes)))
        return [*rows, ("clusters", coverage(self.sizes, self.clusters.sizes))]

    @property
    def text(self) -> str:
        """The proposed generator as it stands in a config."""
        return generator_text(self.field, self.proposed)

    def remarks(self) -> list[str]:
        """What the generator cannot express, one sentence each."""
        kind = self.given.WhichOneof("anchor_generator_oneof") or ""
        overlap = size_iou(self.clusters.sizes, self.proposed_sizes)
        badly = [
            f"{size[1]:.0f}x{size[0]:.0f} ({share:.0%} of the boxes; nearest anchor: IoU {iou:.2f})"
            for size, share, iou in zip(
                self.clusters.sizes, self.clusters.shares, overlap.max(axis=1), strict=True
            )
            if iou < WELL_EXPRESSED
        ]
        remarks = [f"{kind}: {LIMITS[kind]}"] if LIMITS.get(kind) else []
        if badly:
            few = plural(len(badly), "cluster")
            remarks.append(f"{few} hardly expressed (width x height): {', '.join(badly)}.")
        return [*remarks, self.verdict]

    @property
    def worst(self) -> tuple[str, Covered]:
        """The size whose boxes the model's anchors cover worst, of those with 5 % of the boxes."""
        common = coverage(self.sizes, self.given_sizes).common
        return min(common, key=lambda one: one[1].recall)

    @property
    def is_worth_it(self) -> bool:
        """Whether the model's anchors leave so many boxes of some size unmatched that others pay,
        though the checkpoint has learned with its own."""
        return self.proposed != self.given and self.worst[1].recall < ENOUGH_RECALL

    @property
    def verdict(self) -> str:
        """Whether to change the anchors, one sentence."""
        name, found = self.worst
        reached = (
            f"the model's anchors match {found.recall:.0%} of the boxes that are {name} pixels"
        )
        if self.proposed == self.given:
            return "No settings of this generator cover the boxes better than the model's."
        if self.is_worth_it:
            return f"Worth a change: {reached}."
        return (
            f"Keep the model's anchors: at worst, {reached}, and its checkpoint has learned with "
            "them."
        )

    def to_json(self) -> str:
        """Everything, as JSON."""
        return json.dumps(self.values(), indent=1)

    def values(self) -> dict[str, Any]:
        """Everything, as plain values."""
        return {
            "model": self.model,
            "input_size": list(self.input_size),
            "boxes": len(self.sizes),
            "seed": self.seed,
            "clusters": [
                {"height": float(h), "width": float(w), "share": float(share)}
                for (h, w), share in zip(self.clusters.sizes, self.clusters.shares, strict=True)
            ],
            "coverage": {name: found.to_json() for name, found in self.rows},
            "given": generator_text(self.field, self.given),
            "proposed": self.text,
            "remarks": self.remarks(),
            "worth_it": self.is_worth_it,
        }


def generator_text(field: str, generator: schema.AnchorGenerator) -> str:
    """`anchor_generator { … }`, as it can be pasted into a config."""
    inner = text_format.MessageToString(generator, indent=2)
    return f"{field} {{\n{inner}}}\n"


def advise_anchors(
    images: Sequence[ImageBoxes],
    source: str,
    model: schema.DetectionModel,
    name: str,
    *,
    count: int = CLUSTERS,
    seed: int = 0,
) -> AnchorReport:
    """Clusters of the boxes of `images`, and anchors of `model` for them.

    Args:
        images: see `data.box_shapes.box_sides`.
        source, name: what the data and the model are called.
        count: of clusters; fewer where there are fewer different boxes.
        seed: where the clusters start.

    Raises:
        ConfigError: the model has no anchors.
        DataError: there is no box.
    """
    field, given = anchor_field(model, name)
    architecture = architecture_of(model)
    size = size_of_inputs(architecture.image_resizer)
    sizes = box_sizes(images, architecture.image_resizer, source)
    clusters = cluster_sizes(sizes, count, seed)
    wanted, input_size = clusters, (size.height, size.width)
    if given.WhichOneof("anchor_generator_oneof") == "flexible_grid_anchor_generator":
        grids = given.flexible_grid_anchor_generator.anchor_grid
        wanted = cluster_sizes(sizes, sum(len(grid.base_sizes) for grid in grids), seed)
    proposed = best_generator(given, sizes, wanted, input_size)
    return AnchorReport(name, input_size, sizes, clusters, seed, field, given, proposed)


def anchor_field(model: schema.DetectionModel, name: str) -> tuple[str, schema.AnchorGenerator]:
    """The field of the architecture of `model` that says its anchors, and what stands there.

    Raises:
        ConfigError: it has none.
    """
    message = architecture_of(model).message
    wanted = schema.AnchorGenerator.DESCRIPTOR.full_name
    for field in message.DESCRIPTOR.fields:
        kind = field.message_type
        if kind is not None and kind.full_name == wanted and message.HasField(field.name):
            found = getattr(message, field.name)
            if found.WhichOneof("anchor_generator_oneof"):
                return field.name, found
    raise ConfigError(
        three_part(
            f"{name}: it has no anchors.",
            "Anchors are those of ssd { anchor_generator } and faster_rcnn "
            "{ first_stage_anchor_generator }; a Fast R-CNN looks at proposals of the data.",
            "Name another model with --model, or another config with --config.",
        )
    )
