# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Readers of clicks, one module for each program; every reader gives px with pixel centres at integers."""
