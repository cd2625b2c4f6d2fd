# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""What one image, one archive or one plan may cost: asked for where a size becomes known, before anything is spent.

The limits are far above what microscopy asks for and below what brings a machine to a stop. Slides are read block by
block and have no such limit.
"""

from __future__ import annotations

MOST_PIXELS = 1 << 28  # of one image that is held whole: 16,384 x 16,384 px, 3.2 GB for each copy of it in float32
MOST_UNPACKED = 1 << 28  # bytes that one archive of selections unpacks to
MOST_ENTRIES = 1 << 17  # in one archive
MOST_STEPS = 1 << 24  # windows, or tiles, of one slide


class BudgetError(ValueError):
    """Something would cost more than is allowed."""


def check_budget(what: str, amount: float, most: float, unit: str, mend: str) -> None:
    """Refuse what would cost too much, before anything of it is spent.

    Args:
        what: what costs it, such as a file or a plan.
        amount: what it would cost.
        most: what is allowed.
        unit: of both, such as "px".
        mend: what to do instead.

    Raises:
        BudgetError: it is above what is allowed; names both.
    """
    if amount > most:
        raise BudgetError(f"{what} would take {amount:,.0f} {unit}, and at most {most:,.0f} are allowed: {mend}")
