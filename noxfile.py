"""Tasks: `nox` runs the quick ones, `nox -s NAME` one of them, `nox -l` lists them."""

from __future__ import annotations

import re
import time
import zipfile
from pathlib import Path

import nox

nox.options.default_venv_backend = "uv|virtualenv"
nox.options.sessions = ["lint", "types", "tests", "docs"]

PROJECT = nox.project.load_toml("pyproject.toml")
PYTHONS = ["3.11", "3.12", "3.13"]
# PyTorch without CUDA; its own index has such builds only.
TORCH = ("torch==2.13.0", "--extra-index-url", "https://download.pytorch.org/whl/cpu")
TEMPLATES = "detectune/recipes/templates/*.config"
SUITES = ("unit", "conformance", "parity", "endtoend")
BACKENDS = {"tensorflow": (), "jax": ("jax",), "torch": TORCH}


def group(name: str) -> list[str]:
    """The packages of a dependency group."""
    return nox.project.dependency_groups(PROJECT, name)


@nox.session
def lint(session: nox.Session) -> None:
    """Style, spelling, direction of imports."""
    session.install("-e", ".", *group("lint"))
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run(
        "codespell", "src", "tests", "tools", "benchmarks", "docs", "README.md", "CONTRIBUTING.md"
    )
    session.run("lint-imports", "--no-logo")


@nox.session
def types(session: nox.Session) -> None:
    """pyright."""
    session.install("-e", ".", *group("lint"))
    session.run("pyright", "src")


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """All tests that need neither minutes nor a network."""
    session.install("-e", ".[test]")
    session.run("python", "-m", "pytest", *session.posargs)


@nox.session
@nox.parametrize("backend", list(BACKENDS))
def layers(session: nox.Session, backend: str) -> None:
    """The model layers and a training on one Keras backend, compared with TensorFlow."""
    session.install("-e", ".[test]", *BACKENDS[backend])
    tests = ("tests/unit/test_backends.py", "tests/endtoend/test_training_on_backends.py")
    session.run("python", "-m", "pytest", *tests, "-k", backend, "-m", "slow or not slow")


@nox.session
def parity(session: nox.Session) -> None:
    """Numbers recorded from the original."""
    session.install("-e", ".[test]")
    session.run("python", "-m", "pytest", "-m", "parity and not slow", *session.posargs)


@nox.session
def slow(session: nox.Session) -> None:
    """All slow suites, one after the other, with the time of each: hours. `-- parity` runs one."""
    session.install("-e", ".[test]")
    said, failed = [], []
    for suite in session.posargs or SUITES:
        start = time.monotonic()
        try:
            session.run("python", "-m", "pytest", f"tests/{suite}", "-m", "slow", "--durations=20")
        except nox.command.CommandFailed:
            failed.append(suite)
        said.append(f"tests/{suite}: {(time.monotonic() - start) / 60:.1f} minutes")
    session.log("\n".join(said))
    if failed:
        session.error(f"failed: {', '.join(failed)}")


@nox.session(venv_backend="none")
def tests_on_debian(session: nox.Session) -> None:
    """All tests on Debian 13 (trixie) with its Python 3.13, in a folder: needs root, debootstrap.

    `-- FOLDER` names the folder, which is kept and used again.
    """
    folder = Path(session.posargs[0] if session.posargs else "build/trixie").resolve()
    if not (folder / "usr/bin/python3").exists():
        packages = "python3,python3-venv,ca-certificates"
        command = ("debootstrap", "--variant=minbase", f"--include={packages}", "trixie")
        session.run(*command, str(folder), external=True)
    session.run("rm", "-rf", str(folder / "detectune"), external=True)
    session.run("git", "clone", "--quiet", ".", str(folder / "detectune"), external=True)
    (folder / "etc/resolv.conf").write_text(Path("/etc/resolv.conf").read_text())
    readme = Path("README.md").read_text("utf-8")
    line = next(row for row in readme.splitlines() if re.match(r"python3 -m venv .*pytest", row))
    inside = f"cd /detectune && python3 --version && {line}"
    # What is mounted is so for this process only.
    outside = (
        'mount -t proc proc "$0/proc"; mount --rbind /dev "$0/dev"; chroot "$0" bash -euc "$1"'
    )
    command = ("unshare", "--mount", "bash", "-euc", outside, str(folder), inside)
    session.run(*command, external=True)


@nox.session
def docs(session: nox.Session) -> None:
    """The documentation; a warning is an error, and so is a stale generated page."""
    session.install("-e", ".", *group("docs"))
    session.run("python", "tools/generate_docs.py", "--check")
    session.env["NO_MKDOCS_2_WARNING"] = "1"
    session.run("mkdocs", "build", "--strict", "--site-dir", "build/site")


@nox.session
def build(session: nox.Session) -> None:
    """The wheel, and a look at what is inside."""
    session.install("build")
    target = Path(session.create_tmp())
    session.run("python", "-m", "build", "--wheel", "--outdir", str(target))
    (wheel,) = target.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    needed = (
        "detectune/py.typed",
        "detectune/demo/pipeline.config",
        "detectune/demo/checkpoint/label_map.pbtxt",
        "detectune/demo/checkpoint/checkpoint/ckpt-0.index",
        "detectune/demo/checkpoint/checkpoint/ckpt-0.data-00000-of-00001",
        "detectune/config/protos/pipeline.proto",
        *(str(file.relative_to("src")) for file in Path("src").glob(TEMPLATES)),
    )
    missing = [name for name in needed if name not in names]
    surplus = [name for name in names if "test" in name.split("/")[0]]
    if missing or surplus:
        session.error(f"{wheel.name}: missing {missing}, should not be there {surplus}")
