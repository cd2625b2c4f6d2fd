# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The page on which people click, see and correct: what it keeps, what it shows, and the server that shows it."""
