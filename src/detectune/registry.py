"""Registries: a name in a config → a function in a file.

A registry imports the modules of its package and the entry points of its group the first time a
name is looked up, so adding a part means adding a file, and `detectune --help` imports nothing.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from importlib.metadata import entry_points
from typing import Generic, TypeVar

from detectune.errors import ConfigError, did_you_mean, three_part

Part = TypeVar("Part")


class Registry(Generic[Part]):
    """Names of one kind of part, each with the function or class that builds it."""

    def __init__(self, kind: str, package: str) -> None:
        self.kind, self.package = kind, package
        self._parts: dict[str, Part] = {}
        self._scanned = False

    def register(self, name: str) -> Callable[[Part], Part]:
        """A decorator that files the function or class below it under `name`."""

        def add(part: Part) -> Part:
            known = self._parts.setdefault(name, part)
            if known is not part:
                raise ValueError(f"two {self.kind}s are called {name!r}: {known} and {part}")
            return part

        return add

    def __getitem__(self, name: str) -> Part:
        self.scan()
        if name not in self._parts:
            raise ConfigError(
                three_part(
                    f'no {self.kind} is called "{name}".',
                    f"Known: {', '.join(sorted(self._parts))}.",
                    f"{did_you_mean(name, self._parts)}Choose one of these names.",
                )
            )
        return self._parts[name]

    def __contains__(self, name: str) -> bool:
        self.scan()
        return name in self._parts

    def __iter__(self) -> Iterator[str]:
        self.scan()
        return iter(sorted(self._parts))

    def scan(self) -> None:
        """Import everything that registers here, once; looking a name up does it, too."""
        if self._scanned:
            return
        self._scanned = True
        package = importlib.import_module(self.package)
        for module in pkgutil.iter_modules(package.__path__):
            importlib.import_module(f"{self.package}.{module.name}")
        for entry in entry_points(group=self.package):
            entry.load()


backbones: Registry = Registry("backbone", "detectune.backbones")
detectors: Registry = Registry("detector", "detectune.detectors")
architectures: Registry = Registry("architecture", "detectune.config.architectures")
recipes: Registry = Registry("recipe", "detectune.recipes")
exporters: Registry = Registry("export format", "detectune.exporters")
