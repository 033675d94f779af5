"""Drawn scenes: cubes on a table, with hand-written digits (or other symbols) on their faces.

    table → things that lie about → shadows → cubes from far to near → light and camera noise

The same task, seed and index always give the same scene. A box is tight around the visible ink.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from detectune.demo import surroundings
from detectune.demo.cubes import Camera, Cube, Face, homography
from detectune.demo.symbols import INK_SIZE, Task

SIZE = 256
_MIN_SYMBOL_PIXELS = 28
_MIN_VISIBLE_FRACTION = 0.8
_INKED = 0.35  # darker than this counts as ink when a box is measured


@dataclass(frozen=True)
class Scene:
    """A picture and what is on it."""

    image: np.ndarray
    """`[S, S, 3]` uint8 RGB."""
    boxes: np.ndarray
    """`[N, 4]` float32, yxyx in pixels of the image."""
    classes: np.ndarray
    """`[N]` int32, 0-based."""


@dataclass(frozen=True)
class _Look:
    """How a cube is painted; colours RGB 0–1."""

    body: np.ndarray
    frame: np.ndarray
    ink: np.ndarray
    frame_fraction: float


@dataclass(frozen=True)
class _Plan:
    """A face in the picture. `quad [4, 2]` x and y of its corners, in pixels."""

    face: Face
    quad: np.ndarray
    look: _Look
    cube_index: int


def draw_scenes(task: Task, count: int, seed: int, *, size: int = SIZE) -> Iterator[Scene]:
    """The first `count` scenes of a seed."""
    return (draw_scene(task, seed, index, size=size) for index in range(count))


def draw_scene(task: Task, seed: int, index: int, *, size: int = SIZE) -> Scene:
    """Scene number `index` of a seed: 1 to 4 cubes, at least one symbol."""
    random = np.random.default_rng([seed, index])
    scene = _draw(task, random, size)
    while not len(scene.classes):
        scene = _draw(task, random, size)
    return scene


def _draw(task: Task, random: np.random.Generator, size: int) -> Scene:
    camera, cubes = _arrange(random, size)
    sun = _sun(random)
    picture = surroundings.clutter(surroundings.table(size, random), random)
    picture *= _cast_shadows(camera, cubes, sun, size, random)
    canvas = Image.fromarray((picture * 255).astype(np.uint8))
    plans = _plan(camera, cubes, random)
    owners = _owners(plans, size)
    boxes, classes = [], []
    for number, plan in enumerate(plans):
        ink = _choose_ink(plan, task, random)
        inked = np.zeros(0)
        if ink is not None:
            inked = _inked_pixels(ink[0], plan.quad, size)
            visible = owners[inked[:, 1], inked[:, 0]] == number + 1
            if _is_readable(inked, visible, size):
                boxes.append(_box_of(inked[visible]))
                classes.append(ink[1])
            else:
                ink = None
        _paint_face(canvas, plan, None if ink is None else ink[0], sun, random)
    image = surroundings.photograph(np.asarray(canvas, np.float32) / 255, random)
    return Scene(image, np.array(boxes, np.float32).reshape(-1, 4), np.array(classes, np.int32))


def _arrange(random: np.random.Generator, size: int) -> tuple[Camera, list[Cube]]:
    """A camera, and cubes that hide little of each other, the farthest first."""
    distance = random.uniform(6, 10)
    count = int(random.integers(1, 5))
    side_pixels = size * random.uniform(0.33, 0.5) * (1.0, 0.9, 0.82, 0.75)[count - 1]
    camera = Camera(
        size,
        pitch=math.radians(random.uniform(24, 62)),
        roll=random.normal(0, 0.06),
        distance=distance,
        focal=side_pixels * distance,
    )
    cubes: list[Cube] = []
    for _ in range(40):
        side = random.uniform(0.8, 1.2)
        margin = 0.2 * size
        pixel = random.uniform(margin, size - margin, 2)
        place = camera.on_plane((pixel[0], pixel[1]), side / 2)
        cube = Cube(place[0], place[1], side, math.radians(random.uniform(-35, 35)))
        if all(math.hypot(cube.x - c.x, cube.y - c.y) > 1.0 * (side + c.side) for c in cubes):
            cubes.append(cube)
        if len(cubes) == count:
            break
    return camera, sorted(cubes, key=lambda cube: -cube.y)


def _sun(random: np.random.Generator) -> np.ndarray:
    """The direction towards the light, a unit vector above the table."""
    angle, height = random.uniform(0, 2 * math.pi), random.uniform(0.7, 1.4)
    sun = np.array([math.cos(angle), math.sin(angle) - 0.5, height])
    return sun / np.linalg.norm(sun)


def _cast_shadows(
    camera: Camera, cubes: list[Cube], sun: np.ndarray, size: int, random: np.random.Generator
) -> np.ndarray:
    """`[S, S, 1]` factors of the shadows on the table, and of the dark where cubes touch it."""
    cast, contact = [], []
    for cube in cubes:
        corners = cube.corners()
        on_table = camera.project(corners - sun * (corners[:, 2:] / sun[2]))
        for edge in range(4):
            after = (edge + 1) % 4
            cast.append(on_table[[edge, after, after + 4, edge + 4]])
        cast += [on_table[:4], on_table[4:]]
        contact.append(on_table[:4])
    soft = random.uniform(1, 5)
    strength = random.uniform(0.2, 0.6)
    return surroundings.shadow(cast, size, soft, strength) * surroundings.shadow(
        contact, size, 2.5, 0.5
    )


def _plan(camera: Camera, cubes: list[Cube], random: np.random.Generator) -> list[_Plan]:
    """All visible faces in the order in which they are painted."""
    plans = []
    for index, cube in enumerate(cubes):
        look = _look(random)
        for face in cube.faces_towards(camera.position()):
            plans.append(_Plan(face, camera.project(face.corners), look, index))
    return plans


def _look(random: np.random.Generator) -> _Look:
    """Wood, plastic or paper, with ink that stands out."""
    if random.random() < 0.75:
        body = surroundings.paint(random, (0.02, 0.35), (0.8, 1.0))
        ink = surroundings.paint(random, (0.3, 1.0), (0.05, 0.3))
    else:
        body = surroundings.paint(random, (0.4, 0.9), (0.2, 0.45))
        ink = surroundings.paint(random, (0.0, 0.25), (0.9, 1.0))
    frame = surroundings.paint(random, (0.3, 0.9), (0.35, 0.85))
    width = random.uniform(0.04, 0.09) if random.random() < 0.5 else 0.0
    return _Look(np.array(body), np.array(frame), np.array(ink), width)


def _owners(plans: list[_Plan], size: int) -> np.ndarray:
    """`[S, S]` uint8: which face is seen at a pixel, counted from 1; 0 is the table."""
    owners = Image.new("L", (size, size), 0)
    pen = ImageDraw.Draw(owners)
    for number, plan in enumerate(plans):
        pen.polygon([(x, y) for x, y in plan.quad], fill=number + 1)
    return np.asarray(owners)


def _choose_ink(
    plan: _Plan, task: Task, random: np.random.Generator
) -> tuple[np.ndarray, int] | None:
    """An ink that fills the face, and its class; None for a blank or very slanted face."""
    class_index = int(random.integers(len(task.class_names)))
    if random.random() > 0.9 or _narrowness(plan.quad) < 0.5:
        return None
    ink = task.ink(class_index, random)
    extent = int(INK_SIZE * random.uniform(1.0, 1.2))
    room = extent - INK_SIZE
    left, top = (int(v) for v in random.integers(room // 4, room - room // 4 + 1, 2))
    return np.pad(ink, ((top, room - top), (left, room - left))), class_index


def _narrowness(quad: np.ndarray) -> float:
    """Area of a face over that of a square with its longest edge: 1 from the front, 0 edge-on."""
    edges = np.roll(quad, -1, axis=0) - quad
    area = 0.5 * abs(
        np.sum(quad[:, 0] * np.roll(quad[:, 1], -1) - quad[:, 1] * np.roll(quad[:, 0], -1))
    )
    return area / float(np.max(np.sum(edges**2, axis=1)))


def _inked_pixels(ink: np.ndarray, quad: np.ndarray, size: int) -> np.ndarray:
    """`[n, 2]` x and y of the pixels of the picture that the ink reaches."""
    patch, corner = _warp(Image.fromarray((ink * 255).astype(np.uint8)), quad, size)
    rows, columns = np.nonzero(np.asarray(patch) > 255 * _INKED)
    return np.stack([columns + corner[0], rows + corner[1]], axis=1)


def _is_readable(inked: np.ndarray, visible: np.ndarray, size: int) -> bool:
    """Large enough, hardly hidden, and not cut off by the edge of the picture."""
    if visible.sum() < max(1.0, _MIN_VISIBLE_FRACTION * len(inked)):
        return False
    box = _box_of(inked[visible])
    inside = min(box[:2]) > 0 and max(box[2:]) < size
    return inside and box[2] - box[0] >= _MIN_SYMBOL_PIXELS


def _box_of(pixels: np.ndarray) -> tuple[float, float, float, float]:
    (left, top), (right, bottom) = pixels.min(axis=0), pixels.max(axis=0) + 1
    return float(top), float(left), float(bottom), float(right)


def _paint_face(
    canvas: Image.Image,
    plan: _Plan,
    ink: np.ndarray | None,
    sun: np.ndarray,
    random: np.random.Generator,
) -> None:
    """Puts one face into the picture, with smooth edges."""
    brightness = 0.5 + 0.55 * max(0.0, float(plan.face.normal @ sun))
    longest = math.sqrt(np.max(np.sum((np.roll(plan.quad, -1, axis=0) - plan.quad) ** 2, axis=1)))
    texture = _texture(plan.look, ink, int(min(160, max(40, 1.2 * longest))), random)
    texture = np.clip(texture * brightness, 0, 1) * 255
    # Faces of one cube meet without a gap: what shines through an edge is paint as well.
    under = tuple(int(v) for v in plan.look.body * brightness * 220)
    ImageDraw.Draw(canvas).polygon([(x, y) for x, y in plan.quad], fill=under)
    rgba = np.zeros((len(texture) + 4, len(texture) + 4, 4), np.uint8)
    rgba[..., :3] = np.pad(texture, ((2, 2), (2, 2), (0, 0)), mode="edge")
    rgba[2:-2, 2:-2, 3] = 255
    patch, corner = _warp(Image.fromarray(rgba), plan.quad, canvas.width, border=2)
    canvas.paste(patch, corner, patch)


def _texture(
    look: _Look, ink: np.ndarray | None, side: int, random: np.random.Generator
) -> np.ndarray:
    """`[T, T, 3]` float: body, frame, ink, worn edges and specks."""
    texture = np.broadcast_to(look.body, (side, side, 3)).astype(np.float32)
    margin = round(look.frame_fraction * side)
    if margin:
        inner = texture[margin:-margin, margin:-margin].copy()
        texture[:] = look.frame
        texture[margin:-margin, margin:-margin] = inner
    texture *= 1 + surroundings.cloud(side, random, (4, 16), 0.05)[..., None]
    if ink is not None:
        scaled = Image.fromarray(ink).resize((side, side), Image.Resampling.BILINEAR)
        alpha = np.asarray(scaled)[..., None] * random.uniform(0.8, 1.0)
        texture = texture * (1 - alpha) + look.ink.astype(np.float32) * alpha
    rim = np.minimum(np.arange(side), np.arange(side)[::-1])
    edge = np.minimum(rim[:, None], rim[None, :])
    return texture * np.where(edge < 1 + side // 40, np.float32(0.86), np.float32(1))[..., None]


def _warp(
    texture: Image.Image, quad: np.ndarray, size: int, border: int = 0
) -> tuple[Image.Image, tuple[int, int]]:
    """`texture` as seen on `quad`, cut out of the picture, and where its left upper corner goes.

    Args:
        border: rows of the texture on each side that lie outside of `quad`.
    """
    left, top = (int(v) for v in np.clip(np.floor(quad.min(axis=0)) - 1, 0, size - 1))
    right, bottom = (int(v) for v in np.clip(np.ceil(quad.max(axis=0)) + 1, 1, size))
    end_x, end_y = texture.width - border, texture.height - border
    source = np.array([[border, border], [end_x, border], [end_x, end_y], [border, end_y]], float)
    numbers = homography(source, quad - (left, top))
    patch = texture.transform(
        (max(1, right - left), max(1, bottom - top)),
        Image.Transform.PERSPECTIVE,
        tuple(numbers),
        Image.Resampling.BILINEAR,
    )
    return patch, (left, top)
