"""Two exports to one place: the first stays, and the second says so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from three_parts import three_parts

from detectune.errors import WriteError
from detectune.exporters.destination import new_target


def export(target: Path, content: Callable[[], str], *, folder: bool) -> None:
    with new_target(target) as work:
        if folder:
            work.mkdir()
        (work / "model" if folder else work).write_text(content())


@pytest.mark.parametrize("folder", [True, False])
def test_the_faster_of_two_exports_stays(tmp_path, folder):
    target = tmp_path / "exported"

    def meanwhile() -> str:
        export(target, lambda: "first", folder=folder)
        return "second"

    with pytest.raises(WriteError) as caught:
        export(target, meanwhile, folder=folder)
    found, _, next_step = three_parts(caught.value)
    assert found == f"{target}: could not be written: something was put there meanwhile."
    assert next_step == "Choose another path."
    assert (target / "model" if folder else target).read_text() == "first"
    assert [path.name for path in tmp_path.iterdir()] == ["exported"]


def test_an_empty_folder_is_filled(tmp_path):
    (tmp_path / "exported").mkdir()
    export(tmp_path / "exported", lambda: "x", folder=True)
    assert (tmp_path / "exported" / "model").read_text() == "x"
