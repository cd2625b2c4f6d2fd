# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Objects out: polygons, tables and label images as other programs read them; one writer per file."""
