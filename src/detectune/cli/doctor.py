"""`detectune doctor`: is everything there that detectune needs?"""

from __future__ import annotations

import importlib
import os
import platform
import shutil
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import click

from detectune.terminal import say

NEEDED = {
    "keras": "keras",
    "tensorflow": "tensorflow",
    "protobuf": "google.protobuf",
    "numpy": "numpy",
    "pillow": "PIL",
    "faster-coco-eval": "faster_coco_eval",
    "rich": "rich",
    "click": "click",
    "scikit-learn": "sklearn",
    "tensorboard": "tensorboard",
}
"""Distribution → the module that it provides."""

OPTIONAL = {
    "supervision": "`to_supervision()` of detections",
    "jax": "the JAX backend",
    "torch": "the PyTorch backend",
}

_LOW_DISK_GB = 2.0
_LOW_MEMORY_GB = 2.0


@click.command()
def doctor() -> None:
    """Versions, backend, devices, and what is missing and how to get it."""
    from detectune.cli.quiet import drop_native_log

    drop_native_log()
    sys.exit(0 if _examine() else 1)


def _examine() -> bool:
    """Prints everything; whether nothing needed is broken."""
    say(f"python             {platform.python_version()} on {platform.platform()}")
    say(f"detectune          {_version('detectune') or 'not installed as a package'}")
    broken = [line for name in NEEDED for line in _needed(name)]
    for name, purpose in OPTIONAL.items():
        found = _version(name)
        say(f"{name:<18} {found or f'not installed ({purpose}): pip install {name}'}")
    broken += _backend() if not broken else []
    for line in [*_resources(), *_variables()]:
        say(line)
    for line in broken:
        say(f"broken: {line}", err=True)
    say("Something needed is broken." if broken else "Everything needed is there.")
    return not broken


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _needed(name: str) -> list[str]:
    """Prints the version of `name`; what is broken about it."""
    found = _version(name)
    try:
        importlib.import_module(NEEDED[name])
    except Exception as error:  # whatever a broken installation raises is the finding
        say(f"{name:<18} {found or 'missing'}: cannot be imported")
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        return [f"{name} cannot be imported ({reason}). Try: pip install --force-reinstall {name}"]
    say(f"{name:<18} {found or 'present'}")
    return []


def _backend() -> list[str]:
    """Prints the backend and its devices; what is broken about it."""
    import keras

    backend = keras.config.backend()
    say(f"{'backend':<18} {backend} (KERAS_BACKEND chooses)")
    try:
        devices = keras.distribution.list_devices()
    except Exception as error:  # a driver that fails may raise anything
        return [f"the devices of {backend} cannot be listed: {error}. Check the driver."]
    say(f"{'devices':<18} {', '.join(devices) or 'none found'}")
    if not any("gpu" in device.lower() or "tpu" in device.lower() for device in devices):
        say(f"{'':<18} no accelerator; training runs on {os.cpu_count()} CPU threads")
    return []


def _resources() -> list[str]:
    free = shutil.disk_usage(Path.cwd()).free / 2**30
    low = "  (low: a training with a zoo model needs about 2 GB)" if free < _LOW_DISK_GB else ""
    lines = [f"{'disk':<18} {free:.1f} GB free in {Path.cwd()}{low}"]
    from detectune.recipes.machine import free_memory_gb

    memory = free_memory_gb()
    if memory is not None:
        low = "  (low: close other programs)" if memory < _LOW_MEMORY_GB else ""
        lines.append(f"{'memory':<18} {memory:.1f} GB available{low}")
    return lines


def _variables() -> list[str]:
    names = ("KERAS_BACKEND", "CUDA_VISIBLE_DEVICES", "DETECTUNE_ZOO_MIRROR", "HTTPS_PROXY")
    return [
        f"{name:<18} {'set' if 'PROXY' in name else os.environ[name]}"
        for name in names
        if os.environ.get(name)
    ]
