# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Data in and out: files, data folders, output folders, training streams and the tissue simulator."""
