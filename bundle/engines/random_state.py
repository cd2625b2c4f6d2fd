# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The states of the process's random generators as tensors and numbers, for checkpoints.

Draws of this project are counter-based and need none of them; dropout and third-party parts draw from these. Where
several processes train together, the first one's states are saved, and resuming gives them to all.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch


class RandomState:
    """The global generators of Python, numpy and torch (CPU and every GPU) as one object with a state."""

    def state_dict(self) -> dict[str, Any]:
        """{"python", "numpy", "torch", "cuda"}: tensors and numbers only."""
        version, words, gauss = random.getstate()
        numpy: dict[str, Any] = np.random.get_state(legacy=False)
        words_of_numpy = torch.from_numpy(numpy["state"]["key"].astype(np.int64))
        return {
            "python": [version, torch.tensor(words), gauss],
            "numpy": [words_of_numpy, int(numpy["state"]["pos"]), int(numpy["has_gauss"]), float(numpy["gauss"])],
            "torch": torch.get_rng_state(),
            "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Set the generators; a GPU's only where as many GPUs are here as there were."""
        version, words, gauss = state["python"]
        random.setstate((version, tuple(words.tolist()), gauss))
        keys, position, has_gauss, cached = state["numpy"]
        np.random.set_state(("MT19937", keys.numpy().astype(np.uint32), position, has_gauss, cached))
        torch.set_rng_state(state["torch"])
        if state["cuda"] and len(state["cuda"]) == torch.cuda.device_count():
            torch.cuda.set_rng_state_all(state["cuda"])
