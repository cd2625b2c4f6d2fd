# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""New labels of real images: one instance per point, outlines where the colours have them, at the image's own size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from monai.inferers import SimpleInferer
from torch import Tensor, nn
from torch.nn import functional

from bundle.data.diameters import Diameter
from bundle.data.training_images import LabelledTrainingImages, PointedImage
from bundle.files.labels import read_label
from bundle.files.points_csv import write_points
from bundle.files.writers import write_image
from bundle.inference import pseudo_label_refiner
from bundle.inference.pseudo_label_refiner import PseudoLabelRefiner, agreement_mask
from bundle.inference.pseudo_labels import with_pseudo_labels
from bundle.inference.segmenter import Segmenter
from transforms.instances.seeds import contacts
from transforms.instances.split_by_points import split_by_points
from transforms.pseudo_labels.colour_evidence import colour_posterior
from transforms.pseudo_labels.star_shapes import star_shaped
from transforms.pseudo_labels.voronoi import voronoi_label

DARK, BRIGHT = (0.35, 0.2, 0.5), (0.9, 0.75, 0.85)


class Blurred(nn.Module):
    """Stands in for a network that knows where objects are but not where they end: m is the darkness, blurred.

    A darkness below .35, half way between object and ground, makes its objects too large, one above it too small.
    """

    def __init__(self, width: int = 9, darkness: float = 0.35) -> None:
        super().__init__()
        self.width, self.darkness, self.sizes = width, darkness, list[tuple[int, ...]]()

    def forward(self, image: Tensor) -> Tensor:
        self.sizes.append(tuple(image.shape[2:]))
        darkness = functional.avg_pool2d(1 - image.mean(1, keepdim=True), self.width, 1, self.width // 2)
        return torch.cat([torch.zeros_like(image[:, :2]), (darkness - self.darkness) * 15], 1)


class Random(nn.Module):
    """Stands in for a network that has learnt nothing."""

    def forward(self, image: Tensor) -> Tensor:
        drawn = torch.randn(1, 3, *image.shape[2:], generator=torch.Generator().manual_seed(int(image.sum() * 1e4)))
        return torch.cat([drawn[:, :2].tanh(), 2 * drawn[:, 2:] - 1], 1)


def refiner(network: nn.Module, mpp: float = 0.5, **options: Any) -> PseudoLabelRefiner:
    return PseudoLabelRefiner(Segmenter(network, mpp, inferer=SimpleInferer()), **options)


def labelled(make: PseudoLabelRefiner, image: Tensor, points: Tensor) -> tuple[Tensor, Tensor | None]:
    pointed = PointedImage(image, points, make.diameter / make.mpp)
    return make.label("t", pointed.size, pointed)


def discs(size: tuple[int, int], centres: list[tuple[float, float]], radius: float) -> Tensor:
    """Label (1, H, W); where discs meet, a pixel belongs to the nearer centre."""
    y, x = np.mgrid[: size[0], : size[1]]
    distance = np.stack([np.hypot(x - cx, y - cy) for cx, cy in centres])
    return torch.from_numpy(np.where(distance.min(0) < radius, distance.argmin(0) + 1, 0).astype(np.int32))[None]


def tissue(label: Tensor) -> np.ndarray:
    """uint8 (3, H, W): dark objects on a bright ground, with noise."""
    colours = torch.tensor([BRIGHT, DARK])[(label[0] > 0).long()].movedim(2, 0)
    noise = 0.03 * torch.randn(colours.shape, generator=torch.Generator().manual_seed(0))
    return ((colours + noise).clamp(0, 1) * 255).byte().numpy()


def overlaps(label: Tensor, truth: Tensor, centres: list[tuple[float, float]]) -> list[float]:
    """IoU of each true disc with the instance at its centre."""
    found = [label == label[0, round(y), round(x)] for x, y in centres]
    true = [truth == i + 1 for i in range(len(centres))]
    return [((f & t).sum() / (f | t).sum()).item() for f, t in zip(found, true, strict=True)]


CENTRES = [(20.0, 18.0), (39.0, 20.0), (75.0, 22.0), (28.0, 60.0), (80.0, 64.0)]  # the first two touch
SIZE = (90, 108)
TRUTH = discs(SIZE, CENTRES, 10.5)


def write_item(folder: Path, image: np.ndarray, points: list[tuple[float, float]], mpp: float | None) -> dict[str, str]:
    folder.mkdir(exist_ok=True)
    write_image(folder / "t 1.tif", image, mpp)
    write_points(folder / "t 1.csv", torch.tensor(points))
    return {"image": str(folder / "t 1.tif"), "points": str(folder / "t 1.csv")}


def test_discs_come_back_though_the_network_has_no_outlines() -> None:
    image = torch.from_numpy(tissue(TRUTH)) / 255
    points = torch.tensor(CENTRES) + torch.tensor([[2.0, -1.0]])  # clicks are off centre
    make = refiner(Blurred())
    label, weight = labelled(make, image, points)
    assert weight is None
    assert label.dtype == torch.int32 and label.shape == TRUTH.shape
    assert sorted(label.unique().tolist()) == [0, 1, 2, 3, 4, 5]
    assert min(overlaps(label, TRUTH, CENTRES)) > 0.8


@pytest.mark.parametrize("darkness", [0.22, 0.48])
def test_colours_put_right_what_the_network_makes_too_large_or_too_small(darkness: float) -> None:
    image, points = torch.from_numpy(tissue(TRUTH)) / 255, torch.tensor(CENTRES)
    make = refiner(Blurred(13, darkness))
    alone = split_by_points(make.segmenter.hover_map(image), points)
    assert np.mean(overlaps(alone, TRUTH, CENTRES)) < 0.7
    assert np.mean(overlaps(labelled(make, image, points)[0], TRUTH, CENTRES)) > 0.85


def test_what_nobody_clicked_is_background() -> None:
    image = torch.from_numpy(tissue(TRUTH)) / 255
    label, _ = labelled(refiner(Blurred(), max_radius=7.0), image, torch.tensor(CENTRES[:2] + CENTRES[3:]))
    assert label.max() == 4 and not label[TRUTH == 3].any()


@pytest.mark.parametrize(("radius", "mpp"), [(3.0, 0.5), (6.0, 0.5), (3.0, 0.25)])
def test_no_object_reaches_further_than_the_given_micrometres(radius: float, mpp: float) -> None:
    everything = torch.full((3, 60, 70), 0.04)
    everything[:, :2, :2] = 1
    label, _ = labelled(refiner(Blurred(), mpp, max_radius=radius), everything, torch.tensor([[35.0, 30.0]]))
    y, x = np.mgrid[:60, :70]
    reach = np.hypot(x - 35, y - 30)[label[0].numpy() > 0].max()
    assert radius / mpp - 1 < reach <= radius / mpp


@pytest.mark.parametrize(("own", "radius"), [(None, 6.0), (Diameter(12.0), 12.0), (Diameter(12, "px"), 3.0)])
def test_lengths_grow_with_the_diameter_of_an_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own: Diameter | None, radius: float
) -> None:
    """One of 0.25 um per px, all of it foreground, where objects of 6 um may reach 6 um and have a core of 1 um."""
    cores: list[float] = []
    monkeypatch.setattr(
        pseudo_label_refiner, "colour_posterior", lambda *given: cores.append(given[3]) or colour_posterior(*given)
    )
    item = write_item(tmp_path, np.full((3, 120, 140), 10, np.uint8), [(70.0, 60.0)], 0.25)
    data = [item | ({"diameter": own} if own else {})]
    refiner(Blurred(), max_radius=6.0, core=1.0, diameter=6.0).write_labels(data, tmp_path / "new")
    label = read_label(tmp_path / "new" / "labels" / "t 1.tif", (120, 140))
    y, x = np.mgrid[:120, :140]
    reach = np.hypot(x - 70, y - 60)[label[0].numpy() > 0].max() * 0.25  # um
    assert radius - 0.6 < reach <= radius + 0.4 and cores == [pytest.approx(radius / 6 / 0.5)]


# No two in one pixel, also where a pixel of the model is two of the image.
places = st.tuples(st.integers(0, 29), st.integers(0, 23)).map(lambda place: (2 * place[0] - 0.49, 2 * place[1] + 1.3))


@settings(max_examples=25)
@given(st.lists(places, min_size=1, max_size=30, unique=True), st.sampled_from([0.25, 0.5, 1.0, None]))
def test_there_is_exactly_one_instance_per_point_whatever_the_network_says(
    tmp_path_factory: pytest.TempPathFactory, points: list[tuple[float, float]], mpp: float | None
) -> None:
    """At finer, equal, coarser and unknown spacing of the image, with points as near as one px of the model."""
    folder = tmp_path_factory.mktemp("points")
    image = np.random.default_rng(len(points)).integers(0, 256, (3, 48, 60), np.uint8)
    item = write_item(folder, image, points, mpp)
    refiner(Random()).write_labels([item], folder / "new")
    label = read_label(folder / "new" / "labels" / "t 1.tif", (48, 60))
    assert label.max() == len(points)
    column, row = (torch.tensor(points) + 0.5).floor().long().T
    if mpp != 1.0:
        assert label[0, row, column].sort().values.tolist() == list(range(1, len(points) + 1))


@pytest.mark.parametrize(("mpp", "stated"), [(0.25, None), (0.5, None), (None, None), (0.9, 0.25), (0.4, None)])
def test_labels_have_the_size_of_their_image(tmp_path: Path, mpp: float | None, stated: float | None) -> None:
    scale = 0.5 / (stated or mpp or 0.5)
    centres = [((x + 0.5) * scale - 0.5, (y + 0.5) * scale - 0.5) for x, y in CENTRES]
    size = (round(90 * scale) + 1, round(108 * scale))
    truth = discs(size, centres, 10.5 * scale)
    item = write_item(tmp_path, tissue(truth), centres, mpp)
    network = Blurred()
    refiner(network).write_labels([item], tmp_path / "new", image_mpp=stated)
    label = read_label(tmp_path / "new" / "labels" / "t 1.tif", size)
    assert network.sizes == [(int(size[0] / scale + 0.5), int(size[1] / scale + 0.5))]
    assert min(overlaps(label, truth, centres)) > 0.8


def test_outlines_are_smoothed_at_the_size_of_the_image_and_every_point_keeps_its_object(tmp_path: Path) -> None:
    centres = [(2 * x + 0.5, 2 * y + 0.5) for x, y in CENTRES]
    truth = discs((180, 216), centres, 21.0)
    item = write_item(tmp_path, tissue(truth), centres, 0.25)
    lengths = []  # of all outlines, px
    for um in (0.0, 0.7):
        refiner(Random(), outline_smoothing=um).write_labels([item], tmp_path / str(um))
        label = read_label(tmp_path / str(um) / "labels" / "t 1.tif", (180, 216))
        assert sorted(label.unique().tolist()) == [0, 1, 2, 3, 4, 5]
        lengths.append(sum(int((label.diff(dim=axis) != 0).sum()) for axis in (1, 2)))
    assert lengths[1] < 0.9 * lengths[0]


def test_labels_that_are_there_stay_and_missing_ones_are_made(tmp_path: Path) -> None:
    first = write_item(tmp_path / "first", tissue(TRUTH), CENTRES, 0.5)
    second = {key: path.replace("t 1", "t 2").replace("first", "second") for key, path in first.items()}
    write_item(tmp_path / "second", tissue(TRUTH), CENTRES, 0.5)
    for suffix in (".tif", ".csv"):
        (tmp_path / "second" / f"t 1{suffix}").rename(tmp_path / "second" / f"t 2{suffix}")
    (tmp_path / "new" / "labels").mkdir(parents=True)
    (tmp_path / "new" / "labels" / "t 1.tif").write_bytes(b"made before the cut")
    network = Blurred()
    refiner(network).write_labels([first, second], tmp_path / "new")
    assert (tmp_path / "new" / "labels" / "t 1.tif").read_bytes() == b"made before the cut"
    assert len(network.sizes) == 1
    assert sorted(path.name for path in (tmp_path / "new" / "labels").iterdir()) == ["t 1.tif", "t 2.tif"]


def test_new_labels_are_labels_to_train_on(tmp_path: Path) -> None:
    item = write_item(tmp_path, tissue(TRUTH), CENTRES, 0.5)
    refiner(Blurred()).write_labels([item], tmp_path / "new")
    data = with_pseudo_labels([item], tmp_path / "new")
    assert data == [{"image": item["image"], "label": str(tmp_path / "new" / "labels" / "t 1.tif")}]
    [scene] = LabelledTrainingImages(data, 0.5)
    assert scene.label.max() == len(CENTRES) and scene.size == SIZE


def test_star_shapes_are_those_of_the_label_and_its_posterior() -> None:
    image, points = torch.from_numpy(tissue(TRUTH)) / 255, torch.tensor(CENTRES)
    plain, _ = labelled(refiner(Blurred(25, 0.5)), image, points)
    label, weight = labelled(refiner(Blurred(25, 0.5), star_shapes=True, core=6.0), image, points)
    found = refiner(Blurred(25, 0.5)).segmenter.hover_map(image)
    posterior = colour_posterior(image, found[2:], points, 12.0)
    before = split_by_points(torch.cat([found[:2], posterior]), points, max_radius=20)
    assert weight is None and torch.equal(label, star_shaped(before, posterior, points))
    assert not torch.equal(label, before) and not torch.equal(label, plain)


def test_what_a_witness_sees_otherwise_is_in_doubt_and_objects_part() -> None:
    seen: list[float] = []

    def reference_labeller(image: Tensor, points: Tensor, diameter: float) -> tuple[Tensor, Tensor]:
        seen.append(diameter)
        return 7 * ((TRUTH > 0) & (TRUTH != 3)).int(), torch.zeros(1, *SIZE)  # its ids and its weight are no matter

    image, points = torch.from_numpy(tissue(TRUTH)) / 255, torch.tensor(CENTRES)
    alone, _ = labelled(refiner(Blurred()), image, points)
    label, weight = labelled(refiner(Blurred(), reference_labeller=reference_labeller), image, points)
    assert weight is not None and weight.dtype == torch.float32 and label.dtype == alone.dtype and seen == [12.0]
    missed = TRUTH == 3
    alike = (alone > 0) == ((TRUTH > 0) & ~missed)
    gap = (label != alone) & alike
    assert gap.any() and set(alone[gap].tolist()) <= {1, 2}  # only those two touch
    assert not contacts(label[0].numpy()).any() and torch.equal(weight == 1, alike | gap)
    assert torch.equal(label[alike & ~gap], alone[alike & ~gap]) and (label == 3).sum() == 1  # the third one's point
    assert not weight[missed & (alone > 0)].any()


def test_points_side_by_side_keep_their_pixels() -> None:
    ids, points = torch.tensor([[[1, 2, 3, 0]]], dtype=torch.int32), torch.tensor([[0.0, 0.0], [1.0, 0.0], [2.0, 0.0]])
    label, weight = agreement_mask(ids, torch.tensor([[[1, 1, 0, 0]]]), points)
    assert torch.equal(label, ids) and weight.tolist() == [[[1, 1, 0, 1]]]


def test_labels_in_doubt_are_labels_to_train_on(tmp_path: Path) -> None:
    item = write_item(tmp_path, tissue(TRUTH), CENTRES, 0.5)
    refiner(Blurred(), reference_labeller=voronoi_label).write_labels([item], tmp_path / "new")
    [scene] = LabelledTrainingImages(with_pseudo_labels([item], tmp_path / "new"), 0.5)
    points = torch.tensor(CENTRES)
    label, weight = labelled(refiner(Blurred(), reference_labeller=voronoi_label), scene.image, points)
    assert scene.weight is not None and torch.equal(scene.label, label) and torch.equal(scene.weight, weight)
    assert 0.5 < scene.weight.mean() < 1


def test_grey_images_are_relabelled_too(tmp_path: Path) -> None:
    item = write_item(tmp_path, tissue(TRUTH)[1:2], CENTRES, 0.5)

    class Grey(Blurred):
        def forward(self, image: Tensor) -> Tensor:
            return super().forward(image.expand(-1, 3, -1, -1))

    make = PseudoLabelRefiner(Segmenter(Grey(), 0.5, channels=1, inferer=SimpleInferer()))
    make.write_labels([item], tmp_path / "new")
    label = read_label(tmp_path / "new" / "labels" / "t 1.tif", SIZE)
    assert label.max() == 5 and min(overlaps(label, TRUTH, CENTRES)) > 0.8
