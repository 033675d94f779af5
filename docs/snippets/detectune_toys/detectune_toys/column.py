"""Certainty: how sure somebody was of each object."""

from __future__ import annotations

import numpy as np

from detectune.data.columns.base import Column, columns, stored

columns.register("certainty")(Column(dtype=np.float32, shape=(), read=stored("certainty")))
