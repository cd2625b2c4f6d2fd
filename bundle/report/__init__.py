# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The report: one HTML page that shows a person what a pipeline did, read from its folders alone."""

from __future__ import annotations

from .page import write_report

__all__ = ["write_report"]
