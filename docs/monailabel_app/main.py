# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""MONAI Label app that serves this bundle: README.md beside this file says how to start it.

MONAI Label loads this file by its path and looks for the app in it. The bundle's packages are found from here, so the
folder stays where it is, in docs/ of the bundle.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from nuclei_app import NucleiApp  # noqa: E402

__all__ = ["NucleiApp"]
