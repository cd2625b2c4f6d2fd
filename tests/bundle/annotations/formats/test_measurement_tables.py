# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Tables of measurements of several images, and rows in them that are no clicks."""

from __future__ import annotations

import pytest

from bundle.annotations.formats.registry import read_clicks


def read(tmp_path, text):
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    return read_clicks(tmp_path / "a.csv")


def test_a_results_table_of_several_images_is_for_each_of_them(tmp_path):
    rows = "1,a.tif:0001-0007,3,4\n2,b.b.png:Slice 1,5,6\n3,a.tif:0002-0009,7,8\n"
    first, second = read(tmp_path, f" ,Label,X,Y\n{rows}")
    assert (first.image, second.image) == ("a", "b.b") and first.names == (None, None)
    assert first.points.tolist() == [[3, 4], [7, 8]] and second.points.tolist() == [[5, 6]]


def test_labels_that_name_no_image_are_classes_and_some_of_each_are_refused(tmp_path):
    (found,) = read(tmp_path, " ,Label,X,Y\n1,Tumor,3,4\n2,,5,6\n")
    assert found.image is None and found.names == ("Tumor", None)
    with pytest.raises(ValueError, match=r"a\.csv: some labels begin with an image's name and others do not"):
        read(tmp_path, " ,Label,X,Y\n1,a.tif,3,4\n2,Tumor,5,6\n")


def test_a_results_table_of_no_row_is_read(tmp_path):
    (found,) = read(tmp_path, " ,Label,X,Y\n")
    assert len(found.points) == 0 and not found.is_stated_empty


def test_regions_and_cores_among_measurements_of_qupath_are_no_clicks(tmp_path, caplog):
    header = "Image\tObject type\tClass\tROI\tCentroid X px\tCentroid Y px\n"
    rows = ["Annotation\tRegion*\tRectangle\t50\t50", "Annotation\tTumor\tPoints\t3.5\t4.5"]
    rows += ["Detection\tTumor\tPolygon\t7.5\t8.5", "TMA core\t\tEllipse\t60\t60"]
    rows += ["Annotation\tIgnore*\tPoint\t9.5\t9.5"]
    (found,) = read(tmp_path, header + "".join(f"a.png\t{row}\n" for row in rows))
    assert found.points.tolist() == [[3, 4], [7, 8], [9, 9]] and found.names == ("Tumor", "Tumor", "Ignore*")
    assert "rows that are no clicks are left out: 1 Annotation of class Region*, 1 TMA core" in caplog.text


@pytest.mark.parametrize("table", ["x,y,z\n1,2,0\n3,4,1\n", "t,y,x\n0,2,1\n1,4,3\n", " ,X,Y,Slice\n1,1,2,1\n2,3,4,2\n"])
def test_rows_in_several_planes_are_warned_of(tmp_path, caplog, table):
    (found,) = read(tmp_path, table)
    assert found.points.tolist() == [[1, 2], [3, 4]] and "its points lie in 2 planes of a stack" in caplog.text


def test_rows_in_one_plane_are_not(tmp_path, caplog):
    read(tmp_path, "x,y,z\n1,2,7\n3,4,7\n")
    assert "planes" not in caplog.text


def test_x_and_y_beside_what_imagej_measures_may_be_um_without_row_numbers_too(tmp_path):
    (found,) = read(tmp_path, "X,Y,Slice\n27.5,31,1\n")
    assert found.unit == "unknown"
    (found,) = read(tmp_path, "X,Y\n27.5,31\n")
    assert found.unit == "px"


def test_a_table_of_qupath_without_a_row_is_for_the_image_of_its_name(tmp_path):
    (found,) = read(tmp_path, "Image,Centroid X px,Centroid Y px\n")
    assert len(found.points) == 0 and found.image is None
