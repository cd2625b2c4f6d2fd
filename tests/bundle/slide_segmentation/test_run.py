# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Slides from file to results: the same whatever the blocks are, what an image gives, and never half of anything."""

from __future__ import annotations

import csv
import json
import resource
from dataclasses import replace

import numpy as np
import pytest
import tifffile
from tqdm import tqdm

from bundle.files.images import load_image
from bundle.inference.model import load_network, segmenter_of
from bundle.inference.segmenter import windows
from bundle.slide_segmentation.execution import InProcess
from bundle.slide_segmentation.run import segment_slides


class Backwards(InProcess):
    """The last block first."""

    def outcomes(self, tasks):
        return super().outcomes(reversed(list(tasks)))


def rows(folder):
    with (folder / "objects.csv").open() as file:
        return list(csv.DictReader(file))


def test_results_do_not_depend_on_blocks_or_their_order(bench, benches):
    expected = benches.results(bench.run("a", block=96, labels=True))
    assert set(expected) == {"objects.csv", "objects.geojson", "overview.png", "labels.tif"}
    assert len(rows(bench.folder / "a/slide")) > 60
    for name, block in (("b", 192), ("c", 300), ("d", 5000)):
        assert benches.results(bench.run(name, block=block, labels=True)) == expected
    assert benches.results(bench.run("e", Backwards(), labels=True)) == expected


@pytest.mark.parametrize("tile", [64, 100, 4096])
def test_objects_smaller_than_the_halo_do_not_depend_on_tiles(bench, benches, tile):
    expected = benches.results(bench.run("a", tile=96))
    assert benches.results(bench.run("b", tile=tile)) == expected


def test_a_slide_gives_what_an_image_gives(bench, files):
    """Where both see the same windows: 304 = 64 + 5 * 48 px, 256 = 64 + 4 * 48 px."""
    with tifffile.TiffFile(bench.slide) as tiff:
        files.pyramid(bench.slide, tiff.pages[0].asarray(), 0.25, levels=1)
    folder = bench.run("a", labels=True)
    segmenter = segmenter_of(load_network(bench.model), inferer=windows((64, 64), batch=1))
    found = segmenter(load_image(bench.slide).image, 0.25)
    mine = painted(folder, tuple(found.label.shape[1:]))
    assert found.label.max() > 60
    assert (mine == found.label[0].numpy()).mean() > 0.9999  # resampled by other sums: a pixel may be just at 0.5
    assert len(rows(folder)) == found.label.max()
    label = tifffile.imread(folder / "labels.tif")
    assert label.shape == (256, 304) and label.dtype == np.uint32
    assert (label == found.label[0, 1::2, 1::2].numpy()).mean() > 0.9999


def painted(folder, size):
    """The polygons of a slide, all of whole px, filled: (H, W)."""
    from skimage.draw import polygon2mask

    label = np.zeros(size, np.int64)
    for feature in json.loads((folder / "objects.geojson").read_text())["features"]:
        shape = feature["geometry"]
        for rings in [shape["coordinates"]] if shape["type"] == "Polygon" else shape["coordinates"]:
            filled = [polygon2mask(size, np.array(ring)[:, ::-1] - 0.5) for ring in rings]
            label[filled[0] & ~np.any(filled[1:], axis=0)] = int(feature["properties"]["name"])
    return label


def test_the_table_says_where_objects_are(bench):
    folder = bench.run("a")
    table = rows(folder)
    label = painted(folder, (512, 608))
    assert [int(row["id"]) for row in table] == list(range(1, len(table) + 1))
    centres = [(np.floor(float(row["y"]) + 0.5), np.floor(float(row["x"]) + 0.5)) for row in table]
    assert centres == sorted(centres)
    for row in table[::7]:
        y, x = np.nonzero(label == int(row["id"]))
        assert int(row["area_px"]) == len(x) and float(row["area_um2"]) == pytest.approx(len(x) / 16, abs=0.01)
        assert (float(row["x"]), float(row["y"])) == pytest.approx((x.mean(), y.mean()), abs=0.01)
        box = [int(row[name]) for name in ("left", "top", "width", "height")]
        assert box == [x.min(), y.min(), np.ptp(x) + 1, np.ptp(y) + 1]
        assert 0.5 < float(row["confidence"]) <= 1


def test_the_objects_of_the_scene_are_found(benches, tmp_path):
    bench = benches.make(tmp_path)
    label = tifffile.imread(bench.run("a", labels=True) / "labels.tif")
    truth = bench.label[0].numpy()
    found = 0
    for index in np.unique(truth[truth > 0]):
        inside = truth == index
        best = np.bincount(label[inside]).argmax()
        found += best > 0 and (inside & (label == best)).sum() / (inside | (label == best)).sum() > 0.7
    assert found > 0.85 * len(np.unique(truth))


def test_a_region_wider_than_the_halo_is_counted_and_does_not_depend_on_blocks(bench, benches, caplog):
    options = {"tile": 32, "largest": 1.25}  # a halo of 11 px; objects are up to 18 px long
    expected = benches.results(bench.run("a", block=32, **options))
    assert "regions reach from a tile to the end of its halo of 5.5 um" in caplog.text
    notes = json.loads((bench.folder / "a/slide/manifest.json").read_text())["notes"]
    assert notes["too_wide"] > 0
    for name, block in (("b", 64), ("c", 1000)):
        assert benches.results(bench.run(name, block=block, **options)) == expected
        assert (
            json.loads((bench.folder / name / "slide/manifest.json").read_text())["notes"]["too_wide"]
            == notes["too_wide"]
        )
    assert json.loads((bench.run("d") / "manifest.json").read_text())["notes"]["too_wide"] == 0


def test_glass_is_skipped_and_nothing_is_lost(benches, files, tmp_path):
    """Objects in one corner of a white slide."""
    bench = benches.make(tmp_path, (220, 250), 60)
    stained = benches.encoded(bench.label)
    stained[110:], stained[:, 120:] = 245, 245
    files.pyramid(bench.slide, np.kron(stained, np.ones((2, 2, 1), np.uint8)))
    everything, skipping = bench.run("a", tissue="none"), bench.run("b", tissue="otsu")
    notes = [json.loads((folder / "manifest.json").read_text())["notes"] for folder in (everything, skipping)]
    assert notes[0]["tissue"] == 1 and notes[1]["tissue"] < 0.6
    assert notes[1]["windows"] < 0.7 * notes[0]["windows"]
    assert len(rows(everything)) > 10 and rows(everything) == rows(skipping)


def test_a_blank_slide_has_no_objects_and_that_is_said(benches, tmp_path, caplog):
    bench = benches.make(tmp_path)
    tifffile.imwrite(
        bench.slide,
        np.full((300, 400, 3), 240, np.uint8),
        tile=(64, 64),
        photometric="rgb",
        resolution=(4e4, 4e4),
        resolutionunit=3,
    )
    folder = bench.run("a", tissue="otsu", labels=True)
    assert "slide.tif: is all glass" in caplog.text and "--tissue none" in caplog.text
    assert rows(folder) == []
    assert json.loads((folder / "objects.geojson").read_text())["features"] == []
    assert not tifffile.imread(folder / "labels.tif").any()


def test_a_cut_run_goes_on_and_ends_the_same(bench, benches):
    expected = benches.results(bench.run("a"))
    segment_slides([bench.slide], bench.folder / "b", bench.request(), Stops(after=3))
    folder = bench.folder / "b/slide"
    assert len(list((folder / "blocks").iterdir())) == 3 and not (folder / "objects.csv").exists()
    (folder / "blocks/.0000_0003.npz.99.writing").write_bytes(b"half")  # as a killed process leaves it
    counting = Counts()
    bench.run("b", counting)
    assert counting.done == 12 - 3
    assert benches.results(folder) == expected
    assert not list((folder / "blocks").glob(".*"))


def test_the_time_left_counts_what_this_run_has_to_do(bench, monkeypatch):
    segment_slides([bench.slide], bench.folder / "a", bench.request(), Stops(after=5))
    shown = []

    class Kept(tqdm):
        def __init__(self, *args, **options):
            super().__init__(*args, **options | {"disable": False})
            shown.append(self)

        def update(self, n=1):
            super().update(n)
            rate = self.format_dict["rate"] or (self.n - self.initial) / self.format_dict["elapsed"]
            assert rate * self.format_dict["elapsed"] == pytest.approx(self.n - self.initial, rel=0.05)

    monkeypatch.setattr("bundle.slide_segmentation.progress.tqdm", Kept)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    bench.run("a")
    (progress,) = shown
    facts = json.loads((bench.folder / "a/slide/manifest.json").read_text())["notes"]
    assert progress.n == progress.total == facts["windows"]
    assert 0 < progress.initial < progress.total and progress.smoothing == 0


class Counts(InProcess):
    """Knows how many blocks it computed."""

    done = 0

    def outcomes(self, tasks):
        for each in super().outcomes(tasks):
            self.done += 1
            yield each


class Stops(InProcess):
    """Gives up after some blocks, as when the process is stopped."""

    def __init__(self, after):
        self.after = after

    def outcomes(self, tasks):
        for _, each in zip(range(self.after), super().outcomes(tasks), strict=False):
            yield each


@pytest.mark.parametrize("full", ["blocks/0001_0002.npz", "objects.geojson", "labels.tif"])
def test_a_disk_that_is_full_leaves_nothing_half_written(bench, benches, full):
    """Files longer than the limit fail in the middle, as they do on a full disk."""
    folder = bench.run("a", labels=True)
    expected, limit = benches.results(folder), (folder / full).stat().st_size - 1
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        summary = segment_slides([bench.slide], bench.folder / "b", bench.request(labels=True), InProcess())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert summary.failed["slide"].startswith(f"{bench.folder}/b/slide: ") and "make room" in summary.failed["slide"]
    left = [path for path in (bench.folder / "b").rglob("*") if path.is_file()]
    assert all(path.stat().st_size <= limit for path in left)
    assert not [path for path in left if path.name.endswith(".writing")]
    assert not (bench.folder / "b/slide" / full).exists()
    assert benches.results(bench.run("b", labels=True)) == expected


def test_a_finished_result_of_other_bytes_is_refused_by_name(bench):
    table = bench.run("a") / "objects.csv"
    content = bytearray(table.read_bytes())
    content[-2] ^= 1
    table.write_bytes(bytes(content))
    summary = segment_slides([bench.slide], bench.folder / "a", bench.request(), Counts())
    assert "objects.csv has other bytes than were written: copy it again, remove it" in summary.failed["slide"]
    assert table.read_bytes() == bytes(content)


def test_what_is_there_is_not_made_again(bench, benches):
    folder = bench.run("a")
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    counting = Counts()
    summary = segment_slides([bench.slide], bench.folder / "a", bench.request(), counting)
    assert summary.skipped == ["slide"] and counting.done == 0
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before
    bench.run("a", counting, labels=True)  # one more kind of result, from the same blocks
    assert counting.done == 0 and (folder / "labels.tif").is_file()
    (folder / "objects.csv").unlink()
    (folder / "blocks/0001_0001.npz").unlink()
    (folder / "labels.tif").unlink()
    bench.run("a", counting)
    assert counting.done == 1 and benches.results(folder) == benches.results(bench.run("b"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"tile": 128}, "setting tile (px) changed from 96 to 128"),
        ({"block": 150}, "setting block (px) changed from 96 to 192"),
        ({"views": "flips"}, "setting views changed from"),
        ({"tissue": "otsu"}, "setting way changed"),
        ({"mpp": 0.2502}, "setting mpp changed"),
    ],
)
def test_results_of_other_settings_are_not_mixed(bench, change, message):
    segment_slides([bench.slide], bench.folder / "a", bench.request(), Stops(after=2))
    summary = segment_slides([bench.slide], bench.folder / "a", bench.request(**change), InProcess())
    assert "holds results that were made otherwise" in summary.failed["slide"] and message in summary.failed["slide"]
    assert len(list((bench.folder / "a/slide/blocks").iterdir())) == 2


def test_results_of_another_model_are_not_mixed(bench):
    segment_slides([bench.slide], bench.folder / "a", bench.request(), Stops(after=2))
    card = bench.model.with_suffix(".json")
    card.write_text(card.read_text().replace("6.0", "6.5"))
    summary = segment_slides([bench.slide], bench.folder / "a", bench.request(), InProcess())
    assert "made otherwise (input model changed): nothing of it is touched" in summary.failed["slide"]


def test_an_output_that_cannot_be_made_is_named(bench):
    (bench.folder / "a").write_text("mine")
    summary = segment_slides([bench.slide], bench.folder / "a", bench.request(), InProcess())
    assert summary.failed["slide"].startswith(f"{bench.folder}/a/slide: cannot be made (File exists): name an output")


def test_another_model_or_slide_is_told_at_the_next_block(bench):
    class Swaps(InProcess):
        def outcomes(self, tasks):
            for number, task in enumerate(tasks):
                if number == 1:
                    content = bench.slide.read_bytes()
                    tifffile.imwrite(bench.slide, np.zeros((99, 99, 3), np.uint8), photometric="rgb", tile=(64, 64))
                yield from super().outcomes([task])
            bench.slide.write_bytes(content)

    summary = segment_slides([bench.slide], bench.folder / "a", bench.request(), Swaps())
    assert "another slide than the one that was planned" in summary.failed["slide"]

    class Weights(InProcess):
        def outcomes(self, tasks):
            yield from super().outcomes(replace(task, plan=replace(task.plan, weights="x")) for task in tasks)

    summary = segment_slides([bench.slide], bench.folder / "b", bench.request(), Weights())
    assert "another model than the one that the run began with" in summary.failed["slide"]


def test_a_slide_that_fails_does_not_stop_the_others(bench):
    bad = bench.folder / "bad.tif"
    bad.write_bytes(bench.slide.read_bytes()[:-5000])
    other = bench.folder / "other.tif"
    other.write_bytes(bench.slide.read_bytes())
    summary = segment_slides([bad, bench.slide, other], bench.folder / "a", bench.request(), InProcess())
    assert summary.done == ["slide", "other"] and "bad.tif" in summary.failed["bad"]
    assert not (bench.folder / "a/bad").exists()


def test_a_damaged_block_is_named_with_the_mend(bench):
    folder = bench.run("a")
    (folder / "objects.csv").unlink()
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**manifest, "complete": False}))  # as of a run that was cut
    (folder / "blocks/0000_0001.npz").write_bytes(b"PK" + bytes(50))
    summary = segment_slides([bench.slide], bench.folder / "a", bench.request(), InProcess())
    assert (
        "0000_0001.npz: no whole block of objects" in summary.failed["slide"] and "delete it" in summary.failed["slide"]
    )


def test_two_runs_do_not_share_a_folder(bench):
    class Meets(InProcess):
        met = None

        def outcomes(self, tasks):
            self.met = segment_slides([bench.slide], bench.folder / "a", bench.request(), InProcess())
            return super().outcomes(tasks)

    meets = Meets()
    bench.run("a", meets)
    assert "another run writes there" in meets.met.failed["slide"]


def test_a_folder_of_others_is_not_touched(bench):
    (bench.folder / "a/slide").mkdir(parents=True)
    (bench.folder / "a/slide/thesis.txt").write_text("mine")
    summary = segment_slides([bench.slide], bench.folder / "a", bench.request(), InProcess())
    assert "holds 'thesis.txt'" in summary.failed["slide"]
    assert [path.name for path in (bench.folder / "a/slide").iterdir()] == ["thesis.txt"]


def test_a_slide_without_spacing_is_refused_unless_it_is_given(bench, files, benches):
    with tifffile.TiffFile(bench.slide) as tiff:
        files.pyramid(bench.slide, tiff.pages[0].asarray(), None, 2)
    summary = segment_slides([bench.slide], bench.folder / "a", bench.request(), InProcess())
    assert "slide.tif: does not say its um per px: give --mpp" in summary.failed["slide"]
    assert rows(bench.run("a", mpp=0.25))
