# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Simulated tissue: the forms it promises, how life-like its objects are, and the folder it writes."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy import ndimage
from skimage.measure import regionprops

from bundle.data.folder import DataFolder
from bundle.files.images import read_image
from bundle.simulation.dataset import simulate_tissue, write_dataset
from bundle.simulation.truth import simulated_clicks, tidy

SIZE = (200, 230)


@pytest.fixture(scope="module")
def simulated():
    return [simulate_tissue(SIZE, seed) for seed in range(4)]


def test_forms(simulated):
    for image, label, points in ((s.image, s.label, s.points) for s in simulated):
        assert (image.dtype, image.shape) == (np.uint8, (3, *SIZE))
        assert (label.dtype, label.shape) == (np.int32, (1, *SIZE))
        assert (points.dtype, points.shape) == (np.float32, (label.max(), 2))


def test_same_seed_same_image_other_seed_another(simulated):
    again = simulate_tissue(SIZE, 2)
    for name in ("image", "label", "points"):
        assert np.array_equal(getattr(again, name), getattr(simulated[2], name))
    assert not np.array_equal(simulated[0].image, simulated[1].image)


def test_every_point_lies_in_the_object_of_its_row(simulated):
    for s in simulated:
        column, row = np.rint(s.points).astype(int).T
        assert np.array_equal(s.label[0, row, column], np.arange(1, len(s.points) + 1))


def test_points_are_off_centre_but_not_far(simulated):
    for s in simulated:
        ids = np.arange(1, len(s.points) + 1)
        centres = np.array(ndimage.center_of_mass(s.label[0] > 0, s.label[0], ids))[:, ::-1]
        radius = np.sqrt(np.bincount(s.label.ravel())[1:] / np.pi)
        off = np.hypot(*(s.points - centres).T) / radius
        assert 0.08 < np.median(off) < 0.5
        assert off.max() < 2


def test_objects_are_connected_and_in_raster_order_of_their_centres(simulated):
    for s in simulated:
        ids = np.arange(1, s.label.max() + 1)
        assert all(ndimage.label(s.label[0] == i)[1] == 1 for i in ids)
        centres = np.array(ndimage.center_of_mass(s.label[0] > 0, s.label[0], ids))
        row, column = np.floor(centres + 0.5).T
        assert np.array_equal(np.lexsort((column, row)), ids - 1)


def test_density_and_size_are_those_of_tissue(simulated):
    cover = np.mean([(s.label > 0).mean() for s in simulated])
    areas = np.concatenate([np.bincount(s.label.ravel())[1:] for s in simulated]) * 0.25  # um2
    assert 0.15 < cover < 0.35
    assert 15 < np.median(areas) < 40
    assert np.percentile(areas, 95) > 2.5 * np.percentile(areas, 10)  # varied


def test_some_touch_and_some_are_concave(simulated):
    touching = concave = total = 0
    for s in simulated:
        label = s.label[0]
        right, down = (label[:, 1:], label[:, :-1]), (label[1:], label[:-1])
        pairs = [np.stack([a[m], b[m]]) for a, b in (right, down) for m in [(a != b) & (a > 0) & (b > 0)]]
        touching += len(np.unique(np.concatenate(pairs, 1)))
        concave += sum(solidity < 0.88 for solidity in solidities(label))
        total += label.max()
    assert touching > 0.2 * total
    assert concave > 0.05 * total


def solidities(label):
    return [region.solidity for region in regionprops(label) if region.area > 40]


def test_nuclei_are_darker_but_no_threshold_finds_them(simulated):
    overlaps = []
    for s in simulated:
        nuclei, grey = s.label[0] > 0, s.image.mean(0)
        assert grey[nuclei].mean() < grey[~nuclei].mean() - 15
        masks = [grey < threshold for threshold in range(40, 240, 4)]
        overlaps.append(max((mask & nuclei).sum() / (mask | nuclei).sum() for mask in masks))
    assert np.mean(overlaps) < 0.75  # even the best threshold of each image, chosen by looking at the truth


def test_spacing_scales_the_objects_in_px():
    fine, coarse = simulate_tissue((240, 240), 5, mpp=0.25), simulate_tissue((240, 240), 5, mpp=0.5)
    ratio = np.median(np.bincount(fine.label.ravel())[1:]) / np.median(np.bincount(coarse.label.ravel())[1:])
    assert 2.8 < ratio < 5.2  # (0.5 / 0.25) ** 2 = 4


@pytest.mark.parametrize("size", [(1, 1), (5, 40), (33, 17)])
def test_small_images(size):
    s = simulate_tissue(size, 3)
    assert s.image.shape == (3, *size)
    assert s.label.max() == len(s.points)


def test_objects_larger_than_the_image():
    s = simulate_tissue((30, 30), 1, diameter=200.0)
    assert s.label.max() == len(s.points)


@pytest.mark.parametrize("bad", [{"size": (0, 5)}, {"mpp": 0.0}, {"diameter": -1.0}])
def test_senseless_requests_are_refused(bad):
    with pytest.raises(ValueError, match="must all be positive"):
        simulate_tissue(**bad)


def test_tidy_keeps_the_largest_part_and_drops_crumbs():
    label = np.array([[7, 7, 7, 0, 2], [0, 0, 0, 0, 0], [7, 0, 9, 9, 9]], np.int32)
    expected = np.array([[1, 1, 1, 0, 0], [0, 0, 0, 0, 0], [0, 0, 2, 2, 2]])
    assert np.array_equal(tidy(label, 2), expected)


def test_tidy_separates_touching_ids_and_breaks_ties():
    label = np.array([[3, 5, 3]], np.int32)
    assert np.array_equal(tidy(label, 1), [[1, 2, 0]])
    assert tidy(np.zeros((2, 2), np.int32), 1).max() == 0


def test_click_in_a_ring_is_on_the_ring():
    label = np.ones((9, 9), np.int32)
    label[1:8, 1:8] = 0  # its centre is far outside of it
    ((x, y),) = simulated_clicks(np.random.default_rng(0), label)
    assert label[int(y), int(x)] == 1


@pytest.mark.parametrize("corner", [(0, 0), (0, -1), (-1, 0), (-1, -1)])
def test_clicks_on_objects_at_the_border_stay_in_the_image(corner):
    label = np.zeros((40, 30), np.int32)
    label[corner] = 1
    for seed in range(200):
        ((x, y),) = simulated_clicks(np.random.default_rng(seed), label)
        assert 0 <= x <= 29 and 0 <= y <= 39 and label[round(float(y)), round(float(x))] == 1


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_dataset(tmp_path_factory.mktemp("data") / "set", images=3, size=(60, 70), seed=4, testing=1, mpp=0.5)


def test_dataset_reads_back(folder):
    data = DataFolder(folder)
    assert [item.name for item in data.training] == ["simulated_000", "simulated_001"]
    assert [item.name for item in data.testing] == ["simulated_002"]
    data.check_points()
    for item in data.training + data.testing:
        sample, label = data.load(item), data.load_label(item)
        assert sample["mpp"] == pytest.approx(0.5, rel=1e-6)  # by the file's own tags
        assert label.max() == len(sample["points"])
        column, row = np.rint(sample["points"].numpy()).astype(int).T
        assert sorted(label[0, row, column]) == list(range(1, len(column) + 1))  # one point in each object


def test_a_larger_set_begins_with_the_smaller_one(folder, tmp_path):
    larger = write_dataset(tmp_path / "larger", images=4, size=(60, 70), seed=4, testing=1)
    for part in ("images/simulated_001.tif", "points/simulated_002.csv", "labels/simulated_002.tif"):
        assert (larger / part).read_bytes() == (folder / part).read_bytes()
    assert np.array_equal(
        read_image(larger / "images/simulated_000.tif").array, read_image(folder / "images/simulated_000.tif").array
    )


def test_split_says_where_the_images_come_from(folder):
    note = json.loads((folder / "split.json").read_text())["note"]
    assert "seed 4" in note and "0.5 um per px" in note


def test_an_existing_folder_with_content_is_refused(tmp_path):
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(FileExistsError, match="not empty"):
        write_dataset(tmp_path, images=2, size=(20, 20), testing=1)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_an_interrupted_run_leaves_no_folder(tmp_path, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("bundle.simulation.dataset.write_item", stop)
    with pytest.raises(KeyboardInterrupt):
        write_dataset(tmp_path / "set", images=2, size=(20, 20), testing=1)
    assert list(tmp_path.iterdir()) == []


def test_a_set_without_training_images_is_refused(tmp_path):
    with pytest.raises(ValueError, match="none for training"):
        write_dataset(tmp_path / "set", images=2, testing=2)
