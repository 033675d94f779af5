"""`detectune features`: images as vectors of a pre-trained network, and a classifier on them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import click

from detectune.cli.arguments import BATCH, PATH, SEED

_NETWORK = "A name such as MobileNetV2, a .keras file, a run or archive, or a SavedModel's folder."
_WEIGHTS = "imagenet, a file or checkpoint of the network, or none for random ones."


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def features() -> None:
    """Images as vectors of a pre-trained network, and a simple classifier on them.

    For very few images, or none with boxes: no network is trained. SOURCE is what `detectune data`
    reads, or a folder with a folder of images for each class.
    """


@features.command()
@click.argument("source", type=PATH)
@click.option("--network", required=True, type=PATH, metavar="NAME|PATH|RUN|DIR", help=_NETWORK)
@click.option(
    "--pooling",
    type=click.Choice(["avg", "max"]),
    default="avg",
    show_default=True,
    help="Mean or highest value of each channel of the last feature map.",
)
@click.option(
    "--crops",
    type=click.Choice(["boxes", "image"]),
    help="A vector of each box, or of each image; boxes where the data have them.",
)
@click.option(
    "--margin",
    type=click.FloatRange(0.0, 10.0),
    default=0.0,
    show_default=True,
    help="Widen boxes on every side by this fraction of their sides.",
)
@click.option(
    "--resize",
    type=click.Choice(["nearest", "bilinear"]),
    default="nearest",
    show_default=True,
    help="nearest is what load_img of Keras does.",
)
@click.option("--size", metavar="N|HxW", help="Pixels that crops are brought to; the network's.")
@click.option("--weights", type=PATH, metavar="imagenet|FILE|none", help=_WEIGHTS)
@click.option(
    "--value-range",
    metavar="BLACK,WHITE",
    help="What a SavedModel takes; 0,1 as on TensorFlow Hub.",
)
@click.option("--batch-size", type=BATCH, default=32, show_default=True, metavar="N")
@click.option("-o", "--out", required=True, type=PATH, metavar="FILE", help="FEATURES.npz to make.")
def extract(
    source: str,
    network: str,
    pooling: Any,
    crops: Any,
    margin: float,
    resize: Any,
    size: str | None,
    weights: str | None,
    value_range: str | None,
    batch_size: int,
    out: str,
) -> None:
    """Write vectors of the boxes or images of SOURCE to a file.

    Images that cannot be read are named and left out; the exit status is 1 then.
    """
    from detectune.cli.data_output import print_left_out
    from detectune.cli.feature_output import (
        check_features_file,
        parse_range,
        parse_size,
        print_features,
    )
    from detectune.cli.quiet import load_tensorflow
    from detectune.data.sources.recognise import open_source
    from detectune.terminal import tracked

    check_features_file(out)
    side, ends = parse_size(size), parse_range(value_range)
    opened = open_source(source, columns=())
    load_tensorflow()
    from detectune.features.extract import extract_features
    from detectune.features.open_network import open_network

    opened_network = open_network(
        network, pooling=pooling, weights=weights, size=side, value_range=ends
    )
    found = extract_features(
        opened,
        opened_network,
        crops=crops,
        margin=margin,
        resize=resize,
        batch_size=batch_size,
        track=lambda indices: tracked(indices, "computing vectors"),
    )
    found.save(out)
    print_features(found, out, opened_network.notes)
    print_left_out(list(found.left_out))


@features.command()
@click.argument("file", type=PATH, metavar="FEATURES.npz")
@click.option(
    "--classifier",
    default="svm",
    show_default=True,
    metavar="svm|linear-svm|logistic|mlp|knn",
    help="Which kind.",
)
@click.option(
    "--folds",
    type=click.IntRange(2, 1000),
    default=5,
    show_default=True,
    help="Parts for cross-validation; fewer where a class is small.",
)
@click.option("--seed", type=SEED, default=0, show_default=True)
@click.option("--drop", multiple=True, metavar="CLASS", help="Leave a class out.")
@click.option("-o", "--out", required=True, type=PATH, metavar="DIR", help="A folder to make.")
def fit(file: str, classifier: str, folds: int, seed: int, drop: tuple[str, ...], out: str) -> None:
    """Fit a classifier on FEATURES.npz, its settings chosen by cross-validation."""
    from detectune.cli.feature_output import print_fit
    from detectune.features.classifier_kinds import need_extra
    from detectune.features.feature_file import read_features
    from detectune.features.fit import fit_classifier
    from detectune.features.stored_classifier import check_target, save_classifier

    need_extra()
    check_target(out)
    found = fit_classifier(
        read_features(file), classifier, folds=folds, seed=seed, drop=drop, track=_fitting
    )
    save_classifier(found, out)
    print_fit(found, out)


@features.command()
@click.argument("folder", type=PATH, metavar="DIR")
@click.argument("file", type=PATH, metavar="FEATURES.npz")
@click.option("--json", "json_file", type=PATH, metavar="FILE", help="Write the numbers as JSON.")
@click.option(
    "--report", type=PATH, metavar="FILE", help="Write a page (.html) or the matrix (.svg)."
)
def evaluate(folder: str, file: str, json_file: str | None, report: str | None) -> None:
    """How often the classifier in DIR is right on FEATURES.npz, beside one constant answer."""
    from detectune.cli.feature_output import print_evaluation
    from detectune.features.evaluate import evaluate_features
    from detectune.features.feature_file import read_features
    from detectune.features.report import check_report, write_report
    from detectune.features.stored_classifier import load_classifier
    from detectune.files import ensure_writable, write_text

    if json_file:
        ensure_writable(json_file)
    if report:
        check_report(report)
    classifier = load_classifier(folder)
    found = evaluate_features(classifier, read_features(file), file)
    # Files first: whatever happens to the terminal, the results are kept.
    if json_file:
        write_text(json_file, found.to_json())
    if report:
        write_report(report, classifier, found)
    print_evaluation(found, [path for path in (json_file, report) if path])


@features.command()
@click.argument("folder", type=PATH, metavar="DIR")
@click.argument("images", nargs=-1, required=True, type=PATH, metavar="IMAGE_OR_DIR...")
@click.option("--network", type=PATH, metavar="NAME|PATH|RUN|DIR", help="Where it is now.")
@click.option("--weights", type=PATH, metavar="imagenet|FILE|none", help="Where they are now.")
@click.option("--threshold", type=float, help="Images of a lower score have no class.")
@click.option("--batch-size", type=BATCH, default=32, show_default=True, metavar="N")
@click.option("--json", "json_file", type=PATH, metavar="FILE", help="Write all scores as JSON.")
def predict(
    folder: str,
    images: tuple[str, ...],
    network: str | None,
    weights: str | None,
    threshold: float | None,
    batch_size: int,
    json_file: str | None,
) -> None:
    """The class of every image, each taken whole, by the classifier in DIR.

    The number beside it is a probability, or, for the two support vector machines, a distance from
    a border, which is no probability. Images that cannot be read are named, and the exit status
    is 1 then.
    """
    from detectune.cli.feature_output import print_predictions
    from detectune.cli.quiet import load_tensorflow
    from detectune.features.stored_classifier import load_classifier
    from detectune.files import ensure_writable, write_text
    from detectune.terminal import tracked

    if json_file:
        ensure_writable(json_file)
    classifier = load_classifier(folder)
    load_tensorflow()
    from detectune.features.predict import predict_images

    found = predict_images(
        classifier,
        images,
        network=network,
        weights=weights,
        threshold=threshold,
        batch_size=batch_size,
        track=lambda paths: tracked(paths, "predicting"),
    )
    if json_file:
        write_text(json_file, found.to_json())
    print_predictions(found, json_file)
    if found.unreadable:
        raise SystemExit(1)


def _fitting(settings: Sequence[Any]) -> Iterable[Any]:
    from detectune.terminal import tracked

    return tracked(settings, "fitting")
