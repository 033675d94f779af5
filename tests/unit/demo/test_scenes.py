"""Scenes are the same for the same seed, their boxes are tight, and no test digit is trained on."""

from __future__ import annotations

import numpy as np
import pytest

from detectune.demo import scenes, symbols
from detectune.demo.cubes import Camera, Cube, homography
from detectune.demo.scenes import draw_scene, draw_scenes
from detectune.demo.symbols import INK_SIZE, digits, letters_and_shapes


@pytest.fixture(scope="module")
def drawn():
    return list(draw_scenes(digits("train"), 25, seed=3))


def test_the_same_seed_draws_the_same_scene(drawn):
    again = draw_scene(digits("train"), 3, 7)
    np.testing.assert_array_equal(again.image, drawn[7].image)
    np.testing.assert_array_equal(again.boxes, drawn[7].boxes)


def test_another_seed_or_number_draws_another_scene(drawn):
    assert (draw_scene(digits("train"), 4, 7).image != drawn[7].image).any()
    assert (drawn[8].image != drawn[7].image).any()


def test_every_scene_has_symbols_within_the_picture(drawn):
    for scene in drawn:
        assert scene.image.shape == (256, 256, 3)
        assert scene.image.dtype == np.uint8
        assert len(scene.boxes) == len(scene.classes) >= 1
        assert scene.boxes.min() > 0
        assert scene.boxes.max() < 256
        heights, widths = (scene.boxes[:, 2:] - scene.boxes[:, :2]).T
        assert heights.min() >= 28
        assert widths.min() >= 4


def test_all_ten_digits_appear():
    classes = np.concatenate([s.classes for s in draw_scenes(digits("test"), 40, seed=0)])
    assert set(classes) == set(range(10))


def test_pictures_differ_in_light_and_colour(drawn):
    means = np.array([scene.image.mean(axis=(0, 1)) for scene in drawn])
    assert means.std(axis=0).min() > 15


def test_a_box_is_tight_around_the_ink(monkeypatch):
    """Black ink on white cubes on a white table: the box is where it is black."""
    white, black = np.ones(3), np.zeros(3)
    look = scenes._Look(white, white, black, 0.0)
    monkeypatch.setattr(scenes, "_look", lambda random: look)
    monkeypatch.setattr(scenes, "_sun", lambda random: np.array([0, -0.6, 0.8]))
    plain = {
        "table": lambda size, random: np.ones((size, size, 3), np.float32),
        "clutter": lambda picture, random: picture,
        "shadow": lambda polygons, size, softness, strength: np.float32(1),
        "photograph": lambda picture, random: (255 * picture).astype(np.uint8),
    }
    for name, function in plain.items():
        monkeypatch.setattr(scenes.surroundings, name, function)
    for scene in draw_scenes(digits("train"), 10, seed=1):
        dark = scene.image.max(axis=-1) < 90
        for top, left, bottom, right in scene.boxes.astype(int):
            rows, columns = np.nonzero(dark[top - 4 : bottom + 4, left - 4 : right + 4])
            found = rows.min() - 4, columns.min() - 4, rows.max() - 3, columns.max() - 3
            expected = 0, 0, bottom - top, right - left
            np.testing.assert_allclose(found, expected, atol=3)


def test_test_digits_are_no_training_digits():
    train, test = (symbols._digit_samples(split) for split in ("train", "test"))
    assert sum(len(of_class) for of_class in (*train, *test)) == 1797
    for of_train, of_test in zip(train, test, strict=True):
        assert len(of_test) >= 50
        seen = {sample.tobytes() for sample in of_train}
        assert not any(sample.tobytes() in seen for sample in of_test)


@pytest.mark.parametrize("task", [digits("train"), letters_and_shapes()], ids=lambda t: t.name)
def test_inks_are_strokes_of_their_own_on_paper(task):
    random = np.random.default_rng(0)
    for class_index in range(len(task.class_names)):
        one, other = (task.ink(class_index, random) for _ in range(2))
        assert one.shape == (INK_SIZE, INK_SIZE)
        assert one.min() == 0
        assert one.max() == 1
        assert 0.05 < one.mean() < 0.6
        assert (one != other).any()


def test_the_source_task_has_no_digit():
    names = letters_and_shapes().class_names
    assert len(names) == 24
    assert not set(names) & set("0123456789OISZBGQ")


def test_projection_and_its_inverse_agree():
    camera = Camera(256, pitch=0.7, roll=0.1, distance=8, focal=600)
    world = camera.on_plane((80.0, 150.0), 0.5)
    assert world[2] == pytest.approx(0.5)
    np.testing.assert_allclose(camera.project(world[None])[0], [80, 150], atol=1e-9)


def test_a_camera_sees_the_top_and_at_most_two_walls():
    camera = Camera(256, pitch=0.7, roll=0.0, distance=8, focal=600)
    for yaw in np.linspace(0, 3, 13):
        faces = Cube(0, 0, 1, yaw).faces_towards(camera.position())
        assert [face.is_top for face in faces] in ([True, False], [True, False, False])


def test_symbols_stand_upright_on_every_face():
    camera = Camera(256, pitch=0.7, roll=0.0, distance=8, focal=600)
    for yaw in np.linspace(-3, 3, 13):
        for face in Cube(0.3, -0.2, 1, yaw).faces_towards(camera.position()):
            upper_left, upper_right, lower_right, lower_left = camera.project(face.corners)
            assert (upper_left + upper_right)[1] < (lower_left + lower_right)[1]
            # Not mirrored: clockwise in the picture as in the symbol.
            across, down = upper_right - upper_left, lower_left - upper_left
            assert across[0] * down[1] - across[1] * down[0] > 0


def test_a_homography_maps_the_corners_back():
    source = np.array([[0, 0], [50, 0], [50, 50], [0, 50]], float)
    target = np.array([[10, 12], [60, 20], [55, 70], [5, 66]], float)
    a, b, c, d, e, f, g, h = homography(source, target)
    for (u, v), (x, y) in zip(source, target, strict=True):
        weight = g * x + h * y + 1
        assert (a * x + b * y + c) / weight == pytest.approx(u, abs=1e-8)
        assert (d * x + e * y + f) / weight == pytest.approx(v, abs=1e-8)
