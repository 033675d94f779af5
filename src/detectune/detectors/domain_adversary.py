"""Domain-adversarial training: features that do not tell which domain an image is of.

    source ─► features ─► heads ─► losses of the detector
                 └─► reversed ─► discriminator ◄─ reversed ◄─ features ◄─ target
                                      └─► "which domain?" ─► domain_image_loss

The discriminator learns to tell the domains apart, and the network, through the reversed gradient,
to make that impossible. Images of the target domain meet no other loss. Source: Ganin et al. 2016;
for detectors Chen et al. 2018: one discriminator for each chosen map, one for proposed regions, and
a term for how far they disagree.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from keras import ops

from detectune.detectors.extra_losses import ExtraLosses, ExtraReport
from detectune.detectors.two_stage import TwoStageDetector
from detectune.layers.domain_discriminators import MapDiscriminator, RegionDiscriminator
from detectune.layers.scaled_gradient import scaled_gradient
from detectune.structures import Array, GroundTruth, Inputs, image_size

if TYPE_CHECKING:
    from detectune.detectors.base import Detector

IMAGE, INSTANCE = "image", "instance"
_CONSISTENCY = "domain_consistency_loss"
SOURCE, TARGET = 0.0, 1.0
"""What the discriminators say of the domains."""
# Above it the discriminator tells the domains apart as if nothing were reversed.
_WON = 0.95
# It says the same of so many places, whatever they are of …
_SAME = 0.97
# … and is sure of it: cross-entropy where half is right, and all is said with 84 %. Where domains
# look the same, a discriminator may lean to one side, too, but by little: there it is ln 2.
_SURE = 1.0
# Before that λ is too small for the network to hide anything.
_GROWN = 0.5


@dataclass(frozen=True)
class MapTerm:
    """The discriminators of feature maps."""

    weight: float
    """How much of its reversed gradient reaches the network."""
    levels: tuple[int, ...]
    """Maps that are looked at, 0 the finest."""
    channels: int


@dataclass(frozen=True)
class RegionTerm:
    """The discriminator of proposed regions."""

    weight: float
    """As above."""
    units: int
    proposals: int
    """Regions per image, the best."""


@dataclass(frozen=True)
class Reversal:
    """How λ grows over a training of `num_steps` steps, each of so many micro-batches."""

    num_steps: int
    micro_batches: int = 1
    final_lambda: float = 1.0
    steepness: float = 10.0

    def __call__(self, steps: Array) -> Array:
        """λ after `steps` steps. Source: Ganin et al. 2016, section 5.2.2."""
        progress = ops.clip(ops.cast(steps, "float32") / max(self.num_steps, 1), 0.0, 1.0)
        return self.final_lambda * (2.0 / (1.0 + ops.exp(-self.steepness * progress)) - 1.0)


@dataclass
class _Domain:
    """What the discriminators are shown of one domain."""

    label: float
    maps: Sequence[Array]
    """`[B, h, w, D]`, those that are looked at."""
    inside: Sequence[Array]
    """`[B, h, w]` float32 for each, 1 where the picture is and not its padding."""
    regions: Array = None
    """`[B·P, h, w, D]`: features of proposed regions."""
    valid: Array = None
    """`[B, P]` float32, 0 where a region is padding."""


class DomainAdversary(ExtraLosses):
    """Discriminators and their losses, with the reversal of their gradients.

    Args:
        map_channels: of all maps of the detector, fine to coarse.
        region_shape: of the features of regions; None without `regions`.
        maps: None for no discriminator of maps.
        regions: None for none of regions.
        consistency_weight: on the term for how far both disagree; 0 for none.
        seed: of the first weights.
    """

    def __init__(
        self,
        *,
        map_channels: Sequence[int],
        region_shape: tuple | None,
        reversal: Reversal,
        maps: MapTerm | None,
        regions: RegionTerm | None,
        consistency_weight: float = 0.0,
        seed: int = 0,
    ) -> None:
        super().__init__(name="domain_adversary", dtype="float32")
        self.reversal, self.map_term, self.region_term = reversal, maps, regions
        self.consistency_weight = consistency_weight
        self.terms = tuple(
            name for name, term in ((IMAGE, maps), (INSTANCE, regions)) if term is not None
        )
        consistent = (_CONSISTENCY,) if consistency_weight > 0 else ()
        self.loss_names = (*(f"domain_{name}_loss" for name in self.terms), *consistent)
        self.of_maps: list[MapDiscriminator] = []
        if maps is not None:
            self.of_maps = [
                MapDiscriminator(maps.channels, seed=seed + level, name=f"of_map{level}")
                for level in maps.levels
            ]
            for level, layer in zip(maps.levels, self.of_maps, strict=True):
                layer.build((None, None, None, map_channels[level]))
        self.of_regions: RegionDiscriminator | None = None
        if regions is not None and region_shape is not None:
            self.of_regions = RegionDiscriminator(regions.units, seed=seed, name="of_regions")
            self.of_regions.build(region_shape)
        self.steps = self._counter((), "steps")
        self.micro_batch = self._counter((), "micro_batch")
        self.right = self._counter((len(self.terms), 2), "right")
        self.said = self._counter((len(self.terms),), "said")
        self.counted = self._counter((), "counted")
        self.built = True

    def _counter(self, shape: tuple[int, ...], name: str) -> Any:
        return self.add_weight(shape=shape, initializer="zeros", trainable=False, name=name)

    @property
    def lambda_now(self) -> Array:
        """The factor on reversed gradients in the step that comes."""
        return self.reversal(self.steps)

    def named_losses(
        self, detector: Detector, inputs: Inputs, truth: GroundTruth, out: Any
    ) -> dict[str, Array]:
        """Cross-entropies of the discriminators, of which half is about each domain."""
        factor = self.lambda_now
        given = inputs.get("target")
        if given is None:
            raise TypeError("A training step of a DomainAdversary needs inputs with a target.")
        domains = [
            self._source(detector, inputs, truth, out),
            self._target(detector, given),
        ]
        losses, right = {}, []
        for name in self.terms:
            told = [self._told(name, domain, factor) for domain in domains]
            losses[f"domain_{name}_loss"] = (told[0][0] + told[1][0]) / 2
            right.append(ops.stack([told[0][1], told[1][1]]))
        self._count(list(losses.values()), right)
        if self.consistency_weight > 0:
            disagreements = [self._disagreement(domain, factor) for domain in domains]
            losses[_CONSISTENCY] = self.consistency_weight * sum(disagreements) / 2
        return losses

    def _count(self, said: list[Array], right: list[Array]) -> None:
        """Remember how a micro-batch went; λ is the same for all of a step."""
        self.said.assign_add(ops.stop_gradient(ops.stack(said)))
        self.right.assign_add(ops.stop_gradient(ops.stack(right)))
        self.counted.assign_add(1.0)
        done = self.micro_batch + 1.0
        whole = ops.cast(ops.greater_equal(done, float(self.reversal.micro_batches)), "float32")
        self.micro_batch.assign(done * (1.0 - whole))
        self.steps.assign_add(whole)

    # --- what is looked at ------------------------------------------------------------------------

    def _source(self, detector: Detector, inputs: Inputs, truth: GroundTruth, out: Any) -> _Domain:
        maps = getattr(out, "maps", None) or detector.features(inputs["images"], training=True)
        domain = self._domain(SOURCE, maps, inputs, truth.sizes)
        if self.of_regions is not None:
            self._add_regions(domain, detector, inputs, out, truth.sizes, training=True)
        return domain

    def _target(self, detector: Detector, given: Mapping[str, Array]) -> _Domain:
        """Computed as inference does: no statistics move, and no seed of a dropout."""
        sizes = given["sizes"]
        own: Any = {name: value for name, value in given.items() if name != "sizes"}
        inputs: Inputs = own
        if detector.frozen is not None:
            maps = detector.frozen(inputs, training=False)
        else:
            maps = detector.features(inputs["images"], training=False)
        domain = self._domain(TARGET, maps, inputs, sizes)
        if self.of_regions is not None:
            fixed = [ops.stop_gradient(one) for one in maps]
            out = detector.heads(inputs, fixed, training=False)._replace(maps=maps)
            self._add_regions(domain, detector, inputs, out, sizes, training=False)
        return domain

    def _domain(
        self, label: float, maps: Sequence[Array], inputs: Inputs, sizes: Array | None
    ) -> _Domain:
        levels = self.map_term.levels if self.map_term else ()
        chosen = [maps[level] for level in levels]
        inside = [inside_pictures(one, sizes, image_size(inputs)) for one in chosen]
        return _Domain(label, chosen, inside)

    def _add_regions(
        self,
        domain: _Domain,
        detector: Detector,
        inputs: Inputs,
        out: Any,
        sizes: Array | None,
        *,
        training: bool,
    ) -> None:
        assert isinstance(detector, TwoStageDetector)
        assert detector.roi_head is not None
        assert self.region_term is not None
        proposals = detector.propose(inputs, out, sizes, training=training)
        count = self.region_term.proposals
        boxes = ops.stop_gradient(proposals.boxes[:, :count])
        domain.regions = detector.roi_head.features(out.maps, boxes, image_size(inputs))
        domain.valid = ops.cast(proposals.valid[:, :count], "float32")

    # --- what is said of it -----------------------------------------------------------------------

    def _told(self, name: str, domain: _Domain, factor: Array) -> tuple[Array, Array]:
        """Cross-entropy of one discriminator, and the share that it told right."""
        said = (
            self._of_maps(domain, -factor * self._weight(name))
            if name == IMAGE
            else [(self._of_regions(domain, -factor * self._weight(name)), domain.valid)]
        )
        losses = [_mean(_cross_entropy(logits, domain.label), counts) for logits, counts in said]
        right = [_mean(_right(logits, domain.label), counts) for logits, counts in said]
        return sum(losses) / len(losses), sum(right) / len(right)

    def _weight(self, name: str) -> float:
        term = self.map_term if name == IMAGE else self.region_term
        assert term is not None
        return term.weight

    def _of_maps(self, domain: _Domain, factor: Array) -> list[tuple[Array, Array]]:
        """Logits `[B, h, w]` and where they count, for each map."""
        return [
            (discriminator(scaled_gradient(ops.cast(one, "float32"), factor)), inside)
            for discriminator, one, inside in zip(
                self.of_maps, domain.maps, domain.inside, strict=True
            )
        ]

    def _of_regions(self, domain: _Domain, factor: Array) -> Array:
        """Logits `[B, P]`."""
        assert self.of_regions is not None
        features = scaled_gradient(ops.cast(domain.regions, "float32"), factor)
        return ops.reshape(self.of_regions(features), ops.shape(domain.valid))

    def _disagreement(self, domain: _Domain, factor: Array) -> Array:
        """How far what is said of regions is from what is said of their image, on average.

        Its gradient is not reversed. Source: Chen et al. 2018, equation 8.
        """
        said = self._of_maps(domain, factor)
        of_levels = [_mean_of_images(ops.sigmoid(logits), counts) for logits, counts in said]
        whole = ops.mean(ops.stack(of_levels), axis=0)
        regions = ops.sigmoid(self._of_regions(domain, factor))
        apart = ops.abs(ops.expand_dims(whole, 1) - regions)
        return _mean(apart, domain.valid)

    # --- what people are told ---------------------------------------------------------------------

    def report(self) -> ExtraReport:
        """Accuracies, proxy A-distances and λ; a warning where adaptation does not work."""
        counted = float(np.asarray(self.counted))
        factor = float(self.lambda_now)
        numbers, warnings = {"Domain/lambda": factor}, dict[str, str]()
        if counted:
            grown = 0 < factor >= _GROWN * self.reversal.final_lambda
            right, said = np.asarray(self.right) / counted, np.asarray(self.said) / counted
            for row, name in enumerate(self.terms):
                source, target = right[row].tolist()
                accuracy = (source + target) / 2
                numbers[f"Domain/{name}_accuracy"] = accuracy
                numbers[f"Domain/{name}_a_distance"] = 2 * (1 - 2 * (1 - accuracy))
                sure = float(said[row]) >= _SURE
                warnings |= _warnings(name, source, target, grown=grown, sure=sure)
        for variable in (self.right, self.said, self.counted):
            variable.assign(np.zeros(variable.shape, np.float32))
        return ExtraReport(numbers, warnings)


def _warnings(
    name: str, source: float, target: float, *, grown: bool, sure: bool
) -> dict[str, str]:
    """What goes wrong with the discriminator `name`, and what to do about it.

    Args:
        source, target: the share of places of each domain that it tells right.
        grown: whether enough of its gradient is reversed to hide something from it.
        sure: whether it says what it says with high probabilities.
    """
    field, who = f"{name}_level", f"the {name}-level discriminator"
    accuracy = (source + target) / 2
    if grown and accuracy >= _WON:
        return {
            f"{who} has won": f"it tells the domains apart in {accuracy:.0%} of all places, so the "
            f"features still differ. Raise {field}.weight or final_lambda, let more of the network "
            "train, or train longer."
        }
    for said, own, other in (("source", source, target), ("target", target, source)):
        if sure and own >= _SAME and other <= 1 - _SAME:
            return {
                f"{who} has collapsed": f"it calls nearly everything {said}, so what it tells the "
                f"network means nothing. Lower {field}.weight or learning_rate_factor, or set "
                "gradient_clipping_by_norm."
            }
    return {}


def inside_pictures(map_: Array, sizes: Array | None, size: tuple[int, int]) -> Array:
    """`[B, h, w]` float32: 1 where the centre of a place of `map_` lies in the picture.

    Padding would give away the domain where pictures of both differ in shape.

    Args:
        sizes: `[B, 2]`, height and width of each picture in the input; None where they fill it.
        size: height and width of the input, pixels.
    """
    batch, height, width = ops.shape(map_)[0], map_.shape[1], map_.shape[2]
    if sizes is None:
        return ops.ones((batch, height, width), "float32")
    extent: Any = ops.cast(sizes, "float32")
    rows = (np.arange(height, dtype=np.float32) + 0.5) * size[0] / height
    columns = (np.arange(width, dtype=np.float32) + 0.5) * size[1] / width
    rows = ops.cast(ops.less(rows[None], extent[:, :1]), "float32")
    columns = ops.cast(ops.less(columns[None], extent[:, 1:]), "float32")
    return rows[:, :, None] * columns[:, None, :]


def _cross_entropy(logits: Array, label: float) -> Array:
    return ops.softplus(logits) - label * logits


def _right(logits: Array, label: float) -> Array:
    """1 where the logit says `label`; a half where it says nothing."""
    sign = 1.0 if label == TARGET else -1.0
    return (ops.sign(ops.stop_gradient(logits)) * sign + 1.0) / 2.0


def _mean_of_images(values: Array, counts: Array) -> Array:
    """`[B]`: the mean of `values [B, …]` over the places that count; 0 where none does."""
    axes = tuple(range(1, len(values.shape)))
    return ops.sum(values * counts, axes) / ops.maximum(ops.sum(counts, axes), 1.0)


def _mean(values: Array, counts: Array) -> Array:
    """The mean over images of the mean over the places that count."""
    return ops.mean(_mean_of_images(values, counts))
