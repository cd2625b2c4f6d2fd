# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Files of other programs: what they write comes in here, and what they can open goes out."""
