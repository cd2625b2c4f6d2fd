# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""What tests share: no time limit per hypothesis example, since a loaded machine is no failure; a random network."""

from __future__ import annotations

import pytest
import torch
from hypothesis import settings

from bundle.networks.compact import Compact

settings.register_profile("project", deadline=None)
settings.load_profile("project")


@pytest.fixture(scope="session")
def untrained():
    """Makes a `Compact` that nobody trained, but which takes half of the pixels of noise for foreground."""

    def make(seed: int, channels=(4, 8), gain: float = 8.0) -> Compact:
        torch.manual_seed(seed)
        network = Compact(channels=channels)
        with torch.no_grad():
            network.exit[-1].weight *= gain
            network.exit[-1].bias[2] -= network(torch.rand(1, 3, 64, 64))[0, 2].median()
        return network

    return make
