# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The package: what is in it, that MONAI's own checks pass on it somewhere else, and what it refuses to pack."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import onnxruntime
import pytest
import tifffile
import torch
from monai.bundle import download_large_files

from bundle.inference.model import ModelCard, load_network, save_model
from bundle.inference.outputs import HoverOutput
from bundle.networks.cnn3 import CNN3
from bundle.networks.compact import Compact
from bundle.release import zip_file
from bundle.release.pages import page_for_package, shown_in
from bundle.release.zip_file import LARGEST, NAME, write_package
from bundle.simulation.dataset import write_dataset
from scripts.command_line import run_command
from scripts.package import bundle, onnx

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = ROOT / "tests" / "schema" / "meta_schema_20240725.json"
VERSION = json.loads((ROOT / "configs" / "metadata.json").read_text(encoding="utf-8"))["version"]
CARD = ModelCard({"_target_": "bundle.networks.compact.Compact"}, mpp=0.5, diameter=6.0)


@pytest.fixture(scope="module")
def model(tmp_path_factory, untrained):
    """Weights of the network that the configurations name, which find something: half of the pixels of noise."""
    network = untrained(0, (16, 32, 64, 128), gain=20.0)
    path = tmp_path_factory.mktemp("trained") / "model.pt"
    save_model(path, network, CARD)
    return path


@pytest.fixture(scope="module")
def packed(model, tmp_path_factory):
    """The zip file."""
    return write_package(ROOT, model, tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def unpacked(packed, tmp_path_factory):
    """The root of the unzipped copy, with the schema where MONAI would put it."""
    folder = tmp_path_factory.mktemp("elsewhere")
    with zipfile.ZipFile(packed) as archive:
        archive.extractall(folder)
    (folder / NAME / "eval").mkdir()
    shutil.copy(SCHEMA, folder / NAME / "eval" / "schema.json")
    return folder / NAME


def names(path):
    """Of the files in a zip, without the folder that they all lie in."""
    with zipfile.ZipFile(path) as archive:
        entries = archive.namelist()
    assert all(entry.startswith(f"{NAME}/") for entry in entries)
    return [entry.removeprefix(f"{NAME}/") for entry in entries]


def test_it_holds_what_a_bundle_needs_and_nothing_else(packed):
    assert packed.name == f"{NAME}_v{VERSION}.zip"
    found = names(packed)
    assert len(set(found)) == len(found)
    needed = [
        "LICENSE",
        "configs/metadata.json",
        "configs/inference.json",
        "configs/train.json",
        "configs/logging.conf",
    ]
    needed += ["models/model.pt", "models/model.json", "docs/README.md", "docs/data_license.txt"]
    needed += ["bundle/networks/compact.py", "transforms/instances/hover_to_label.py", "scripts/segment.py"]
    assert [name for name in needed if name not in found] == []
    folders = {"bundle", "configs", "docs", "models", "scripts", "transforms"}
    assert {name.split("/")[0] for name in found if "/" in name} == folders
    assert [
        name for name in found if name.startswith(("scripts/benchmarks", "scripts/experiments", "scripts/reliability"))
    ] == []
    assert [name for name in found if "__pycache__" in name or name.split("/")[-1].startswith(".")] == []
    weights = sorted((name for name in found if name.startswith("models/") and name.endswith(".pt")), key=len)
    assert weights[0] == "models/model.pt"  # MONAI Label takes the shortest name


def test_every_file_is_within_the_limit(packed):
    with zipfile.ZipFile(packed) as archive:
        assert max(entry.file_size for entry in archive.infolist()) <= LARGEST


def written_pages(folder):
    """Name -> text of all pages of the package."""
    paths = [path for kind in ("*.md", "*.ipynb") for path in sorted(folder.rglob(kind))]
    return {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in paths}


def test_links_of_all_pages_lead_somewhere(unpacked):
    found = written_pages(unpacked)
    assert {"docs/README.md", "docs/manual.md", "docs/monailabel_app/README.md"} <= set(found)
    links = [(name, link) for name, text in found.items() for link in re.findall(r"\]\(([^)#\s]+)", text)]
    links = [(name, link) for name, link in links if "://" not in link]
    assert len(links) > 20
    assert [(name, link) for name, link in links if not (unpacked / name).parent.joinpath(link).exists()] == []


def test_pages_name_no_file_module_or_command_that_the_package_lacks(unpacked):
    absent = {f"{part}/" for part in ("tests", "scripts/experiments", "scripts/benchmarks", "scripts/reliability")}
    for folder in ("docs", "models"):
        here = [path.relative_to(ROOT).as_posix() for path in (ROOT / folder).rglob("*.*")]
        absent |= {name for name in here if not (unpacked / name).exists() and "__pycache__" not in name}
    assert {"docs/models.md", "docs/performance.md"} <= absent
    for name, text in written_pages(unpacked).items():
        assert [each for each in absent if each in text] == [], name
        assert "<!--" not in text and not re.search(r"\bmake (demo|install|test|package|lint|docs|bench)\b", text), name
        for module in re.findall(r"\bscripts\.(\w+)", text):
            assert module == "NAME" or (unpacked / "scripts" / f"{module}.py").is_file(), (name, module)


def test_pictures_that_no_page_of_the_package_shows_stay_behind(unpacked):
    shown = "".join(written_pages(unpacked).values())
    pictures = [path.name for path in (unpacked / "docs").rglob("*.png")]
    assert pictures and [name for name in pictures if name not in shown] == []


def test_a_page_loses_what_is_marked_and_links_to_what_is_not_there():
    text = "A [b](b.md#x) and [c](../c.md), ![d](d/e.png)<!-- repository --> not\n\nhere<!-- /repository -->. [Web](https://a.b)"
    packed = {"docs/b.md", "docs/page.md"}
    assert page_for_package(text, "docs/page.md", packed) == "A [b](b.md#x) and c, d. [Web](https://a.b)"
    assert shown_in(text, "docs/page.md") == {"docs/b.md", "c.md", "docs/d/e.png"}


ZOO_HEADINGS = [
    "Authors",
    "Tags",
    "Model Description",
    "Data",
    "Preprocessing",
    "Performance",
    "Additional Usage Steps",
    "System Configuration",
    "Limitations",
    "Citation Info",
    "References",
]


def test_the_model_card_has_the_headings_of_the_zoos_template_in_its_order(unpacked):
    text = (unpacked / "docs" / "README.md").read_text(encoding="utf-8")
    found = re.findall(r"^#{2,4} \*\*(.+)\*\*$", text, re.M)
    assert [heading for heading in found if heading in ZOO_HEADINGS] == ZOO_HEADINGS


def test_its_name_suits_monai_label():
    """It tells the kind of task from the name."""
    assert "segmentation" in NAME
    assert not [word for word in ("detection", "deepedit", "deepgrow") if word in NAME]


# what the Model Zoo runs, in a process of its own, in another folder

ZOO = """
import json, sys
from pathlib import Path
import monai.bundle, torch
from monai.bundle import ConfigWorkflow, ckpt_export, verify_metadata, verify_net_in_out

root, dataset = Path(sys.argv[1]), sys.argv[2]
sys.path.insert(0, str(root))  # as the Model Zoo does, and as its users have to
meta, config = str(root / "configs/metadata.json"), str(root / "configs/inference.json")
verify_metadata(meta_file=meta, filepath=str(root / "eval/schema.json"))
verify_net_in_out("network_def", meta_file=meta, config_file=config, bundle_root=str(root), device="cpu")
script = str(root / "models/verify_model.ts")
weights = str(root / "models/model.pt")
ckpt_export("network_def", script, weights, meta, config, bundle_root=str(root))
image = torch.rand(1, 3, 67, 50)
exported = torch.jit.load(script)(image)
loaded = {}
for kind in ("train", "inference"):
    network = monai.bundle.load(root.name, bundle_dir=str(root.parent), workflow_type=kind, device="cpu").eval()
    loaded[kind] = bool(torch.allclose(network(image), exported, atol=1e-5))
missing = {}
for name, kind, data in (("train", "train", dataset), ("inference", "infer", dataset + "/images")):
    file, paths = str(root / f"configs/{name}.json"), {"dataset_dir": data, "output_dir": "out"}
    workflow = ConfigWorkflow(file, workflow_type=kind, bundle_root=str(root), **paths)
    workflow.initialize()
    missing[name] = workflow.check_properties()
where = {name: module.__file__ for name, module in sys.modules.items() if name in ("bundle", "transforms")}
Path("seen.json").write_text(json.dumps({"loaded": loaded, "missing": missing, "where": where}))
"""


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """A training image and a testing one, 150 x 140 px."""
    return write_dataset(tmp_path_factory.mktemp("package") / "data", images=2, size=(150, 140), seed=1, testing=1)


@pytest.mark.slow
def test_monais_checks_pass_on_the_unzipped_copy(unpacked, dataset, tmp_path):
    command = [sys.executable, "-c", ZOO, str(unpacked), str(dataset)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    seen = json.loads((tmp_path / "seen.json").read_text())
    assert seen["loaded"] == {"train": True, "inference": True}
    assert seen["missing"] == {"train": [], "inference": []}
    assert {Path(path).parents[1] for path in seen["where"].values()} == {unpacked}  # not the code of this repository


@pytest.mark.slow
def test_the_unit_test_for_the_zoo_passes_on_the_unzipped_copy(unpacked, tmp_path):
    command = [sys.executable, str(ROOT / "tests" / "zoo" / "unit_test.py")]
    environment = {**os.environ, "BUNDLE_ROOT": str(unpacked)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "Ran 2 tests" in done.stderr, (done.stdout + done.stderr)[-3000:]


@pytest.mark.slow
def test_it_segments_from_another_folder(unpacked, dataset, model, tmp_path):
    command = [
        sys.executable,
        "-m",
        "monai.bundle",
        "run",
        "--config_file",
        str(unpacked / "configs" / "inference.json"),
    ]
    command += ["--bundle_root", str(unpacked), "--dataset_dir", str(dataset / "images"), "--output_dir", "out"]
    done = subprocess.run([*command, "--device", "cpu"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    labels = sorted((tmp_path / "out" / "labels").iterdir())
    assert [path.name for path in labels] == ["simulated_000.tif", "simulated_001.tif"]
    assert all(tifffile.imread(path).shape == (150, 140) for path in labels)


def test_metadata_that_breaks_the_schema_would_be_seen(unpacked, tmp_path):
    """The rebuilt schema refuses what the Zoo refuses: the old name of the required packages, apps as a list."""
    from jsonschema import ValidationError, validate

    schema = json.loads(SCHEMA.read_text())
    metadata = json.loads((unpacked / "configs" / "metadata.json").read_text(encoding="utf-8"))
    validate(metadata, schema)
    packages = metadata.pop("required_packages_version")
    for broken in (metadata | {"optional_packages_version": packages}, metadata | {"supported_apps": []}):
        with pytest.raises(ValidationError):
            validate(broken, schema)


# weights beyond the limit


def test_large_weights_are_named_with_where_to_get_them(model, tmp_path, monkeypatch):
    monkeypatch.setattr(zip_file, "LARGEST", model.stat().st_size - 1)
    with pytest.raises(ValueError, match="give the address with --url"):
        write_package(ROOT, model, tmp_path)
    path = write_package(ROOT, model, tmp_path, url=model.as_uri())
    assert "models/model.pt" not in names(path) and "models/model.json" in names(path)
    with zipfile.ZipFile(path) as archive:
        archive.extract(f"{NAME}/large_files.yml", tmp_path)
    download_large_files(bundle_path=str(tmp_path / NAME))  # compares the hash
    assert (tmp_path / NAME / "models" / "model.pt").read_bytes() == model.read_bytes()


# what is not packed


def another(folder, network=None, **changes):
    """Weights that are those of another network, or described otherwise."""
    network = network or Compact()
    kind = f"{type(network).__module__}.{type(network).__qualname__}"
    about = {"network": {"_target_": kind, **network.arguments}, "mpp": 0.5, "diameter": 6.0, **changes}
    save_model(folder / "model.pt", network, ModelCard(**about))
    return folder / "model.pt"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"mpp": 0.4}, "inference.json has model_mpp 0.5, but .* was trained with 0.4"),
        ({"diameter": 8.0}, "has diameter 6.0"),
        ({"network": Compact(channels=[4, 8])}, "has network_def .*channels"),
        ({"network": CNN3(width=0.05)}, "has network_def .*Compact.*CNN3"),
        (
            {"output": {"_target_": "bundle.inference.outputs.HoverOutput", "mpp": 0.5, "threshold": 0.4}},
            "network_output",
        ),
    ],
)
def test_weights_that_do_not_fit_the_configuration_are_refused(tmp_path, changes, message):
    weights = another(tmp_path / "trained", **changes)
    with pytest.raises(ValueError, match=message):
        write_package(ROOT, weights, tmp_path / "dist")
    assert not (tmp_path / "dist").exists()


def test_an_output_that_says_what_the_configuration_says_is_packed(tmp_path):
    output = {"_target_": "bundle.inference.outputs.HoverOutput", **vars(HoverOutput(0.5))}
    assert write_package(ROOT, another(tmp_path, output=output), tmp_path / "dist").is_file()


def test_what_is_missing_is_named(model, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"models/model.pt: no such weights: train first"):
        write_package(ROOT, tmp_path / "models" / "model.pt", tmp_path)
    lonely = shutil.copy(model, tmp_path / "lonely.pt")
    with pytest.raises(FileNotFoundError, match="lonely.json"):
        write_package(ROOT, lonely, tmp_path)
    with pytest.raises(FileNotFoundError, match="metadata.json"):
        write_package(tmp_path, model, tmp_path)


@pytest.fixture
def copy(tmp_path):
    """Of the bundle's configurations and of little else."""
    for name in zip_file.FOLDERS:
        (tmp_path / "root" / name).mkdir(parents=True)
    for name in ("metadata.json", *zip_file.CONFIGS):
        shutil.copy(ROOT / "configs" / name, tmp_path / "root" / "configs")
    for name in zip_file.FILES:
        (tmp_path / "root" / name).write_text("text")
    return tmp_path / "root"


def test_the_same_content_gives_the_same_file(copy, model, tmp_path):
    first, second = (write_package(copy, model, tmp_path / name) for name in "ab")
    assert first.read_bytes() == second.read_bytes() and not [*tmp_path.rglob("*.writing")]


def test_a_version_without_a_changelog_is_refused(copy, model, tmp_path):
    path = copy / "configs" / "metadata.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | {"version": "9.9.9"}))
    with pytest.raises(ValueError, match="version '9.9.9' is not in its changelog"):
        write_package(copy, model, tmp_path)


@pytest.mark.parametrize("name", ["LICENSE", "docs"])
def test_a_bundle_without_a_part_is_refused(copy, model, tmp_path, name):
    (copy / name).rename(tmp_path / "away")
    with pytest.raises(FileNotFoundError, match=f"{name}: no such"):
        write_package(copy, model, tmp_path / "dist")


def test_links_and_large_files_are_refused_and_hidden_files_left_out(copy, model, tmp_path, monkeypatch):
    (copy / "docs" / ".notes").write_text("hidden")
    (copy / "bundle" / "__pycache__").mkdir()
    (copy / "bundle" / "__pycache__" / "a.pyc").write_text("made")
    assert not [name for name in names(write_package(copy, model, tmp_path)) if "notes" in name or "pyc" in name]
    big = copy / "docs" / "big.bin"
    big.write_bytes(bytes(LARGEST + 1))
    with pytest.raises(ValueError, match="move docs/big.bin out of the bundle"):
        write_package(copy, model, tmp_path)
    big.unlink()
    (copy / "docs" / "secret.txt").symlink_to(tmp_path / "elsewhere.txt")
    with pytest.raises(ValueError, match="secret.txt is a link"):
        write_package(copy, model, tmp_path)


# the command line


def run(*arguments):
    """Exit code, or message, of the command line."""
    try:
        run_command({"bundle": bundle, "onnx": onnx}, [str(argument) for argument in arguments])
    except SystemExit as stop:
        return stop.code
    return 0


def test_the_command_takes_a_folder_and_says_what_is_missing(model, packed, tmp_path):
    assert run("bundle", "--model", model.parent, "--output", tmp_path / "a" / "b") == 0
    assert "models/model.pt" in names(tmp_path / "a" / "b" / packed.name)
    assert "no such weights: train first" in run("bundle", "--model", tmp_path / "none.pt", "--output", tmp_path)


@pytest.mark.slow
def test_onnx_computes_what_torch_computes_at_any_size(tmp_path):
    torch.manual_seed(1)
    network = Compact(channels=[4, 8])
    with torch.no_grad():
        for weight in network.parameters():
            weight += 0.1 * torch.randn_like(weight)
    weights = another(tmp_path, network)
    assert run("onnx", "--model", weights, "--output", tmp_path / "out" / "model.onnx") == 0
    session = onnxruntime.InferenceSession(tmp_path / "out" / "model.onnx", providers=["CPUExecutionProvider"])
    network = load_network(weights).network
    for shape in ((1, 3, 64, 48), (2, 3, 67, 50), (1, 3, 2, 130), (3, 3, 16, 16)):
        image = torch.rand(shape)
        [pred] = session.run(["pred"], {"image": image.numpy()})
        with torch.no_grad():
            assert torch.allclose(torch.from_numpy(pred), network(image), atol=1e-4)
    card = json.loads(session.get_modelmeta().custom_metadata_map["model_card"])
    assert card["mpp"] == 0.5 and card["network"]["channels"] == [4, 8]


def test_onnx_says_what_it_needs(model, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    assert "pip install onnxscript" in run("onnx", "--model", model, "--output", tmp_path / "a.onnx")
    assert not (tmp_path / "a.onnx").exists()
