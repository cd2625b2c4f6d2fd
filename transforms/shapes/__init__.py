# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Points to shapes: ellipses and blobs, the laws of their areas, and fully synthetic points."""
