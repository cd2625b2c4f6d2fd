# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Points and colours to labels: Voronoi cells, geodesic distance, colour evidence, copied nuclei, masks of others."""
