"""Images opened by Pillow, without its warnings about odd headers, in any number of threads."""

from __future__ import annotations

import contextlib
import io
import threading
import warnings
from collections.abc import Generator

from PIL import Image


class _Quiet:
    """While any thread is inside, Pillow's warnings are left out.

    The filters belong to the process: two threads that each kept and put back those they found
    could leave the filters of the other.
    """

    def __init__(self) -> None:
        self._lock, self._inside = threading.Lock(), 0
        self._filters = contextlib.ExitStack()

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._filters.enter_context(warnings.catch_warnings())
                warnings.simplefilter("ignore", UserWarning)
                warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                self._filters.close()


_quiet = _Quiet()


@contextlib.contextmanager
def opened(data: bytes) -> Generator[Image.Image]:
    """The encoded image `data`; Pillow's warnings about odd headers are left out."""
    with _quiet, Image.open(io.BytesIO(data)) as image:
        yield image


def load_problem(data: bytes) -> str:
    """Why Pillow does not decode the image `data`; "" if it does."""
    try:
        with opened(data) as image:
            image.load()
    except Exception as error:  # on broken files Pillow's formats raise errors of any kind
        return str(error) or type(error).__name__
    return ""
