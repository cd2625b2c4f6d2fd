# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Names and paths of clients: those that stay in their folder, and those that would leave it."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from bundle.label_server.names import is_upload, plain_name


@pytest.mark.parametrize("name", ["a", "TCGA-38-6178-01Z-00-DX1", "a.b c", "Gewebe ä", "x-patch-0_0_5_5"])
def test_names_that_stay(name):
    assert plain_name(name, "the image") == name


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../a", "/etc/passwd", "a/b", "a\\b", "C:a", ".hidden", "a\0b", "a\nb", "a" * 201, None, 3]
)
def test_names_that_would_leave_are_refused(name):
    with pytest.raises(ValueError, match="the image is"):
        plain_name(name, "the image")


def test_a_file_just_received_is_told_from_all_others(tmp_path, monkeypatch):
    received = Path(tempfile.NamedTemporaryFile(suffix=".ome.tif").name)  # as the server names it, before it is written
    assert not is_upload(str(received))
    received.touch()
    secret = tmp_path / "secret.png"
    secret.touch()
    link = received.with_name("tmpabcdefgh.png")
    link.symlink_to(secret)
    try:
        assert is_upload(str(received))
        assert not is_upload(str(link))
        assert not is_upload(str(secret))
        assert not is_upload(f"{received.parent}/../{received.parent.name}/{secret.name}")
        monkeypatch.chdir(received.parent)
        assert not is_upload(received.name)
    finally:
        received.unlink()
        link.unlink()
