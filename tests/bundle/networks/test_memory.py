# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""A process that keeps its memory does not fetch it page by page for every tensor."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
FAULTS = """
import resource, sys
import torch
from bundle.networks.memory import keep_freed_memory
if sys.argv[1] == "keep":
    assert keep_freed_memory() and keep_freed_memory()
for tensor in range(200):
    if tensor == 100:  # the first few may lie one behind the other
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    torch.ones(2**20)  # 4 MiB, 1024 pages
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only the GNU C library can be told")
@pytest.mark.parametrize(("how", "least", "most"), [("keep", 0, 10_000), ("as it is", 90_000, 10**9)])
def test_pages_are_fetched_once(how, least, most):
    """As in a worker of Dask, which sets the variable for all that it starts."""
    command = [sys.executable, "-c", FAULTS, how]
    environment = {**os.environ, "MALLOC_TRIM_THRESHOLD_": "65536"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    assert least <= int(done.stdout) < most
