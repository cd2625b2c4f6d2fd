# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Packages that one format alone needs: asked for when it is wanted, so that all else runs without them."""

from __future__ import annotations

import importlib
from typing import Any


def need(module: str, purpose: str) -> Any:
    """A module, imported.

    Args:
        module: its name, which is also that of its package.
        purpose: what it is needed for, to be named when it is not there.

    Raises:
        ValueError: it is not installed; says how to get it.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ValueError(f"{purpose} needs the package {module} ({error}): pip install {module}") from error
