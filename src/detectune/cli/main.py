"""The `detectune` command: a list of commands, each in a file of its own, imported when used."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence

import click

from detectune.cli.ending import run_and_exit

# Command → (module, attribute, the line in `detectune --help`). Nothing is imported to print help.
COMMANDS = {
    "demo": ("detectune.cli.demo", "demo", "Fine-tune a small detector on drawn scenes, offline."),
    "doctor": ("detectune.cli.doctor", "doctor", "Versions, backend, devices, what is missing."),
    "zoo": ("detectune.cli.zoo", "zoo", "List, show and download pre-trained detectors."),
    "init": ("detectune.cli.init", "init", "Make the folders of a new project."),
    "data": ("detectune.cli.data", "data", "Inspect and convert data sets."),
    "advise": ("detectune.cli.advise", "advise", "What to do with your data on this machine."),
    "config": ("detectune.cli.config", "config", "Make, check and show a pipeline.config."),
    "model": ("detectune.cli.model", "model", "Stages, layers and costs of a detector."),
    "train": ("detectune.cli.train", "train", "Fine-tune a detector from a pipeline.config."),
    "study": ("detectune.cli.study", "study", "Accuracy against the number of images."),
    "evaluate": ("detectune.cli.evaluate", "evaluate", "COCO metrics of a run or checkpoint."),
    "predict": ("detectune.cli.predict", "predict", "Detect objects in images and draw them."),
    "features": ("detectune.cli.features", "features", "Images as vectors, and a classifier."),
    "export": ("detectune.cli.export", "export", "Write a trained detector for deployment."),
}


class LazyGroup(click.Group):
    """A group whose commands are imported only when they run."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, attribute, _ = COMMANDS[cmd_name]
        return getattr(importlib.import_module(module), attribute)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = [(name, summary) for name, (_, _, summary) in COMMANDS.items()]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def resolve_command(self, ctx: click.Context, args: list[str]):
        from detectune.errors import did_you_mean

        if args and args[0] not in COMMANDS:
            ctx.fail(
                f'there is no command "{args[0]}".\nKnown: {", ".join(COMMANDS)}.\n'
                f"{did_you_mean(args[0], COMMANDS)}`detectune --help` says what each does."
            )
        return super().resolve_command(ctx, args)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--debug", is_flag=True, help="Show tracebacks, and what native libraries log.")
@click.version_option(package_name="detectune", message="detectune %(version)s")
def cli(debug: bool) -> None:
    """Fine-tune pre-trained object detectors: configs, data and checkpoints of the
    TensorFlow Object Detection API, on Keras 3."""


def main(args: list[str] | None = None) -> None:
    """Run the command line and leave with its exit status: 0 done, 1 failed, 2 wrong input.

    130 where the keyboard stopped it, 141 where nobody reads its output any more. What every
    ending says is in `cli.ending`.
    """
    words = sys.argv[1:] if args is None else list(args)
    debug = "--debug" in words  # accepted anywhere on the line
    if debug:
        words = ["--debug", *(word for word in words if word != "--debug")]
    _prepare_backend()
    run_and_exit(_run, words, debug=debug)


def _run(words: Sequence[str]) -> int:
    """Run a command; its exit status."""
    if _completes_words():
        return 1
    try:
        # Not `cli.main`, which makes a broken pipe, or the end of a file, look like something else.
        with cli.make_context("detectune", list(words)) as context:
            cli.invoke(context)
    except click.exceptions.Exit as done:  # --help, --version
        return done.exit_code
    return 0


def _completes_words() -> bool:
    """Whether a shell asks for completions, which are then printed."""
    instruction = os.environ.get("_DETECTUNE_COMPLETE")
    if not instruction:
        return False
    from click.shell_completion import shell_complete

    sys.exit(shell_complete(cli, {}, "detectune", "_DETECTUNE_COMPLETE", instruction))


def _prepare_backend() -> None:
    """Choose Keras's backend and quiet TensorFlow's C++ log before anything imports them."""
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")


if __name__ == "__main__":
    main()
