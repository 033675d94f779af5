"""Trained detectors for deployment: `detectune.export(run, to="saved_model", path="exported")`.

The public function and this package have one name. Python makes `detectune.export` the package as
soon as a module below it is imported, so the package can be called, too.
"""

from __future__ import annotations

import sys
import types
from typing import Any


class _CallablePackage(types.ModuleType):
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """See `detectune.export.run.export`."""
        from detectune.export.run import export

        return export(*args, **kwargs)


sys.modules[__name__].__class__ = _CallablePackage
