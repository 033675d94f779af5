"""`detectune advise`: what to do with a data set on this machine."""

from __future__ import annotations

import click

from detectune.cli.arguments import PATH


@click.command()
@click.argument("source", type=PATH)
@click.option(
    "--target-ms",
    type=click.FloatRange(min=0, min_open=True, max=1e6),
    metavar="N",
    help="Milliseconds that detecting in an image may take.",
)
@click.option(
    "--minutes",
    type=click.FloatRange(min=0, min_open=True, max=1e6),
    metavar="N",
    help="That training may take; by default 30 without an accelerator.",
)
@click.option("--json", "json_file", type=PATH, metavar="FILE", help="The same as -o.")
@click.option("-o", "--output", type=PATH, metavar="ADVICE.json", help="For `config new`.")
def advise(
    source: str,
    target_ms: float | None,
    minutes: float | None,
    json_file: str | None,
    output: str | None,
) -> None:
    """Method, model, anchors and training for SOURCE on this machine, each with its reason.

    Looks at images, annotations and class names, and tries out how fast this machine is, for half a
    second. Nothing is trained or downloaded. The last lines are the commands that come next.
    """
    import math

    from detectune.advice.advice_file import write_advice
    from detectune.advice.advise import advise as find_advice
    from detectune.cli.advice_output import print_advice
    from detectune.cli.data_output import track_images
    from detectune.files import ensure_writable

    for option, value in (("--target-ms", target_ms), ("--minutes", minutes)):
        if value is not None and not math.isfinite(value):
            raise click.BadParameter(f"{value} is no number of them.", param_hint=f"'{option}'")
    files = list(dict.fromkeys(path for path in (output, json_file) if path))
    for path in files:
        ensure_writable(path)
    found = find_advice(
        source,
        target_ms=target_ms,
        minutes=minutes,
        advice_file=files[0] if files else "",
        track=track_images,
    )
    for path in files:
        write_advice(found, path)
    print_advice(found, files)
