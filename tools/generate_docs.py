"""Write the pages of `docs/reference` that are made from the code.

python tools/generate_docs.py          write them
python tools/generate_docs.py --check  exit 1 if one is stale
"""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import sys
from collections.abc import Iterator
from pathlib import Path

from detectune.config import protos
from detectune.config.choices import CHOICES
from detectune.config.field_status import Status, field_status

ROOT = Path(__file__).resolve().parent.parent

HEADER = """# Fields of pipeline.config

<!-- Written by tools/generate_docs.py from src/detectune/config/field_status.py. -->

What detectune does with every field of the original's schema, and with its own fields (numbers from
1001).

- **honoured**: the field does what it says.
- **ignored**: accepted for old configs, without effect; `detectune config check` and
  `detectune train` print the reason.
- **refused**: a config that sets it to something else than its default is an error.

The fields themselves are explained in the `.proto` files of `src/detectune/config/protos`.

{counts}
"""


def generated_pages() -> dict[Path, str]:
    """The path and the text of every generated page."""
    return {ROOT / "docs" / "reference" / "config-fields.md": config_fields_page()}


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
    pieces.append("## Messages that are refused\n\n| message | why | next step |\n|---|---|---|\n")
    pieces += [refused_row(m, rows[0][1]) for m, rows in fields if (m, rows) not in live]
    return "\n".join(pieces).replace("|\n\n|", "|\n|").rstrip() + "\n"


def section(message, rows: list[tuple]) -> str:
    """The fields of one message as a table."""
    lines = [f"### {name_of(message)}\n", "| field | status | |", "|---|---|---|"]
    lines += [
        f"| `{field.name}` | {status.kind} | {remark(field, status)} |" for field, status in rows
    ]
    return "\n".join(lines) + "\n"


def remark(field, status: Status) -> str:
    """Reason, next step and the supported values of a field."""
    choice = CHOICES.get(f"{name_of(field.containing_type)}.{field.name}")
    values = ", ".join(f"`{value}`" for value in choice.values if value != "") if choice else ""
    parts = [status.reason, status.next_step, f"Supported: {values}." if values else ""]
    if field.number >= 1001:
        parts.append("A field of detectune's own.")
    return " ".join(part for part in parts if part).replace("|", "\\|")


def refused_row(message, status: Status) -> str:
    return f"| {name_of(message)} | {status.reason} | {status.next_step} |"


def name_of(message) -> str:
    return message.full_name.removeprefix(f"{message.file.package}.")


def all_messages() -> Iterator:
    """Every message of the schema, by file, without the entries of maps."""
    for module in sorted(found.name for found in pkgutil.iter_modules(protos.__path__)):
        file = importlib.import_module(f"{protos.__name__}.{module}").DESCRIPTOR
        for message in file.message_types_by_name.values():
            yield from with_nested(message)


def with_nested(message) -> Iterator:
    if not message.GetOptions().map_entry:
        yield message
        for nested in message.nested_types:
            yield from with_nested(nested)


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
    sys.exit(1 if only_check and stale else 0)


if __name__ == "__main__":
    main()
