"""`detectune export`: a trained detector for deployment."""

from __future__ import annotations

import click

from detectune.cli.options import PATH


@click.command()
@click.argument("run", type=PATH)
@click.option("--to", default="saved_model", show_default=True, metavar="FORMAT")
@click.option(
    "-o", "--output", type=PATH, required=True, metavar="DEST", help="A new folder, or a new file."
)
@click.option(
    "--checkpoint", type=PATH, metavar="best|last|PATH", help="Which weights; the best if left out."
)
@click.option("--precision", metavar="NAME", help="One of the format's; its usual if left out.")
@click.option(
    "--image", "images", type=PATH, multiple=True, metavar="FILE", help="Compare on this image."
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
    kind = "images of the data set" if done.real and not images else "images"
    kind = kind if done.real else "random images, because no data were at hand"
    click.echo(
        f"written: {done.path} ({to})\n"
        f"same answers as the model on {done.images} {kind}: boxes within "
        f"{done.box_difference:.1g} of the image, scores within {done.score_difference:.1g}"
    )
