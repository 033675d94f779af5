"""`detectune train`: fine-tune a detector."""

from __future__ import annotations

import click

from detectune.cli.options import PATH


@click.command()
@click.argument("file", type=PATH, metavar="PIPELINE_CONFIG")
@click.option(
    "--model-dir", type=PATH, required=True, metavar="DIR", help="The run directory to make."
)
@click.option("--set", "overrides", multiple=True, metavar="PATH=VALUE", help="Change a field.")
@click.option("--resume", is_flag=True, help="Go on with the run in --model-dir.")
def train(file: str, model_dir: str, overrides: tuple[str, ...], resume: bool) -> None:
    """Fine-tune as PIPELINE_CONFIG says, evaluating on the way, and keep the best weights."""
    from detectune.cli.quiet import load_tensorflow
    from detectune.config.load import load_config
    from detectune.training.console import RunConsole
    from detectune.training.prepare import prepare

    console = RunConsole()
    config = load_config(file, overrides)
    if resume:
        load_tensorflow()  # what is known of the run is read with it
    prepared = prepare(config, model_dir, resume=resume, console=console)
    console.phase("loading TensorFlow")
    load_tensorflow()
    from detectune.training.run_stages import run_stages

    run_stages(prepared)
