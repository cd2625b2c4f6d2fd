# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Engines: the trainers (ignite through monai.engines) and the handlers that log, save and resume them."""
