# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""For the Model Zoo, as ci/unit_tests/test_pathology_nuclei_points_segmentation.py: needs nothing but the bundle.

It makes a data set of drawn nuclei, trains for one epoch, evaluates and infers, as the bundle's configurations do.
"""

import csv
import json
import os
import shutil
import sys
import tempfile
import unittest

import numpy as np
from monai.bundle import ConfigWorkflow
from PIL import Image

ROOT = os.environ.get("BUNDLE_ROOT", os.path.join("models", "pathology_nuclei_points_segmentation"))
SMALL = {
    "segmentation_epochs": 1,
    "segmentation_updates_per_epoch": 2,
    "segmentation_batch_size": 2,
    "crop_size": [64, 64],
    "image_mpp": 0.5,
    "device": "cpu",
}


def draw(seed, size=(96, 120), step=24):
    """An image (H, W, 3) of dark disks on a bright ground, their ids (H, W), and their centres as x and y."""
    generator = np.random.default_rng(seed)
    y, x = np.mgrid[: size[0], : size[1]]
    image, ids = generator.normal(220, 5, (*size, 3)), np.zeros(size, np.uint16)
    centres = [(column, row) for row in range(12, size[0], step) for column in range(12, size[1], step)]
    for number, (column, row) in enumerate(centres, 1):
        inside = (x - column) ** 2 + (y - row) ** 2 < 36
        image[inside], ids[inside] = (90, 60, 140), number
    return image.clip(0, 255).astype(np.uint8), ids, centres


class TestPathologyNucleiPointsSegmentation(unittest.TestCase):
    """Train, evaluate, infer."""

    def setUp(self):
        """Write a data set of three images."""
        self.folder = tempfile.mkdtemp()
        self.data = os.path.join(self.folder, "data")
        for part in ("images", "labels", "points"):
            os.makedirs(os.path.join(self.data, part))
        for name, seed in (("a", 0), ("b", 1), ("c", 2)):
            image, ids, centres = draw(seed)
            Image.fromarray(image).save(os.path.join(self.data, "images", f"{name}.png"))
            Image.fromarray(ids).save(os.path.join(self.data, "labels", f"{name}.png"))
            with open(os.path.join(self.data, "points", f"{name}.csv"), "w", newline="") as file:
                csv.writer(file).writerows([("x", "y"), *centres])
        with open(os.path.join(self.data, "split.json"), "w") as file:
            json.dump({"training": ["a", "b"], "testing": ["c"]}, file)
        sys.path.insert(0, ROOT)

    def tearDown(self):
        """Leave nothing behind."""
        sys.path.remove(ROOT)
        shutil.rmtree(self.folder)

    def run_workflow(self, kind, configs, check=False, **overrides):
        """Run a configuration of the bundle to its end."""
        workflow = ConfigWorkflow(
            config_file=[os.path.join(ROOT, "configs", config) for config in configs],
            workflow_type=kind,
            logging_file=os.path.join(ROOT, "configs", "logging.conf"),
            meta_file=os.path.join(ROOT, "configs", "metadata.json"),
            bundle_root=ROOT,
            **overrides,
        )
        workflow.initialize()
        if check:
            self.assertEqual(workflow.check_properties(), [])
        workflow.run()
        workflow.finalize()

    def path(self, *parts):
        """A path in the folder of this test."""
        return os.path.join(self.folder, *parts)

    def test_train_and_evaluate(self):
        """The model of a training is measured on the testing image."""
        self.run_workflow("train", ["train.json"], True, dataset_dir=self.data, output_dir=self.path("model"), **SMALL)
        shared = {"dataset_dir": self.data, "image_mpp": 0.5, "device": "cpu", "output_dir": self.path("measured")}
        over = ["train.json", "evaluate.json"]
        self.run_workflow("train", over, True, model=self.path("model", "model.pt"), **{**SMALL, **shared})
        self.assertTrue(os.path.isfile(self.path("measured", "metrics.csv")))
        shared["output_dir"] = self.path("found")
        self.run_workflow("train", ["evaluate.yaml"], segmentation_dir=self.path("model"), **shared)
        self.assertTrue(os.path.isfile(self.path("found", "metrics.csv")))

    def test_infer(self):
        """The weights that come with the bundle give a label of each image's size."""
        places = {"dataset_dir": os.path.join(self.data, "images"), "output_dir": self.path("out")}
        self.run_workflow("infer", ["inference.json"], True, image_mpp=0.5, device="cpu", **places)
        with Image.open(self.path("out", "labels", "a.tif")) as label:
            self.assertEqual(label.size, (120, 96))


if __name__ == "__main__":
    unittest.main()
