# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Segmenting slides: the plan, blocks in one process or many, and their results."""
