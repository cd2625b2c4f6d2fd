# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Requests of QuPath, the Digital Slide Archive and 3D Slicer, replayed on a real server; and some that it refuses."""

from __future__ import annotations

import io
import json
import subprocess
import tempfile
from email import message_from_bytes
from email.policy import HTTP
from pathlib import Path
from xml.etree import ElementTree

import itk
import numpy as np
import pytest
import tifffile
from monai.bundle import run
from PIL import Image

from bundle.annotations.formats.aperio import draw_outlines
from bundle.annotations.formats.registry import read_clicks
from bundle.nuclei import load_model
from scripts.segment import image as segment_image
from scripts.typed_options import call

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
COUNT = 5  # nuclei in the scene
IMAGES = {"scene": "scene.png", "fine": "fine.tif"}


def qupath(location=(0, 0), size=(0, 0)):
    """What QuPath's extension for MONAI Label sends (RequestInfer of its 0.8.5)."""
    params = {"foreground": [], "background": [], "max_workers": 1}
    common = {"level": 0, "tile_size": [1024, 1024], "min_poly_area": 30, "params": params}
    return {"location": list(location), "size": list(size), **common}


def polygons(xml):
    """As that extension reads them: the class, and corners (N, 2), of each."""
    found = []
    for annotation in ElementTree.fromstring(xml).iter("Annotation"):
        int(annotation.get("Color").replace("#", ""), 16)
        corners = [(float(each.get("X")), float(each.get("Y"))) for each in annotation.iter("Coordinate")]
        found.append((annotation.get("Name"), np.array(corners)))
    return found


def mask(server, name, **params):
    answer = server.send("POST", "/infer/nuclei", {"params": json.dumps(params)}, {}, image=name, output="image")
    assert answer.status == 200, answer.content
    kind = {"image/png": lambda stream: np.asarray(Image.open(stream)), "image/tiff": tifffile.imread}[answer.kind]
    return kind(io.BytesIO(answer.content))


@pytest.fixture(scope="module")
def labels(server, tmp_path_factory):
    """What `scripts.segment image` writes for each image; the PNG does not say its spacing."""
    output = tmp_path_factory.mktemp("cli")
    for name, file in IMAGES.items():
        options = {"model": str(server.model), "image_mpp": 0.5 if name == "scene" else None, "device": "cpu"}
        call(segment_image, str(server.studies / file), str(output / name), **options)
    return {name: tifffile.imread(output / name / "labels" / f"{name}.tif") for name in IMAGES}


def test_clients_are_told_one_label_and_the_models_of_pathology(server):
    info = server.ask("GET", "/info/").json
    assert info["labels"] == ["nuclei"] and list(info["models"]) == ["nuclei"]  # the other one is not trained yet
    model = info["models"]["nuclei"]
    assert list(model["labels"]) == ["nuclei"] and model["pathology"] and not model["nuclick"]
    assert set(info["strategies"]) == {"doubt", "random", "first"} and set(info["trainers"]) == {"nuclei_from_clicks"}
    assert None not in info["trainers"]["nuclei_from_clicks"]["config"].values()  # QuPath stumbles over null
    assert info["datastore"]["total"] == 4


@pytest.mark.parametrize("name", IMAGES)
def test_one_image_has_the_same_label_by_every_way(server, labels, name, tmp_path):
    path = server.studies / IMAGES[name]
    label = labels[name]
    assert label.max() == COUNT and label.shape == np.asarray(Image.open(path)).shape[:2]
    rows, columns = np.nonzero(label == 1)  # the wide ellipse comes first in raster order
    assert np.ptp(columns) > 2 * np.ptp(rows)

    assert np.array_equal(mask(server, name), label)  # MONAI Label
    assert np.array_equal(load_model(server.model, "cpu").segment(path, 0.5 if name == "scene" else None).label, label)
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / path.name).write_bytes(path.read_bytes())
    run(
        config_file=str(ROOT / "configs" / "inference.json"),
        bundle_root=str(ROOT),
        dataset_dir=str(tmp_path / "images"),
        output_dir=str(tmp_path / "out"),
        model=str(server.model),
        network_def={"_target_": "bundle.networks.compact.Compact", "channels": [8, 8], "norm": "none"},
        device="cpu",
        image_mpp=0.5 if name == "scene" else None,
    )
    assert np.array_equal(tifffile.imread(tmp_path / "out" / "labels" / f"{name}.tif"), label)


def test_qupath_sends_a_picture_and_draws_what_comes_back(server, labels):
    content = (server.studies / "scene.png").read_bytes()
    fields = {"wsi": json.dumps(qupath())}
    answer = server.send("POST", "/infer/wsi_v2/nuclei", fields, {"file": ("patch123.png", content)}, output="asap")
    assert answer.status == 200 and "xml" in answer.kind
    found = polygons(answer.content)
    assert [name for name, _ in found] == ["nuclei"] * COUNT  # those that touch are two
    drawn = draw_outlines([corners - 0.5 for _, corners in found], labels["scene"].shape)
    assert np.array_equal(drawn[0].numpy(), labels["scene"])


def test_qupath_asks_for_a_region_of_a_slide_that_the_server_has(server, labels):

    def ask(*region):
        body = qupath(*region)
        return polygons(server.ask("POST", "/infer/wsi/nuclei", body, image="slide", output="asap").content)

    def corners(found):
        return sorted(str(each.tolist()) for _, each in found)

    whole = ask()
    assert len(whole) == COUNT
    height, width = labels["fine"].shape
    edge = 240  # px of the slide: through the left of the two nuclei that touch, left of its centre
    left, right = ask((0, 0), (edge, height)), ask((edge, 0), (width - edge, height))
    assert corners(left + right) == corners(whole)
    crossing = [each for _, each in right if each[:, 0].min() < edge < each[:, 0].max()]
    assert len(crossing) == 1  # whole, in px of the slide, and in one of the two


def test_the_digital_slide_archive_asks_for_all_of_an_image(server, labels, tmp_path):
    body = {"level": 0, "location": [-1, -1], "size": [-1, -1], "tile_size": [1024, 1024], "min_poly_area": 80.0}
    body |= {"output": "dsa", "girder_api_url": "", "girder_token": "", "client_id": None, "params": {"wsi_tiles": []}}
    answer = server.ask("POST", "/infer/wsi/nuclei", body, image="fine", output="dsa")
    assert answer.status == 200 and len(answer.json["elements"]) == COUNT
    (tmp_path / "fine.json").write_bytes(answer.content)
    (clicks,) = read_clicks(tmp_path / "fine.json")
    corners = [np.array(outline.area.exterior.coords)[:-1] for outline in clicks.outlines]
    assert np.array_equal(draw_outlines(corners, labels["fine"].shape)[0].numpy(), labels["fine"])


def test_the_digital_slide_archive_asks_for_tiles_with_tissue(server):
    tiles = [{"location": [0, 0], "size": [200, 100]}, {"location": [200, 100], "size": [200, 140]}]
    body = {"location": [-1, -1], "size": [-1, -1], "params": {"wsi_tiles": tiles}}
    answer = server.ask("POST", "/infer/wsi/nuclei", body, image="fine", output="json")
    result = answer.json["annotations"][0]
    assert result["objects"] == 4 and result["mpp"] == 0.25
    assert answer.json["location"] == [0, 0] and answer.json["size"] == [400, 240]


def test_a_region_that_is_left_out_is_what_monai_label_fills_in_and_0_is_the_whole_image(server):
    for body, size in (({}, [2048, 2048]), ({"size": [0, 0]}, [0, 0])):
        assert server.ask("POST", "/infer/wsi/nuclei", body, image="fine", output="json").json["size"] == size


def test_slicer_asks_for_a_volume_and_8_bit_would_not_do(server, labels):
    params = {"result_extension": ".nrrd", "result_dtype": "uint8", "client_id": "slicer", "device": ["cpu"]}
    answer = server.send("POST", "/infer/nuclei", {"params": json.dumps(params)}, {}, image="scene")
    assert answer.status == 200
    message = message_from_bytes(f"Content-Type: {answer.kind}\r\n\r\n".encode() + answer.content, policy=HTTP)
    parts = {part.get_param("name", header="content-disposition"): part for part in message.iter_parts()}
    facts = json.loads(parts["params"].get_content())
    assert facts["label_names"] == {"nuclei": 1} and facts["objects"] == COUNT
    with tempfile.NamedTemporaryFile(suffix=".nrrd") as file:
        file.write(parts["image"].get_payload(decode=True))
        file.flush()
        pixels = itk.array_from_image(itk.imread(file.name))
    assert pixels.dtype == np.uint16 and np.array_equal(pixels[0], labels["scene"])


def test_um_per_px_are_the_requests_or_the_files_or_the_servers(server):
    def mpp(name, **params):
        answer = server.send("POST", "/infer/nuclei", {"params": json.dumps(params)}, {}, image=name, output="json")
        return answer.json["mpp"]

    assert mpp("fine") == 0.25 and mpp("fine", mpp="") == 0.25
    assert mpp("fine", mpp=0.2) == 0.2
    assert mpp("scene") == 0.5  # --conf mpp
    assert mask(server, "scene", mpp=1.0).shape == (120, 200)  # seen at twice as many px, and brought back


def test_a_jpeg_gets_a_mask_without_loss(server):
    stream = io.BytesIO()
    Image.open(server.studies / "scene.png").save(stream, "JPEG", quality=95)
    answer = server.send("POST", "/infer/nuclei", {}, {"file": ("a.jpg", stream.getvalue())}, output="image")
    assert answer.status == 200 and answer.kind == "image/png"
    ids = np.unique(np.asarray(Image.open(io.BytesIO(answer.content))))
    assert ids.tolist() == list(range(len(ids)))


def test_masks_of_all_images_are_kept_with_the_tag_original(server, labels):
    for name in IMAGES:
        fields = {"params": json.dumps({"save_label": True})}
        assert server.send("POST", "/infer/nuclei", fields, {}, image=name, output="json").status == 200
    kept = server.studies / "labels" / "original"
    assert np.array_equal(np.asarray(Image.open(kept / "scene.png")), labels["scene"])
    assert np.array_equal(tifffile.imread(kept / "fine.tif"), labels["fine"])


def test_masks_of_many_images_are_made_though_a_slide_among_them_has_none(server, labels):
    asked = {"device": "cuda", "multi_gpu": True, "gpus": "all", "label_tag": "many"}  # as clients ask, GPU or not
    answer = server.ask("POST", "/batch/infer/nuclei", asked, run_sync="true")
    assert answer.status == 200 and answer.json["slide"] == {} and answer.json["scene"]["params"]["objects"] == COUNT
    assert np.array_equal(tifffile.imread(server.studies / "labels" / "many" / "fine.tif"), labels["fine"])
    answer = server.ask("POST", "/batch/infer/other", asked, run_sync="true")
    assert answer.status == 400 and "model is 'other': choose among nuclei" in answer.detail


OUTSIDE = ["/etc/hostname", "../root/models/model.pt", "../studies/scene.png", "labels/final", "", ".", "none", "a.png"]


@pytest.mark.parametrize("name", OUTSIDE)
def test_an_image_outside_the_folder_is_refused_and_said(server, name):
    secret = {"params": json.dumps({"image": name})}  # a field of the request goes over the address
    for answer in (
        server.send("POST", "/infer/nuclei", secret, {}, image="scene"),
        server.ask("POST", "/infer/wsi/nuclei", {"params": {"image": name}}, image="scene", output="asap"),
        *([server.ask("POST", "/infer/wsi/nuclei", qupath(), image=name, output="asap")] if name else []),
    ):
        shown = name.rpartition("/")[2] if name.startswith("/") else name  # where the server keeps files is its affair
        said = f"there is no image {shown!r} on this server"
        assert answer.status == 404 and said in answer.detail


def test_a_file_of_the_server_that_is_no_upload_is_refused(server, tmp_path):
    with tempfile.NamedTemporaryFile(prefix="secret-", suffix=".png") as file:
        file.write((server.studies / "scene.png").read_bytes())
        file.flush()
        assert server.ask("POST", "/infer/wsi/nuclei", qupath(), image=file.name).status == 404


def test_nothing_is_written_outside_the_folder(server):
    content = {"file": ("a.png", (server.studies / "scene.png").read_bytes())}
    answer = server.send("PUT", "/datastore/image", {}, content, image="../evil")
    assert answer.status == 400 and "the name of the image is '../evil'" in answer.detail
    for query in ({"image": "scene", "tag": "../../../evil"}, {"image": "../evil", "tag": "final"}):
        answer = server.send("PUT", "/datastore/label", {}, {"label": ("a.csv", b"x,y\n1,1\n")}, **query)
        assert answer.status == 400 and "evil" in answer.detail
    assert not list(server.root.parent.rglob("evil*"))
    assert server.ask("HEAD", "/datastore/image", image="../root/models/model.pt").status == 404


def test_the_model_can_be_neither_replaced_nor_removed(server):
    before = server.model.read_bytes()
    assert server.send("PUT", "/model/nuclei", {}, {"file": ("model.pt", b"others")}).status >= 400
    assert server.ask("DELETE", "/model/nuclei").status == 404
    assert server.ask("GET", "/model/nuclei").status == 404
    assert server.model.read_bytes() == before


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"mpp": -1}, "mpp is -1: give a positive number"),
        ({"result_extension": ".jpg"}, "result_extension is '.jpg': choose one of .png"),
        ({"augmentation": "all"}, "augmentation is 'all': choose one of"),
        ({"device": "tpu"}, "device is 'tpu'"),
        ({"model": "other"}, "model is 'other': choose among nuclei"),
        ({"model": "nuclei_from_clicks"}, "choose among nuclei"),  # not trained yet
    ],
)
def test_a_field_of_no_use_is_refused_and_said(server, params, message):
    answer = server.send("POST", "/infer/nuclei", {"params": json.dumps(params)}, {}, image="scene")
    assert answer.status == 400 and message in answer.detail


def test_a_damaged_picture_and_a_mask_of_a_slide_are_refused_and_said(server):
    broken = (server.studies / "scene.png").read_bytes()[:200]
    answer = server.send("POST", "/infer/nuclei", {}, {"file": ("a.png", broken)})
    assert answer.status == 400 and "cannot be decoded" in answer.detail
    answer = server.send("POST", "/infer/nuclei", {}, {}, image="slide")
    assert answer.status == 400 and "slide.svs: is a slide, too large for one label mask" in answer.detail


def test_two_images_of_one_name_are_refused_at_the_start(server, tmp_path):
    for name in ("a.png", "a.tif"):
        (tmp_path / name).touch()
    code = "import sys; sys.path[:0] = sys.argv[1:3]; from nuclei_store import *; NucleiStore(sys.argv[3])"
    arguments = [str(server.root / "docs" / "monailabel_app"), str(server.root), str(tmp_path)]
    done = subprocess.run([server.python, "-c", code, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode and "a.tif: has the base name of a.png: rename or remove one of the two" in done.stderr
