"""Everything in a scene but the cubes: the table, things that lie about, light and the camera.

Pictures are float32 `[S, S, 3]`, RGB, 0–1, until the very end.
"""

from __future__ import annotations

import colorsys
import math

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

Random = np.random.Generator


def table(size: int, random: Random) -> np.ndarray:
    """A table top: wood, cloth, stone or paper, in a calm colour."""
    style = random.choice(["wood", "cloth", "stone", "paper"], p=[0.35, 0.25, 0.2, 0.2])
    colour = np.array(_table_colour(style, random), np.float32)
    if style == "wood":
        grain = _grain(size, random)
    elif style == "cloth":
        grain = _weave(size, random)
    elif style == "stone":
        grain = cloud(size, random, (6, 17, 48), 0.11)
    else:
        grain = cloud(size, random, (5, 40), 0.03)
    return np.clip(colour * (1 + grain[..., None]), 0, 1)


def cloud(size: int, random: Random, cells: tuple[int, ...], strength: float) -> np.ndarray:
    """`[S, S]` smooth noise around 0: one layer per number of cells, each half as strong."""
    total = np.zeros((size, size), np.float32)
    for layer, count in enumerate(cells):
        noise = random.normal(0, strength / 2**layer, (count, count)).astype(np.float32)
        total += np.asarray(Image.fromarray(noise).resize((size, size), Image.Resampling.BICUBIC))
    return total


def clutter(picture: np.ndarray, random: Random) -> np.ndarray:
    """Up to seven flat things on the table: sheets, pencils, coins, cords, splashes of paint."""
    before = (picture * 255).astype(np.uint8)
    canvas, shade = Image.fromarray(before), Image.new("L", (len(picture), len(picture)), 0)
    pens = ImageDraw.Draw(canvas), ImageDraw.Draw(shade)
    for _ in range(int(random.integers(0, 8))):
        thing = _THINGS[int(random.integers(len(_THINGS)))]
        thing(pens, canvas.width, random)
    after = np.asarray(canvas)
    is_thing = np.any(after != before, axis=-1, keepdims=True)
    dark = np.asarray(shade.filter(ImageFilter.GaussianBlur(2.5)), np.float32)[..., None]
    return np.where(is_thing, after * np.float32(1 / 255), picture * (1 - dark * (0.45 / 255)))


def shadow(polygons: list[np.ndarray], size: int, softness: float, strength: float) -> np.ndarray:
    """`[S, S, 1]` factors: darker where any of the polygons `[n, 2]` lies, with a soft edge."""
    half = size // 2  # soft things need no more
    mask = Image.new("L", (half, half), 0)
    pen = ImageDraw.Draw(mask)
    for polygon in polygons:
        pen.polygon([(x / 2, y / 2) for x, y in polygon], fill=255)
    mask = mask.filter(ImageFilter.GaussianBlur(softness)).resize((size, size))
    return 1 - strength * (np.asarray(mask, np.float32) / 255)[..., None]


def photograph(picture: np.ndarray, random: Random) -> np.ndarray:
    """`[S, S, 3]` uint8: uneven light of some colour, exposure, a little blur, and noise."""
    size = len(picture)
    light = 1 + cloud(size, random, (2, 4), 0.16)
    warmth = random.normal(0, 0.05)
    tint = np.array([1 + warmth, 1 + random.normal(0, 0.015), 1 - warmth], np.float32)
    exposed = picture * light[..., None] * (tint * np.float32(255 * random.uniform(0.75, 1.25)))
    photo = Image.fromarray(np.clip(exposed, 0, 255).astype(np.uint8))
    gamma = random.uniform(0.8, 1.25)
    photo = photo.point([round(255 * (level / 255) ** gamma) for level in range(256)] * 3)
    if random.random() < 0.35:
        photo = photo.filter(ImageFilter.GaussianBlur(random.uniform(0.3, 0.8)))
    noise = random.standard_normal((size, size, 1), np.float32) * random.uniform(0.5, 6)
    return np.clip(np.asarray(photo, np.float32) + noise, 0, 255).astype(np.uint8)


def paint(random: Random, saturation: tuple[float, float], value: tuple[float, float]) -> tuple:
    """A colour of any hue, RGB 0–1."""
    return colorsys.hsv_to_rgb(random.random(), random.uniform(*saturation), random.uniform(*value))


def _table_colour(style: str, random: Random) -> tuple:
    if style == "wood":
        hue, strength = random.uniform(0.05, 0.1), random.uniform(0.3, 0.65)
        return colorsys.hsv_to_rgb(hue, strength, random.uniform(0.4, 0.85))
    if style == "paper":
        return paint(random, (0.0, 0.12), (0.75, 0.95))
    return paint(random, (0.08, 0.5), (0.3, 0.85))


def _grain(size: int, random: Random) -> np.ndarray:
    """Long fibres and the seams of boards."""
    boards = int(random.integers(2, 6))
    noise = random.normal(0, 1, (48, 6)).astype(np.float32)
    fibre = Image.fromarray(noise).resize((size, size), Image.Resampling.BICUBIC)
    board = np.arange(size) * boards // size
    tone = random.normal(0, 0.07, boards)[board]
    seam = np.where(np.diff(board, prepend=0) > 0, -0.45, 0)
    grain = 0.06 * np.asarray(fibre) + (tone + seam).astype(np.float32)[:, None]
    return grain.T if random.random() < 0.5 else grain


def _weave(size: int, random: Random) -> np.ndarray:
    """Threads, and now and then wide stripes or checks."""
    step = np.arange(size, dtype=np.float32)
    thread = 0.04 * np.sin(step * random.uniform(1.2, 2.4))
    wide = 0.14 * np.sign(np.sin(step * 2 * math.pi / random.uniform(30, 90)))
    kind = random.random()
    rows = thread + (wide if kind < 0.35 else 0)
    columns = thread + (wide if 0.2 < kind < 0.5 else 0)
    return (rows[:, None] + columns[None, :] + cloud(size, random, (8,), 0.03)).astype(np.float32)


def _rgb(colour: tuple) -> tuple[int, int, int]:
    red, green, blue = (int(255 * part) for part in colour)
    return red, green, blue


def _turned_rectangle(
    size: int, random: Random, width: float, height: float
) -> list[tuple[float, float]]:
    x, y = random.uniform(0, size, 2)
    angle = random.uniform(0, math.pi)
    along = np.array([math.cos(angle), math.sin(angle)]) * width / 2
    across = np.array([-math.sin(angle), math.cos(angle)]) * height / 2
    corners = (along + across, along - across, -along - across, across - along)
    return [(x + corner[0], y + corner[1]) for corner in corners]


def _sheet(pens: tuple, size: int, random: Random) -> None:
    corners = _turned_rectangle(size, random, *random.uniform(40, 130, 2))
    pens[1].polygon([(x + 3, y + 3) for x, y in corners], fill=150)
    pens[0].polygon(corners, fill=_rgb(paint(random, (0, 0.3), (0.7, 1))))
    ink = _rgb(paint(random, (0.2, 0.6), (0.3, 0.7)))
    start, end = np.array(corners[0]), np.array(corners[1])
    down = (np.array(corners[3]) - start) / 8
    for line in range(1, 7):
        left = start + down * line + (end - start) * 0.1
        right = start + down * line + (end - start) * random.uniform(0.5, 0.9)
        pens[0].line([tuple(left), tuple(right)], fill=ink, width=1)


def _pencil(pens: tuple, size: int, random: Random) -> None:
    corners = _turned_rectangle(size, random, random.uniform(60, 150), random.uniform(4, 9))
    pens[1].polygon([(x + 4, y + 4) for x, y in corners], fill=220)
    pens[0].polygon(corners, fill=_rgb(paint(random, (0.5, 0.95), (0.4, 0.95))))
    pens[0].line(corners[:2], fill=_rgb(paint(random, (0.1, 0.4), (0.7, 0.9))), width=4)


def _coin(pens: tuple, size: int, random: Random) -> None:
    x, y = random.uniform(0, size, 2)
    radius = random.uniform(6, 16)
    flat = radius * random.uniform(0.7, 1)
    pens[1].ellipse((x - radius + 3, y - flat + 3, x + radius + 3, y + flat + 3), fill=220)
    colour = np.array(colorsys.hsv_to_rgb(0.11, random.uniform(0.05, 0.5), 0.8))
    pens[0].ellipse((x - radius, y - flat, x + radius, y + flat), fill=_rgb(tuple(colour * 0.7)))
    radius, flat = radius - 2, flat - 2
    pens[0].ellipse((x - radius, y - flat, x + radius, y + flat), fill=_rgb(tuple(colour)))


def _cord(pens: tuple, size: int, random: Random) -> None:
    knots = random.uniform(-0.1 * size, 1.1 * size, (4, 2))
    steps = np.linspace(0, 1, 24)[:, None]
    rest = 1 - steps
    curve = (
        rest**3 * knots[0]
        + 3 * rest**2 * steps * knots[1]
        + 3 * rest * steps**2 * knots[2]
        + steps**3 * knots[3]
    )
    width = int(random.integers(2, 5))
    pens[1].line([(x + 3, y + 3) for x, y in curve], fill=200, width=width)
    colour = _rgb(paint(random, (0, 0.8), (0.1, 0.9)))
    pens[0].line([(x, y) for x, y in curve], fill=colour, width=width, joint="curve")


def _splash(pens: tuple, size: int, random: Random) -> None:
    centre = random.uniform(0, size, 2)
    angles = np.linspace(0, 2 * math.pi, 14, endpoint=False)
    radii = random.uniform(8, 34) * random.uniform(0.7, 1.2, 14)
    points = [
        (centre[0] + r * math.cos(a), centre[1] + r * math.sin(a))
        for r, a in zip(radii, angles, strict=True)
    ]
    pens[0].polygon(points, fill=_rgb(paint(random, (0.1, 0.7), (0.2, 0.95))))


_THINGS = (_sheet, _pencil, _coin, _cord, _splash)
