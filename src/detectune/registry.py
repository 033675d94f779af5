"""Registries: a name in a config, or a class, → what a file registers for it.

A registry imports the modules of its package and the entry points of its group the first time a
part is looked up, so adding a part means adding a file, and `detectune --help` imports nothing.

A module that needs a library which is not installed, and an entry point that fails for whatever
reason, are remembered: the other parts go on working, and asking for a name that is not there says
what could not be imported. Any other failure of a module of ours is a defect, and raised.
"""

from __future__ import annotations

import importlib
import logging
import pkgutil
from collections.abc import Callable, Iterator
from importlib.metadata import entry_points
from typing import Any, Generic, TypeVar

from detectune.errors import ConfigError, did_you_mean, three_part

Part = TypeVar("Part")
Registered = TypeVar("Registered")
"""What a decorator returns as it was: a part, or a class that stands for its instance."""

_log = logging.getLogger("detectune")


class TakenNameError(ValueError):
    """Two parts of a kind are registered under one name, or for one class."""


class Modules:
    """The modules that register parts, imported once.

    Args:
        package: the package that is scanned, and the group of entry points.
    """

    def __init__(self, package: str) -> None:
        self.package = package
        self.failures: dict[str, Exception] = {}
        """Name of a module, or of an entry point, → why it could not be imported."""
        self._imported = False

    def import_all(self) -> None:
        """Import all that is there, the first time."""
        if self._imported:
            return
        self._imported = True  # first: a module may look a part up while it is imported
        try:
            self._import_own()
        except Exception:
            self._imported = False
            raise
        for entry in entry_points(group=self.package):
            try:
                entry.load()
            except Exception as error:  # another package's: any defect of it is kept apart
                self.failures[entry.name] = error
                if isinstance(error, TakenNameError):  # nobody would ask why it is not there
                    _log.warning("%s is left out: %s.", entry.value, error)

    @property
    def lost(self) -> str:
        """One sentence on what could not be imported, and why; empty if nothing was lost."""
        names = ", ".join(f"{name} ({_reason(why)})" for name, why in sorted(self.failures.items()))
        return f"Could not be imported: {names}." if names else ""

    def _import_own(self) -> None:
        root = self.package.partition(".")[0]
        package = importlib.import_module(self.package)
        for module in pkgutil.iter_modules(package.__path__):
            try:
                importlib.import_module(f"{self.package}.{module.name}")
            except ModuleNotFoundError as error:
                if (error.name or root).partition(".")[0] == root:
                    raise
                self.failures[module.name] = error


class Registry(Generic[Part]):
    """Names of one kind of part, each with what is registered for it.

    Args:
        kind: what a part is called in messages.
        package: where parts are: see the module's docstring.
        as_instances: a class that is registered stands for an instance, made without arguments.
    """

    def __init__(self, kind: str, package: str, *, as_instances: bool = False) -> None:
        self.kind, self.package, self._as_instances = kind, package, as_instances
        self._parts: dict[str, Part] = {}
        self._modules = Modules(package)

    def register(self, name: str) -> Callable[[Registered], Registered]:
        """A decorator that files the part below it under `name`, and returns it."""

        def add(part: Registered) -> Registered:
            filed: Any = part() if self._as_instances and isinstance(part, type) else part
            known = self._parts.setdefault(name, filed)
            if known is not filed:
                raise TakenNameError(f"two {self.kind}s are called {name!r}: {known} and {filed}")
            return part

        return add

    def __getitem__(self, name: str) -> Part:
        self.scan()
        if name not in self._parts:
            raise self._unknown(name)
        return self._parts[name]

    def __contains__(self, name: str) -> bool:
        self.scan()
        return name in self._parts

    def __iter__(self) -> Iterator[str]:
        self.scan()
        return iter(sorted(self._parts))

    def scan(self) -> None:
        """Import everything that registers here, once; looking a name up does it, too."""
        self._modules.import_all()

    def _unknown(self, name: str) -> ConfigError:
        known = f"Known: {', '.join(sorted(self._parts))}."
        failures = self._modules.failures
        if name in failures:
            return ConfigError(
                three_part(
                    f'the {self.kind} "{name}" could not be imported: {_reason(failures[name])}.',
                    known,
                    "Install what is missing, correct or remove the package it comes from, or "
                    "choose another name.",
                )
            )
        return ConfigError(
            three_part(
                f'no {self.kind} is called "{name}".',
                f"{known} {self._modules.lost}".rstrip(),
                f"{did_you_mean(name, self._parts)}Choose one of these names.",
            )
        )


class ClassRegistry(Generic[Part]):
    """Classes, each with what is registered for it and for the classes derived from it.

    Args:
        kind: what a part is called in messages.
        package: where parts are: see the module's docstring.
    """

    def __init__(self, kind: str, package: str) -> None:
        self.kind, self.package = kind, package
        self._parts: dict[type, Part] = {}
        self._modules, self._imported = Modules(package), False

    def register(self, owner: type) -> Callable[[Part], Part]:
        """A decorator that files the part below it under the class `owner`, and returns it."""

        def add(part: Part) -> Part:
            known = self._parts.setdefault(owner, part)
            if known is not part:
                raise TakenNameError(f"two {self.kind}s are those of {owner.__name__}")
            return part

        return add

    def __getitem__(self, owner: type) -> Part:
        """What is registered for `owner`, or for the nearest of the classes it derives from.

        Raises:
            ConfigError: nothing is registered for any of them.
        """
        self._import_all()
        for each in owner.__mro__:
            if each in self._parts:
                return self._parts[each]
        raise ConfigError(
            three_part(
                f"{owner.__name__}: it has no {self.kind}.",
                f"Known: {', '.join(sorted(each.__name__ for each in self._parts))}, and what "
                "derives from these.",
                f"Register one, in a module of {self.package} or an entry point of that group.",
            )
        )

    def _import_all(self) -> None:
        if self._imported:
            return
        self._modules.import_all()
        self._imported = True
        for name, error in self._modules.failures.items():
            # What it would have registered is not known, and a more general part takes its place.
            _log.warning("the %s %s could not be imported: %s", self.kind, name, _reason(error))


def _reason(error: Exception) -> str:
    text = str(error).splitlines()
    return f"{type(error).__name__}: {text[0]}" if text else type(error).__name__


messages = Modules("detectune.config.protos")
"""What adds messages to those of a config; nothing is registered, importing them is enough."""
backbones: Registry[Any] = Registry("backbone", "detectune.backbones")
detectors: Registry[Any] = Registry("detector", "detectune.detectors")
architectures: Registry[Any] = Registry("architecture", "detectune.config.architectures")
recipes: Registry[Any] = Registry("recipe", "detectune.recipes")
exporters: Registry[Any] = Registry("export format", "detectune.exporters", as_instances=True)
name_maps: ClassRegistry[Any] = ClassRegistry("name map", "detectune.checkpoints.name_maps")
stages: Registry[Any] = Registry("training stage", "detectune.training.stages")
