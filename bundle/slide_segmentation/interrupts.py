# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Loaded by Dask in workers on this machine: Ctrl-C reaches all processes of a terminal, and one of them is to act."""

from __future__ import annotations

import signal


def dask_setup(worker: object) -> None:
    """Leave Ctrl-C to the process that started the worker, which ends it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
