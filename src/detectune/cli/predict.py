"""`detectune predict`: boxes in images, as pictures and as JSON."""

from __future__ import annotations

import click

from detectune.cli.arguments import CHECKPOINT, PATH, refuse_missing_run


@click.command()
@click.argument("model", type=PATH, metavar="RUN_OR_ARTIFACT")
@click.argument("images", nargs=-1, required=True, type=PATH, metavar="IMAGE_OR_DIR...")
@click.option("--out", default="predictions", type=PATH, show_default=True, metavar="DIR")
@click.option("--json", "json_file", type=PATH, metavar="FILE", help="Write COCO results.")
@click.option("--threshold", default=0.5, show_default=True, type=click.FloatRange(0.0, 1.0))
@CHECKPOINT
def predict(
    model: str,
    images: tuple[str, ...],
    out: str,
    json_file: str | None,
    threshold: float,
    checkpoint: str | None,
) -> None:
    """Detect objects in images and write pictures with their boxes to --out.

    RUN_OR_ARTIFACT is a run directory, an unpacked zoo archive, or an export.
    """
    from detectune.cli.quiet import load_tensorflow
    from detectune.inference.image_paths import named_images

    # What can be said at once is said before TensorFlow is loaded, which takes seconds.
    refuse_missing_run(model)
    named_images(images, out)
    load_tensorflow()
    from detectune.inference.batch import predict_files
    from detectune.terminal import say

    summary = predict_files(
        model, list(images), out, json_file=json_file, threshold=threshold, checkpoint=checkpoint
    )
    say(summary.text())
    if summary.defect:
        raise summary.defect
    if not summary.complete:
        raise SystemExit(1)
