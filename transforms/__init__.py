# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""MONAI transforms between points, ellipses, labels and hover maps. Import from the modules."""
