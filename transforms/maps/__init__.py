# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Maps that networks see: labels to hover maps and classes, points to point maps, style."""
