# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Experiments: many runs of the pipeline that differ in one thing each, and the tables made of them."""
