# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Simulated stained tissue with known outlines, for tests and the demonstration."""
