# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""configs/metadata.json: what the Model Zoo's schema and MONAI Label ask for, and that it agrees with what is there."""

from __future__ import annotations

import ast
import json
import re
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import torch
from monai.bundle import ConfigParser

ROOT = Path(__file__).resolve().parents[2]
METADATA = json.loads((ROOT / "configs" / "metadata.json").read_text(encoding="utf-8"))
REQUIRED = (  # by meta_schema_20240725.json
    "schema version monai_version pytorch_version numpy_version required_packages_version task description authors "
    "copyright network_data_format"
).split()
FORMATS = ("network_data_format", "generator_data_format")
TENSOR = {"type": str, "format": str, "num_channels": int, "spatial_shape": list, "dtype": str, "value_range": list}


def canonical(package):
    """A package's name as the index compares it."""
    return re.sub(r"[-_.]+", "-", package).lower()


def stated_versions():
    """Package -> version, all that metadata.json states."""
    main = {"monai": "monai_version", "torch": "pytorch_version", "numpy": "numpy_version"}
    stated = {name: METADATA[key] for name, key in main.items()} | METADATA["required_packages_version"]
    return {canonical(name): version for name, version in stated.items()}


def test_everything_required_is_there():
    assert [key for key in REQUIRED if not METADATA.get(key)] == []
    assert isinstance(METADATA["supported_apps"], dict)
    assert "optional_packages_version" not in METADATA
    assert METADATA["version"] in METADATA["changelog"]
    assert METADATA["schema"].endswith("/meta_schema_20240725.json")


@pytest.mark.parametrize("name", FORMATS)
def test_every_tensor_is_described(name):
    assert METADATA[name]["inputs"] and METADATA[name]["outputs"]
    for tensor in [tensor for part in METADATA[name].values() for tensor in part.values()]:
        assert {key: type(tensor[key]) for key in TENSOR} == TENSOR
        assert all(isinstance(number, int | float) for number in tensor["value_range"])


def test_stated_versions_are_those_tested():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    tested = dict(line.split("==") for line in lines if "==" in line and not line.startswith("#"))
    tested = {canonical(name): version for name, version in tested.items()}
    stated = stated_versions()
    assert stated == {name: tested.get(name) for name in stated}


def test_every_package_that_the_code_imports_is_stated():
    distributions, stated, missing = packages_distributions(), stated_versions(), {}
    for path in [path for part in ("bundle", "transforms") for path in (ROOT / part).rglob("*.py")]:
        for module in imported(path) - set(sys.stdlib_module_names) - {"bundle", "transforms"}:
            names = {canonical(name) for name in distributions.get(module, [module])} | {canonical(module)}
            if not names & set(stated):
                missing[module] = path.name
    assert missing == {}


def imported(path):
    """Top-level names of the modules that a file imports, but for relative imports."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module]
    return {name.split(".")[0] for name in names}


def test_the_network_is_the_one_described():
    parser = ConfigParser(ConfigParser.load_config_file(str(ROOT / "configs" / "inference.json")))
    inputs, outputs = METADATA["network_data_format"]["inputs"], METADATA["network_data_format"]["outputs"]
    assert next(iter(inputs)) == "image" and next(iter(outputs)) == "pred"  # MONAI Label takes the first of each
    network = parser.get_parsed_content("network_def").eval()
    with torch.no_grad():
        pred = network(torch.rand(1, inputs["image"]["num_channels"], 1, 1))  # "*": the zoo's check tries a single px
    assert pred.shape == (1, outputs["pred"]["num_channels"], 1, 1)
    assert str(pred.dtype).endswith(outputs["pred"]["dtype"])
    assert torch.jit.script(network) is not None


def test_the_generator_is_the_one_described():
    parser = ConfigParser(ConfigParser.load_config_file(str(ROOT / "configs" / "train_synthesis.yaml")))
    generator, described = parser.get_parsed_content("generator_def"), METADATA["generator_data_format"]
    assert generator.noise.channels == described["inputs"]["noise"]["num_channels"]
    image = generator(torch.rand(1, described["inputs"]["hover_map"]["num_channels"], 32, 32))
    assert image.shape[1] == described["outputs"]["image"]["num_channels"]


def test_labels_and_name_suit_monai_label():
    labels = METADATA["network_data_format"]["outputs"]["pred"]["channel_def"]
    assert labels["0"] == "background" and len(labels) == 2
    name = METADATA["name"].lower()
    assert "segmentation" in name
    assert not [word for word in ("detection", "deepedit", "deepgrow") if word in name]
