# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Regions of a slide: the objects of `segment slide`, each whole and in one of two neighbouring regions."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from bundle.label_server.query import Query
from bundle.label_server.slides import objects_of_slide
from bundle.slide_segmentation import windows
from bundle.slide_segmentation.execution import InProcess
from bundle.slide_segmentation.request import SlideRequest
from bundle.slide_segmentation.run import segment_slides
from bundle.slides.grid import Box
from bundle.slides.listing import is_slide

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


@pytest.mark.parametrize("edge", [2048, 1111])  # between two tiles, and inside the first
def test_regions_side_by_side_share_all_objects_between_them(bench, query, whole, edge):
    left, mpp = objects_of_slide(bench.slide, query, [Box(0, 0, edge, 600)])
    right, _ = objects_of_slide(bench.slide, query, [Box(edge, 0, 2400, 600)])
    assert outlines(left + right) == outlines(whole) and mpp == 0.25
    reach = [(item.parts[0].exterior[:, 0].min(), item.parts[0].exterior[:, 0].max()) for item in left + right]
    assert any(first < edge < last for first, last in reach)  # some lie on the edge, and are whole


def test_several_regions_are_one_request(bench, query):
    boxes = [Box(100, 100, 400, 300), Box(2000, 300, 2300, 500)]
    both, _ = objects_of_slide(bench.slide, query, boxes)
    alone = [item for box in boxes for item in objects_of_slide(bench.slide, query, [box])[0]]
    assert len(both) > 10 and outlines(both) == outlines(alone)


def test_only_the_windows_around_a_region_go_through_the_network(bench, monkeypatch):
    seen, predict = [], windows.predict
    monkeypatch.setattr(windows, "predict", lambda *given: seen.append(len(given[1])) or predict(*given))
    objects_of_slide(bench.slide, Query(bench.model), [Box(0, 0, 100, 100)])
    near = sum(seen)
    objects_of_slide(bench.slide, Query(bench.model), [])
    assert 0 < near < (sum(seen) - near) / 2


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
