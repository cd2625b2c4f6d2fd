# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Images: a crop is a window of the whole, points stay on their tissue at any spacing, and points alone are read."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch import Tensor

from bundle.data import point_spacing
from bundle.data.diameters import Diameter
from bundle.data.folder import DataFolder
from bundle.data.streams import Batch, CropStream, TrainingImage
from bundle.data.training_images import (
    EllipseTrainingImage,
    LabelledTrainingImage,
    LabelledTrainingImages,
    PointTrainingImages,
)
from bundle.files.points_csv import write_points
from bundle.files.weight_maps import write_weight
from bundle.files.writers import write_image, write_label
from bundle.simulation.dataset import simulate_tissue
from transforms.shapes import area_laws
from transforms.shapes.area_laws import TightAreaLaw, UniformAreaLaw
from transforms.shapes.beta_area_law import BetaAreaLaw
from transforms.shapes.blobs import BlobSampler
from transforms.shapes.ellipses import EllipseSampler

SIZE = (48, 64)
LAW = UniformAreaLaw(12.0, k=0.6)


def scene(points: list[tuple[float, float]], point_radius: float = 1.0) -> EllipseTrainingImage:
    image = torch.rand(3, *SIZE, generator=torch.Generator().manual_seed(0))
    return EllipseTrainingImage("tissue", image, torch.tensor(points), EllipseSampler(LAW), point_radius)


def drawn(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def cut(tissue: TrainingImage, origin: tuple[int, int], size: tuple[int, int], generator: torch.Generator) -> Batch:
    """One crop as a batch has it, each (C, h, w)."""
    crop = tissue.crop(origin, size, generator)
    return {key: value[0] for key, value in crop.stack([crop]).items()}


def same_objects(label: Tensor, other: Tensor) -> bool:
    """Whether two labels hold the same objects, whatever their ids."""
    pairs = torch.stack([label.flatten(), other.flatten()], 1).unique(dim=0)
    return len(pairs) == len(label.unique()) == len(other.unique()) and bool(((label > 0) == (other > 0)).all())


# Points are tried at and next to the edges of the crop used below, on the grid and off it.
columns = st.sampled_from([-0.5, 0.1, 14.4, 14.5, 15, 15.6, 16, 30, 39.4, 39.5, 40, 40.7, 55, 63.4])
rows = st.sampled_from([-0.5, 9, 10.3, 11.4, 11.6, 12, 20, 27.5, 29.49, 29.51, 30, 31, 47.4])


@settings(max_examples=40)
@given(st.lists(st.tuples(columns, rows), min_size=2, max_size=12, unique=True), st.integers(0, 99))
def test_a_crop_is_a_window_of_the_whole(points: list[tuple[float, float]], seed: int) -> None:
    tissue = scene(points)
    whole = cut(tissue, (0, 0), SIZE, drawn(seed))
    crop = cut(tissue, (15, 12), (18, 25), drawn(seed))
    window = {key: value[:, 12:30, 15:40] for key, value in whole.items()}
    assert torch.equal(crop["image"], window["image"]) and torch.equal(crop["point_map"], window["point_map"])
    assert same_objects(crop["label"], window["label"])
    ids = crop["label"].unique()
    assert crop["label"].dtype == torch.int32 and ids[ids > 0].tolist() == list(range(1, int(ids.max()) + 1))


def test_a_point_outside_the_crop_gives_the_part_of_its_ellipse_that_reaches_in() -> None:
    crop = cut(scene([(12.0, 20.0), (60.0, 44.0)]), (15, 12), (18, 25), drawn())
    assert crop["label"].max() == 1 and crop["label"][0, :, 0].any() and not crop["label"][0, :, 12:].any()
    assert not crop["point_map"].any()


def test_a_mark_of_a_point_just_outside_the_crop_reaches_in() -> None:
    """METHOD section 5: a disk around each point, here of one px."""
    crop = cut(scene([(14.2, 20.0), (60.0, 44.0)], point_radius=1.0), (15, 12), (18, 25), drawn())
    assert crop["point_map"].nonzero().tolist() == [[0, 8, 0]]


def test_a_smaller_mark_is_the_pixel_of_the_point() -> None:
    crop = cut(scene([(20.4, 20.4), (60.0, 44.0)], point_radius=0.5), (15, 12), (18, 25), drawn())
    assert crop["point_map"].nonzero().tolist() == [[0, 8, 5]]


def test_what_depends_on_the_points_alone_is_worked_out_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    distances = area_laws.nearest_distances
    monkeypatch.setattr(area_laws, "nearest_distances", lambda points: asked.append(1) or distances(points))
    tissue = scene([(20.0, 20.0), (32.0, 22.0), (25.0, 35.0)])
    crops = [tissue.crop((8, 8), (32, 32), drawn(seed)) for seed in range(3)]
    assert asked == [1]
    for seed, crop in enumerate(crops):
        assert torch.equal(crop.shapes, tissue.sampler(tissue.points, drawn(seed)))


def test_ellipses_are_fresh_at_each_use_and_nothing_else_changes() -> None:
    tissue = scene([(20.0, 20.0), (32.0, 22.0), (25.0, 35.0)])
    first, again, other = (cut(tissue, (8, 8), (32, 32), drawn(seed)) for seed in (1, 1, 2))
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert not torch.equal(first["label"], other["label"])
    assert torch.equal(first["image"], other["image"]) and torch.equal(first["point_map"], other["point_map"])


def test_a_crop_is_no_view_that_an_augmentation_could_spoil_the_next_epoch_with() -> None:
    tissue = scene([(20.0, 20.0), (32.0, 22.0)])
    before = tissue.image.clone()
    batch = CropStream([tissue], (16, 16), 2, 1).batch(0)
    batch["image"].zero_()
    assert torch.equal(tissue.image, before)


def test_a_labelled_crop_is_a_window() -> None:
    image, label = torch.rand(3, 9, 11), torch.arange(99, dtype=torch.int32).view(1, 9, 11)
    crop = cut(LabelledTrainingImage("a", image, label, 98), (4, 2), (3, 5), drawn())
    assert torch.equal(crop["image"], image[:, 2:5, 4:9])
    assert crop["label"].tolist() == [[[26, 27, 28, 29, 30], [37, 38, 39, 40, 41], [48, 49, 50, 51, 52]]]


# Data sets on disk


def bright_dots(size: tuple[int, int], points: Tensor, radius: float) -> np.ndarray:
    """uint8 (3, H, W): a smooth bright dot around each point."""
    y, x = np.mgrid[: size[0], : size[1]]
    dots = sum(np.exp(-((x - px) ** 2 + (y - py) ** 2) / (2 * radius**2)) for px, py in points.tolist())
    return np.repeat((dots.clip(0, 1) * 255).round().astype(np.uint8)[None], 3, 0)


def place_of_dot(image: Tensor, near: Tensor, reach: int) -> Tensor:
    """Centre of mass, x and y in px, of what is bright around a place."""
    x0, y0 = (near.round().long() - reach).tolist()
    window = image[0, y0 : y0 + 2 * reach + 1, x0 : x0 + 2 * reach + 1].double()
    y, x = torch.meshgrid(torch.arange(2 * reach + 1) + y0, torch.arange(2 * reach + 1) + x0, indexing="ij")
    return torch.stack([(window * x).sum(), (window * y).sum()]) / window.sum()


def write_item(folder: Path, name: str, image: np.ndarray, points: Tensor, mpp: float | None) -> dict[str, str]:
    for part in ("images", "points"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    write_image(folder / "images" / f"{name}.tif", image, mpp)
    write_points(folder / "points" / f"{name}.csv", points)
    return {"image": str(folder / "images" / f"{name}.tif"), "points": str(folder / "points" / f"{name}.csv")}


DOTS = torch.tensor([[20.3, 24.0], [70.0, 30.6], [41.0, 66.2], [88.8, 84.4]])


@pytest.mark.parametrize("size", [(120, 140), (121, 139)])
@pytest.mark.parametrize("mpp", [0.5, 0.2, 0.25, 0.37])
def test_points_stay_on_their_tissue_at_the_models_spacing(tmp_path: Path, size: tuple[int, int], mpp: float) -> None:
    item = write_item(tmp_path, "dots", bright_dots(size, DOTS, 2.5), DOTS, mpp=0.25)
    [tissue] = PointTrainingImages([item], LAW, mpp)
    assert tissue.size == tuple(int(length * 0.25 / mpp + 0.5) for length in size)
    for point in tissue.points:
        found = place_of_dot(tissue.image, point, reach=round(8 * 0.25 / mpp))
        torch.testing.assert_close(found, point.double(), atol=0.06, rtol=0)
    if mpp == 0.25:
        assert torch.equal(tissue.points, DOTS)


@pytest.mark.parametrize(("tagged", "stated"), [(0.25, None), (None, 0.25), (0.9, 0.25)])
def test_the_stated_spacing_goes_before_the_files(tmp_path: Path, tagged: float | None, stated: float | None) -> None:
    item = write_item(tmp_path, "dots", bright_dots((120, 140), DOTS, 2.5), DOTS, tagged)
    [tissue] = PointTrainingImages([item], LAW, 0.5, image_mpp=stated)
    assert tissue.size == (60, 70)


def test_an_image_of_unknown_spacing_stays_as_it_is(tmp_path: Path) -> None:
    image = bright_dots((120, 140), DOTS, 2.5)
    [tissue] = PointTrainingImages([write_item(tmp_path, "dots", image, DOTS, None)], LAW, 0.5)
    assert torch.equal(tissue.points, DOTS)
    torch.testing.assert_close(tissue.image, torch.from_numpy(image) / 255)


@pytest.mark.parametrize(("mpp", "radius"), [(0.1, 2.5), (0.25, 1.0), (0.5, 0.5), (1.0, 0.5)])
def test_a_mark_has_a_quarter_micrometre_but_at_least_half_a_pixel(tmp_path: Path, mpp: float, radius: float) -> None:
    item = write_item(tmp_path, "dots", bright_dots((100, 100), DOTS, 2.5), DOTS, mpp)
    assert PointTrainingImages([item], LAW, mpp)[0].point_radius == pytest.approx(radius)


def test_the_law_is_fitted_to_all_points_at_the_models_spacing(tmp_path: Path) -> None:
    image = np.zeros((3, 100, 100), np.uint8)
    spread = torch.tensor([[10.0, 10.0], [60.0, 12.0], [20.0, 80.0], [90.0, 90.0]])
    crowd = torch.tensor([[40.0, 40.0], [48.0, 40.0], [44.0, 47.0]])
    data = [write_item(tmp_path, name, image, pts, 0.25) for name, pts in (("a", spread), ("b", crowd))]
    training_images = PointTrainingImages(
        data, TightAreaLaw(8.0), 0.5, shapes=partial(EllipseSampler, eccentricity=(0.1, 0.2))
    )
    assert [each.name for each in training_images] == ["a", "b"] and len(training_images) == 2
    expected = TightAreaLaw(8.0).fit([each / 2 - 0.25 for each in (spread, crowd)])
    assert training_images.sampler.law == expected and training_images.sampler.eccentricity == (0.1, 0.2)
    assert training_images.sampler.law != TightAreaLaw(8.0).fit([crowd / 2])
    assert all(each.sampler is training_images.sampler for each in training_images)


def doubled(points: Tensor) -> Tensor:
    """The same places in an image of twice the px."""
    return 2 * points + 0.5


CROWD = torch.rand(60, 2, generator=torch.Generator().manual_seed(1)) * 95 + 2
APART = torch.cartesian_prod(torch.arange(5.0), torch.arange(5.0)) * 19 + 11  # no two objects of 8 px overlap


@pytest.mark.parametrize("law", [UniformAreaLaw, TightAreaLaw, BetaAreaLaw])
@pytest.mark.parametrize("shapes", [EllipseSampler, BlobSampler])
def test_twice_the_pixels_and_twice_the_diameter_give_the_same_shapes(
    tmp_path: Path, law: type[UniformAreaLaw], shapes: type[EllipseSampler]
) -> None:
    """The law that is fitted to both is that of either."""
    small = write_item(tmp_path, "small", np.zeros((3, 100, 100), np.uint8), CROWD, 0.5)
    large = write_item(tmp_path, "large", np.zeros((3, 200, 200), np.uint8), doubled(CROWD), 0.5)
    data = [small, large | {"diameter": Diameter(8.0)}]
    both, alone = (
        PointTrainingImages(data, law(8.0), 0.5, shapes=shapes),
        PointTrainingImages([small], law(8.0), 0.5, shapes=shapes),
    )
    assert (both.sampler.law.diameter, both.largest_diameter, alone.largest_diameter) == (8, 16, 8)
    expected, first, second = (each.draw_shapes(drawn()) for each in (alone[0], both[0], both[1]))
    torch.testing.assert_close(first, expected, rtol=1e-5, atol=0)
    torch.testing.assert_close(second[:, :2], doubled(first[:, :2]), rtol=1e-5, atol=0)
    torch.testing.assert_close(second[:, 2:4], 2 * first[:, 2:4], rtol=1e-4, atol=0)
    torch.testing.assert_close(second[:, 4:], first[:, 4:], rtol=1e-5, atol=0)


def test_twice_the_pixels_and_twice_the_diameter_give_the_same_masks(tmp_path: Path) -> None:
    small = write_item(tmp_path, "small", np.zeros((3, 100, 100), np.uint8), APART, 0.5)
    large = write_item(tmp_path, "large", np.zeros((3, 200, 200), np.uint8), doubled(APART), 0.5)
    training_images = PointTrainingImages([small, large | {"diameter": Diameter(16.0, "px")}], UniformAreaLaw(8.0), 0.5)
    one, other = (cut(each, (0, 0), each.size, drawn())["label"] for each in training_images)
    one = one.repeat_interleave(2, 1).repeat_interleave(2, 2)
    assert same_objects(one[(one > 0) & (other > 0)], other[(one > 0) & (other > 0)])
    assert ((one > 0) & (other > 0)).sum() > 0.85 * ((one > 0) | (other > 0)).sum()
    assert (other > 0).sum().item() == pytest.approx((one > 0).sum().item(), rel=0.03)


@pytest.mark.parametrize(
    ("own", "tagged", "stated", "px"),
    [
        (Diameter(4.0), 0.25, None, 8),
        (Diameter(20, "px"), 0.25, None, 10),
        (Diameter(20, "px"), 0.9, 0.25, 10),
        (Diameter(20, "px"), None, None, 20),
        (Diameter(4.0), None, None, 8),
    ],
)
def test_the_diameter_of_one_image_is_that_of_its_law_at_the_models_spacing(
    tmp_path: Path, own: Diameter, tagged: float | None, stated: float | None, px: float
) -> None:
    items = [write_item(tmp_path, name, np.zeros((3, 100, 100), np.uint8), APART, tagged) for name in "abc"]
    items[1]["diameter"] = own
    training_images = PointTrainingImages(items, UniformAreaLaw(5.0), 0.5, image_mpp=stated)
    assert [each.sampler.law.diameter for each in training_images] == [5, px, 5]
    assert (
        len({each.sampler.law.k for each in training_images}) == 1
        and training_images[0].sampler is training_images[2].sampler
    )


def test_images_whose_points_contradict_their_diameter_are_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The second image is the first at twice the spacing, the third says so."""
    point_spacing._warn_once.cache_clear()
    tissue = torch.from_numpy(simulate_tissue((200, 200), seed=1, mpp=0.5).points)
    items = [write_item(tmp_path, "right", np.zeros((3, 200, 200), np.uint8), tissue, 0.5)]
    items += [write_item(tmp_path, name, np.zeros((3, 400, 400), np.uint8), doubled(tissue), 0.5) for name in "bc"]
    items[2]["diameter"] = Diameter(12.0)
    PointTrainingImages(items, UniformAreaLaw(12.0), 0.5)
    [record] = [each for each in caplog.records if each.levelname == "WARNING"]
    assert record.getMessage().startswith("in 1 of 3 images")
    assert "\n  b: nine tenths of its" in record.getMessage()


def test_grey_images_have_one_channel(tmp_path: Path) -> None:
    item = write_item(tmp_path, "dots", bright_dots((100, 100), DOTS, 2.5)[:1], DOTS, None)
    assert PointTrainingImages([item], LAW, 0.5, channels=1)[0].image.shape == (1, 100, 100)
    with pytest.raises(ValueError, match=r"dots\.tif: a grey image where RGB is configured"):
        PointTrainingImages([item], LAW, 0.5)


def test_points_outside_the_image_are_refused_by_name(tmp_path: Path) -> None:
    item = write_item(tmp_path, "dots", bright_dots((80, 100), DOTS, 2.5), DOTS, None)
    with pytest.raises(ValueError, match=r"dots\.csv, line 5: the point x=88\.80, y=84\.40 lies outside"):
        PointTrainingImages([item], LAW, 0.5)


WATCHED: list[list[str]] = []  # lists of opened files; a hook cannot be taken away again, so it is idle without one
sys.addaudithook(
    lambda event, arguments: WATCHED[-1].append(str(arguments[0])) if WATCHED and event == "open" else None
)


def test_a_run_from_points_opens_no_label(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_item(tmp_path, name, bright_dots((100, 100), DOTS, 2.5), DOTS, 0.5)
    (tmp_path / "labels").mkdir()
    for name in ("a", "b"):
        (tmp_path / "labels" / f"{name}.png").write_bytes(b"this is no label and would be an error")
    opened: list[str] = []
    WATCHED.append(opened)
    try:
        data = DataFolder(tmp_path).as_dicts("training", ("image", "points"))
        CropStream(PointTrainingImages(data, UniformAreaLaw(8.0), 0.5), (64, 64), 2, 1).batch(0)
    finally:
        WATCHED.remove(opened)
    assert {item["points"] for item in data} <= set(opened)  # so the hook sees
    assert not [path for path in opened if Path(path).parent.name == "labels"]


# Images with labels


def discs(size: tuple[int, int], centres: list[tuple[float, float]], radius: float) -> Tensor:
    y, x = np.mgrid[: size[0], : size[1]]
    label = sum((i + 1) * (np.hypot(x - cx, y - cy) < radius) for i, (cx, cy) in enumerate(centres))
    return torch.from_numpy(label.astype(np.int32))[None]


def write_labelled(folder: Path, label: Tensor, mpp: float | None) -> dict[str, str]:
    """An image that is white where the label has an object, black elsewhere."""
    write_image(folder / "a.tif", (label > 0).numpy().astype(np.uint8).repeat(3, 0) * 255, mpp)
    write_label(folder / "a_label.tif", label)
    return {"image": str(folder / "a.tif"), "label": str(folder / "a_label.tif")}


@pytest.mark.parametrize(("mpp", "wrong"), [(0.5, 0.05), (0.31, 0.025), (0.25, 0.0), (0.15, 0.025)])
def test_labels_stay_on_their_tissue_at_the_models_spacing(tmp_path: Path, mpp: float, wrong: float) -> None:
    """At twice the spacing a new pixel's centre lies between old ones, so taking one of them moves it a little."""
    label = discs((101, 120), [(20, 22), (60, 40), (90, 80)], 14.3)
    [tissue] = LabelledTrainingImages([write_labelled(tmp_path, label, 0.25)], mpp)
    assert tissue.name == "a" and tissue.size == tissue.label.shape[1:]
    assert tissue.size == tuple(int(length * 0.25 / mpp + 0.5) for length in (101, 120))
    assert tissue.label.unique().tolist() == [0, 1, 2, 3] and tissue.largest_id == 3
    differs = (tissue.image[:1] > 0.5) != (tissue.label > 0)
    assert differs.sum() <= wrong * (tissue.label > 0).sum()
    areas = torch.bincount(tissue.label.flatten())[1:] * mpp**2  # um^2
    torch.testing.assert_close(areas.double(), torch.full((3,), np.pi * (14.3 * 0.25) ** 2).double(), rtol=0.05, atol=0)


def test_a_labelled_image_of_unknown_spacing_stays_as_it_is(tmp_path: Path) -> None:
    label = discs((50, 60), [(20, 22), (40, 30)], 8)
    [tissue] = LabelledTrainingImages([write_labelled(tmp_path, label, None)], 0.5)
    assert torch.equal(tissue.label, label) and torch.equal(tissue.image, (label > 0).float().expand(3, -1, -1))


def test_weights_stay_on_their_label_at_the_models_spacing(tmp_path: Path) -> None:
    label = discs((50, 60), [(20, 22), (40, 30)], 8)
    item = write_labelled(tmp_path, label, 0.25)
    write_weight(tmp_path / "w.tif", (label == 1).float())
    [tissue] = LabelledTrainingImages([item | {"weight": str(tmp_path / "w.tif")}], 0.5)
    assert tissue.weight is not None and torch.equal(tissue.weight, (tissue.label == 1).float())
    write_weight(tmp_path / "w.tif", torch.ones(1, 9, 9))
    with pytest.raises(ValueError, match=r"w\.tif: .* the weights of an image of 60 x 50 px"):
        LabelledTrainingImages([item | {"weight": str(tmp_path / "w.tif")}], 0.5)


def test_an_image_and_a_label_of_different_size_are_refused_by_name(tmp_path: Path) -> None:
    item = write_labelled(tmp_path, discs((50, 60), [(20, 22)], 8), None)
    Image.fromarray(np.ones((60, 50), np.uint8)).save(tmp_path / "other.png")
    with pytest.raises(ValueError, match=r"other\.png: the label is 50 x 60 px and its image 60 x 50 px"):
        LabelledTrainingImages([item | {"label": str(tmp_path / "other.png")}], 0.5)


def test_an_image_stated_empty_gives_crops_without_objects(tmp_path: Path) -> None:
    image = np.full((3, 120, 140), 200, np.uint8)
    data = [write_item(tmp_path, "a", image, DOTS, 0.5), write_item(tmp_path, "empty", image, torch.zeros(0, 2), 0.5)]
    images = PointTrainingImages(data, UniformAreaLaw(12.0), 0.5)
    crop = cut(images[1], (10, 12), (40, 50), drawn())
    assert not crop["label"].any() and cut(images[0], (0, 0), (120, 140), drawn())["label"].any()


def test_one_click_is_an_object_of_the_stated_diameter(tmp_path: Path) -> None:
    data = [write_item(tmp_path, "a", np.full((3, 120, 140), 200, np.uint8), DOTS[:1], 0.5)]
    image = PointTrainingImages(data, UniformAreaLaw(12.0), 0.5)[0]
    areas = [int((cut(image, (0, 0), (120, 140), drawn(seed))["label"] > 0).sum()) for seed in range(40)]
    assert 0.8 < np.mean(areas) / (np.pi * 36) < 1.2
