# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Images of several magnifications get their um per px into their tags, and nothing else changes."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from bundle.data.folder import DataFolder
from bundle.data.image_spacings import read_spacings, write_with_spacing
from scripts.command_line import run_command
from scripts.prepare_data import spacing


@pytest.fixture
def source(tmp_path):
    """Two PNG that say nothing, with points, one label and a split."""
    for part in ("images", "points", "labels"):
        (tmp_path / "data" / part).mkdir(parents=True)
    for seed, name in enumerate("ab"):
        pixels = np.random.default_rng(seed).integers(0, 256, (20, 30, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / "data" / "images" / f"{name}.png")
        (tmp_path / "data" / "points" / f"{name}.csv").write_text("x,y\n3,4\n")
    Image.fromarray(np.ones((20, 30), np.uint16)).save(tmp_path / "data" / "labels" / "b.png")
    (tmp_path / "data" / "split.json").write_text('{"training": ["a"], "testing": ["b"]}')
    return tmp_path / "data"


def table(folder, text):
    path = folder / "mpp.csv"
    path.write_text(text)
    return path


def test_each_image_says_its_own_and_the_rest_is_as_it_was(source, tmp_path):
    draft = tmp_path / "draft"
    draft.mkdir()
    assert write_with_spacing(source, table(tmp_path, "image,mpp\nb,0.25\na,0.5\n"), draft) == 2
    before, after = DataFolder(source), DataFolder(draft)
    for old, new, mpp in ((before.training[0], after.training[0], 0.5), (before.testing[0], after.testing[0], 0.25)):
        was, now = before.load(old), after.load(new)
        assert was["mpp"] is None and now["mpp"] == pytest.approx(mpp, rel=1e-6)
        assert (was["image"] == now["image"]).all() and (was["points"] == now["points"]).all()
    assert (after.load_label(after.testing[0]) == 1).all()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("image,um\na,1\n", "line 1: the header is 'image,um'"),
        ("image,mpp\na,0.5\n", "1 images are not listed, b"),
        ("image,mpp\na,0.5\nb,0.5\nc,0.5\n", "line 4: there is no image 'c'"),
        ("image,mpp\na,0.5\na,0.5\n", "line 3: 'a' is on line 2 already"),
        ("image,mpp\na,-1\nb,1\n", "line 2: mpp is '-1': give a positive number of mpp"),
        ("image,mpp\na,fine\nb,1\n", "line 2: mpp is 'fine', which is no number"),
    ],
)
def test_a_table_that_says_too_little_or_too_much_is_refused(tmp_path, text, said):
    with pytest.raises(ValueError, match=said):
        read_spacings(table(tmp_path, text), ["a", "b"])


def test_the_command_writes_all_or_nothing(source, tmp_path):
    arguments = ["spacing", "--dataset_dir", str(source), "--output", str(tmp_path / "out"), "--spacings"]
    with pytest.raises(SystemExit, match="1 images are not listed"):
        run_command({"spacing": spacing}, [*arguments, str(table(tmp_path, "image,mpp\na,0.5\n"))])
    assert not (tmp_path / "out").exists()
    run_command({"spacing": spacing}, [*arguments, str(table(tmp_path, "image,mpp\na,0.5\nb,0.25\n"))])
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["images", "labels", "points", "split.json"]
