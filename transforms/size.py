# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The order of lengths: rows first, as arrays have them. Places are x, y; see `transforms.pixel_centres`."""

from __future__ import annotations

Size = tuple[int, int]  # (H, W), px
