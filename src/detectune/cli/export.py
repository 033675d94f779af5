"""`detectune export`: a trained detector for deployment."""

from __future__ import annotations

import click

from detectune.cli.arguments import CHECKPOINT, PATH, refuse_missing_run
from detectune.terminal import say
from detectune.wording import plural


@click.command()
@click.argument("run", type=PATH)
@click.option("--to", default="saved_model", show_default=True, metavar="FORMAT")
@click.option(
    "-o", "--output", required=True, type=PATH, metavar="DEST", help="A new folder, or a new file."
)
@CHECKPOINT
@click.option("--precision", metavar="NAME", help="One of the format's; its usual if left out.")
@click.option(
    "--image", "images", multiple=True, type=PATH, metavar="FILE", help="Compare on this image."
)
def export(
    run: str,
    to: str,
    output: str,
    checkpoint: str | None,
    precision: str | None,
    images: tuple[str, ...],
) -> None:
    """Write the detector of RUN to DEST, and compare it with RUN before saying that it is done."""
    from detectune.cli.quiet import load_tensorflow

    refuse_missing_run(run)
    load_tensorflow()
    from detectune.exporters.export import export as run_export

    done = run_export(
        run,
        to=to,
        path=output,
        checkpoint=checkpoint,
        images=list(images) or None,
        precision=precision,
    )
    shown = plural(done.images, "image" if done.real else "random image")
    origin = "" if done.real else ", because no data were at hand"
    origin = " of the data set" if done.real and not images else origin
    say(
        f"written: {done.path} ({to})\n"
        f"same answers as the model on {shown}{origin}: boxes within "
        f"{done.box_difference:.1g} of the image, scores within {done.score_difference:.1g}"
    )
