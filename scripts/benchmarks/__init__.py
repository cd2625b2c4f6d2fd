# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Speed and memory, beside MONAI's own code or a plain loop, in turn on one machine (docs/performance.md)."""
