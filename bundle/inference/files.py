# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The writers of `bundle.data.files`, under the name that `bundle.pipeline` still imports them by."""

from __future__ import annotations

from ..data.files import write_label, write_png

__all__ = ["write_label", "write_png"]
