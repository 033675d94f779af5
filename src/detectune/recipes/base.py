"""What a new config of one architecture needs: one class per architecture.

A `Recipe` holds a model and answers what depends on its architecture: how many images a batch may
have, how the learning rate is found, what a short training changes in it, how much memory it takes.
`recipes.new_config` does the rest, which is the same for all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from detectune.config import schema
from detectune.config.architectures import architecture_name, architecture_of
from detectune.recipes.memory import Footprint, Measured, input_pixels
from detectune.recipes.training_plan import Shipped, TrainingPlan
from detectune.registry import recipes

SHORT_RUN_DECAY = 0.97
"""Of batch norms in a short training: averages over 33 steps instead of 333."""
_SLOW_DECAY = 0.991


class Recipe:
    """How to train a model of one architecture on other data.

    Args:
        model: the model; `prepare` and `follow_quickly` change it.
    """

    measured: ClassVar[Mapping[str, Measured]] = {}
    """Memory by type of feature extractor. Networks that differ from a measured one in depth only
    are not guessed."""
    masks_gb: ClassVar[float] = 0.0
    """What each image takes more where masks are learned."""

    def __init__(self, model: schema.DetectionModel) -> None:
        self.architecture = architecture_of(model)
        self.message: Any = self.architecture.message

    @property
    def largest_batch(self) -> int:
        """How many images a plan puts into a batch at most: memory grows with them."""
        return 16

    @property
    def norms(self) -> list[schema.BatchNorm]:
        """The batch norms whose decay the config sets."""
        return []

    @property
    def footprint(self) -> Footprint | None:
        """The memory that training takes; None if nothing like it was measured."""
        measured = self.measured.get(self.architecture.feature_extractor)
        pixels = input_pixels(self.architecture.image_resizer)
        if measured is None or not pixels:
            return None
        return measured.footprint(
            pixels, extra=self.masks_gb if self.architecture.predicts_masks else 0.0
        )

    def shipped(self, train: schema.TrainConfig) -> Shipped | None:
        """How the zoo trained it, if the learning rate follows that; None for another rule.

        Args:
            train: of the template.
        """
        return None

    def prepare(self, plan: TrainingPlan, *, begins_with_detector: bool) -> None:
        """Change what `plan` asks for in the model.

        Args:
            begins_with_detector: rather than with a classifier.
        """

    def begin_at_random(self) -> None:
        """Change what a training without a checkpoint cannot do with.

        Batch norms have no statistics to keep then, and learn some.
        """

    def follow_quickly(self) -> None:
        """Moving averages of 33 steps instead of 333, for runs of hundreds of steps.

        EfficientDet's, of 100 steps, are quick enough and stay the same as its backbone's, which no
        config sets.
        """
        for norm in self.norms:
            if norm.decay > _SLOW_DECAY:
                norm.decay = SHORT_RUN_DECAY

    def norm_reason(self, train: schema.TrainConfig) -> str:
        """Why the batch norms differ from the zoo's; empty if they do not.

        Args:
            train: of the new config.
        """
        return ""


def recipe_of(model: schema.DetectionModel) -> Recipe:
    """The recipe for the architecture of `model`.

    Raises:
        ConfigError: there is none.
    """
    return recipes[architecture_name(model)](model)
