"""What this machine has for a training: memory, processor cores, a GPU.

Nothing here imports an array library, which would take seconds and part of the memory.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple


class Machine(NamedTuple):
    """Where a training would run."""

    memory_gb: float | None
    """Of the GPU, or free main memory; None if the system does not say."""
    cores: int
    gpu: str = ""
    """Its name; empty if training runs on the processor."""

    def describe(self) -> str:
        """One phrase for people."""
        if self.memory_gb is None:
            return f"{self.cores} processor cores"
        if self.gpu:
            return f"{self.gpu} with {self.memory_gb:.1f} GB"
        return f"{self.cores} processor cores with {self.memory_gb:.1f} GB free"


def this_machine() -> Machine:
    """The first GPU of NVIDIA if there is one, otherwise processor and main memory."""
    cores = os.cpu_count() or 1
    if os.environ.get("CUDA_VISIBLE_DEVICES") not in ("", "-1"):
        for name, memory in _gpus():
            return Machine(memory, cores, name)
    return Machine(free_memory_gb(), cores)


def free_memory_gb(table: Path = Path("/proc/meminfo")) -> float | None:
    """Memory that a new process can have; None where the system does not say it simply."""
    try:
        lines = table.read_text("ascii").splitlines()
    except OSError:
        return None  # not Linux
    for line in lines:
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) / 2**20
    return None


def _gpus() -> list[tuple[str, float]]:
    """Name and memory in GB of each."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return []
    command = [tool, "--query-gpu=name,memory.total", "--format=csv,noheader,nounits"]
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return []  # a tool without a driver
    return parse_gpus(said.stdout)


def parse_gpus(table: str) -> list[tuple[str, float]]:
    """Name and memory in GB from lines such as `NVIDIA T4, 15360`."""
    rows = (line.rpartition(",") for line in table.splitlines())
    return [
        (name.strip(), int(memory) / 1024) for name, _, memory in rows if memory.strip().isdigit()
    ]
