# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The campaign of docs/reliability.md: commands that are killed, disturbed and given bad files."""
