"""`detectune predict`: boxes in images, as pictures and as JSON."""

from __future__ import annotations

import click

from detectune.cli.options import PATH


@click.command()
@click.argument("model", type=PATH, metavar="RUN_OR_ARTIFACT")
@click.argument("images", type=PATH, nargs=-1, required=True, metavar="IMAGE_OR_DIR...")
@click.option("--out", type=PATH, default="predictions", show_default=True, metavar="DIR")
@click.option("--json", "json_file", type=PATH, metavar="FILE", help="Write COCO results.")
@click.option("--threshold", default=0.5, show_default=True, type=click.FloatRange(0.0, 1.0))
@click.option(
    "--checkpoint", type=PATH, metavar="best|last|PATH", help="Which weights; the best if left out."
)
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

    load_tensorflow()
    from detectune.inference.batch import predict_files

    summary = predict_files(
        model, list(images), out, json_file=json_file, threshold=threshold, checkpoint=checkpoint
    )
    click.echo(summary.text())
    if summary.unreadable:
        raise SystemExit(1)
