# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""What the configs name besides transforms: networks, losses, data, engines, metrics, inference and report."""
