# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Regions of a slide: nearly the objects of `segment slide`, whole, owned by their centres, and what they cost."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from bundle.files.writers import write_image
from bundle.label_server import slides as slides_of_server
from bundle.label_server.images import segment_image
from bundle.label_server.query import Query
from bundle.label_server.slides import objects_of_slide, rectangles
from bundle.slide_segmentation import windows
from bundle.slide_segmentation.execution import InProcess
from bundle.slide_segmentation.request import SlideRequest
from bundle.slide_segmentation.run import segment_slides
from bundle.slides.grid import Box
from bundle.slides.listing import is_slide
from bundle.slides.reader import Slide
from bundle.slides.tiff_file import TiffSlideFile

SIZE = (300, 1200)  # H, W, px at the model's spacing: more than one tile wide


@pytest.fixture(scope="module")
def bench(slides, tmp_path_factory):
    """A slide at twice the model's resolution, and a network that looks a little around each pixel."""
    return slides.make_bench(tmp_path_factory.mktemp("slides"), SIZE, count=250, blur=0.02)


@pytest.fixture(scope="module")
def query(bench):
    return Query(bench.model)


@pytest.fixture(scope="module")
def whole(bench, query):
    return objects_of_slide(bench.slide, query, [])[0]


def outlines(objects):
    """Each object as text, in an order of their own."""
    return sorted(str([part.exterior.tolist() for part in item.parts]) for item in objects)


def test_the_whole_slide_has_the_objects_that_segment_slide_writes(bench, whole):
    folder = bench.folder / "out"
    assert not segment_slides([bench.slide], folder, SlideRequest(bench.model), InProcess()).failed
    features = json.loads((folder / "slide" / "objects.geojson").read_text())["features"]
    written = []
    for feature in features:
        geometry = feature["geometry"]
        parts = [geometry["coordinates"]] if geometry["type"] == "Polygon" else geometry["coordinates"]
        written.append(str([np.array(rings[0][:-1], float).tolist() for rings in parts]))
    assert len(whole) > 100 and outlines(whole) == sorted(written)


def shared(found, whole):
    """The share of objects that are equal in both, to the last corner."""
    both = Counter(outlines(found)) & Counter(outlines(whole))
    return both.total() / max(len(found), len(whole))


@pytest.mark.parametrize("edge", [2048, 1111])  # between two tiles of the slide, and inside the first
def test_regions_side_by_side_hold_what_the_slide_holds(bench, query, whole, edge):
    left, _ = objects_of_slide(bench.slide, query, [Box(0, 0, edge, 600)])
    right, _ = objects_of_slide(bench.slide, query, [Box(edge, 0, 2400, 600)])
    assert shared(left + right, whole) > 0.9 and abs(len(left) + len(right) - len(whole)) <= 2


@pytest.mark.parametrize("edge", [2048, 1111])
def test_they_hold_exactly_that_where_a_network_looks_at_one_pixel(slides, tmp_path, monkeypatch, edge):
    """Its answer is the same in all windows: so every object is whole, and belongs to one of the regions."""
    monkeypatch.setattr(slides_of_server, "default_way", lambda channels: "none")  # glass would cut some
    bench = slides.make_bench(tmp_path, SIZE, count=250)
    query = Query(bench.model)
    whole, _ = objects_of_slide(bench.slide, query, [])
    left, mpp = objects_of_slide(bench.slide, query, [Box(0, 0, edge, 600)])
    right, _ = objects_of_slide(bench.slide, query, [Box(edge, 0, 2400, 600)])
    assert outlines(left + right) == outlines(whole) and mpp == 0.25
    reach = [(item.parts[0].exterior[:, 0].min(), item.parts[0].exterior[:, 0].max()) for item in left + right]
    assert any(first < edge < last for first, last in reach)  # some lie on the edge


def test_several_regions_are_one_request(bench, query):
    boxes = [Box(100, 100, 400, 300), Box(2000, 300, 2300, 500)]
    both, _ = objects_of_slide(bench.slide, query, boxes)
    alone = [item for box in boxes for item in objects_of_slide(bench.slide, query, [box])[0]]
    assert len(both) > 10 and outlines(both) == outlines(alone)


def test_only_windows_around_a_region_go_through_the_network_and_each_once(bench, monkeypatch):
    shown, predict = [], windows.predict
    monkeypatch.setattr(windows, "predict", lambda *given: shown.append(given[1].shape) or predict(*given))
    objects_of_slide(bench.slide, Query(bench.model), [Box(0, 0, 100, 100)])
    assert shown == [(1, 3, 256, 256)]


def test_no_piece_of_a_slide_is_read_twice_for_a_region(bench, query, monkeypatch):
    objects_of_slide(bench.slide, query, [Box(0, 0, 9, 9)])  # looks for tissue
    read, piece = [], TiffSlideFile.piece

    def counted(self, *place):
        read.append(place)
        return piece(self, *place)

    monkeypatch.setattr(TiffSlideFile, "piece", counted)
    objects_of_slide(bench.slide, query, [Box(1600, 0, 2400, 600)])  # 400 x 300 px at the model's spacing
    assert len(read) == len(set(read))


def pixels_shown(query, work):
    """What the network is shown meanwhile, px at its spacing."""
    shown = []
    hook = query.segmenter().network.register_forward_pre_hook(
        lambda network, given: shown.append(given[0][:, 0].numel())
    )
    try:
        work()
    finally:
        hook.remove()
    return sum(shown)


@pytest.mark.parametrize("left", [0, 300, 411, 777, 900])
def test_a_region_costs_at_most_a_tenth_more_than_the_same_pixels_as_an_image(bench, query, tmp_path, left):
    """Of 1500 x 600 px; as an image, 750 x 300 px at the model's spacing, it takes 4 x 2 windows."""
    region = Box(left, 0, left + 1500, 600)
    with Slide(bench.slide) as slide:
        pixels = slide.read(left, 0, 1500, 600).mul(255).round().byte().numpy()
    write_image(tmp_path / "a.tif", pixels, 0.25)
    as_region = pixels_shown(query, lambda: objects_of_slide(bench.slide, query, [region]))
    as_image = pixels_shown(query, lambda: segment_image(tmp_path / "a.tif", query))
    assert as_image == 8 * 256**2 and 0 < as_region <= 1.1 * as_image


def test_regions_that_lie_side_by_side_are_computed_as_one():
    quarters = [Box(x, y, x + 10, y + 20) for y in (0, 20) for x in (0, 10)]
    assert rectangles(quarters) == [Box(0, 0, 20, 40)]
    apart = [*quarters[:3], Box(90, 0, 99, 9), quarters[0]]  # one of them named twice
    assert sorted(rectangles(apart)) == [Box(0, 0, 20, 20), Box(0, 20, 10, 40), Box(90, 0, 99, 9)]
    assert rectangles([]) == []


@pytest.mark.parametrize(
    "boxes",
    [
        [Box(0, 0, 500, 600), Box(300, 100, 700, 600), Box(400, 0, 700, 300)],  # computed as one
        [Box(0, 0, 300, 300), Box(200, 200, 600, 600)],
    ],
)
def test_regions_that_overlap_give_each_object_once(bench, query, boxes):
    every = sorted({text for box in boxes for text in outlines(objects_of_slide(bench.slide, query, [box])[0])})
    assert len(every) > 10 and outlines(objects_of_slide(bench.slide, query, boxes)[0]) == every


def test_a_region_beyond_the_slide_is_empty(bench, query):
    assert objects_of_slide(bench.slide, query, [Box(5000, 5000, 5100, 5100)])[0] == []


def test_objects_carry_their_area_and_confidence(whole):
    item = max(whole, key=lambda each: each.measurements["Area µm^2"])
    assert item.measurements["Area µm^2"] == pytest.approx(sum(part.area for part in item.parts) * 0.25**2)
    assert 0.5 < item.measurements["Confidence"] <= 1 and item.classification == "nuclei"


def test_um_per_px_come_from_the_request_the_file_or_the_server(slides, bench, tmp_path):
    silent = slides.write_pyramid(tmp_path / "silent.tif", slides.noise(64, 64, 3), mpp=None)
    query = Query(bench.model)
    with pytest.raises(ValueError, match=r"silent\.tif: does not say its um per px"):
        objects_of_slide(silent, query, [])
    assert objects_of_slide(silent, replace(query, default_mpp=0.3), [])[1] == 0.3
    assert objects_of_slide(silent, replace(query, default_mpp=0.3, mpp=0.4), [])[1] == 0.4
    assert objects_of_slide(bench.slide, replace(query, default_mpp=0.3), [Box(0, 0, 9, 9)])[1] == 0.25


def test_which_files_are_read_part_by_part(slides, bench, tmp_path):
    assert not is_slide(bench.slide)  # a small TIFF is read whole
    assert is_slide(slides.write_svs(tmp_path / "a.svs", slides.noise(64, 64, 3)))
    (tmp_path / "text.png").write_text("no image")
    with pytest.raises(ValueError, match=r"text\.png: begins with"):
        is_slide(tmp_path / "text.png")
