# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Counter-based randomness: a draw depends on its seed and keys alone, never on what was drawn before.

A run that is cut at update n and resumed therefore draws what the uninterrupted run would have drawn.
"""

from __future__ import annotations

import numpy as np
import torch


def generator(seed: int, *keys: int, device: torch.device | str = "cpu") -> torch.Generator:
    """A random generator of its own for one place in a run.

    Args:
        seed: the run's seed, in [0, 2^32).
        keys: what names the place, such as (update, index in the global batch), each in [0, 2^32).
        device: where the numbers are drawn.

    Returns:
        A generator whose state is a hash of all arguments: neighbouring keys give unrelated streams.
    """
    entropy = (len(keys), seed, *keys)  # a SeedSequence ignores zeros at the end, hence the length
    state = np.random.SeedSequence(entropy).generate_state(1, np.uint64)[0]
    return torch.Generator(device=device).manual_seed(int(state >> np.uint64(1)))
