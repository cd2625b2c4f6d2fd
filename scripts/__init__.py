# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Command lines, thin: `python -m scripts.NAME` from the repository root; the work is done in `bundle`."""
