# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Our transforms between MONAI's own, as its users compose them: axis order, moves, float labels, inverses, batches."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
import torch
from monai.data import DataLoader, Dataset, MetaTensor
from monai.transforms import (
    Compose,
    EnsureTyped,
    Flipd,
    LoadImaged,
    RandAffined,
    RandFlipd,
    RandRotate90d,
    Rotate90d,
    SpatialCropd,
    SpatialPadd,
    Transposed,
    Zoomd,
)
from PIL import Image

import transforms
from bundle.data.readers import ReadImaged
from transforms import (
    ClassesToLabeld,
    EllipseSampler,
    HoverMapd,
    HoverToLabeld,
    PadPointsd,
    PointMapd,
    PointsToImaged,
    RandEllipseLabeld,
    ResampleToSpacingd,
    RestoreSized,
    UniformAreaLaw,
)

HEIGHT, WIDTH = 60, 90
SAMPLER = EllipseSampler(UniformAreaLaw(8.0, k=0.5))
READ = {"stock": LoadImaged("image", ensure_channel_first=True), "ours": ReadImaged("image")}
MOVES = {
    "nothing": [],
    "flip": [Flipd("image", 0)],
    "turn": [Rotate90d("image", 1)],
    "zoom": [Zoomd("image", 2.0, keep_size=False)],
    "crop": [SpatialCropd("image", roi_start=(8, 8), roi_end=(60, 60))],
    "pad": [SpatialPadd("image", (120, 140))],
    "all": [
        Rotate90d("image", 3),
        Flipd("image", 1),
        Zoomd("image", 1.5, keep_size=False),
        SpatialCropd("image", roi_start=(6, 3), roi_end=(84, 84)),
    ],
}


@pytest.fixture
def points():
    """A click every 10 px, none at a border."""
    x, y = np.meshgrid(np.arange(9, WIDTH - 6, 10), np.arange(7, HEIGHT - 6, 10))
    return np.stack([x.ravel(), y.ravel()], 1).astype(np.float32)


@pytest.fixture(params=[".png", ".tif"])
def item(request, points, tmp_path):
    """An image that is white around its points, and they."""
    pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    for x, y in points.astype(int):
        pixels[y - 1 : y + 2, x - 1 : x + 2] = 255
    path = tmp_path / f"a{request.param}"
    if request.param == ".png":
        Image.fromarray(pixels).save(path)
    else:
        tifffile.imwrite(path, pixels, photometric="rgb")
    return {"image": str(path), "points": points}


def at(array, points):
    """Values of an array (C, H, W) at the pixels that points lie in: (N,)."""
    x, y = np.floor(np.asarray(points) + 0.5).astype(int).T
    return np.asarray(array)[0, y, x]


@pytest.mark.parametrize("read", READ)
@pytest.mark.parametrize("moves", MOVES)
def test_points_follow_the_image_and_lie_on_their_ellipses(item, read, moves):
    draw = [PointsToImaged("points"), RandEllipseLabeld("points", SAMPLER), PointMapd("points", 1.0)]
    found = Compose([READ[read], *MOVES[moves], *draw]).set_random_state(0)(item)
    assert len(found["points"]) > 20
    assert at(found["image"], found["points"]).min() > 0  # white where the clicks are
    assert found["label"].shape[1:] == found["image"].shape[1:] == found["point_map"].shape[1:]
    on = at(found["label"], found["points"])
    assert len(set(on.tolist()) - {0}) == len(on)  # each on a nucleus of its own
    assert at(found["point_map"], found["points"]).all()


@pytest.mark.parametrize("draw", [RandEllipseLabeld("points", SAMPLER), PointMapd("points", 1.0)])
def test_points_in_px_of_the_file_are_not_drawn_onto_monais_axes(item, draw):
    with pytest.raises((ValueError, RuntimeError)) as error:
        Compose([READ["stock"], draw])(item)
    assert "first axis is x" in told(error) and "put PointsToImaged before this" in told(error)


def test_points_that_stayed_while_the_image_moved_are_not_drawn(item):
    late = [PointsToImaged("points"), Flipd("image", 0), RandEllipseLabeld("points", SAMPLER)]
    with pytest.raises((ValueError, RuntimeError)) as error:
        Compose([READ["stock"], *late])(item)
    assert "was moved by Flip since PointsToImaged" in told(error)
    with pytest.raises((ValueError, RuntimeError)) as error:
        Compose([READ["ours"], Flipd("image", 0), RandEllipseLabeld("points", SAMPLER)])(item)
    assert "was moved by Flip, and the points are in px of the file" in told(error)


def test_axes_that_nobody_kept_account_of_are_refused(item):
    with pytest.raises((ValueError, RuntimeError)) as error:
        Compose([READ["stock"], Transposed("image", (0, 2, 1)), PointsToImaged("points")])(item)
    assert "moved by Transposed, which does not keep affine true" in told(error)


def test_points_of_another_image_are_refused(item):
    with pytest.raises(ValueError, match="1 of 2 points lie outside of an image of 60 x 90 px that nothing has moved"):
        PointsToImaged("points")({**READ["stock"](item), "points": [[3, 4], [95, 20]]})


def told(error):
    """All messages of a chain of errors."""
    chain, each = [], error.value
    while each is not None:
        chain.append(str(each))
        each = each.__cause__
    return " ".join(chain)


def test_a_label_of_ellipses_is_moved_and_inverted_as_its_image(item):
    moves = [RandFlipd(["image", "label"], 1.0, 0), Rotate90d(["image", "label"], 1)]
    compose = Compose([READ["stock"], PointsToImaged("points"), RandEllipseLabeld("points", SAMPLER), *moves])
    drawn = Compose(compose.transforms[:3]).set_random_state(0)(item)
    moved = compose.set_random_state(0)(item)
    assert moved["label"].meta["filename_or_obj"] == item["image"]
    assert not torch.equal(moved["label"].mT, drawn["label"])
    back = compose.inverse(moved)
    assert torch.equal(back["label"].as_tensor(), drawn["label"].as_tensor())
    np.testing.assert_allclose(back["points"], item["points"], atol=1e-4)


def test_labels_read_by_monai_are_floats_and_give_the_same_hover_maps(tmp_path):
    label = np.zeros((20, 30), np.uint16)
    label[2:9, 3:12], label[9:15, 3:20] = 300, 7
    tifffile.imwrite(tmp_path / "label.tif", label)
    read = LoadImaged("label", ensure_channel_first=True)({"label": str(tmp_path / "label.tif")})
    assert read["label"].dtype == torch.float32
    found = HoverMapd("label")(read)["hover_map"]
    assert np.array_equal(found, transforms.hover_map(label.T[None].astype(np.int32)))


@pytest.mark.parametrize("wrong", [0.5, np.nan])
def test_labels_that_were_scaled_are_refused(wrong):
    with pytest.raises(TypeError, match=f"instance ids, not {wrong:g}: it was scaled or interpolated"):
        HoverMapd("label")({"label": torch.tensor([[[1.0, wrong], [0.0, 2.0]]])})


def test_a_hover_map_keeps_metadata_but_is_not_turned_back():
    label = MetaTensor(torch.ones(1, 6, 8), meta={"filename_or_obj": "a.tif"})
    turned = Rotate90d("label")({"label": label})
    found = HoverMapd("label")(turned)
    assert found["hover_map"].meta["filename_or_obj"] == "a.tif" and found["hover_map"].applied_operations == []
    assert len(found["label"].applied_operations) == 1
    assert torch.equal(found["hover_map"].affine, found["label"].affine)


PAIRED = {HoverMapd: (), PointMapd: (1.0,), RandEllipseLabeld: (SAMPLER,), HoverToLabeld: (), ClassesToLabeld: (0.5,)}


@pytest.mark.parametrize("kind", PAIRED)
def test_no_key_is_passed_over_for_lack_of_an_output_key(kind):
    with pytest.raises(ValueError, match="2 keys need as many output_keys"):
        kind(["a", "b"], *PAIRED[kind], output_keys="one")


@pytest.mark.parametrize(
    "transform",
    [
        *(kind("absent", *more, allow_missing_keys=True) for kind, more in PAIRED.items()),
        PointsToImaged("absent", allow_missing_keys=True),
        PadPointsd("absent", 3, allow_missing_keys=True),
        ResampleToSpacingd("absent", 0.5, allow_missing_keys=True),
        RestoreSized("absent", allow_missing_keys=True),
    ],
    ids=lambda transform: type(transform).__name__,
)
def test_missing_keys_are_passed_over_where_allowed_even_if_nothing_is_there(transform):
    assert transform({"other": 1}) == {"other": 1}


@pytest.mark.parametrize("keys", [("image", "points", "gone"), ("image", "gone", "label"), ("gone", "points", "label")])
def test_resampling_names_a_missing_key_or_passes_over_it(keys):
    image, points_key, label_key = keys
    data = {"image": torch.rand(3, 8, 8), "points": torch.rand(4, 2), "label": torch.ones(1, 8, 8), "mpp": 0.25}
    with pytest.raises(KeyError, match="gone"):
        ResampleToSpacingd(image, 0.5, points_key, label_key)(data)
    found = ResampleToSpacingd(image, 0.5, points_key, label_key, allow_missing_keys=True)(data)
    assert set(data) <= set(found)


def test_resampling_keeps_metadata_true_and_comes_back(item):
    read = ReadImaged("image", mpp=0.25)(item)
    read |= {"label": MetaTensor(torch.arange(HEIGHT * WIDTH).reshape(1, HEIGHT, WIDTH)), "mpp": 0.25}
    resample = ResampleToSpacingd("image", 0.5, "points", "label")
    there = resample(read)
    assert there["image"].meta["mpp"] == 0.5 and there["image"].meta["original_mpp"] == 0.25
    assert [each["class"] for each in there["image"].applied_operations] == ["ResampleToSpacingd"]
    follow = PointsToImaged("points")({"image": there["image"], "points": item["points"]})["points"]
    np.testing.assert_allclose(follow, there["points"], atol=1e-4)  # the affine says where the points went
    assert RandEllipseLabeld("points", SAMPLER)(there)["label"].shape == (1, HEIGHT // 2, WIDTH // 2)

    back = resample.inverse(there)
    assert back["image"].shape == read["image"].shape and back["image"].meta["mpp"] == 0.25
    assert torch.allclose(back["image"].affine, read["image"].affine) and not back["image"].applied_operations
    np.testing.assert_allclose(back["points"], item["points"], atol=1e-4)
    assert back["label"].shape == read["label"].shape
    assert set(back["label"].unique().tolist()) <= set(there["label"].unique().tolist())


def test_resampling_and_monais_moves_go_together(item):
    moves = [ResampleToSpacingd("image", 0.4), Flipd("image", 1), PointsToImaged("points")]
    found = Compose([ReadImaged("image", mpp=0.25), *moves])({**item, "mpp": 0.25})
    assert at(found["image"], found["points"]).min() > 0.1


def test_batches_collate(item):
    augment = [RandFlipd(["image", "label"], 0.5, 0), RandRotate90d(["image", "label"], 0.5)]
    crop = SpatialCropd(["image", "label"], roi_size=(48, 48), roi_center=(30, 30))
    draw = [PointsToImaged("points"), RandEllipseLabeld("points", SAMPLER)]
    compose = Compose([READ["stock"], *draw, crop, *augment, HoverMapd("label"), PadPointsd("points", 50)])
    fewer = {**item, "points": item["points"][:7]}
    batch = next(iter(DataLoader(Dataset([item, fewer], compose), batch_size=2)))
    assert batch["image"].shape == (2, 3, 48, 48) and batch["hover_map"].shape == (2, 3, 48, 48)
    assert batch["points"].shape == (2, 50, 2) and batch["points"][1, 7:].isnan().all()
    shown = transforms.point_map(torch.as_tensor(batch["points"][1]), (WIDTH, HEIGHT), 0.5)
    assert shown.sum() == 7
    with pytest.raises(ValueError, match="points holds 7 points, and 6 were asked for"):
        PadPointsd("points", 6)(fewer)


def test_draws_differ_between_images_and_repeat_with_the_seed(item):
    compose = Compose([READ["stock"], PointsToImaged("points"), RandEllipseLabeld("points", SAMPLER)])
    first, second = compose.set_random_state(3)(item)["label"], compose(item)["label"]
    assert not torch.equal(first, second)
    assert torch.equal(first, compose.set_random_state(3)(item)["label"])


def test_affine_draws_of_monai_are_followed_too(item):
    turn = RandAffined("image", prob=1.0, rotate_range=0.4, scale_range=0.1, padding_mode="zeros")
    found = Compose([READ["stock"], turn, PointsToImaged("points")]).set_random_state(1)(item)
    assert len(found["points"]) > 20
    assert (at(found["image"], found["points"]) > 60).mean() == 1


def test_an_image_that_knows_nothing_is_taken_for_rows_and_columns(item):
    compose = Compose([READ["stock"], Transposed("image", (0, 2, 1)), EnsureTyped("image", track_meta=False)])
    found = RandEllipseLabeld("points", SAMPLER)(compose(item))
    assert isinstance(found["label"], np.ndarray)  # as the points
    assert at(found["label"], item["points"]).all() and at(found["image"], item["points"]).all()


def test_what_the_package_exports_is_there_and_documented():
    for name in transforms.__all__:
        assert getattr(transforms, name).__doc__
