"""Makes the modules beside this file importable: `from shared import shared_folder`.

And sums numbers in one order on every machine. The recordings were made with oneDNN and two
threads. Batch norms in training amplify rounding: where TensorFlow takes Eigen's convolutions
(processors without AVX-512), or sums with one thread, the recorded losses of a training step are
missed by 2e-4 instead of 5e-6, though nothing is wrong.
"""

from __future__ import annotations

import os

# Before TensorFlow is imported; commands that tests start inherit them.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "2")
