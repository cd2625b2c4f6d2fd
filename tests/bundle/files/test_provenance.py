# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Fingerprints of files and versions of packages."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy
import pytest

from bundle.files import provenance
from bundle.files.provenance import hash_files, sha256, versions


def test_sha256_of_a_known_text(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"abc")
    assert sha256(path) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    path.write_bytes(b"abcd")  # another version of the file is read again
    assert sha256(path) == hashlib.sha256(b"abcd").hexdigest()
    assert hash_files({"a": path, "b": tmp_path / "b"}) == {"a": sha256(path), "b": "absent"}


def test_versions_are_those_that_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provenance, "PACKAGES", ("numpy", "no-such-package"))
    found = versions()
    assert found["numpy"] == numpy.__version__ and found["no-such-package"] == "absent"
    assert set(found) == {"python", "system", "numpy", "no-such-package"}
