# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""What tests share: no time limit per hypothesis example, as a loaded machine is no failure; a network; a full disk."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

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


@pytest.fixture
def full_after() -> Callable[[int], AbstractContextManager[None]]:
    """Lets the system allow files of so many bytes alone: libraries meet an error like that of a full disk."""
    resource = pytest.importorskip("resource", reason="limits of POSIX")

    @contextmanager
    def limit(size: int) -> Iterator[None]:
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    return limit
