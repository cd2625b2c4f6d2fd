# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""What a file means, and exact reading and writing: images, labels, tables, manifests, output folders."""
