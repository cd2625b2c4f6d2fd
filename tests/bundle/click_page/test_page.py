# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Clicking in a real browser: every click is in the file, and what is drawn is what is in the file."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image
from skimage import data

from bundle.annotations.formats.geojson import read_geojson
from bundle.files.points_csv import parse_points
from tests.bundle.click_page.browser import VIEW, Page, Served, serving

SIZE = (300, 400)  # H, W
HOSTILE = "<img src=x onerror=document.title=`owned`> $$x^2$$"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("clicked")
    (made / "images").mkdir()
    pixels = data.immunohistochemistry()[: SIZE[0], : SIZE[1]]
    for name in ("a", "b", "c", "d", HOSTILE):
        Image.fromarray(pixels).save(made / "images" / f"{name}.png")
    (made / "images" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nno more")
    return made


@pytest.fixture(scope="module")
def served(folder: Path, driver: Any) -> Iterator[Served]:
    with serving(folder) as running:
        yield running


def stored(folder: Path, name: str) -> list[list[float]]:
    path = folder / "points" / f"{name}.csv"
    return parse_points(path, SIZE).tolist() if path.exists() else []


def drawn(page: Page) -> list[list[float]]:
    columns = page.source("points")
    return [[x, -y] for x, y in zip(columns["x"], columns["y"], strict=True)]


def test_add_choose_move_delete_undo_redo(folder: Path, served: Served, driver: Any) -> None:
    page = Page(driver, served.url)
    page.show("a")
    page.click(100, 50)
    page.click(200, 150)  # so soon that browsers call it a double click
    page.until(lambda: len(stored(folder, "a")) == 2)
    assert stored(folder, "a")[0] == pytest.approx([100, 50], abs=0.6)
    page.until(lambda: len(drawn(page)) == 2)
    page.click(100, 50)  # on a point: it is chosen, and no second one is made
    page.until(lambda: page.chosen("points") == [0])
    page.key("Delete")
    page.until(lambda: len(stored(folder, "a")) == 1)
    assert stored(folder, "a")[0] == pytest.approx([200, 150], abs=0.6)
    page.key("z", ctrl=True)
    page.until(lambda: len(stored(folder, "a")) == 2)
    page.press("undo")
    page.until(lambda: len(stored(folder, "a")) == 1)
    page.key("y", ctrl=True)
    page.until(lambda: len(stored(folder, "a")) == 2 and len(drawn(page)) == 2)
    page.key("2")
    page.drag((200, 150), (250, 170))
    page.until(lambda: any(point == pytest.approx([250, 170], abs=2) for point in stored(folder, "a")))
    page.until(lambda: sorted(drawn(page)) == sorted(stored(folder, "a")))
    assert "2 clicks" in page.text("status") and "all saved" in page.text("status")


def test_regions_are_drawn_chosen_and_taken_away(folder: Path, served: Served, driver: Any) -> None:
    page, file = Page(driver, served.url), folder / "regions" / "b.geojson"
    page.show("b")
    page.key("3")
    page.drag((50, 40), (150, 140))
    page.until(file.exists)
    (clicks,) = read_geojson(file)
    assert clicks.outlines[0].area.bounds == pytest.approx((50, 40, 150, 140), abs=2)
    page.until(lambda: len(page.source("regions")["id"]) == 1)
    page.click(100, 100)
    page.key("Delete")
    page.until(lambda: not file.exists())
    page.press("region of view")
    page.until(lambda: file.exists() and read_geojson(file)[0].outlines[0].area.area == pytest.approx(300 * 400))


def test_an_image_that_holds_none_is_stated_so(folder: Path, served: Served, driver: Any) -> None:
    page = Page(driver, served.url)
    page.show("d")
    page.press("empty")
    page.until(lambda: (folder / "points" / "d.csv").exists())
    assert (folder / "points" / "d.csv").read_text() == "x,y\n"
    page.until(lambda: "stated to hold no nucleus" in page.text("status"))


def test_two_tabs_and_other_programs_see_each_other(folder: Path, served: Served, driver: Any) -> None:
    page = Page(driver, served.url)
    page.show("c")
    first = driver.current_window_handle
    driver.switch_to.new_window("tab")
    other = Page(driver, served.url)
    other.show("c")
    other.click(30, 30)
    other.until(lambda: len(stored(folder, "c")) == 1)
    driver.switch_to.window(first)
    page.until(lambda: len(drawn(page)) == 1)
    path = folder / "points" / "c.csv"
    path.write_text(path.read_text() + "77,88\n")
    page.until(lambda: [77, 88] in drawn(page))
    page.click(200, 200)
    page.until(lambda: len(stored(folder, "c")) == 3)
    for handle in driver.window_handles:
        if handle != first:
            driver.switch_to.window(handle)
            driver.close()
    driver.switch_to.window(first)


@pytest.fixture(scope="module")
def slide_page(tmp_path_factory: pytest.TempPathFactory, driver: Any) -> Iterator[tuple[Path, Page]]:
    """A slide of 6,000 x 5,000 px with smaller copies, read part by part, and a region of it in sight."""
    made = tmp_path_factory.mktemp("slide")
    (made / "images").mkdir()
    piece = np.tile(data.immunohistochemistry()[:500, :500], (10, 12, 1))
    with tifffile.TiffWriter(made / "images" / "large.tif") as tiff:
        for step in (1, 4, 16):
            tags = {"resolution": (1e4 / (0.25 * step), 1e4 / (0.25 * step)), "resolutionunit": "CENTIMETER"}
            tags |= {"photometric": "rgb", "compression": "zlib", "metadata": None}
            tiff.write(piece[::step, ::step], tile=(256, 256), subfiletype=int(step > 1), **tags)
    with serving(made) as running:
        yield made, Page(driver, running.url)


def test_a_slide_is_zoomed_into_and_clicked_on_its_own_pixels(slide_page: tuple[Path, Page]) -> None:
    folder, page = slide_page
    page.until(lambda: page.text("status").startswith("large: "))
    left, top, right, bottom = page.view()
    assert left < 0 and top < 0 and right > 5999 and bottom > 4999  # all of it
    page.until(lambda: page.run(VIEW + "return view.has_finished()"))
    names = page.run("return performance.getEntriesByType('resource').map((each) => each.name)")
    assert 0 < sum("tile" in name for name in names) < 85  # of levels 0 to 3; all have 1,365
    page.run(VIEW + "fig.x_range.setv({start: 4300, end: 4400}); fig.y_range.setv({start: -3270, end: -3190})")
    page.until(lambda: page.run(VIEW + "return view.has_finished()"))
    page.click(4321.25, 3210.5)
    path = folder / "points" / "large.csv"
    page.until(path.exists)
    assert parse_points(path, (5000, 6000)).tolist()[0] == pytest.approx([4321.25, 3210.5], abs=0.2)


def test_the_browser_forgets_tiles_that_were_looked_at_long_ago(slide_page: tuple[Path, Page]) -> None:
    _, page = slide_page
    tiles = "const {tile_source} = fig.renderers.find((each) => each.type == 'TileRenderer');"
    page.run("[...Bokeh.documents[0]._all_models.values()].find((model) => model.name == 'forget').args.most = 60")
    loaded, most = "return [...tile_source.tiles.values()].every((tile) => tile.loaded)", 0
    for left in range(0, 6000, 500):
        place = {"start": left, "end": left + 500}, {"start": -2500, "end": -2000}
        page.run(VIEW + "fig.x_range.setv(arguments[0]); fig.y_range.setv(arguments[1])", *place)
        page.until(lambda: page.run(VIEW + tiles + loaded))
        most = max(most, page.run(VIEW + tiles + "return tile_source.tiles.size"))
    assert 30 < most < 130  # twelve places have some 200 tiles and those around them


def test_regions_too_small_to_learn_from_are_named(slide_page: tuple[Path, Page]) -> None:
    """128 px at 0.5 um per px are 256 px of this slide."""
    folder, page = slide_page
    page.run(VIEW + "fig.x_range.setv({start: 1000, end: 2000}); fig.y_range.setv({start: -1800, end: -1000})")
    page.until(lambda: page.view()[0] == pytest.approx(1000, abs=80))
    page.key("3")
    page.drag((1100, 1100), (1300, 1300))
    page.until(lambda: "1 too small to be learnt from" in page.text("status"))
    page.drag((1400, 1100), (1700, 1400))
    page.until(lambda: len(page.source("regions")["id"]) == 2)
    assert "in 2 regions" in page.text("status") and "1 too small to be learnt from" in page.text("status")
    page.key("z", ctrl=True)
    page.key("z", ctrl=True)
    page.until(lambda: not (folder / "regions" / "large.geojson").exists())
    page.until(lambda: "too small" not in page.text("status"))


def test_zoom_pan_and_brightness_keep_clicks_on_their_pixels(folder: Path, served: Served, driver: Any) -> None:
    page = Page(driver, served.url)
    page.show(HOSTILE)
    before = page.view()
    left, top, right, bottom = before
    assert left < 0 and top < 0 and right > SIZE[1] - 1 and bottom > SIZE[0] - 1  # all of it
    assert (left + right, top + bottom) == pytest.approx((SIZE[1] - 1, SIZE[0] - 1), abs=1)  # in the middle
    page.press("closer")
    page.until(lambda: page.view()[2] - page.view()[0] < 0.8 * (before[2] - before[0]))
    zoomed = page.view()
    page.drag((200, 150), (170, 150))
    page.until(lambda: page.view()[0] == pytest.approx(zoomed[0] + 30, abs=3))
    page.click(222.25, 111.5)
    page.until(lambda: len(stored(folder, HOSTILE)) == 1)
    assert stored(folder, HOSTILE)[0] == pytest.approx([222.25, 111.5], abs=0.5)
    page.run(
        "const slider = [...Bokeh.documents[0]._all_models.values()].find((m) => m.name == 'range')\n"
        "slider.value = [40, 200]; slider.value_throttled = [40, 200]"
    )
    page.until(lambda: "/40-200-0/" in page.run("return performance.getEntriesByType('resource').at(-1).name"))


def test_hostile_names_are_text_and_unreadable_images_are_named(served: Served, driver: Any) -> None:
    page = Page(driver, served.url)
    page.show(HOSTILE)
    page.until(lambda: HOSTILE in page.text("status"))
    assert driver.title == "Click the nuclei"
    assert page.run("return document.querySelectorAll('img[src=x]').length") == 0
    page.choose("broken")
    page.until(lambda: "broken.png: cannot be decoded" in page.text("trouble"))
    page.show("a")
    page.until(lambda: page.text("trouble") == "")


def test_nothing_comes_from_anywhere_else(served: Served, driver: Any) -> None:
    page = Page(driver, served.url)
    page.show("a")
    names = page.run("return performance.getEntriesByType('resource').map((entry) => entry.name)")
    assert names and all(name.startswith(served.url) for name in names)
    serious = [entry["message"] for entry in driver.get_log("browser") if entry["level"] == "SEVERE"]
    assert not [message for message in serious if served.url in message]


def test_kill_9_loses_nothing_and_a_new_page_goes_on(tmp_path: Path, driver: Any) -> None:
    (tmp_path / "images").mkdir()
    Image.fromarray(data.immunohistochemistry()[: SIZE[0], : SIZE[1]]).save(tmp_path / "images" / "a.png")
    with serving(tmp_path) as first:
        page = Page(driver, first.url)
        for number in range(5):
            page.click(40 + 50 * number, 60)
        page.until(lambda: len(drawn(page)) == 5)
        first.process.send_signal(signal.SIGKILL)
    assert len(stored(tmp_path, "a")) == 5
    with serving(tmp_path) as second:
        page = Page(driver, second.url)
        page.until(lambda: len(drawn(page)) == 5)
