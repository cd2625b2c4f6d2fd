# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Losses: each term is a mean per crop, then over crops, so that splitting a batch over processes changes nothing."""
