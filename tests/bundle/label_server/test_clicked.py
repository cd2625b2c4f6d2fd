# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Files of clicks from several clients, as a data folder: whole images, or tiles of the regions that were drawn."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tifffile
from PIL import Image

from bundle.annotations.choice import Choice
from bundle.annotations.tile_set import TileSettings
from bundle.data.folder import DataFolder
from bundle.files.images import read_image
from bundle.label_server.clicked import read_label_files, write_training_set

SETTINGS = TileSettings(0.5, 16, "Region*")
COORDINATES = '<Coordinates><Coordinate X="{}" Y="{}"/></Coordinates>'
DOT = f'<Annotation Name="a" Type="Dot" PartOfGroup="None">{COORDINATES}</Annotation>'
CORNERS = [(10, 20), (74, 20), (74, 84), (10, 84)]


def asap(*annotations):
    return f"<ASAP_Annotations><Annotations>{''.join(annotations)}</Annotations></ASAP_Annotations>"


def region(*corners):
    places = "".join(f'<Coordinate X="{x}" Y="{y}"/>' for x, y in corners)
    return (
        f'<Annotation Name="r" Type="Polygon" PartOfGroup="Region 1"><Coordinates>{places}</Coordinates></Annotation>'
    )


@pytest.fixture
def images(tmp_path):
    """Three images of 120 x 100 px; the TIFF says 0.25 um per px."""
    pixels = np.random.default_rng(0).integers(0, 255, (100, 120, 3), np.uint8)
    for name in "ab":
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
    spacing = {"resolution": (4e4, 4e4), "resolutionunit": "CENTIMETER"}
    tifffile.imwrite(tmp_path / "c.tif", pixels, photometric="rgb", **spacing)
    return {path.stem: path for path in sorted(tmp_path.iterdir())}


def labels(folder, **texts):
    """Files of labels, their ending with two underscores: a__xml."""
    files = {}
    for name, text in texts.items():
        image, suffix = name.split("__")
        files[image] = folder / f"label_of_{image}.{suffix}"
        files[image].write_text(text)
    return files


def draft(tmp_path):
    (tmp_path / "draft").mkdir()
    return tmp_path / "draft"


def test_dots_of_asap_points_of_dsa_and_a_table_are_one_data_set(tmp_path, images):
    dsa = json.dumps({"elements": [{"type": "point", "center": [8.5, 9.5, 0]}]})
    files = labels(tmp_path, a__xml=asap(DOT.format(3.5, 4.5)), b__json=dsa, c__csv="x,y\n5,6\n7,8\n")
    folder = draft(tmp_path)
    assert write_training_set(folder, images, read_label_files(files), Choice(), SETTINGS) == 3
    dataset = DataFolder(folder)
    points = {item.name: dataset.load(item)["points"].tolist() for item in dataset.training}
    assert points == {"a": [[3, 4]], "b": [[8, 9]], "c": [[5, 6], [7, 8]]}
    assert (folder / "images" / "a.png").read_bytes() == images["a"].read_bytes()


def test_regions_become_tiles_at_the_spacing_of_training(tmp_path, images):
    files = labels(tmp_path, c__xml=asap(region(*CORNERS), DOT.format(30.5, 40.5), DOT.format(100, 90)))
    folder = draft(tmp_path)
    assert write_training_set(folder, images, read_label_files(files), Choice(), SETTINGS) == 1
    (tile,) = (folder / "images").iterdir()
    image = read_image(tile)
    assert image.array.shape == (3, 32, 32) and image.mpp == pytest.approx(0.5)  # 64 px of 0.25 um
    (item,) = DataFolder(folder).training
    assert DataFolder(folder).load(item)["points"].tolist() == [[9.75, 9.75]]  # (30 - 10 + 0.5) / 2 - 0.5


def test_images_that_say_nothing_are_given_the_servers_um_per_px(tmp_path, images):
    files = labels(tmp_path, a__csv="x,y\n5,6\n", c__csv="x,y\n5,6\n")
    folder = draft(tmp_path)
    write_training_set(folder, images, read_label_files(files), Choice(), SETTINGS, default_mpp=0.4)
    found = {path.name: read_image(path) for path in (folder / "images").iterdir()}
    assert {name: each.mpp for name, each in found.items()} == pytest.approx({"a.tif": 0.4, "c.tif": 0.25})
    assert np.array_equal(found["a.tif"].array, read_image(images["a"]).array)
    stated = TileSettings(0.5, 16, "Region*", mpp=0.3)  # by the client, for all
    folder = tmp_path / "again"
    folder.mkdir()
    write_training_set(folder, images, read_label_files(files), Choice(), stated, default_mpp=0.4)
    assert sorted(path.name for path in (folder / "images").iterdir()) == ["a.png", "c.tif"]


def test_tiles_are_cut_by_the_servers_um_per_px_where_no_file_says_any(tmp_path, images):
    files = labels(tmp_path, a__xml=asap(region(*CORNERS), DOT.format(30.5, 40.5)))
    folder = draft(tmp_path)
    write_training_set(folder, images, read_label_files(files), Choice(), SETTINGS, default_mpp=0.25)
    (tile,) = (folder / "images").iterdir()
    assert read_image(tile).array.shape == (3, 32, 32)
    files |= labels(tmp_path, c__xml=asap(region(*CORNERS), DOT.format(30.5, 40.5)))
    with pytest.raises(ValueError, match="only some images say their um per px, not a: state it"):
        write_training_set(tmp_path, images, read_label_files(files), Choice(), SETTINGS, default_mpp=0.25)


def test_where_one_image_has_regions_all_need_them(tmp_path, images):
    files = labels(tmp_path, a__xml=asap(DOT.format(3, 4)), c__xml=asap(region(*CORNERS), DOT.format(30, 40)))
    with pytest.raises(ValueError, match=r"label_of_a\.xml: holds no region"):
        write_training_set(draft(tmp_path), images, read_label_files(files), Choice(), SETTINGS)


def test_a_slide_needs_regions(tmp_path, slides):
    slide = slides.write_svs(tmp_path / "s.svs", slides.noise(64, 64, 3))
    files = labels(tmp_path, s__csv="x,y\n5,6\n")
    with pytest.raises(ValueError, match=r"label_of_s\.csv: holds no region"):
        write_training_set(draft(tmp_path), {"s": slide}, read_label_files(files), Choice(), SETTINGS)


def test_outlines_are_clicks_where_that_is_asked_for(tmp_path, images):
    nucleus = region((10, 10), (20, 10), (20, 20), (10, 20)).replace("Region 1", "nuclei")
    found = read_label_files(labels(tmp_path, a__xml=asap(nucleus)))  # what QuPath's extension submits
    with pytest.raises(ValueError, match="1 marks are outlines, not points"):
        write_training_set(draft(tmp_path), images, found, Choice(), SETTINGS)
    folder = tmp_path / "again"
    folder.mkdir()
    write_training_set(folder, images, found, Choice(centroids=True), SETTINGS)
    (item,) = DataFolder(folder).training
    assert DataFolder(folder).load(item)["points"].tolist() == [[14.5, 14.5]]


def test_masks_of_other_clients_are_left_out_and_without_clicks_there_is_nothing_to_train_on(tmp_path, images, caplog):
    files = labels(tmp_path, a__nrrd="mask", b__csv="x,y\n1,1\n")
    assert list(read_label_files(files)) == ["b"] and "label_of_a.nrrd" in caplog.text
    with pytest.raises(ValueError, match="no image has clicks yet: send some"):
        read_label_files({"a": files["a"]})
    with pytest.raises(ValueError, match="no image has clicks yet"):
        read_label_files({})


def test_a_file_for_several_images_is_taken_for_the_one_it_names(tmp_path):
    coco = {
        "images": [{"id": n, "file_name": f"{name}.png", "width": 120, "height": 100} for n, name in enumerate("ab")],
        "annotations": [{"id": n, "image_id": n, "category_id": 1, "keypoints": [n, 5, 2]} for n in (0, 1)],
        "categories": [{"id": 1, "name": "nucleus", "keypoints": ["centre"]}],
    }
    files = labels(tmp_path, b__json=json.dumps(coco), c__json=json.dumps(coco))
    assert read_label_files({"b": files["b"]})["b"].points.tolist() == [[1, 5]]
    with pytest.raises(ValueError, match="is for 2 images, and not one of them is called c"):
        read_label_files(files)
