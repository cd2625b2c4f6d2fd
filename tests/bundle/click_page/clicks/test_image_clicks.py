# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Clicks are in the file before the next one comes; other programs' changes and a full disk lose nothing."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bundle.annotations.formats.geojson import read_geojson
from bundle.annotations.regions import regions_within, split_regions
from bundle.click_page.clicks import watched_file
from bundle.click_page.clicks.click_folder import ImagePaths
from bundle.click_page.clicks.image_clicks import ImageClicks
from bundle.files.points_csv import parse_points

SIZE = (40, 60)  # H, W
OTHERS = ("undo", "redo", "region", "unregion", "outside")


def paths(folder: Path) -> ImagePaths:
    return ImagePaths("a", folder / "images" / "a.png", folder / "points" / "a.csv", folder / "regions" / "a.geojson")


@pytest.fixture
def clicks(tmp_path: Path) -> ImageClicks:
    return ImageClicks(paths(tmp_path), SIZE)


def stored(clicks: ImageClicks) -> list[list[float]]:
    return parse_points(clicks.paths.points, SIZE).tolist()


def test_an_image_without_clicks_gets_no_file(clicks: ImageClicks) -> None:
    clicks.edit(remove=[5])
    clicks.undo()
    assert not clicks.paths.points.exists()


def test_every_change_is_in_the_file_at_once(clicks: ImageClicks) -> None:
    clicks.edit(add=[(1, 2), (3.25, 4)])
    assert stored(clicks) == [[1, 2], [3.25, 4]]
    first, second = clicks.marks.points
    clicks.edit(move={first: (10, 11)})
    assert stored(clicks) == [[10, 11], [3.25, 4]]
    clicks.edit(remove=[second])
    assert stored(clicks) == [[10, 11]]


def test_undo_and_redo_write_the_very_bytes_of_then(clicks: ImageClicks) -> None:
    contents: list[bytes | None] = [None]
    for step in range(4):
        clicks.edit(add=[(step, step)])
        contents.append(clicks.paths.points.read_bytes())
    clicks.edit(remove=[next(iter(clicks.marks.points))])
    contents.append(clicks.paths.points.read_bytes())
    for before in reversed(contents[:-1]):
        assert clicks.undo()
        assert (clicks.paths.points.read_bytes() if clicks.paths.points.exists() else None) == before
    assert not clicks.undo()
    for after in contents[1:]:
        assert clicks.redo()
        assert clicks.paths.points.read_bytes() == after
    assert not clicks.redo()


def test_a_new_change_ends_what_could_be_made_again(clicks: ImageClicks) -> None:
    clicks.edit(add=[(1, 1)])
    clicks.undo()
    clicks.edit(add=[(2, 2)])
    assert not clicks.redo()
    assert stored(clicks) == [[2, 2]]


def test_clicks_outside_and_double_clicks_are_left_out(clicks: ImageClicks) -> None:
    clicks.edit(add=[(-0.5, -0.5), (59.25, 39.25), (59.5, 3), (3, 39.5), (-0.6, 1), (float("nan"), 1)])
    assert stored(clicks) == [[-0.5, -0.5], [59.25, 39.25]]
    assert not clicks.edit(add=[(-0.5, -0.5)])
    (first, _) = clicks.marks.points
    clicks.edit(move={first: (100, 100)})
    assert stored(clicks)[0] == [-0.5, -0.5]


def test_rows_nobody_touches_keep_their_columns_and_decimals(tmp_path: Path) -> None:
    files = paths(tmp_path)
    files.points.parent.mkdir()
    files.points.write_text('who,Y,class,X\nann,1.500000,"Tumor, big",2\nbob,3,b,4\n')
    clicks = ImageClicks(files, SIZE)
    first, second = clicks.marks.points
    clicks.edit(add=[(7, 8)], move={second: (5, 6)})
    lines = files.points.read_text().splitlines()
    assert lines == ["who,Y,class,X", 'ann,1.500000,"Tumor, big",2', "bob,6.00,b,5.00", ",8.00,,7.00"]


def test_that_an_image_holds_none_is_a_header_alone(clicks: ImageClicks) -> None:
    clicks.state_empty()
    assert clicks.paths.points.read_text() == "x,y\n"
    assert ImageClicks(clicks.paths, SIZE).marks.empty
    clicks.undo()
    assert not clicks.paths.points.exists()
    clicks.redo()
    clicks.edit(add=[(1, 1)])
    assert not clicks.marks.empty
    clicks.undo()
    assert clicks.marks.empty and clicks.paths.points.read_text() == "x,y\n"
    clicks.edit(add=[(1, 1)])
    with pytest.raises(ValueError, match="a has 1 clicks"):
        clicks.state_empty()


def test_removing_the_last_click_does_not_state_that_there_is_none(clicks: ImageClicks) -> None:
    clicks.edit(add=[(1, 1)])
    clicks.edit(remove=list(clicks.marks.points))
    assert not clicks.paths.points.exists() and not clicks.marks.empty
    clicks.undo()
    assert stored(clicks) == [[1, 1]]


def test_regions_are_understood_by_the_code_that_cuts_tiles(clicks: ImageClicks) -> None:
    clicks.add_region((30.2, 20.7), (3.4, 5.4))
    (read,) = read_geojson(clicks.paths.regions)
    _, outlines = split_regions(read, "Region*")
    (region,) = regions_within(read, outlines, SIZE)
    assert region.bounds == (2.5, 4.5, 30.5, 21.5)  # the whole pixels that were touched
    assert clicks.is_clicked(3, 5) and not clicks.is_clicked(2, 5)
    again = ImageClicks(clicks.paths, SIZE)
    assert [each.area.bounds for each in again.marks.regions.values()] == [(2.5, 4.5, 30.5, 21.5)]
    again.remove_regions(list(again.marks.regions))
    assert not again.paths.regions.exists()
    again.undo()
    assert again.paths.regions.exists()


def test_a_region_is_cut_at_the_image_and_refused_beside_it(clicks: ImageClicks) -> None:
    clicks.add_region((-100, -100), (500, 500))
    (region,) = clicks.marks.regions.values()
    assert region.area.bounds == (-0.5, -0.5, 59.5, 39.5)
    with pytest.raises(ValueError, match="beside the image of 60 x 40 px"):
        clicks.add_region((70, 1), (80, 4))


def test_outlines_of_any_shape_stay_when_others_are_added(tmp_path: Path) -> None:
    files = paths(tmp_path)
    files.regions.parent.mkdir()
    ring = [[1, 1], [9, 1], [5, 9], [1, 1]]
    files.regions.write_text(
        '{"type": "FeatureCollection", "features": [{"type": "Feature", "geometry": {"type": "Polygon", "coordinates":'
        f' [{ring}]}}, "properties": {{"classification": {{"name": "Region 7"}}}}}}]}}'
    )
    clicks = ImageClicks(files, SIZE)
    clicks.add_region((20, 20), (30, 30))
    (read,) = read_geojson(files.regions)
    assert [each.name for each in read.outlines] == ["Region 7", "Region*"]
    assert read.outlines[0].area.area == 32


def test_other_marks_in_the_file_of_regions_are_not_lost_by_writing(tmp_path: Path) -> None:
    files = paths(tmp_path)
    files.regions.parent.mkdir()
    files.regions.write_text('{"type": "Feature", "geometry": {"type": "Point", "coordinates": [3, 4]}}')
    with pytest.raises(ValueError, match="holds marks that are no regions"):
        ImageClicks(files, SIZE)


def test_what_another_program_wrote_is_kept_and_the_click_is_made_on_top(clicks: ImageClicks) -> None:
    clicks.edit(add=[(1, 1), (2, 2)])
    first, second = clicks.marks.points
    clicks.paths.points.write_text("x,y\n1.00,1.00\n9,9\n")  # 2, 2 is gone, 9, 9 is new
    clicks.edit(add=[(5, 5)], move={second: (3, 3)})
    assert sorted(stored(clicks)) == [[1, 1], [5, 5], [9, 9]]
    assert first in clicks.marks.points and not clicks.problem
    clicks.undo()
    assert stored(clicks) == [[1, 1], [9, 9]]
    assert not clicks.undo()  # what was there before the other program's change is not brought back over it


def test_a_file_changed_outside_is_noticed_without_a_click(clicks: ImageClicks) -> None:
    clicks.edit(add=[(1, 1)])
    assert not clicks.refresh()
    clicks.paths.points.write_text("x,y\n7,7\n")
    assert clicks.refresh()
    assert [(each.x, each.y) for each in clicks.marks.points.values()] == [(7, 7)]
    assert not clicks.refresh()
    clicks.paths.points.unlink()
    assert clicks.refresh()
    assert not clicks.marks.points


def test_a_file_spoilt_outside_is_named_and_never_overwritten(clicks: ImageClicks) -> None:
    clicks.edit(add=[(1, 1)])
    clicks.paths.points.write_text("x,y\n7,seven\n")
    clicks.edit(add=[(2, 2)])
    assert "line 2: y is 'seven'" in clicks.problem
    assert clicks.paths.points.read_text() == "x,y\n7,seven\n"
    clicks.edit(add=[(3, 3)])
    clicks.paths.points.write_text("x,y\n7,7\n")
    assert clicks.refresh() and not clicks.problem
    assert sorted(stored(clicks)) == [[2, 2], [3, 3], [7, 7]]


def test_a_spoilt_file_takes_no_click_that_nobody_could_save(tmp_path: Path) -> None:
    clicks = ImageClicks(paths(tmp_path), SIZE)
    clicks.edit(add=[(1, 1)])
    clicks.paths.points.write_text("nonsense")
    assert clicks.refresh()
    with pytest.raises(ValueError, match="the header is 'nonsense'"):
        clicks.edit(add=[(2, 2)])


def test_on_a_full_disk_clicks_wait_and_are_saved_when_there_is_room(
    clicks: ImageClicks, monkeypatch: pytest.MonkeyPatch
) -> None:
    clicks.edit(add=[(1, 1)])
    before = clicks.paths.points.read_bytes()

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(watched_file, "write_whole", full)
        clicks.edit(add=[(2, 2)])
        clicks.edit(add=[(3, 3)])
        assert "No space left" in clicks.problem and "2 changes are not saved" in clicks.problem
        assert clicks.paths.points.read_bytes() == before
        clicks.refresh()
        assert clicks.problem
    assert clicks.refresh() and not clicks.problem
    assert stored(clicks) == [[1, 1], [2, 2], [3, 3]]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("add"), st.integers(0, 59), st.integers(0, 39)),
            st.tuples(st.just("move"), st.integers(0, 9), st.integers(0, 39)),
            st.tuples(st.just("remove"), st.integers(0, 9), st.just(0)),
            st.tuples(st.sampled_from(OTHERS), st.integers(0, 9), st.just(0)),
        ),
        max_size=25,
    )
)
def test_files_always_hold_what_is_shown(tmp_path_factory: pytest.TempPathFactory, actions: list[tuple]) -> None:
    clicks = ImageClicks(paths(tmp_path_factory.mktemp("clicks")), SIZE)
    for kind, first, second in actions:
        ids, regions = list(clicks.marks.points), list(clicks.marks.regions)
        if kind == "add":
            clicks.edit(add=[(first, second)])
        elif kind == "move" and ids:
            clicks.edit(move={ids[first % len(ids)]: (second, second)})
        elif kind == "remove" and ids:
            clicks.edit(remove=[ids[first % len(ids)]])
        elif kind == "region":
            clicks.add_region((first, 0), (first + 3, 9))
        elif kind == "unregion" and regions:
            clicks.remove_regions([regions[0]])
        elif kind == "outside":
            clicks.paths.points.parent.mkdir(exist_ok=True)
            clicks.paths.points.write_text(f"x,y\n{first},{first}.5\n")
            clicks.refresh()
        elif kind in ("undo", "redo"):
            getattr(clicks, kind)()
        again = ImageClicks(clicks.paths, SIZE)
        shown = sorted((each.x, each.y) for each in clicks.marks.points.values())
        assert sorted((each.x, each.y) for each in again.marks.points.values()) == shown
        assert len(again.marks.regions) == len(clicks.marks.regions)
        assert again.marks.empty == clicks.marks.empty and not clicks.problem
