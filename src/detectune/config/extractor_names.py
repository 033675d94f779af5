"""Types of feature extractors: those of today, and what became of those of TensorFlow 1.

The original kept two sets of names: those of TensorFlow 1, on TF-Slim, and those of TensorFlow 2,
which end in `_keras`. A config with an old name means the old network: where the two differ, in
layers or in defaults, the old form is built (`BackboneFamily.tf1`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class ExtractorNames:
    """The types that one kind of `feature_extractor { }` may have.

    Args:
        field: the field that holds such a type, as `Message.field`.
        prefix: what all of them begin with.
        today: those that are built.
        tf1: name in TensorFlow 1 → name of the same network in its Keras form; empty if there is
            none. These are built, too.
        neck_only: types that say what stands on the backbone, and leave the backbone to
            `backbone { }` → the neck.
        of_keras: types with a network of `keras.applications`.
        not_built: name of a network that there is only for TensorFlow 1, and not here → the nearest
            one here. Names that begin with one of these, as `ssd_spaghettinet_edgetpu_s` does, are
            meant too.
    """

    field: str
    prefix: str
    today: tuple[str, ...]
    tf1: Mapping[str, str]
    not_built: Mapping[str, str]
    neck_only: Mapping[str, str] = dataclasses.field(default_factory=lambda: dict[str, str]())
    of_keras: tuple[str, ...] = ()

    @property
    def known(self) -> tuple[str, ...]:
        """All types that can be built."""
        return (*self.today, *self.of_keras, *self.neck_only, *self.tf1)

    def offered(self, old: Iterable[str] = ()) -> str:
        """A sentence on what can be built.

        Args:
            old: names of TensorFlow 1 to list, too.
        """
        example = next(iter(self.neck_only), "")
        names = ", ".join([*self.today, *old])
        return (
            f"Offered: {names}; and {example} with backbone {{ }}, for any other network, such as "
            "those of keras.applications."
            if example
            else f"Offered: {names}."
        )

    def with_network(self, name: str) -> str:
        """The type with the neck of the type `name`, and a network that `backbone { }` names; empty
        if there is none."""
        if name in self.neck_only:
            return name
        neck = next((neck for neck in ("bifpn", "fpn") if f"_{neck}" in name), "extras")
        return next((one for one, has in self.neck_only.items() if has == neck), "")

    def is_tf1(self, name: str) -> bool:
        """Whether `name` is that of a feature extractor in TensorFlow 1 that can be built."""
        return name in self.tf1

    def keras_name(self, name: str) -> str:
        """The Keras form of `name`, which may be that already; empty if there is none."""
        return self.tf1.get(name, name)

    def note(self, name: str) -> tuple[str, str] | None:
        """What a user should know about the old name `name`; None if it is not old.

        Returns:
            Two sentences.
        """
        if not self.is_tf1(name):
            return None
        new = self.keras_name(name)
        return (
            f'"{name}" is the name in TensorFlow 1 of "{new}".'
            if new
            else f'"{name}" is a name of TensorFlow 1.',
            "It is built as it was there, and takes checkpoints of TensorFlow 1.",
        )

    def refusal(self, name: str) -> tuple[str, str, str] | None:
        """Found, allowed and next step for a network that is not built; None for any other name."""
        matches = [known for known in self.not_built if name.startswith(known)]
        if not matches or self.is_tf1(name):
            return None
        nearest = self.not_built[max(matches, key=len)]
        return (
            f'the feature extractor "{name}" exists in TensorFlow 1 only, and is not built here.',
            f'The nearest one is "{nearest}".',
            f'Write type: "{nearest}"; a checkpoint of the old network does not fit it.',
        )
