"""Makes docs/pictures/demo.png, the picture at the top of the README, from a run of the demo.

detectune demo --model-dir demo-run && python tools/readme_picture.py demo-run
"""

from __future__ import annotations

import argparse
from pathlib import Path

from PIL import Image

from detectune.drawing.sheets import contact_sheet

TARGET = Path(__file__).resolve().parent.parent / "docs" / "pictures" / "demo.png"
# Not chosen by result: the first four test scenes.
SCENES, CELL_WIDTH, COLOURS = range(1, 5), 520, 160


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="the --model-dir of `detectune demo`")
    pictures = parser.parse_args().run / "pictures"
    pairs = [Image.open(pictures / f"scene-{number:02d}.png").convert("RGB") for number in SCENES]
    sheet = contact_sheet(pairs, columns=2, cell_width=CELL_WIDTH)
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    sheet.quantize(COLOURS, dither=Image.Dither.NONE).save(TARGET, optimize=True)
    print(f"{TARGET}: {TARGET.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
