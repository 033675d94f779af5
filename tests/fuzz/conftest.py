"""Every kind of input is tried and counted alike; on request the figures become a page.

`--fuzz-seed N` tries other inputs of the same kinds. What is found must be named with its seed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from answers import Answers
from figures import KINDS, Figures

Begin = Callable[[str], AbstractContextManager[Answers]]


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("fuzz")
    group.addoption("--fuzz-seed", type=int, default=0, help="other inputs of the same kinds")
    group.addoption("--fuzz-figures", type=Path, metavar="FILE", help="writes the page of figures")


def pytest_configure(config: pytest.Config) -> None:
    file = config.getoption("--fuzz-figures")
    if file is not None and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Figures(file, config.getoption("--fuzz-seed")))


@pytest.fixture(scope="session")
def seed(pytestconfig: pytest.Config) -> int:
    """What all inputs are made from."""
    return pytestconfig.getoption("--fuzz-seed")


@pytest.fixture
def answers(record_property: Callable[[str, object], None]) -> Begin:
    """`with answers(kind) as those:` tries inputs of a kind and fails if one of them failed."""

    @contextmanager
    def begin(kind: str) -> Iterator[Answers]:
        assert kind in KINDS
        found = Answers(kind)
        yield found
        record_property("fuzz", found.figures())
        found.check()

    return begin
