import json
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from google.protobuf import descriptor_pool
from shared import shared_folder

from detectune.config import protos, schema
from detectune.config.descriptors import is_repeated

ROOT = Path(__file__).resolve().parents[3]
FOLDER = Path(protos.__file__).parent
OWN = {"source": 1001, "early_stopping_evaluations": 1001, "evaluate_every_steps": 1002}
OWN |= {"seed": 1003, "checkpoint_every_steps": 1004, "batch_norm_recalibration": 1001}
OWN |= {"recalibration_batches": 1002, "gradient_accumulation_steps": 1005, "stage": 1006}
OWN |= {"freeze": 1007, "unfreeze_at_step": 1008, "learning_rate_factors": 1009}
OWN |= {"feature_cache": 1010, "domain_adaptation": 1011, "image_list_path": 1002}


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.proto")), ids=lambda path: path.stem)
def test_every_message_field_and_value_is_explained(path):
    lines = path.read_text("utf-8").splitlines()
    declares = re.compile(r"\s*(message|enum)\s|.*=\s*-?\d+\s*(\[.*\])?;")
    found = [i for i, line in enumerate(lines) if declares.match(line) and "syntax" not in line]
    assert found
    assert [lines[i] for i in found if not lines[i - 1].strip().startswith("//")] == []


def recorded_fields():
    """(message, name, number, type, label, default) of the original's schema."""
    files = json.loads((shared_folder() / "schema" / "pipeline_schema.json").read_text())

    def inside(messages, prefix):
        for name, message in messages.items():
            full = f"{prefix}{name}"
            for field in message.get("fields", []):
                yield full, field
            yield from inside(message.get("messages", {}), f"{full}.")
            yield from inside(message.get("nested", {}), f"{full}.")

    for file in files.values():
        yield from inside(file["messages"], "")


def test_every_field_of_the_original_is_there_with_its_number_and_default():
    pool = descriptor_pool.Default()
    count = 0
    for message, recorded in recorded_fields():
        descriptor = pool.FindMessageTypeByName(f"detectune.protos.{message}")
        field = descriptor.fields_by_name[recorded["name"]]
        assert field.number == recorded["number"], (message, recorded)
        assert is_repeated(field) == (recorded["label"] == "repeated"), (message, recorded)
        if "default" in recorded and field.message_type is None:
            ours = field.default_value
            if field.enum_type is not None:
                ours = field.enum_type.values_by_number[ours].name
            assert ours == recorded["default"], (message, recorded)
        count += 1
    assert count >= 814


def test_our_own_fields_have_numbers_from_1001():
    found = {
        field.name: field.number
        for message in (schema.InputReader, schema.TrainConfig, schema.EvalConfig)
        for field in message.DESCRIPTOR.fields
        if field.number >= 1000
    }
    assert found == OWN


def test_every_message_and_enum_is_in_the_schema():
    modules = [import_module(f"{protos.__name__}.{path.stem}") for path in FOLDER.glob("*_pb2.py")]
    declared = {
        name: getattr(module, name)
        for module in modules
        for names in (module.DESCRIPTOR.message_types_by_name, module.DESCRIPTOR.enum_types_by_name)
        for name in names
    }
    assert declared == {name: getattr(schema, name) for name in schema.__all__}


def test_the_generated_modules_are_not_stale():
    pytest.importorskip("grpc_tools")
    command = [sys.executable, str(ROOT / "tools" / "generate_protos.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_generated_modules_do_not_ask_for_a_runtime_version():
    for module in FOLDER.glob("*_pb2.py"):
        assert "runtime_version" not in module.read_text()


def test_the_field_reference_is_not_stale():
    command = [sys.executable, str(ROOT / "tools" / "generate_docs.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
