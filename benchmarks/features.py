"""Features with a simple classifier: how long vectors take, and how often each classifier is right.

    python benchmarks/features.py --data SOURCE --network NETWORK
        [--out benchmarks/results/features-2cores-tf-fp32.csv] [--picture matrix.svg]

Every fifth image is kept apart; the others are fitted on, with 5 folds. A row for each classifier:
cross-validation, the images that were kept apart, and always saying the most frequent class. The
picture is the confusion matrix, on images that were kept apart, of the first classifier.
"""

from __future__ import annotations

import argparse
import csv
import time
from pathlib import Path

from detectune.features.evaluate import evaluate_features
from detectune.features.extract import extract_features
from detectune.features.fit import fit_classifier
from detectune.features.report import confusion_picture

KINDS = ("svm", "linear-svm", "logistic", "knn", "mlp")
COLUMNS = (
    "classifier", "vectors", "extract_s", "fit_s", "cv_balanced", "cv_spread",
    "balanced", "accuracy", "majority_balanced", "majority_accuracy",
)  # fmt: skip


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("--data", required=True)
    words.add_argument("--network", required=True)
    words.add_argument("--weights")
    words.add_argument("--kinds", default=",".join(KINDS))
    words.add_argument("--out", type=Path)
    words.add_argument("--picture", type=Path)
    asked = words.parse_args()

    began = time.perf_counter()
    features = extract_features(asked.data, asked.network, weights=asked.weights)
    extract_s = time.perf_counter() - began
    apart = features.images % 5 == 4
    rows: list[dict[str, object]] = []
    for number, kind in enumerate(asked.kinds.split(",")):
        began = time.perf_counter()
        classifier = fit_classifier(features.select(~apart), kind)
        fit_s = time.perf_counter() - began
        found = evaluate_features(classifier, features.select(apart))
        measured = classifier.cross_validation
        values = (
            kind, len(features), f"{extract_s:.1f}", f"{fit_s:.1f}",
            f"{measured.balanced_accuracy:.3f}", f"{measured.spread:.3f}",
            f"{found.balanced_accuracy:.3f}", f"{found.accuracy:.3f}",
            f"{found.majority_balanced_accuracy:.3f}", f"{found.majority_accuracy:.3f}",
        )  # fmt: skip
        rows.append(dict(zip(COLUMNS, values, strict=True)))
        print(rows[-1], classifier.chosen, flush=True)
        if asked.picture and not number:
            asked.picture.write_text(confusion_picture(found) + "\n", "utf-8")
    if asked.out:
        with open(asked.out, "w", newline="", encoding="utf-8") as file:
            table = csv.DictWriter(file, COLUMNS)
            table.writeheader()
            table.writerows(rows)


if __name__ == "__main__":
    main()
