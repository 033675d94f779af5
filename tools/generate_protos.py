"""Write the `_pb2.py` modules and `.pyi` stubs of our `.proto` files.

Those are in `config/protos`, and in the example of the guide to extending. Written with them is
`config/schema.py`, which has all messages of `config/protos` in one namespace.

    python tools/generate_protos.py          write them
    python tools/generate_protos.py --check  exit 1 if a checked-in file is stale

Nobody who installs detectune runs this: the modules are checked in. They are written here rather
than by protoc because protoc's own modules refuse to load under a protobuf runtime of another
major version; these hold the same serialised descriptors and load under all of them.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from google.protobuf import descriptor_pb2

ROOT = Path(__file__).resolve().parent.parent
SOURCE_ROOT = ROOT / "src"
# Where imports begin → the folders of `.proto` files below it.
FOLDERS = {
    SOURCE_ROOT: "detectune/config/protos",
    ROOT / "docs" / "snippets" / "detectune_toys": "detectune_toys",
}
SCHEMA = SOURCE_ROOT / "detectune" / "config" / "schema.py"

MODULE = '''"""Messages of `{proto}`. Written by tools/generate_protos.py: do not edit."""

# fmt: off
from google.protobuf import descriptor_pool as _descriptor_pool
from google.protobuf.internal import builder as _builder
{imports}
DESCRIPTOR = _descriptor_pool.Default().AddSerializedFile(
{data}
)
_builder.BuildMessageAndEnumDescriptors(DESCRIPTOR, globals())
_builder.BuildTopDescriptorsAndMessages(DESCRIPTOR, "{module}", globals())
'''

NAMESPACE = '''"""All messages of a pipeline.config in one namespace, such as `schema.Ssd`.

Written by tools/generate_protos.py: do not edit.
"""

{imports}
__all__ = [
{names}
]
'''


def generated_files() -> dict[Path, str]:
    """The path and the text of every module and stub, and of `config/schema.py`."""
    texts: dict[Path, str] = {}
    for root, folder in FOLDERS.items():
        texts |= _generated_below(root, sorted((root / folder).glob("*.proto")))
    return texts


def _generated_below(root: Path, protos: list[Path]) -> dict[Path, str]:
    with tempfile.TemporaryDirectory() as folder:
        descriptors = Path(folder) / "all.binpb"
        subprocess.run(
            [
                sys.executable,
                "-m",
                "grpc_tools.protoc",
                f"--proto_path={root}",
                f"--proto_path={SOURCE_ROOT}",
                f"--descriptor_set_out={descriptors}",
                f"--pyi_out={folder}",
                *(str(path) for path in protos),
            ],
            check=True,
        )
        files = descriptor_pb2.FileDescriptorSet.FromString(descriptors.read_bytes()).file
        texts: dict[Path, str] = {}
        for file in files:
            module = file.name.removesuffix(".proto").replace("/", ".") + "_pb2"
            target = root / (module.replace(".", "/") + ".py")
            texts[target] = MODULE.format(
                proto=Path(file.name).name,
                imports="".join(_import_line(name) for name in file.dependency),
                data=_bytes_literal(file.SerializeToString(deterministic=True)),
                module=module,
            )
            stub = Path(folder) / (module.replace(".", "/") + ".pyi")
            texts[target.with_suffix(".pyi")] = _without_extensions(stub.read_text())
    if root == SOURCE_ROOT:
        texts[SCHEMA] = _namespace(files)
    return texts


def _namespace(files: Iterable[descriptor_pb2.FileDescriptorProto]) -> str:
    """The text of `config/schema.py`: the messages and enums of `files`, by module."""
    imports, names = [], []
    modules = {f"{file.name.removesuffix('.proto').replace('/', '.')}_pb2": file for file in files}
    for module, file in sorted(modules.items()):
        declared = [part.name for part in (*file.message_type, *file.enum_type)]
        lines = "".join(f"    {name},\n" for name in sorted(declared, key=str.lower))
        imports.append(f"from {module} import (\n{lines})\n")
        names += declared
    listed = "\n".join(f'    "{name}",' for name in sorted(names))
    return NAMESPACE.format(imports="".join(imports), names=listed)


def _without_extensions(stub: str) -> str:
    """A stub without the class that protobuf's own stubs no longer declare."""
    lines = [line for line in stub.splitlines(keepends=True) if "_ExtensionDict" not in line]
    return "".join(line for line in lines if "import python_message as" not in line)


def _import_line(proto: str) -> str:
    package, _, name = proto.removesuffix(".proto").replace("/", ".").rpartition(".")
    return f"from {package} import {name}_pb2 as _{name}  # noqa: F401\n"


def _bytes_literal(data: bytes, width: int = 60) -> str:
    pieces = [data[start : start + width] for start in range(0, len(data), width)]
    return "\n".join(f"    {piece!r}" for piece in pieces)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="only say which files are stale")
    only_check = parser.parse_args().check
    stale = [
        (path, text)
        for path, text in generated_files().items()
        if not path.exists() or path.read_text() != text
    ]
    for path, text in stale:
        print(f"{'stale' if only_check else 'written'}: {path.relative_to(ROOT)}")
        if not only_check:
            path.write_text(text)
    sys.exit(1 if only_check and stale else 0)


if __name__ == "__main__":
    main()
