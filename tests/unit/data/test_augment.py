"""Boxes move with the pixels they are around, and the seed alone decides how."""

from __future__ import annotations

import functools

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import text_format
from three_parts import three_parts
from toy_augmentation import BLINK

from detectune.config import schema
from detectune.data.augment.chain import build_augmentations
from detectune.data.augment.example import Example, augmentations
from detectune.errors import ConfigError

HEIGHT, WIDTH = 60, 80
# yxyx in pixels; both rectangles are painted, and one class and weight go with each.
PAINTED = np.array([[10, 16, 34, 48], [40, 56, 56, 76]])
COLORS = np.array([[250, 20, 20], [20, 20, 250]])
SIZE = np.array([HEIGHT, WIDTH, HEIGHT, WIDTH])
OPS = {
    "random_horizontal_flip": "",
    "random_vertical_flip": "",
    "random_adjust_brightness": "",
    "random_adjust_contrast": "",
    "random_adjust_hue": "",
    "random_adjust_saturation": "",
    "random_rotation90": "",
    "random_jitter_boxes": "ratio: 0.02",
    "random_distort_color": "",
    "random_pixel_value_scale": "",
    "adjust_gamma": "gamma: 1.5",
    "random_jpeg_quality": "min_jpeg_quality: 60 max_jpeg_quality: 100",
    "random_black_patches": "",
    "random_image_scale": "",
    "random_crop_to_aspect_ratio": "",
    "random_rgb_to_gray": "probability: 0.5",
    "rgb_to_gray": "",
    "random_crop_image": "min_object_covered: 0.3 min_area: 0.2 overlap_thresh: 0.2",
    "ssd_random_crop": "",
    "random_pad_image": "",
    "random_absolute_pad_image": "max_height_padding: 30 max_width_padding: 40 pad_color: 0",
    "random_square_crop_by_scale": "scale_min: 0.6 scale_max: 1.3 num_scales: 8",
    "random_scale_crop_and_pad_to_square": "output_size: 64 scale_min: 0.5 scale_max: 2.0",
}
FIXED = ("rgb_to_gray", "adjust_gamma")
PIXELS_ONLY = (
    "random_distort_color",
    "random_pixel_value_scale",
    "random_jpeg_quality",
    "random_black_patches",
)
GEOMETRIC = [
    name for name in OPS if "adjust" not in name and "gray" not in name and name not in PIXELS_ONLY
]


@functools.lru_cache(maxsize=64)
def chain(*names: str, **arguments: str):
    steps = [
        text_format.Parse(
            f"{n} {{ {arguments.get(n, OPS.get(n, ''))} }}", schema.PreprocessingStep()
        )
        for n in names
    ]
    traced = tf.function(build_augmentations(steps), autograph=False)

    def augment(example: Example, seed: tf.Tensor) -> Example:
        specs = tf.nest.map_structure(of_any_size, example)
        return traced.get_concrete_function(specs, seed)(example, seed)

    return augment


def of_any_size(tensor: tf.Tensor) -> tf.TensorSpec:
    """As the pipeline traces it, once: only channels and coordinates have a known number."""
    known = tensor.dtype.is_floating and tensor.shape.rank > 1
    shape = [None] * tensor.shape.rank
    return tf.TensorSpec([*shape[:-1], tensor.shape[-1]] if known else shape, tensor.dtype)


def scene() -> Example:
    image = np.full((HEIGHT, WIDTH, 3), 90, np.float32)
    for (y0, x0, y1, x1), color in zip(PAINTED, COLORS, strict=True):
        image[y0:y1, x0:x1] = color
    return Example(
        tf.constant(image),
        tf.constant(PAINTED / SIZE, tf.float32),
        tf.constant([0, 1]),
        tf.constant([1.0, 0.5]),
    )


def empty() -> Example:
    return scene()._replace(
        boxes=tf.zeros([0, 4]), classes=tf.zeros([0], tf.int32), weights=tf.zeros([0])
    )


def seed(number: int) -> tf.Tensor:
    return tf.constant([7, number], tf.int64)


def painted_box(image: np.ndarray, color: np.ndarray) -> np.ndarray | None:
    """yxyx in pixels around what has `color`, found in the picture itself."""
    rows, columns = np.where(np.abs(image - color).max(-1) < 60)
    if not len(rows):
        return None
    return np.array([rows.min(), columns.min(), rows.max() + 1, columns.max() + 1])


def with_masks() -> Example:
    """The scene with what is painted as masks, and its boxes as proposals, the last first."""
    masks = np.zeros((2, HEIGHT, WIDTH), np.uint8)
    for mask, (y0, x0, y1, x1) in zip(masks, PAINTED, strict=True):
        mask[y0:y1, x0:x1] = 1
    example = scene()
    found = {"masks": tf.constant(masks), "proposals": tf.reverse(example.boxes, [0])}
    return example._replace(columns=found)


def same(one: Example, other: Example) -> bool:
    pairs = zip(tf.nest.flatten(one), tf.nest.flatten(other), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


@pytest.mark.parametrize("name", GEOMETRIC)
def test_boxes_still_enclose_what_they_enclosed(name):
    augment, checked = chain(name), 0
    for number in range(12):
        result = augment(scene(), seed(number))
        image = result.image.numpy()
        sides = np.array([image.shape[0], image.shape[1]] * 2)
        assert result.boxes.numpy().min(initial=0) >= 0
        assert result.boxes.numpy().max(initial=0) <= 1
        for box, label in zip(result.boxes.numpy(), result.classes.numpy(), strict=True):
            found = painted_box(image, COLORS[label])
            # Resizing blurs the edges by up to a pixel of the source, two of the result.
            if found is not None:
                np.testing.assert_allclose(box * sides, found, atol=2.5)
                checked += 1
    assert checked > 10


@pytest.mark.parametrize("name", [*GEOMETRIC, "random_adjust_hue"])
def test_masks_and_proposals_move_with_the_pixels(name):
    augment, plain, checked = chain(name), chain(name), 0
    for number in range(6):
        result, without = augment(with_masks(), seed(number)), plain(scene(), seed(number))
        np.testing.assert_array_equal(result.boxes, without.boxes)
        image, masks = result.image.numpy(), result.columns["masks"].numpy()
        assert masks.shape == (len(result.boxes), *image.shape[:2])
        assert masks.dtype == np.uint8
        assert result.columns["proposals"].shape == (2, 4)
        sides = np.array([image.shape[0], image.shape[1]] * 2)
        for mask, label in zip(masks, result.classes.numpy(), strict=True):
            painted = np.abs(image - COLORS[label]).max(-1) < 60
            # Images are blurred where they are resized, masks are not: a pixel along two edges.
            edges = mask.any(0).sum() + mask.any(1).sum()
            assert (painted != (mask > 0)).sum() <= edges + 4
            shown = painted_box(image, COLORS[label])
            proposal = np.clip(result.columns["proposals"].numpy()[1 - label] * sides, 0, sides)
            if shown is not None and name != "random_jitter_boxes":
                np.testing.assert_allclose(proposal, shown, atol=2.5)
            checked += 1
    assert checked > 5


@pytest.mark.parametrize("name", OPS)
def test_the_same_seed_gives_the_same_and_others_differ(name):
    augment = chain(name)
    assert same(augment(scene(), seed(3)), augment(scene(), seed(3)))
    if name not in FIXED:
        results = [augment(scene(), seed(number)) for number in range(12)]
        assert not all(same(results[0], other) for other in results[1:])


@pytest.mark.parametrize("name", OPS)
def test_an_image_without_boxes_works(name):
    augment = chain(name)
    for number in range(8):
        result = augment(empty(), seed(number))
        assert result.boxes.shape == (0, 4)
        assert result.classes.shape == (0,)
        assert min(result.image.shape) > 0
        assert np.isfinite(result.image.numpy()).all()


@pytest.mark.parametrize("name", GEOMETRIC)
def test_an_image_without_objects_keeps_no_masks(name):
    augment = chain(name)
    for number in range(3):
        none = empty()._replace(columns={"masks": tf.zeros([0, HEIGHT, WIDTH], tf.uint8)})
        result = augment(none, seed(number))
        assert result.columns["masks"].shape == (0, *result.image.shape[:2])


@pytest.mark.parametrize("name", OPS)
def test_pixels_stay_within_0_and_255(name):
    for number in range(4):
        image = chain(name)(scene(), seed(number)).image.numpy()
        assert image.min() >= 0
        assert image.max() <= 255.001


def test_a_flip_mirrors_pixels_and_boxes():
    augment = chain("random_horizontal_flip", random_horizontal_flip="probability: 1")
    result = augment(scene(), seed(0))
    np.testing.assert_array_equal(result.image, scene().image.numpy()[:, ::-1])
    np.testing.assert_allclose(result.boxes[0] * SIZE, [10, 32, 34, 64], atol=1e-4)


def test_a_flip_happens_about_half_of_the_time():
    augment = chain("random_horizontal_flip")
    boxes = [augment(scene(), seed(n)).boxes.numpy()[0, 1] for n in range(100)]
    assert 35 <= sum(box != np.float32(16 / 80) for box in boxes) <= 65


def test_brightness_adds_one_number_within_its_limit():
    augment = chain("random_adjust_brightness", random_adjust_brightness="max_delta: 0.1")
    shifts = []
    for number in range(20):
        change = augment(scene(), seed(number)).image.numpy() - scene().image.numpy()
        background = change[0, 0]
        assert np.ptp(background) < 1e-4
        shifts.append(background[0])
    assert -25.5 <= min(shifts) < -5
    assert 5 < max(shifts) <= 25.5


def test_contrast_keeps_the_mean_of_each_channel():
    augment = chain(
        "random_adjust_contrast", random_adjust_contrast="min_delta: 0.5 max_delta: 0.9"
    )
    result = augment(scene(), seed(1)).image.numpy()
    np.testing.assert_allclose(result.mean((0, 1)), scene().image.numpy().mean((0, 1)), rtol=1e-4)
    assert 0.5 <= result.std() / scene().image.numpy().std() <= 0.9


def test_saturation_leaves_grey_alone():
    augment = chain("random_adjust_saturation")
    result = augment(scene(), seed(1)).image.numpy()
    np.testing.assert_allclose(result[0, 0], [90, 90, 90], atol=1e-3)
    assert np.abs(result[20, 20] - COLORS[0]).max() > 0.1


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("random_adjust_hue", tf.image.adjust_hue),
        ("random_adjust_saturation", tf.image.adjust_saturation),
    ],
)
def test_hue_and_saturation_equal_those_of_fractions(name, change):
    limits = {"random_adjust_hue": "max_delta: 0.2", "random_adjust_saturation": ""}
    result = chain(name, **{name: limits[name]})(scene(), seed(4)).image.numpy()
    # The amount is found again from one painted pixel, then the whole picture is compared.
    amounts = np.linspace(-0.2, 0.2, 401) if "hue" in name else np.linspace(0.8, 1.25, 451)
    pixel = tf.constant(COLORS[:1, None] / 255, tf.float32)
    errors = [np.abs(change(pixel, a)[0, 0] * 255 - result[20, 20]).max() for a in amounts]
    amount = amounts[int(np.argmin(errors))]
    expected = np.clip(change(scene().image / 255, amount).numpy() * 255, 0, 255)
    np.testing.assert_allclose(result, expected, atol=1.5)
    assert np.abs(result - scene().image).max() > 3


def test_a_crop_shows_the_wanted_part_of_an_object():
    text = "min_object_covered: 1.0 min_area: 0.1 max_area: 0.6 overlap_thresh: 0.99"
    augment = chain("random_crop_image", random_crop_image=text)
    for number in range(15):
        result = augment(scene(), seed(number))
        assert len(result.classes) >= 1  # at least one rectangle is in the window as a whole
        sides = np.array([result.image.shape[0], result.image.shape[1]] * 2)
        for box, label in zip(result.boxes.numpy(), result.classes.numpy(), strict=True):
            sizes = (box[2:] - box[:2]) * sides[:2]
            np.testing.assert_allclose(
                sizes, PAINTED[label, 2:] - PAINTED[label, :2], atol=0.02 * HEIGHT
            )


def test_a_box_below_the_overlap_is_dropped_with_its_weight():
    text = "min_object_covered: 0 min_area: 0.1 max_area: 0.2 overlap_thresh: 0.5"
    augment = chain("random_crop_image", random_crop_image=text)
    counts = set()
    for number in range(30):
        result = augment(scene(), seed(number))
        counts.add(len(result.classes))
        np.testing.assert_allclose(result.weights, np.array([1.0, 0.5])[result.classes.numpy()])
    assert 0 in counts
    assert 1 in counts


def test_random_coef_of_one_keeps_every_image():
    augment = chain("random_crop_image", random_crop_image="random_coef: 1.0 min_area: 0.1")
    assert all(same(augment(scene(), seed(n)), scene()) for n in range(5))


def test_without_clip_boxes_a_box_may_leave_the_window():
    text = "min_object_covered: 0.1 min_area: 0.1 max_area: 0.3 overlap_thresh: 0 clip_boxes: false"
    augment = chain("random_crop_image", random_crop_image=text)
    largest = [augment(scene(), seed(n)).boxes.numpy().max(initial=0) for n in range(20)]
    assert max(largest) > 1.01


def test_ssd_random_crop_has_operations_of_its_own():
    operation = (
        "operations { min_object_covered: 0 min_aspect_ratio: 1 max_aspect_ratio: 1 "
        "min_area: 0.2 max_area: 0.3 overlap_thresh: 0 random_coef: 0 }"
    )
    augment = chain("ssd_random_crop", ssd_random_crop=operation)
    shape = augment(scene(), seed(2)).image.shape
    assert abs(shape[0] - shape[1]) <= 1
    assert abs(shape[0] * shape[1] / (HEIGHT * WIDTH) - 0.25) < 0.07


def test_ssd_crops_with_different_ranges_are_all_used():
    text = " ".join(
        f"operations {{ min_aspect_ratio: {ratio} max_aspect_ratio: {ratio} min_area: 0.2 "
        "max_area: 0.4 min_object_covered: 0 overlap_thresh: 0 random_coef: 0 }"
        for ratio in (0.5, 2.0)
    )
    augment = chain("ssd_random_crop", ssd_random_crop=text)
    shapes = [augment(scene(), seed(n)).image.shape for n in range(20)]
    tall = sum(shape[0] > 1.5 * shape[1] for shape in shapes)
    wide = sum(shape[1] > 1.5 * shape[0] for shape in shapes)
    assert min(tall, wide) >= 3
    assert tall + wide == 20


def test_padding_has_the_mean_colour_or_the_given_one():
    mean = scene().image.numpy().mean((0, 1))
    plain = chain("random_pad_image")(scene(), seed(5)).image.numpy()
    assert plain.shape[0] <= 2 * HEIGHT
    assert plain.shape[1] <= 2 * WIDTH
    corners = plain[[0, 0, -1, -1], [0, -1, 0, -1]]
    assert (np.abs(corners - mean).max(-1) < 1e-3).any()
    colored = chain("random_pad_image", random_pad_image="pad_color: [1, 2, 3]")(scene(), seed(5))
    corners = colored.image.numpy()[[0, 0, -1, -1], [0, -1, 0, -1]]
    assert (np.abs(corners - [1, 2, 3]).max(-1) < 1e-4).any()


def test_absolute_padding_stays_below_its_limit():
    shapes = [chain("random_absolute_pad_image")(scene(), seed(n)).image.shape for n in range(10)]
    assert max(s[0] for s in shapes) < HEIGHT + 30
    assert max(s[1] for s in shapes) < WIDTH + 40
    assert len(set(shapes)) > 3


def test_square_crops_have_the_chosen_scales():
    augment = chain(
        "random_square_crop_by_scale",
        random_square_crop_by_scale="scale_min: 0.5 scale_max: 1.0 num_scales: 3",
    )
    shapes = {tuple(augment(scene(), seed(n)).image.shape) for n in range(20)}
    assert shapes == {(40, 40, 3), (60, 60, 3), (80, 80, 3)}


def test_scale_crop_and_pad_fills_the_square_with_black_below_and_beside():
    name = "random_scale_crop_and_pad_to_square"
    whole = chain(name, **{name: "output_size: 80 scale_min: 1 scale_max: 1"})(scene(), seed(0))
    np.testing.assert_array_equal(whole.image[:HEIGHT], scene().image)
    np.testing.assert_array_equal(whole.image[HEIGHT:], np.zeros((20, WIDTH, 3)))
    np.testing.assert_allclose(whole.boxes * 80, PAINTED, atol=1e-4)
    half = chain(name, **{name: "output_size: 80 scale_min: 0.5 scale_max: 0.5"})(scene(), seed(0))
    assert (half.image.numpy() > 0).any(-1).sum() == 30 * 40
    np.testing.assert_allclose(half.boxes * 160, PAINTED, atol=1e-4)


def test_a_quarter_turn_is_to_the_left():
    augment = chain("random_rotation90", random_rotation90="probability: 1")
    result = augment(scene(), seed(0))
    np.testing.assert_array_equal(result.image, np.rot90(scene().image.numpy()))
    np.testing.assert_allclose(result.boxes[0] * [80, 60, 80, 60], [32, 10, 64, 34], atol=1e-4)


@pytest.mark.parametrize("mode", ["EXPAND", "SHRINK", "EXPAND_SYMMETRIC", "SHRINK_SYMMETRIC_XY"])
def test_jitter_moves_edges_the_way_its_mode_says(mode):
    augment = chain("random_jitter_boxes", random_jitter_boxes=f"ratio: 0.1 jitter_mode: {mode}")
    before = scene().boxes.numpy()
    sizes = before[:, 2:] - before[:, :2]
    for number in range(5):
        result = augment(scene(), seed(number))
        np.testing.assert_array_equal(result.image, scene().image)
        moved = (result.boxes.numpy() - before) / np.tile(sizes, 2) * [-1, -1, 1, 1]
        signed = moved if "EXPAND" in mode else -moved
        assert (signed >= -1e-5).all()
        assert (signed <= 0.1 + 1e-5).all()
        if "SYMMETRIC" in mode:
            np.testing.assert_allclose(moved[:, :2], moved[:, 2:], atol=1e-5)
        if "XY" in mode:
            np.testing.assert_allclose(moved[:, 0], moved[:, 1], atol=1e-5)


def test_black_patches_are_squares_of_the_given_size():
    text = "max_black_patches: 1 probability: 1 size_to_image_ratio: 0.2"
    image = chain("random_black_patches", random_black_patches=text)(scene(), seed(3)).image.numpy()
    assert (image == 0).all(-1).sum() == 12 * 12
    assert (image != scene().image.numpy()).any(-1).sum() == 12 * 12


def test_gamma_changes_values_as_a_power():
    image = chain("adjust_gamma", adjust_gamma="gamma: 2 gain: 0.5")(scene(), seed(0)).image
    expected = 0.5 * (scene().image / 255) ** 2 * 255
    np.testing.assert_allclose(image, expected, atol=1e-3)


def test_a_crop_to_an_aspect_ratio_is_as_large_as_possible():
    text = "aspect_ratio: 2 overlap_thresh: 0"
    augment = chain("random_crop_to_aspect_ratio", random_crop_to_aspect_ratio=text)
    image, places = scene().image.numpy(), set()
    for number in range(5):
        found = augment(scene(), seed(number))
        (top,) = (y for y in range(21) if np.array_equal(found.image, image[y : y + 40]))
        places.add(top)
        moved = np.clip(PAINTED - [top, 0, top, 0], 0, [40, 80, 40, 80])[found.classes.numpy()]
        np.testing.assert_allclose(found.boxes * [40, 80, 40, 80], moved, atol=1e-3)
    assert len(places) > 1


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("random_distort_color", "color_ordering: 2"),
        ("random_jpeg_quality", "min_jpeg_quality: 80 max_jpeg_quality: 20"),
    ],
)
def test_impossible_settings_are_refused(name, text):
    with pytest.raises(ConfigError) as caught:
        chain(name, **{name: text})(scene(), seed(0))
    assert name in str(caught.value)


def test_ops_are_applied_in_order_with_seeds_of_their_own():
    twice = chain("random_horizontal_flip", "random_horizontal_flip")
    results = {round(float(twice(scene(), seed(n)).boxes[0, 1]), 4) for n in range(20)}
    assert len(results) == 2  # with one seed for both, two flips would always cancel


def test_an_op_that_is_not_here_is_refused_with_the_known_ones():
    with pytest.raises(ConfigError) as caught:
        chain("autoaugment_image")
    message = str(caught.value)
    assert 'no data augmentation is called "autoaugment_image"' in message
    assert all(name in message for name in OPS)


def test_an_empty_option_is_refused():
    with pytest.raises(ConfigError, match="an option is empty"):
        build_augmentations([schema.PreprocessingStep()])


def test_an_option_that_names_two_is_refused():
    step = schema.PreprocessingStep()
    step.random_horizontal_flip.SetInParent()
    step.Extensions[BLINK].SetInParent()
    with pytest.raises(ConfigError) as caught:
        build_augmentations([step])
    place, allowed, _ = three_parts(caught.value)
    assert place.endswith("an option has random_horizontal_flip and [toy_augmentation.blink].")
    assert allowed.startswith("Each names one augmentation.")


def test_an_augmentation_of_another_package_is_found_by_the_name_of_its_block(monkeypatch):
    def blink(example, seed, config):
        assert config.DESCRIPTOR.full_name == "toy_augmentation.Blink"
        return example._replace(image=example.image * 0)

    step = text_format.Parse("[toy_augmentation.blink] { }", schema.PreprocessingStep())
    with pytest.raises(ConfigError, match='no data augmentation is called "blink"'):
        build_augmentations([step])
    monkeypatch.setitem(augmentations._parts, "blink", blink)
    assert not build_augmentations([step])(scene(), seed(0)).image.numpy().any()


def test_a_pad_color_of_two_numbers_is_refused():
    with pytest.raises(ConfigError, match="pad_color: 2 numbers"):
        chain("random_pad_image", random_pad_image="pad_color: [1, 2]")(scene(), seed(0))


def test_every_registered_op_is_tested_here():
    assert set(augmentations) == set(OPS)
