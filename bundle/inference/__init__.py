# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""From a trained network and an image to labels, tables and overlays, at the image's own spacing."""
