"""Draws the diagrams of the documentation: `docs/pictures/*.svg`.

    python tools/draw_diagrams.py           writes them
    python tools/draw_diagrams.py --check   says which are stale

They are so narrow that a telephone shows them whole, and need neither scripts nor a network.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path

PICTURES = Path(__file__).resolve().parents[1] / "docs" / "pictures"
WIDTH, LINE = 480, 19
_STYLE = """
text { font: 14px system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif;
  fill: #23262d; }
.t { font-weight: 600; } .c { font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono",
  monospace; font-size: 12.5px; fill: #3d5bb5; } .s { fill: #5d6370; font-size: 13px; }
.m { text-anchor: middle; } .e { text-anchor: end; }
.b { fill: #f3f5fb; stroke: #9fb0de; } .r { fill: #fdf3ec; stroke: #e0b08f; }
.g { fill: #eef7f3; stroke: #94c9b4; } .p { fill: #e3e3df; }
.a { fill: none; stroke: #5d6370; stroke-width: 1.6; marker-end: url(#head); }
.l { fill: none; stroke: #5d6370; stroke-width: 1.6; } .d { stroke-dasharray: 4 4; }
"""


class Drawing:
    """Shapes on a white card of 480 units across."""

    def __init__(self, height: int, title: str) -> None:
        self.height, self.title = height, title
        self.parts: list[str] = []

    def box(self, x: int, y: int, w: int, lines: Sequence[str], kind: str = "b", h: int = 0) -> int:
        """A rounded box: a heading, then lines (`code` in a mono font); where it ends below."""
        h = h or LINE * len(lines) + 14
        self.parts.append(f'<rect class="{kind}" x="{x}" y="{y}" width="{w}" height="{h}" rx="7"/>')
        for row, text in enumerate(lines):
            style = "t" if row == 0 else "s"
            self.text(x + 12, y + 20 + row * LINE, text, style)
        return y + h

    def text(self, x: float, y: float, text: str, style: str = "s") -> None:
        """A line of text; with a leading backtick in the font of code."""
        if text.startswith("`"):
            style, text = style.replace("t", "").replace("s", "") + " c", text.strip("`")
        self.parts.append(f'<text class="{style.strip()}" x="{x}" y="{y}">{escape(text)}</text>')

    def arrow(self, *points: tuple[float, float], style: str = "a") -> None:
        """A line through points, with a head at its end."""
        path = " ".join(f"{x},{y}" for x, y in points)
        self.parts.append(f'<polyline class="{style}" points="{path}"/>')

    def rect(self, x: float, y: float, w: float, h: float, kind: str) -> None:
        """A plain rectangle."""
        self.parts.append(f'<rect class="{kind}" x="{x}" y="{y}" width="{w}" height="{h}"/>')

    def svg(self) -> str:
        """The file."""
        marker = (
            '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
            'markerHeight="7" orient="auto"><path d="M0 0 8 4 0 8z" fill="#5d6370"/></marker>'
            "</defs>"
        )
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{self.height}" '
            f'viewBox="0 0 {WIDTH} {self.height}" role="img">\n'
            f"<title>{escape(self.title)}</title>\n<style>{_STYLE}</style>\n{marker}\n"
            f'<rect x=".5" y=".5" width="{WIDTH - 1}" height="{self.height - 1}" rx="9" '
            'fill="#fff" stroke="#dcdcd6"/>\n' + "\n".join(self.parts) + "\n</svg>\n"
        )


def data_flow() -> Drawing:
    """From a file to a batch."""
    d = Drawing(668, "From files over sources, records and examples to a batch")
    d.box(20, 18, 190, ["Files", "VOC, COCO, YOLO,", "CSV, TFRecord, …"])
    d.box(270, 18, 190, ["Source", "len, [i], label_map, survey", "`data/sources/`"])
    d.arrow((210, 54), (268, 54))
    d.arrow((365, 90), (365, 130))
    d.box(270, 132, 190, ["Record", "encoded image", "boxes: fractions, yxyx", "class_ids: from 1",
                          "crowd, weights, masks, …"])  # fmt: skip
    d.box(20, 150, 190, ["Position", "(seed, epoch) makes the", "order: which record"], "r")
    d.arrow((210, 186), (268, 186))
    d.arrow((365, 242), (365, 300))
    d.text(355, 266, "read in Python,", "s e")
    d.text(355, 284, "decoded in C++", "s e")
    d.box(270, 302, 190, ["Example", "image [H, W, 3] uint8", "boxes [N, 4] fractions",
                          "classes [N] from 0", "weights [N]"])  # fmt: skip
    d.box(20, 330, 190, ["Augmentation", "by (seed, position)", "`data/augment/`"], "r")
    d.arrow((270, 350), (212, 350))
    d.arrow((210, 384), (268, 384))
    d.arrow((365, 412), (365, 458))
    d.text(355, 442, "resized and padded", "s e")
    d.box(270, 460, 190, ["Sample", "image [h, w, 3] float32", "`data/resizers.py`"])
    d.arrow((270, 496), (230, 496), (230, 540), (212, 540))
    d.box(20, 500, 190, ["Batch", "images [B, H, W, 3]", "float32, 0–255, RGB",
                         "GroundTruth: boxes", "[B, N, 4] in pixels of the",
                         "input, classes, valid,", "weights, masks, sizes"], "g")  # fmt: skip
    return d


def matching() -> Drawing:
    """Ground truth and predictions to losses."""
    d = Drawing(520, "Ground truth is compared with anchors, matched, made targets, then losses")
    d.box(20, 18, 210, ["GroundTruth", "boxes [B, N, 4]", "classes, valid [B, N]"])
    d.box(250, 18, 210, ["Predictions", "box_codes [B, A, 4]", "class_logits [B, A, C]"], "r")
    d.arrow((125, 90), (125, 128))
    d.box(20, 130, 210, ["Similarity [B, N, A]", "of boxes and anchors", "`boxes/iou.py`"])
    d.arrow((125, 202), (125, 238))
    d.box(20, 240, 210, ["Matches [B, A]", "which anchor says what", "`targets/matchers.py`"])
    d.arrow((125, 312), (125, 348))
    d.box(
        20, 350, 210, ["AnchorTargets", "what it should have said", "`targets/anchor_targets.py`"]
    )
    d.arrow((355, 90), (355, 348))
    d.arrow((230, 386), (248, 386))
    d.box(250, 350, 210, ["Losses", "of every anchor", "`losses/anchor_loss.py`"], "r")
    d.arrow((355, 422), (355, 448))
    d.box(250, 450, 210, ["classification_loss", "localization_loss"], "g")
    d.text(20, 462, "without focal loss, SSD mines")
    d.text(20, 481, "hard negatives in between:")
    d.text(20, 500, "`losses/hard_mining.py`")
    return d


def matching_cases() -> Drawing:
    """What an IoU means for an anchor."""
    d = Drawing(250, "Below the unmatched threshold background, above the matched one an object")
    d.arrow((30, 40), (456, 40))
    d.text(30, 26, "IoU 0")
    d.text(446, 26, "1", "s e")
    for x, name, y in ((170, "unmatched_threshold", 66), (310, "matched_threshold", 66)):
        d.arrow((x, 32), (x, 48), style="l")
        d.text(x, y, f"`{name}`", "s m")
    d.arrow((170, 76), (170, 90), style="l d")
    d.arrow((310, 76), (310, 90), style="l d")
    d.box(20, 96, 138, ["Background", "match −1", "class loss against", "“nothing”"])
    d.box(171, 96, 138, ["Ignored", "match −2", "counts nowhere"], "r", 90)
    d.box(322, 96, 138, ["An object", "match: its index", "class loss", "and box loss"], "g")
    d.text(20, 216, "With force_match_for_each_row every box also takes")
    d.text(20, 235, "the anchor that overlaps it most, however little.")
    return d


def box_units() -> Drawing:
    """Which unit a box has where."""
    d = Drawing(436, "Boxes are fractions until the batch, pixels of the input in the model")
    d.box(20, 18, 440, ["Files", "VOC: xmin ymin xmax ymax, pixels",
                        "COCO: x y width height, pixels",
                        "YOLO: centre x, y, width, height, fractions",
                        "class ids from 1"])  # fmt: skip
    d.arrow((240, 128), (240, 158))
    d.box(20, 160, 440, ["data/", "ymin xmin ymax xmax as fractions of the image,",
                         "until the batch is made; class ids from 1"])  # fmt: skip
    d.arrow((240, 232), (240, 262))
    d.box(20, 264, 440, ["Model", "yxyx in pixels of the model's input, from the batch on;",
                         "class indices from 0"], "r")  # fmt: skip
    d.arrow((130, 336), (130, 364))
    d.arrow((350, 336), (350, 364))
    d.box(20, 366, 212, ["evaluation/, inference/", "original pixels, ids from 1"], "g")
    d.box(248, 366, 212, ["exporters/", "fractions, ids from 1"], "g")
    return d


def box_padding() -> Drawing:
    """A picture, resized and padded."""
    d = Drawing(196, "A picture is resized, then padded below and on the right")
    for x, w, h, name, size in (
        (16, 150, 112, "file", "640 x 480"), (206, 106, 80, "resized", "320 x 240"),
        (352, 106, 106, "model's input", "320 x 320"),
    ):  # fmt: skip
        d.rect(x, 40, w, h, "p" if x == 352 else "b")
        d.text(x, 18, name, "t")
        d.text(x, 34, size)
    d.rect(352, 40, 106, 80, "b")
    d.rect(76, 62, 40, 34, "r")
    d.rect(248, 56, 28, 24, "r")
    d.rect(394, 56, 28, 24, "r")
    d.arrow((170, 80), (202, 80))
    d.arrow((316, 80), (348, 80))
    d.text(16, 176, "height, width of the file")
    d.text(206, 140, "“size” of the image")
    d.text(352, 166, "padding")
    return d


def checkpoint_key() -> Drawing:
    """The parts of a key of a checkpoint."""
    d = Drawing(150, "A key: the part of the model, which layer, which variable")
    d.text(20, 30, "`model/_feature_extractor/classification_backbone/`")
    d.text(36, 52, "`layer_with_weights-0/`")
    d.text(52, 74, "`kernel/.ATTRIBUTES/VARIABLE_VALUE`")
    for y, text in ((30, "part"), (52, "layer"), (74, "variable")):
        d.text(462, y, text, "t e")
    d.text(20, 112, "Layers are counted within their part; only those with")
    d.text(20, 131, "weights count.")
    return d


def checkpoint_ways() -> Drawing:
    """What a name map is used for."""
    d = Drawing(296, "A name map serves to restore, to freeze, to write and to report")
    d.box(20, 18, 210, ["Zoo checkpoint", "`checkpoints/restore.py`"])
    d.box(250, 18, 210, ["freeze_variables", "patterns of the config"])
    d.arrow((125, 71), (125, 118))
    d.arrow((355, 71), (355, 118))
    d.box(20, 120, 440, ["A table", "layer of ours ↔ key of theirs",
                         "`checkpoints/name_maps/ssd.py`"], "r")  # fmt: skip
    d.arrow((125, 192), (125, 222))
    d.arrow((355, 192), (355, 222))
    d.box(20, 224, 210, ["Written", "the original reads it"], "g")
    d.box(250, 224, 210, ["Report", "matched, fresh, left over"], "g")
    return d


def checkpoint_classes() -> Drawing:
    """Rows of classes are carried over by name."""
    d = Drawing(190, "Rows of a class are carried over by name; a class without one starts fresh")
    d.text(20, 44, "checkpoint", "t")
    d.text(20, 144, "detector", "t")
    upper = {"background": 108, "cat": 226, "dog": 306, "horse": 386}
    lower = {"background": 108, "cow": 226, "dog": 306, "cat": 386}
    for y, names, fresh in ((22, upper, ""), (122, lower, "cow")):
        for name, x in names.items():
            width = 112 if name == "background" else 70
            d.box(x, y, width, [name], "r" if name == fresh else "b")
    for name in ("background", "cat", "dog"):
        middle = 53 if name == "background" else 35
        d.arrow((upper[name] + middle, 55), (lower[name] + middle, 120))
    d.text(226, 178, "cow starts fresh")
    return d


def average_precision() -> Drawing:
    """From detections to AP."""
    d = Drawing(430, "Detections are sorted and matched; precision over recall; the area is AP")
    d.box(20, 18, 440, ["Detections of one class", "sorted by falling score"])
    d.arrow((240, 70), (240, 96))
    d.box(20, 98, 440, ["Matched", "to the boxes that are really there, each box at most once"])
    d.arrow((240, 151), (240, 178))
    d.parts.append('<path class="p" d="M110 220 H210 L240 240 H300 L350 300 H380 V370 H110z"/>')
    d.arrow((110, 370), (110, 196))
    d.arrow((110, 370), (410, 370))
    d.parts.append('<path class="l" d="M110 220 H210 L240 240 H300 L350 300 H380"/>')
    d.text(100, 204, "precision", "s e")
    d.text(410, 390, "recall", "s e")
    d.text(206, 320, "AP of the class", "t")
    d.text(240, 416, "the area below the curve", "s m")
    return d


def training_flow() -> Drawing:
    """What a training does."""
    d = Drawing(396, "Config, data, detector, checkpoint, stages; then best and last")
    steps = (("Config", "checked"), ("Data", "checked"), ("Detector", "built"),
             ("Checkpoint", "restored"))  # fmt: skip
    for index, (name, done) in enumerate(steps):
        y = 18 + index * 72
        d.box(20, y, 210, [name, done])
        d.arrow((125, y + 52), (125, y + 70))
    d.box(20, 306, 210, ["Stages", "gradient descent, …"], "r")
    d.arrow((230, 322), (252, 322), (252, 230), (268, 230))
    d.arrow((230, 342), (268, 342))
    d.box(270, 204, 190, ["Evaluation", "checkpoints/best"], "g")
    d.box(270, 306, 190, ["Last", "metrics.jsonl, report.html"], "g")
    return d


DRAWINGS: dict[str, Callable[[], Drawing]] = {
    "average-precision": average_precision,
    "box-padding": box_padding,
    "box-units": box_units,
    "checkpoint-classes": checkpoint_classes,
    "checkpoint-key": checkpoint_key,
    "checkpoint-ways": checkpoint_ways,
    "data-flow": data_flow,
    "matching": matching,
    "matching-cases": matching_cases,
    "training-flow": training_flow,
}


def stale() -> list[Path]:
    """Files that are not what would be drawn now."""
    wanted = {PICTURES / f"{name}.svg": draw().svg() for name, draw in DRAWINGS.items()}
    return [
        file
        for file, text in wanted.items()
        if not file.is_file() or file.read_text("utf-8") != text
    ]


if __name__ == "__main__":
    if "--check" in sys.argv:
        sys.exit("\n".join(f"stale: {file}" for file in stale()))
    for drawn, draw in DRAWINGS.items():
        (PICTURES / f"{drawn}.svg").write_text(draw().svg(), "utf-8")
