# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Memory that networks free is kept for their next tensors, instead of being returned to the system and fetched again.

On a CPU every tensor is memory of the C library. As it is set by default, and more so in Dask's workers, the GNU C
library returns megabytes as soon as they are free. The system clears them before it gives them out again, page by page,
and that takes up to a tenth of a network's time, or nearly half of it in such a worker (docs/performance.md).
"""

from __future__ import annotations

import ctypes
import platform
from functools import lru_cache

TRIM, MMAP = -1, -3  # M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of malloc.h
MOST_KEPT = 2**28  # bytes that may lie free
LARGEST_KEPT = 2**25  # bytes of one tensor; larger ones are returned, and the library takes no larger number


@lru_cache(maxsize=1)
def keep_freed_memory() -> bool:
    """Let this process keep what it frees; whether its C library can. Further calls do nothing."""
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    return bool(mallopt(MMAP, LARGEST_KEPT) and mallopt(TRIM, MOST_KEPT))
