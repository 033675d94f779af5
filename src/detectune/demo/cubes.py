"""Cubes on a table, seen by a camera: where their faces fall in the picture.

world: x to the right, y away from the camera, z up; the table is z = 0
camera: looks at the origin from `distance`, `pitch` below the horizontal, a little rolled
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

_UP = np.array([0.0, 0.0, 1.0])


@dataclass(frozen=True)
class Camera:
    """A pinhole camera for a square picture of `size` pixels."""

    size: int
    pitch: float
    roll: float
    distance: float
    focal: float

    def axes(self) -> np.ndarray:
        """Rows: right, up and forward in the world."""
        cos, sin = math.cos(self.pitch), math.sin(self.pitch)
        right, up = np.array([1.0, 0.0, 0.0]), np.array([0.0, sin, cos])
        turn_cos, turn_sin = math.cos(self.roll), math.sin(self.roll)
        forward = np.array([0.0, cos, -sin])
        return np.stack(
            [turn_cos * right + turn_sin * up, turn_cos * up - turn_sin * right, forward]
        )

    def position(self) -> np.ndarray:
        return -self.distance * self.axes()[2]

    def project(self, points: np.ndarray) -> np.ndarray:
        """World points `[N, 3]` → pixels `[N, 2]`, x and y."""
        right, up, depth = self.axes() @ (points - self.position()).T
        half = self.size / 2
        return np.stack([half + self.focal * right / depth, half - self.focal * up / depth], 1)

    def on_plane(self, pixel: tuple[float, float], height: float) -> np.ndarray:
        """The world point at `height` over the table that is seen at `pixel`."""
        half = self.size / 2
        axes = self.axes()
        ray = (
            (pixel[0] - half) / self.focal * axes[0]
            + (half - pixel[1]) / self.focal * axes[1]
            + axes[2]
        )
        position = self.position()
        return position + ray * (height - position[2]) / ray[2]


@dataclass(frozen=True)
class Face:
    """One visible face. `corners [4, 3]` from its upper left, clockwise as seen from outside."""

    corners: np.ndarray
    normal: np.ndarray
    is_top: bool


@dataclass(frozen=True)
class Cube:
    """A cube that stands on the table at `(x, y)`, turned by `yaw`."""

    x: float
    y: float
    side: float
    yaw: float

    def corners(self) -> np.ndarray:
        """`[8, 3]`: the four on the table, then the four above them."""
        along, across = self._axes()
        base = np.array([self.x, self.y, 0.0])
        half = self.side / 2
        flat = [base + half * (i * along + j * across) for i, j in _AROUND]
        return np.array(flat + [corner + self.side * _UP for corner in flat])

    def faces_towards(self, eye: np.ndarray) -> list[Face]:
        """The faces that look towards `eye`, the top first."""
        along, across = self._axes()
        faces = [self._top(along, across)]
        faces += [self._wall(normal) for normal in (along, -along, across, -across)]
        return [face for face in faces if face.normal @ (eye - face.corners.mean(0)) > 0]

    def _axes(self) -> tuple[np.ndarray, np.ndarray]:
        cos, sin = math.cos(self.yaw), math.sin(self.yaw)
        return np.array([cos, sin, 0.0]), np.array([-sin, cos, 0.0])

    def _wall(self, normal: np.ndarray) -> Face:
        centre = np.array([self.x, self.y, self.side / 2]) + normal * self.side / 2
        return Face(self._square(centre, _UP, normal), normal, is_top=False)

    def _top(self, along: np.ndarray, across: np.ndarray) -> Face:
        # What stands on the top is readable for the camera: its head points away from it.
        head = max((along, -along, across, -across), key=lambda axis: axis[1])
        centre = np.array([self.x, self.y, self.side])
        return Face(self._square(centre, head, _UP), _UP, is_top=True)

    def _square(self, centre: np.ndarray, head: np.ndarray, normal: np.ndarray) -> np.ndarray:
        right, half = np.cross(head, normal), self.side / 2
        return np.array(
            [
                centre + half * (head - right),
                centre + half * (head + right),
                centre + half * (right - head),
                centre - half * (head + right),
            ]
        )


_AROUND = ((-1, -1), (1, -1), (1, 1), (-1, 1))


def homography(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The eight numbers `a…h` that map `target [4, 2]` back to `source [4, 2]`.

    `x_s = (a·x + b·y + c) / (g·x + h·y + 1)` and so on, as Pillow's PERSPECTIVE wants them.
    """
    rows = []
    for (u, v), (x, y) in zip(source, target, strict=True):
        rows.append([x, y, 1, 0, 0, 0, -u * x, -u * y])
        rows.append([0, 0, 0, x, y, 1, -v * x, -v * y])
    return np.linalg.solve(np.array(rows), np.ravel(source))
