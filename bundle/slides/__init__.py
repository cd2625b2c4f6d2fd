# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Whole slides: read at any spacing, segmented block by block in bounded memory, on one machine or many."""
