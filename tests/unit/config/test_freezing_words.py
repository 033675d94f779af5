"""What `freeze`, `unfreeze_at_step` and `learning_rate_factors` may say, found without Keras."""

from __future__ import annotations

import subprocess
import sys

import pytest
from google.protobuf import text_format

from detectune.config import schema
from detectune.config.conflicts import conflicts
from detectune.config.freezing import (
    Part,
    freezing_conflicts,
    freezing_warnings,
    part_trained,
    read_part,
)
from detectune.errors import ConfigError


def train_config(text: str) -> schema.TrainConfig:
    return text_format.Parse(text, schema.TrainConfig())


@pytest.mark.parametrize(
    ("word", "part"),
    [
        ("backbone", Part("backbone")),
        (" backbone ", Part("backbone")),
        ("backbone:100", Part("backbone", layers=100)),
        ("backbone: 1", Part("backbone", layers=1)),
        ("backbone:block_3_add", Part("backbone", last_layer="block_3_add")),
        ("backbone:conv2d_1", Part("backbone", last_layer="conv2d_1")),
        ("neck", Part("neck")),
        ("all-but-heads", Part("all-but-heads")),
        ("batch-norm", Part("batch-norm")),
    ],
)
def test_words_mean_parts(word, part):
    assert read_part(word) == part
    assert str(part) == ":".join(text.strip() for text in word.split(":"))


def test_no_word_means_everything_to_an_unfreezing_and_nothing_to_a_freezing():
    assert part_trained("") == part_trained("  ") == Part("")
    assert str(Part("")) == "everything"
    with pytest.raises(ConfigError, match='"" names no part of a detector'):
        read_part("")


@pytest.mark.parametrize(
    ("word", "found", "advice"),
    [
        ("bakbone", "names no part", 'Did you mean "backbone"?'),
        ("Backbone:100", "names no part", 'Did you mean "backbone"?'),
        ("batch_norm", "names no part", 'Did you mean "batch-norm"?'),
        ("batchnorm", "names no part", 'Did you mean "batch-norm"?'),
        ("all but heads", "names no part", 'Did you mean "all-but-heads"?'),
        ("heads", "names no part", "freeze_variables"),
        ("everything", "names no part", "freeze_variables"),
        ("backbone:", "nothing stands after the colon", 'Write "backbone"'),
        ("backbone:-3", "-3 is no number of layers", "backbone:100"),
        ("backbone:0", "0 is no number of layers", "backbone:100"),
        ("backbone:1.5", "1.5 is no number of layers", "backbone:100"),
        ("backbone:9999999999", "9999999999 is no number of layers", "backbone:100"),
        ("neck:3", "only the backbone is frozen up to a layer", 'Write "neck"'),
        ("batch-norm:bn_1", "only the backbone", 'or "backbone:bn_1"'),
    ],
)
def test_a_wrong_word_says_what_is_allowed_and_what_to_write(word, found, advice):
    (problem,) = freezing_conflicts(train_config(f'freeze: "neck" freeze: "{word}"'))
    assert problem.severity == "error"
    assert problem.field == "train_config.freeze[1]"
    assert found in problem.found
    assert advice in problem.next_step
    lines = problem.message.splitlines()
    assert len(lines) == 3
    assert "Allowed" in lines[1]


def test_words_of_unfreezings_are_checked_too():
    text = 'freeze: "backbone" unfreeze_at_step { step: 5 part: "backbon" }'
    (problem,) = freezing_conflicts(train_config(text))
    assert problem.field == "train_config.unfreeze_at_step[0].part"
    assert 'Did you mean "backbone"?' in problem.next_step


@pytest.mark.parametrize(
    ("text", "field", "found"),
    [
        ('freeze: "backbone" unfreeze_at_step { part: "backbone" }', "[0].step", "0 or missing"),
        (
            'freeze: "all-but-heads" unfreeze_at_step { step: 9 part: "neck" } '
            'unfreeze_at_step { step: 5 part: "backbone" }',
            "",
            "the steps are 9, 5",
        ),
        (
            "unfreeze_at_step { step: 5 }",
            "[0]",
            '"everything" is trained from step 5 on, and there',
        ),
        ('freeze_variables: "conv1" unfreeze_at_step { step: 5 part: "backbone" }', "[0]", "no `f"),
        ('freeze: "neck" unfreeze_at_step { step: 5 part: "backbone" }', "[0]", 'freeze: "neck"'),
        (
            'freeze: "backbone:50" unfreeze_at_step { step: 5 part: "backbone:100" }',
            "[0]",
            '"backbone:100" is trained',
        ),
        ('freeze: "batch-norm" unfreeze_at_step { step: 5 part: "backbone" }', "[0]", "batch-norm"),
        (
            'freeze: "backbone" unfreeze_at_step { step: 5 part: "backbone" } '
            "learning_rate_factors { backbone: 0 }",
            "[0].part",
            "learning-rate factor is 0",
        ),
    ],
)
def test_an_unfreezing_that_cannot_be_meant_is_an_error(text, field, found):
    (problem,) = freezing_conflicts(train_config(text))
    assert problem.severity == "error"
    assert problem.field == f"train_config.unfreeze_at_step{field}"
    assert found in problem.found
    assert len(problem.message.splitlines()) == 3


@pytest.mark.parametrize(
    "text",
    [
        'freeze: "backbone"',
        'freeze: "backbone:100" freeze: "neck" freeze_variables: "x"',
        'freeze: "backbone" unfreeze_at_step { step: 5 part: "backbone:100" } '
        'unfreeze_at_step { step: 5 part: "backbone:50" } unfreeze_at_step { step: 9 }',
        'freeze: "backbone:100" unfreeze_at_step { step: 5 part: "backbone:50" }',
        'freeze: "backbone:100" unfreeze_at_step { step: 5 part: "backbone:block_3_add" }',
        'freeze: "backbone" unfreeze_at_step { step: 5 part: "batch-norm" }',
        "learning_rate_factors { backbone: 0.1 neck: 0 heads: 2 }",
    ],
)
def test_what_can_be_meant_is_no_problem(text):
    assert list(freezing_conflicts(train_config(f"num_steps: 10 {text}"))) == []
    assert list(freezing_warnings(train_config(f"num_steps: 10 {text}"))) == []


def test_all_factors_may_not_be_0():
    text = "learning_rate_factors { backbone: 0 neck: 0 heads: 0 }"
    (problem,) = freezing_conflicts(train_config(text))
    assert problem.message.splitlines() == [
        "train_config.learning_rate_factors: all factors are 0.",
        "At least one part must train.",
        "Write heads: 1.",
    ]


def test_what_never_comes_to_pass_is_a_warning():
    text = 'num_steps: 10 freeze: "backbone" unfreeze_at_step { step: 10 }'
    (problem,) = freezing_warnings(train_config(text))
    assert problem.severity == "warning"
    assert "it is step 10, and the training ends after 10 steps" in problem.found
    text = 'freeze: "backbone" learning_rate_factors { backbone: 0.1 }'
    (problem,) = freezing_warnings(train_config(text))
    assert problem.severity == "warning"
    assert "the factor is 0.1, and all of the backbone is frozen" in problem.found


def test_config_check_finds_it_without_keras():
    config = schema.TrainEvalPipelineConfig()
    config.train_config.freeze.append("bakbone")
    assert any(p.field == "train_config.freeze[0]" for p in conflicts(config))
    program = "import sys, detectune.config.freezing; assert 'keras' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True)
