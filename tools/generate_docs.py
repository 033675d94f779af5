"""Write the pages of `docs/reference` that are made from the code.

python tools/generate_docs.py          write them
python tools/generate_docs.py --check  exit 1 if one is stale
"""

from __future__ import annotations

import argparse
import functools
import importlib
import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from cli_page import cli_page

import detectune
from detectune.config import protos
from detectune.config.application_names import APPLICATIONS
from detectune.config.architectures.ssd import SSD_EXTRACTORS
from detectune.config.choices import choice_of
from detectune.config.descriptors import is_repeated, message_name, with_nested
from detectune.config.field_status import Status, field_status
from detectune.config.ranges import range_of
from detectune.detectors.builders.feature_extractor import feature_extractor_types
from detectune.detectors.builders.region_features import (
    region_feature_types,
    tf1_region_feature_types,
)
from detectune.registry import backbones

ROOT = Path(__file__).resolve().parent.parent
MODULE = ROOT / "src/detectune/config/feature_extractors.py"

HEADER = """# Fields of pipeline.config

<!-- Written by tools/generate_docs.py from src/detectune/config/field_status/. -->

What detectune does with every field of the original's schema, and with its own fields (numbers from
1001).

- **honoured**: the field does what it says.
- **ignored**: accepted for old configs, without effect; `detectune config check` and
  `detectune train` print the reason.
- **refused**: a config that sets it to something else than its default is an error.

Numbers outside of what is allowed are errors of `detectune config check`, `detectune train` and of
whatever builds a detector, and so are NaN and infinite ones. The upper ends are far above anything
that real configs say: they stop slips of the pen before they take all memory.

{counts}
"""


def generated_pages() -> dict[Path, str]:
    """The path and the text of every generated page."""
    reference = ROOT / "docs" / "reference"
    return {
        reference / "config-fields.md": config_fields_page(),
        reference / "cli.md": cli_page(),
        reference / "python.md": python_page(),
        reference / "parts.md": parts_page(),
        reference / "feature-extractors.md": feature_extractors_page(),
        MODULE: feature_extractors_module(),
    }


EXTRACTORS_HEADER = """# Feature extractors

<!-- Written by tools/generate_docs.py from the registry of backbones. -->

What may stand in `feature_extractor { type: "..." }` of an SSD. A backbone of your own, registered
in the entry-point group `detectune.backbones` as `NAME`, is called `ssd_NAME_keras`,
`ssd_NAME_fpn_keras` or `ssd_NAME_bifpn_keras`.

| backbone | with SSD's extra layers | with a feature pyramid | with a BiFPN | in TensorFlow 1 |
|---|---|---|---|---|
"""


def feature_extractors_page() -> str:
    """A row for every backbone."""
    by_backbone: dict[str, dict[str, str]] = {}
    for name, (backbone, neck) in feature_extractor_types().items():
        by_backbone.setdefault(backbone, {})[neck] = name
    old: dict[str, list[str]] = {}
    for name, new in SSD_EXTRACTORS.tf1.items():
        old.setdefault(feature_extractor_types()[new][0], []).append(name)
    rows = []
    for backbone, necks in by_backbone.items():
        cells = [necks.get(neck, "") for neck in ("extras", "fpn", "bifpn")]
        names = [f"`{cell}`" if cell else "–" for cell in cells]
        before = ", ".join(f"`{name}`" for name in old.get(backbone, [])) or "–"
        rows.append(f"| {backbone} | {' | '.join(names)} | {before} |")
    return EXTRACTORS_HEADER + "\n".join(rows) + "\n" + region_feature_extractors()


REGIONS_HEADER = """
## Faster R-CNN, Mask R-CNN and R-FCN

What may stand in `feature_extractor { type: "..." }` of `faster_rcnn`. The box predictor and
`number_of_stages` decide which of the three it is. Pyramids on other backbones than ResNet are
detectune's own. A backbone of another package is called `faster_rcnn_NAME_fpn_keras`.

| backbone | without a pyramid | with a feature pyramid | in TensorFlow 1 |
|---|---|---|---|
"""


def region_feature_extractors() -> str:
    """A row for every backbone of two-stage detectors."""
    by_backbone: dict[str, dict[bool, str]] = {}
    for name, (backbone, pyramid) in region_feature_types().items():
        by_backbone.setdefault(backbone, {})[pyramid] = name
    old = {backbone: name for name, backbone in tf1_region_feature_types().items()}
    rows = []
    for backbone in sorted(by_backbone | old):
        names = by_backbone.get(backbone, {})
        cells = [names.get(False), names.get(True), old.get(backbone)]
        shown = " | ".join(f"`{cell}`" if cell else "–" for cell in cells)
        rows.append(f"| {backbone} | {shown} |")
    return REGIONS_HEADER + "\n".join(rows) + "\n"


def feature_extractors_module() -> str:
    """The names as a module, because `config` may not import the backbones."""
    kinds = (feature_extractor_types(), region_feature_types())
    ssd, regions, keras_ssd, keras_regions = (
        "".join(
            f'    "{name}",\n'
            for name, (backbone, _) in types.items()
            if (backbone in APPLICATIONS.values()) == of_keras
        )
        for of_keras in (False, True)
        for types in kinds
    )
    return (
        '"""Feature extractors that detectune builds: of SSD, and of two-stage detectors.\n\n'
        'Written by tools/generate_docs.py from the registry of backbones.\n"""\n\n'
        f"FEATURE_EXTRACTORS = (\n{ssd})\n\n"
        f"REGION_FEATURE_EXTRACTORS = (\n{regions})\n\n"
        "# With networks of keras.applications that are no families of their own here.\n"
        f"APPLICATION_EXTRACTORS = (\n{keras_ssd})\n\n"
        f"APPLICATION_REGION_EXTRACTORS = (\n{keras_regions})\n\n"
        "# Those on a network that keras.applications has too, to the last layer.\n"
        f"IMAGENET_EXTRACTORS = (\n{_imagenet_extractors()})\n"
    )


def _imagenet_extractors() -> str:
    """The types for which `fine_tune_checkpoint: "imagenet"` is offered."""
    types = {**feature_extractor_types(), **region_feature_types()}
    forms = {
        name: backbones[backbone].keras
        for name, (backbone, _) in types.items()
        if not backbones[backbone].own_settings
    }
    return "".join(
        f'    "{name}",\n' for name, form in forms.items() if form is not None and not form.differs
    )


PYTHON_HEADER = """# Python

<!-- Written by tools/generate_docs.py from detectune.__all__. -->

The names below are the whole public interface: functions first, then what they return, what goes
through a detector, and what is raised. They are imported when they are first used, so
`import detectune` takes no time. Whatever else can be imported may change with any version, but for
what [packages with parts of their own](../guides/extending.md) are told to use.
"""


def python_page() -> str:
    """A heading and the docstring of every public name; mkdocstrings fills in the latter."""
    pieces = [PYTHON_HEADER]
    for name, home in detectune._HOMES.items():
        pieces.append(f"## {name}\n\n::: {home}.{name}\n    options:\n      heading_level: 3\n")
    return "\n".join(pieces)


# What packages with parts of their own derive from, make or are given.
PARTS = (
    "detectune.config.architectures.base.Architecture",
    "detectune.config.needs.Needs",
    "detectune.config.problems.Problem",
    "detectune.detectors.base.Detector",
    "detectune.backbones.base.BackboneFamily",
    "detectune.data.augment.example.Example",
    "detectune.data.sources.formats.SourceFormat",
    "detectune.data.sources.base.Source",
    "detectune.data.sources.record.Record",
    "detectune.data.columns.base.Column",
    "detectune.training.stages.base.Stage",
    "detectune.training.context.TrainingContext",
    "detectune.exporters.base.Exporter",
    "detectune.exporters.base.ExportedModel",
    "detectune.exporters.serving.ServingFunction",
    "detectune.checkpoints.name_maps.base.NameMap",
    "detectune.recipes.base.Recipe",
)
PARTS_HEADER = """# Parts of your own

<!-- Written by tools/generate_docs.py from its list PARTS. -->

What a package with parts of its own derives from, makes or is given;
[the guide](../guides/extending.md) has one of each.
"""


def parts_page() -> str:
    """A heading and the docstring of everything in `PARTS`."""
    pieces = [PARTS_HEADER]
    for path in PARTS:
        name = path.rpartition(".")[2]
        pieces.append(f"## {name}\n\n::: {path}\n    options:\n      heading_level: 3\n")
    return "\n".join(pieces)


def config_fields_page() -> str:
    """The field table as Markdown: one section per message, supported messages first."""
    messages = list(all_messages())
    fields = [(m, [(f, field_status(f)) for f in m.fields]) for m in messages if m.fields]
    counts = {
        kind: sum(status.kind == kind for _, rows in fields for _, status in rows)
        for kind in ("honoured", "ignored", "refused")
    }
    total = sum(counts.values())
    line = f"Of {total} fields {counts['honoured']} are honoured, {counts['ignored']} ignored and "
    pieces = [HEADER.format(counts=f"{line}{counts['refused']} refused.")]
    live = [row for row in fields if any(s.kind != "refused" for _, s in row[1])]
    pieces.append("## Messages that are used\n")
    pieces += [section(message, rows) for message, rows in live]
    dead = [row for row in fields if row not in live]
    pieces += ["## Messages that are refused\n", refused_table(dead)]
    return "\n".join(pieces).rstrip() + "\n"


def section(message, rows: list[tuple]) -> str:
    """The fields of one message as a table."""
    meanings = comments(message.file.name)
    name = message_name(message)
    lines = [f"### {name}\n", f"{meanings[name]}\n"]
    lines += ["| field | meaning | default | status |", "|---|---|---|---|"]
    for field, status in rows:
        meaning = meanings[f"{name}.{field.name}"].replace("|", "\\|")
        cells = [f"`{field.name}`", meaning, default_of(field), remark(field, status)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def default_of(field) -> str:
    """The default as it would be written in a config; empty for messages and lists."""
    if is_repeated(field) or field.message_type is not None or not field.has_default_value:
        return ""
    if field.enum_type is not None:
        return f"`{field.enum_type.values_by_number[field.default_value].name}`"
    if isinstance(field.default_value, bool):
        return f"`{str(field.default_value).lower()}`"
    if isinstance(field.default_value, float):
        return f"`{field.default_value:.6g}`"
    return f"`{field.default_value}`" if field.default_value != "" else ""


def remark(field, status: Status) -> str:
    """Status, reason, next step and the supported values of a field."""
    choice = choice_of(f"{message_name(field.containing_type)}.{field.name}")
    values = ", ".join(f"`{value}`" for value in choice.values if value != "") if choice else ""
    parts = [f"{status.kind}." if status.reason or values else status.kind]
    parts += [status.reason, status.next_step, f"Supported: {values}." if values else ""]
    numbers = range_of(field) if status.kind == "honoured" and not values else None
    if numbers is not None:
        parts[0] = "honoured."
        parts.append(f"Allowed: {numbers.text}. {numbers.why}".rstrip())
    if field.number >= 1001:
        parts.append("(detectune's own)")
    return " ".join(part for part in parts if part).replace("|", "\\|")


def refused_table(fields: list[tuple]) -> str:
    """The messages that are refused as a whole, by reason."""
    groups: dict[tuple[str, str], list[str]] = {}
    for message, rows in fields:
        status = rows[0][1]
        groups.setdefault((status.reason, status.next_step), []).append(
            f"`{message_name(message)}`"
        )
    lines = ["| messages | why | next step |", "|---|---|---|"]
    lines += [f"| {', '.join(names)} | {why} | {step} |" for (why, step), names in groups.items()]
    return "\n".join(lines) + "\n"


@functools.cache
def comments(proto: str) -> dict[str, str]:
    """`Message` and `Message.field` → the comment above it in the .proto file."""
    found: dict[str, str] = {}
    stack: list[str] = []
    waiting: list[str] = []
    for line in (ROOT / "src" / proto).read_text("utf-8").splitlines():
        text = line.strip()
        opening = re.match(r"(message|enum|oneof) (\w+) \{", text)
        field = re.match(r".*?(\w+) = \d+", text)
        if text.startswith("//"):
            waiting.append(text[2:].strip())
            continue
        if opening:
            stack.append("" if opening[1] == "oneof" else opening[2])
        elif text == "}":
            stack.pop()
        if opening or field:
            name = ".".join(part for part in stack if part)
            key = f"{name}.{field[1]}" if field and not opening else name
            if waiting:
                found[key] = " ".join(waiting)
        waiting = []
    return found


def all_messages() -> Iterator:
    """Every message of the schema, by file, without the entries of maps."""
    for module in sorted(found.name for found in pkgutil.iter_modules(protos.__path__)):
        file = importlib.import_module(f"{protos.__name__}.{module}").DESCRIPTOR
        for message in file.message_types_by_name.values():
            yield from with_nested(message)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="only say which pages are stale")
    only_check = parser.parse_args().check
    stale = [
        (path, text)
        for path, text in generated_pages().items()
        if not path.exists() or path.read_text("utf-8") != text
    ]
    for path, text in stale:
        print(f"{'stale' if only_check else 'written'}: {path.relative_to(ROOT)}")
        if not only_check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
    if not only_check and MODULE in dict(stale):
        # The other pages were made from the names as they were imported: once more.
        sys.exit(subprocess.call([sys.executable, __file__]))
    sys.exit(1 if only_check and stale else 0)


if __name__ == "__main__":
    main()
