"""`detectune train`: fine-tune a detector."""

from __future__ import annotations

import click

from detectune.cli.arguments import PATH
from detectune.cli.freeze_option import FREEZE, freeze_too


@click.command()
@click.argument("file", metavar="PIPELINE_CONFIG", type=PATH)
@click.option(
    "--model-dir", required=True, type=PATH, metavar="DIR", help="The run directory to make."
)
@click.option("--set", "overrides", multiple=True, metavar="PATH=VALUE", help="Change a field.")
@FREEZE
@click.option(
    "--cache-features",
    is_flag=True,
    help="Compute the frozen beginning of the network once for each image.",
)
@click.option("--resume", is_flag=True, help="Go on with the run in --model-dir.")
@click.option(
    "--keep-checkpoints",
    type=click.IntRange(min=1),
    metavar="N",
    help="Keep the newest N, to evaluate older ones; 1 if left out.",
)
def train(
    file: str,
    model_dir: str,
    overrides: tuple[str, ...],
    frozen: tuple[str, ...],
    cache_features: bool,
    resume: bool,
    keep_checkpoints: int | None,
) -> None:
    """Fine-tune as PIPELINE_CONFIG says, evaluating on the way, and keep the best weights."""
    from detectune.cli.quiet import load_tensorflow
    from detectune.config.load import load_config
    from detectune.training.console import RunConsole
    from detectune.training.prepare import prepare, with_feature_cache

    console = RunConsole()
    config = load_config(file, overrides)
    freeze_too(config, frozen)
    if cache_features:
        config = with_feature_cache(config)
    if resume:
        load_tensorflow()  # what is known of the run is read with it
    prepared = prepare(
        config, model_dir, resume=resume, keep_checkpoints=keep_checkpoints, console=console
    )
    console.phase("loading TensorFlow")
    load_tensorflow()
    from detectune.training.run_stages import run_stages

    run_stages(prepared)
