# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Names of files and images, compared as people read them."""

from __future__ import annotations

import unicodedata


def composed(name: str) -> str:
    """A name with every accent composed with its letter (Unicode's NFC).

    A letter with an accent has two spellings, and file systems differ: names that look alike become equal.
    """
    return unicodedata.normalize("NFC", name)
