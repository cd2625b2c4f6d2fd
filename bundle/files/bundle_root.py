# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Where the bundle's configurations and weights lie: in its own folder, or where pip has put a copy of them."""

from __future__ import annotations

from pathlib import Path

INSTALLED = "installed"  # folder in the package that setup.py copies them to


def find_root(package: Path) -> Path:
    """The folder that holds configs/ and models/ of a copy of the package `bundle`.

    Args:
        package: folder of the package.
    """
    own = package.parent
    return own if (own / "configs" / "metadata.json").is_file() else package / INSTALLED


ROOT = find_root(Path(__file__).resolve().parents[1])
MODEL = ROOT / "models" / "model.pt"  # the weights that are used where none are named
