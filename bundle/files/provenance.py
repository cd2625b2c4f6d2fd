# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Where results come from: fingerprints of the files that went in, versions of what worked on them."""

from __future__ import annotations

import hashlib
import os
import platform
from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("torch", "monai", "pytorch-ignite", "numpy", "scipy", "scikit-image", "itk")


def sha256(path: str | Path) -> str:
    """SHA-256 of a file's bytes as hexadecimal text; computed once per process and version of the file."""
    status = os.stat(path)
    return _sha256(str(path), status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=100_000)
def _sha256(path: str, size: int, modified: int) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def hash_files(files: Mapping[str, str | Path]) -> dict[str, str]:
    """Map names to the SHA-256 of the file each stands for; a file that is not there gives "absent"."""
    return {name: sha256(path) if Path(path).is_file() else "absent" for name, path in sorted(files.items())}


def versions() -> dict[str, str]:
    """Versions of Python, the system and the packages that results depend on."""
    found = {"python": platform.python_version(), "system": platform.platform()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "absent"
    return found
