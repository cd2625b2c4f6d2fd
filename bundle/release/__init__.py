# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""What leaves the project: the Model Zoo package, weights as they ship, ONNX."""
