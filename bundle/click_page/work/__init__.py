# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""What the page lets models do: find, be compared with clicks, be trained, write results."""
