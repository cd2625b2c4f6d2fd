# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""shares.csv: how often each image is learnt from, from the file to the crops of a stream."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
import torch

from bundle.data.folder import DataFolder
from bundle.data.shares import read_shares
from bundle.data.streams import CropStream
from bundle.data.training_images import LabelledTrainingImage, LabelledTrainingImages, PointTrainingImages
from bundle.inference.pseudo_labels import with_pseudo_labels
from bundle.simulation.dataset import write_dataset
from transforms.shapes.area_laws import UniformAreaLaw


def test_every_image_has_its_share(tmp_path: Path) -> None:
    path = tmp_path / "shares.csv"
    path.write_text("Image,note,SHARE\na,x,2\nb,,0.5\n")
    assert read_shares(path, ["a", "b"]) == {"a": 2.0, "b": 0.5}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("image,part\na,1\nb,1\n", "one column image and one column share"),
        ("image,share\na,1\n", "1 images are not listed, b"),
        ("image,share\na,1\nb,0\n", "line 3"),
        ("image,share\na,1\nb,1\nc,1\n", "no image 'c'"),
        ("image,share\na,1\nb,nan\n", "line 3"),
    ],
)
def test_mistakes_are_named_with_their_file(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "shares.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=message) as error:
        read_shares(path, ["a", "b"])
    assert str(path) in str(error.value)


def test_they_reach_the_scenes_of_points_and_of_labels(tmp_path: Path) -> None:
    folder = write_dataset(tmp_path / "data", images=2, size=(64, 64), seed=1, testing=0)
    names = [item.name for item in DataFolder(folder).training]
    (folder / "shares.csv").write_text(f"image,share\n{names[0]},3\n{names[1]},1\n")
    data = DataFolder(folder, mpp=0.5)
    pointed = PointTrainingImages(data.as_dicts("training"), UniformAreaLaw(12.0), mpp=0.5)
    labelled = LabelledTrainingImages(data.as_dicts("training", ("image", "label")), mpp=0.5)
    assert (
        [training_image.share for training_image in pointed.training_images]
        == [training_image.share for training_image in labelled.training_images]
        == [3.0, 1.0]
    )
    assert [item["share"] for item in with_pseudo_labels(data.as_dicts("training"), tmp_path)] == [3.0, 1.0]


def training_image(name: str, value: float, share: float) -> LabelledTrainingImage:
    return LabelledTrainingImage(
        name, torch.full((3, 9, 9), value), torch.zeros(1, 9, 9, dtype=torch.int32), 0, None, share
    )


def test_crops_are_drawn_by_share() -> None:
    training_images = [training_image("a", 0.0, 6.0), training_image("b", 0.5, 3.0), training_image("c", 1.0, 1.0)]
    stream = CropStream(training_images, (8, 8), batch_size=40, updates=50)
    seen = Counter(float(value) for batch in stream for value in batch["image"][:, 0, 0, 0])
    assert [seen[value] / 2000 for value in (0.0, 0.5, 1.0)] == pytest.approx([0.6, 0.3, 0.1], abs=0.03)


def test_equal_shares_draw_what_no_shares_draw() -> None:
    alike, none = (
        CropStream([training_image("a", 0.1, s), training_image("b", 0.9, s)], (8, 8), 16, 3) for s in (5.0, 1.0)
    )
    assert all(torch.equal(one["image"], two["image"]) for one, two in zip(alike, none, strict=True))
