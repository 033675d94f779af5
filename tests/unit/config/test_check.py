from collections import Counter

import pytest
from config_samples import good_config, write_good_config
from shared import shared_folder

from detectune.config.check import check_config, check_message
from detectune.config.problems import Problem, has_errors, summary


def problems_of(folder, change):
    """Problems of the good config after `change`, as (line, column, severity, field)."""
    path = write_good_config(folder, change)
    return {p.field: p for p in check_config(path)}


def replaced(old, new):
    def change(text):
        assert text.count(old) >= 1
        return text.replace(old, new, 1)

    return change


@pytest.fixture(autouse=True)
def in_its_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_a_good_config_has_no_problems(tmp_path):
    assert check_config(write_good_config(tmp_path)) == []


def test_all_unknown_names_are_reported_each_at_its_place(tmp_path):
    path = tmp_path / "pipeline.config"
    path.write_text(
        "model {\n  ssd {\n    num_clases: 3\n    feature_extractor {\n"
        "      conv_hyperparams { activation: RELU6 }\n    }\n  }\n}\ntrain_confg { }\n"
    )
    found = [(p.line, p.column, p.field) for p in check_config(path) if p.severity == "error"]
    assert found == [
        (3, 5, "model.ssd.num_clases"),
        (5, 38, "model.ssd.feature_extractor.conv_hyperparams.activation"),
        (9, 1, "train_confg"),
    ]


def test_refused_and_ignored_fields_are_reported_beside_unknown_ones(tmp_path):
    new = "batch_size: 8 oops: 1 use_multiclass_scores: true sync_replicas: true"
    found = problems_of(tmp_path, replaced("batch_size: 8", new))
    assert {field: problem.severity for field, problem in found.items()} == {
        "train_config.oops": "error",
        "train_config.use_multiclass_scores": "error",
        "train_config.sync_replicas": "note",
    }


def test_an_augmentation_of_a_package_that_is_not_installed_names_it(tmp_path):
    path = tmp_path / "pipeline.config"
    path.write_text("train_config { data_augmentation_options { [blinking.random_blink] { } } }")
    (found,) = (p for p in check_config(path) if "blink" in p.field)
    assert (found.severity, found.line, found.column) == ("error", 1, 44)
    assert found.found.endswith("adds [blinking.random_blink] to PreprocessingStep.")
    assert found.next_step.startswith("Install the package blinking that brings it")


def test_a_path_with_backslashes_is_explained(tmp_path):
    old = 'label_map_path: "label_map.pbtxt"'
    found = problems_of(tmp_path, replaced(old, 'label_map_path: "data\\new\\tools.pbtxt"'))
    problem = found["train_input_reader.label_map_path"]
    assert problem.found == r'the path of the label map is "data\new\tools.pbtxt".'
    assert problem.next_step == "Write the path with /, also on Windows."


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ('"train.record"', '"C:\\Users\\me"', "an escape that cannot be read. A backslash"),
        ("iou_threshold: 0.6", "iou_threshold: 00.6", "Invalid octal float: 00.6."),
    ],
)
def test_what_only_protobuf_finds_has_its_place_too(tmp_path, old, new, text):
    path = write_good_config(tmp_path, replaced(old, new))
    (problem,) = check_config(path)
    assert text in problem.text
    assert new.split(":")[0].strip('"') in path.read_text().splitlines()[problem.line - 1]


def test_a_syntax_error_has_its_place(tmp_path):
    path = tmp_path / "pipeline.config"
    path.write_text("model {\n  ssd {\n")
    (problem,) = check_config(path)
    assert problem.shown("f").startswith("f:3:1: error: found the end of the file. Expected here:")


@pytest.mark.parametrize(
    ("old", "new", "field", "severity", "text"),
    [
        (
            "num_classes: 2",
            "num_classes: 1",
            "model.ssd.num_classes",
            "error",
            "num_classes is 1, label_map.pbtxt has 2 classes up to id 2 (pliers). "
            "num_classes is the highest id of the label map. Write num_classes: 2.",
        ),
        ("num_classes: 2", "num_classes: 90", "model.ssd.num_classes", "warning", "is 90"),
        ("num_classes: 2", "", "model.ssd.num_classes", "error", "no number of classes"),
        (
            '"ssd_mobilenet_v2_fpn_keras"',
            '"ssd_mobilenet_v2_fpn_kers"',
            "model.ssd.feature_extractor.type",
            "error",
            'Did you mean "ssd_mobilenet_v2_fpn_keras"?',
        ),
        (
            '"ssd_mobilenet_v2_fpn_keras"',
            '"ssd_mobilenet_v2"',
            "model.ssd.feature_extractor.type",
            "note",
            'is the name in TensorFlow 1 of "ssd_mobilenet_v2_keras"',
        ),
        (
            '"ssd_mobilenet_v2_fpn_keras"',
            '"ssd_mobilenet_v1_ppn"',
            "model.ssd.feature_extractor.type",
            "error",
            'The nearest one is "ssd_mobilenet_v1". Write type: "ssd_mobilenet_v1"',
        ),
        (
            '"ssd_mobilenet_v2_fpn_keras"',
            '"ssd_resnet50_v3_fpn_keras"',
            "model.ssd.feature_extractor.type",
            "error",
            "Supported: ssd_efficientnet-b0_bifpn_keras, ",
        ),
        (
            "random_horizontal_flip {",
            "autoaugment_image {",
            "train_config.data_augmentation_options[0].autoaugment_image",
            "error",
            "This augmentation is not supported yet.",
        ),
        (
            "faster_rcnn_box_coder {",
            "keypoint_box_coder {",
            "model.ssd.box_coder.keypoint_box_coder",
            "error",
            "Choose faster_rcnn_box_coder, which codes the box alike.",
        ),
        (
            "min_level: 3",
            "min_level: 4",
            "model.ssd.anchor_generator.multiscale_anchor_generator",
            "error",
            "the feature maps have levels 4 to 7",
        ),
        (
            'label_map_path: "label_map.pbtxt"',
            'label_map_path: "labelmap.pbtxt"',
            "train_input_reader.label_map_path",
            "error",
            'Did you mean "label_map.pbtxt"?',
        ),
        (
            'label_map_path: "label_map.pbtxt"',
            "",
            "train_input_reader",
            "warning",
            "there is no label_map_path.",
        ),
        (
            'input_path: "train.record"',
            'input_path: "PATH_TO_BE_CONFIGURED/x-?????-of-00010"',
            "train_input_reader.tf_record_input_reader.input_path[0]",
            "error",
            "the path of the TFRecord has not been filled in.",
        ),
        (
            'input_path: "train.record"',
            'input_path: "other-?????-of-00010"',
            "train_input_reader.tf_record_input_reader.input_path[0]",
            "error",
            "there is no TFRecord other-?????-of-00010. Relative paths start at",
        ),
        (
            'input_path: "train.record"',
            'input_path: "zoo"',
            "train_input_reader.tf_record_input_reader.input_path[0]",
            "error",
            "zoo is a folder.",
        ),
        (
            'input_path: "test.record"',
            'input_path: "train.record"',
            "eval_input_reader[0]",
            "warning",
            "train.record is used for training too.",
        ),
        (
            'fine_tune_checkpoint: "zoo/checkpoint/ckpt-0"',
            'fine_tune_checkpoint: "zoo/checkpoint/ckpt-0.index"',
            "train_config.fine_tune_checkpoint",
            "warning",
            'Write fine_tune_checkpoint: "zoo/checkpoint/ckpt-0".',
        ),
        (
            'fine_tune_checkpoint: "zoo/checkpoint/ckpt-0"',
            'fine_tune_checkpoint: "zoo/ckpt-0"',
            "train_config.fine_tune_checkpoint",
            "error",
            "there is no zoo/ckpt-0.index.",
        ),
        (
            'fine_tune_checkpoint: "zoo/checkpoint/ckpt-0"',
            "",
            "train_config",
            "warning",
            "there is no fine_tune_checkpoint.",
        ),
        (
            'fine_tune_checkpoint_type: "detection"',
            "",
            "train_config.fine_tune_checkpoint",
            "warning",
            'this means "classification"',
        ),
        (
            'fine_tune_checkpoint_type: "detection"',
            'fine_tune_checkpoint_type: "detecton"',
            "train_config.fine_tune_checkpoint_type",
            "error",
            'Did you mean "detection"?',
        ),
        (
            '"coco_detection_metrics"',
            '"pascal_voc_detection_metrics"',
            "eval_config.metrics_set[0]",
            "error",
            "Write the first;",
        ),
        (
            "learning_rate_base: 0.04",
            "learning_rate_base: 0.08",
            "train_config.optimizer.momentum_optimizer.learning_rate.cosine_decay_learning_rate",
            "warning",
            "the learning rate reaches 0.08 with a batch of 8.",
        ),
        (
            "warmup_steps: 100",
            "warmup_steps: 1000",
            "train_config.optimizer.momentum_optimizer.learning_rate.cosine_decay_learning_rate"
            ".warmup_steps",
            "error",
            "warmup_steps is 1000 and total_steps is 600.",
        ),
        (
            "total_steps: 600",
            "total_steps: 500",
            "train_config.optimizer.momentum_optimizer.learning_rate.cosine_decay_learning_rate"
            ".total_steps",
            "warning",
            "After its end the learning rate is 0",
        ),
        ("num_steps: 600", "", "train_config.num_steps", "warning", "no number of steps"),
        (
            "batch_size: 8",
            "batch_size: 8 sync_replicas: true",
            "train_config.sync_replicas",
            "note",
            "This field is ignored. Training runs in one process",
        ),
        (
            "batch_size: 8",
            "batch_size: 8 bias_grad_multiplier: 2",
            "train_config.bias_grad_multiplier",
            "error",
            "Scaled gradients of biases are not supported",
        ),
    ],
)
def test_a_problem_has_its_place_and_next_step(tmp_path, old, new, field, severity, text):
    problems = problems_of(tmp_path, replaced(old, new))
    assert field in problems, problems
    problem = problems[field]
    assert (problem.severity, text in problem.text) == (severity, True), problem
    line = (tmp_path / "pipeline.config").read_text().splitlines()[problem.line - 1]
    # the place is the field or, if something is missing, the message that lacks it
    names = tuple(step.split("[")[0] for step in field.split("."))
    assert line[problem.column - 1 :].startswith(names)


def test_a_switch_that_is_off_is_not_reported(tmp_path):
    change = replaced("batch_size: 8", "batch_size: 8 use_multiclass_scores: false")
    assert problems_of(tmp_path, change) == {}


def test_missing_shards_are_counted(tmp_path):
    for index in (0, 2):
        (tmp_path / f"t-{index:05d}-of-00003").write_bytes(b"x")
    problems = problems_of(tmp_path, replaced('"train.record"', '"t-?????-of-00003"'))
    (problem,) = problems.values()
    assert problem.found == "2 of 3 shards are there."


def test_an_empty_record_is_found(tmp_path):
    path = write_good_config(tmp_path)
    (tmp_path / "test.record").write_bytes(b"")
    (problem,) = check_config(path)
    assert problem.found == "test.record is empty."


def test_a_label_map_that_cannot_be_read_is_reported_with_its_own_place(tmp_path):
    path = write_good_config(tmp_path)
    (tmp_path / "label_map.pbtxt").write_text('item { id: 1 klass: "a" }')
    fields = {p.field: p.found for p in check_config(path)}
    assert fields["train_input_reader.label_map_path"].startswith(
        "label_map.pbtxt:1:14: item[0].klass"
    )


def test_a_source_may_stand_instead_of_records(tmp_path):
    config = good_config(train="train.record", evaluation="voc:nowhere")
    (problem,) = [
        p for p in check_message(config) if p.field.startswith("eval_input_reader[0].source")
    ]
    assert problem.found == "there is no data set nowhere."


def test_problems_are_counted_and_written_like_a_compiler():
    note = Problem("note", "a.b", "x.", "y.", "z.", 3, 4)
    error = note._replace(severity="error")
    assert note.shown("f.config") == "f.config:3:4: note: a.b: x. y. z."
    assert summary([note, error, note]) == "1 error, 2 notes"
    assert summary([]) == "no problems"
    assert (has_errors([note]), has_errors([note, error])) == (False, True)


def test_every_config_of_users_is_refused_for_its_architecture_or_its_files_only():
    """What may be wrong with configs that worked: another machine's files, or what is to come."""
    counts = Counter()
    allowed_errors = (
        "model.center_net",
        "train_config.fine_tune_checkpoint",
        "label_map_path",
        "input_path[",
    )
    for file in sorted((shared_folder() / "configs").glob("*.config")):
        for problem in check_config(file):
            assert problem.line > 0, (file, problem)
            counts[problem.field.split("[")[0] if problem.severity == "error" else ""] += 1
            if problem.severity == "error":
                assert any(name in problem.field for name in allowed_errors), (file, problem)
    assert counts["model.center_net"] == 7
