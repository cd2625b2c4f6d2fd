# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Inception-v3: the names and shapes of both files of weights, published sizes, reference values, wrong files."""

from __future__ import annotations

import textwrap
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from bundle.networks.inception import Inception, load_inception
from bundle.networks.inception_table import FID_STANDARD, TORCHVISION, Variant

# Module: branch and shape of its convolution's weight. The names and shapes in the files of weights.
CONVOLUTIONS = """
    Conv2d_1a_3x3: 32x3x3x3
    Conv2d_2a_3x3: 32x32x3x3
    Conv2d_2b_3x3: 64x32x3x3
    Conv2d_3b_1x1: 80x64x1x1
    Conv2d_4a_3x3: 192x80x3x3
    Mixed_5b: branch1x1 64x192x1x1, branch5x5_1 48x192x1x1, branch5x5_2 64x48x5x5, branch3x3dbl_1 64x192x1x1,
      branch3x3dbl_2 96x64x3x3, branch3x3dbl_3 96x96x3x3, branch_pool 32x192x1x1
    Mixed_5c: branch1x1 64x256x1x1, branch5x5_1 48x256x1x1, branch5x5_2 64x48x5x5, branch3x3dbl_1 64x256x1x1,
      branch3x3dbl_2 96x64x3x3, branch3x3dbl_3 96x96x3x3, branch_pool 64x256x1x1
    Mixed_5d: branch1x1 64x288x1x1, branch5x5_1 48x288x1x1, branch5x5_2 64x48x5x5, branch3x3dbl_1 64x288x1x1,
      branch3x3dbl_2 96x64x3x3, branch3x3dbl_3 96x96x3x3, branch_pool 64x288x1x1
    Mixed_6a: branch3x3 384x288x3x3, branch3x3dbl_1 64x288x1x1, branch3x3dbl_2 96x64x3x3, branch3x3dbl_3 96x96x3x3
    Mixed_6b: branch1x1 192x768x1x1, branch7x7_1 128x768x1x1, branch7x7_2 128x128x1x7, branch7x7_3 192x128x7x1,
      branch7x7dbl_1 128x768x1x1, branch7x7dbl_2 128x128x7x1, branch7x7dbl_3 128x128x1x7,
      branch7x7dbl_4 128x128x7x1, branch7x7dbl_5 192x128x1x7, branch_pool 192x768x1x1
    Mixed_6c: branch1x1 192x768x1x1, branch7x7_1 160x768x1x1, branch7x7_2 160x160x1x7, branch7x7_3 192x160x7x1,
      branch7x7dbl_1 160x768x1x1, branch7x7dbl_2 160x160x7x1, branch7x7dbl_3 160x160x1x7,
      branch7x7dbl_4 160x160x7x1, branch7x7dbl_5 192x160x1x7, branch_pool 192x768x1x1
    Mixed_6d: branch1x1 192x768x1x1, branch7x7_1 160x768x1x1, branch7x7_2 160x160x1x7, branch7x7_3 192x160x7x1,
      branch7x7dbl_1 160x768x1x1, branch7x7dbl_2 160x160x7x1, branch7x7dbl_3 160x160x1x7,
      branch7x7dbl_4 160x160x7x1, branch7x7dbl_5 192x160x1x7, branch_pool 192x768x1x1
    Mixed_6e: branch1x1 192x768x1x1, branch7x7_1 192x768x1x1, branch7x7_2 192x192x1x7, branch7x7_3 192x192x7x1,
      branch7x7dbl_1 192x768x1x1, branch7x7dbl_2 192x192x7x1, branch7x7dbl_3 192x192x1x7,
      branch7x7dbl_4 192x192x7x1, branch7x7dbl_5 192x192x1x7, branch_pool 192x768x1x1
    Mixed_7a: branch3x3_1 192x768x1x1, branch3x3_2 320x192x3x3, branch7x7x3_1 192x768x1x1,
      branch7x7x3_2 192x192x1x7, branch7x7x3_3 192x192x7x1, branch7x7x3_4 192x192x3x3
    Mixed_7b: branch1x1 320x1280x1x1, branch3x3_1 384x1280x1x1, branch3x3_2a 384x384x1x3, branch3x3_2b 384x384x3x1,
      branch3x3dbl_1 448x1280x1x1, branch3x3dbl_2 384x448x3x3, branch3x3dbl_3a 384x384x1x3,
      branch3x3dbl_3b 384x384x3x1, branch_pool 192x1280x1x1
    Mixed_7c: branch1x1 320x2048x1x1, branch3x3_1 384x2048x1x1, branch3x3_2a 384x384x1x3, branch3x3_2b 384x384x3x1,
      branch3x3dbl_1 448x2048x1x1, branch3x3dbl_2 384x448x3x3, branch3x3dbl_3a 384x384x1x3,
      branch3x3dbl_3b 384x384x3x1, branch_pool 192x2048x1x1
"""
NORM = ("bn.weight", "bn.bias", "bn.running_mean", "bn.running_var")


def shapes(text: str = CONVOLUTIONS) -> dict[str, tuple[int, ...]]:
    """Name -> shape of all entries but the classifiers' and the counters of batch norm."""
    found: dict[str, tuple[int, ...]] = {}
    for line in textwrap.dedent(text).replace(",\n ", ",").strip().splitlines():
        module, _, convolutions = line.partition(": ")
        for convolution in convolutions.split(", "):
            *branch, size = convolution.split()
            name, shape = ".".join([module, *branch]), tuple(int(length) for length in size.split("x"))
            found[f"{name}.conv.weight"] = shape
            found |= {f"{name}.{entry}": shape[:1] for entry in NORM}
    return found


def frozen_weights() -> dict[str, Tensor]:
    """Random weights from a stream that numpy keeps for ever."""
    random, weights = np.random.RandomState(0), {}
    for name, shape in sorted(shapes().items()):
        if name.endswith("conv.weight"):
            value = random.standard_normal(shape) * (2 / np.prod(shape[1:])) ** 0.5
        elif name.endswith(("bn.bias", "running_mean")):
            value = random.standard_normal(shape) * 0.1
        else:
            value = random.uniform(0.5, 1.5, shape)
        weights[name] = torch.from_numpy(value).float()
    return weights


def fake_file(path: Path, classes: int, **changes: tuple[int, ...] | None) -> Path:
    """A file with the entries of a real one, all zeros that take no space; `changes`: shapes, None = left out."""
    entries = shapes() | {"fc.weight": (classes, 2048), "fc.bias": (classes,)}
    entries |= {name.replace("__", "."): shape for name, shape in changes.items()}
    zero = torch.zeros(())
    torch.save({name: zero.expand(shape) for name, shape in entries.items() if shape is not None}, path)
    return path


# Names, shapes, sizes


def test_names_and_shapes_are_those_of_the_files() -> None:
    own = {name: tuple(value.shape) for name, value in Inception(TORCHVISION).state_dict().items()}
    assert {name: shape for name, shape in own.items() if not name.endswith("num_batches_tracked")} == shapes()
    assert len(shapes()) == 94 * 5
    assert len(own) == 94 * 6


def test_parameters_are_those_that_torchvision_publishes() -> None:
    """27,161,264 with the auxiliary classifier; here without it, and without the last layer."""
    auxiliary = 128 * 768 + 2 * 128 + 768 * 128 * 25 + 2 * 768 + 1000 * 768 + 1000
    last = 1000 * 2048 + 1000
    assert sum(parameter.numel() for parameter in Inception(TORCHVISION).parameters()) + last == 23_834_568
    assert 23_834_568 + auxiliary == 27_161_264


@pytest.mark.parametrize("variant", [TORCHVISION, FID_STANDARD], ids=lambda variant: variant.name)
def test_layers_have_the_sizes_of_the_paper(variant: Variant) -> None:
    """Szegedy et al. 2016, table 1 (35 x 35 x 288, 17 x 17 x 768, 8 x 8 x 1280, 8 x 8 x 2048)."""
    network, sizes = Inception(variant).eval(), {}
    for name, module in network.named_children():
        module.register_forward_hook(lambda _, inputs, output, name=name: sizes.update({name: output.shape[1:]}))
    with torch.inference_mode():
        assert network(torch.rand(1, 3, 40, 50)).shape == (1, 2048)
    assert {name: tuple(size) for name, size in sizes.items()} == {
        "Conv2d_1a_3x3": (32, 149, 149),
        "Conv2d_2a_3x3": (32, 147, 147),
        "Conv2d_2b_3x3": (64, 147, 147),
        "Conv2d_3b_1x1": (80, 73, 73),
        "Conv2d_4a_3x3": (192, 71, 71),
        "Mixed_5b": (256, 35, 35),
        "Mixed_5c": (288, 35, 35),
        "Mixed_5d": (288, 35, 35),
        **{f"Mixed_6{letter}": (768, 17, 17) for letter in "abcde"},
        "Mixed_7a": (1280, 8, 8),
        "Mixed_7b": (2048, 8, 8),
        "Mixed_7c": (2048, 8, 8),
    }


# Values


@pytest.fixture(scope="module")
def weights() -> dict[str, Tensor]:
    return frozen_weights()


@pytest.mark.parametrize(
    ("variant", "some", "mean", "sd"),
    [
        (TORCHVISION, [17.309968, 0.545488, 25.331587, 0.164546, 0.840459], 5.695662, 7.954551),
        (FID_STANDARD, [17.315868, 0.682388, 25.663092, 0.142500, 2.014560], 6.066824, 8.613892),
    ],
    ids=["torchvision", "pytorch-fid"],
)
def test_values_are_those_of_the_reference(
    weights: dict[str, Tensor], variant: Variant, some: list[float], mean: float, sd: float
) -> None:
    """What torchvision 0.29 (normalisation and `transform_input`) and pytorch-fid 0.3 give for these weights."""
    network = Inception(variant).eval()
    network.load_state_dict(network.state_dict() | weights)
    image = torch.from_numpy(np.random.RandomState(1).rand(1, 3, 256, 200)).float()
    with torch.inference_mode():
        features = network(image)[0]
    assert features[[0, 500, 1000, 1500, 2047]].tolist() == pytest.approx(some, rel=1e-3, abs=1e-3)
    assert (float(features.mean()), float(features.std())) == pytest.approx((mean, sd), rel=1e-4)


def test_grey_is_three_equal_channels_and_images_arrive_as_minus_one_to_one() -> None:
    network, seen = Inception(TORCHVISION).eval(), []
    network.Conv2d_1a_3x3.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    grey = torch.rand(1, 1, 256, 256)
    with torch.inference_mode():
        assert torch.equal(network(grey), network(grey.expand(-1, 3, -1, -1)))
    usual = interpolate(grey, (299, 299), mode="bilinear", align_corners=False)  # upwards no filter makes a difference
    torch.testing.assert_close(seen[0], (usual * 2 - 1).expand(-1, 3, -1, -1))


def test_an_image_does_not_depend_on_its_batch() -> None:
    network = Inception(FID_STANDARD).eval()
    images = torch.rand(2, 3, 64, 64)
    with torch.inference_mode():
        torch.testing.assert_close(network(images)[1:], network(images[1:]))


# Files


@pytest.mark.parametrize(("classes", "variant"), [(1000, TORCHVISION), (1008, FID_STANDARD)])
def test_the_number_of_classes_tells_the_variant(tmp_path: Path, classes: int, variant: Variant) -> None:
    network = load_inception(fake_file(tmp_path / "weights.pth", classes))
    assert network.variant is variant
    assert not network.training and not any(parameter.requires_grad for parameter in network.parameters())
    assert not any(parameter.any() for parameter in network.parameters())  # the file's zeros


def test_the_auxiliary_classifier_and_counters_are_taken_or_left(tmp_path: Path) -> None:
    more = {"AuxLogits__fc__weight": (1000, 768), "AuxLogits__conv0__conv__weight": (128, 768, 1, 1)}
    more |= {"Mixed_5b__branch1x1__bn__num_batches_tracked": ()}
    assert load_inception(fake_file(tmp_path / "weights.pth", 1000, **more)).variant is TORCHVISION


@pytest.mark.parametrize(
    ("classes", "changes", "message"),
    [
        (10, {}, r"fc\.weight is \(10, 2048\), which should be \(1000, 2048\) or \(1008, 2048\)"),
        (1000, {"fc__weight": None}, r"it holds Conv2d_1a_3x3\.conv\.weight, Conv2d_1a_3x3\.bn\.weight"),
        (1000, {"Mixed_6a__branch3x3__bn__bias": None}, "1 entries do not fit: Mixed_6a.branch3x3.bn.bias is missing"),
        (1008, {"Mixed_8__conv__weight": (1,)}, "Mixed_8.conv.weight is not known"),
        (1008, {"Conv2d_1a_3x3__conv__weight": (32, 1, 3, 3)}, r"is \[32, 1, 3, 3\], not \[32, 3, 3, 3\]"),
    ],
)
def test_entries_that_do_not_fit_are_named(tmp_path: Path, classes: int, changes: dict, message: str) -> None:
    path = fake_file(tmp_path / "weights.pth", classes, **changes)
    with pytest.raises(ValueError, match=message) as error:
        load_inception(path)
    assert str(path) in str(error.value) and "give torchvision's inception_v3_google" in str(error.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"state_dict": {"fc.weight": torch.zeros(1000, 2048)}}, "holds entries state_dict, not a flat state dict"),
        ([1, 2], "holds a list"),
        ({"conv1.weight": torch.zeros(1)}, r"it holds conv1\.weight"),
        ({}, "not Inception-v3 with its classifier fc: it holds nothing"),
        (b"<html>moved permanently</html>", "damaged, or not a file of plain tensors"),
        (b"", "damaged"),
    ],
)
def test_other_files_are_refused_by_name(tmp_path: Path, content: object, message: str) -> None:
    path = tmp_path / "weights.pth"
    path.write_bytes(content) if isinstance(content, bytes) else torch.save(content, path)
    with pytest.raises(ValueError, match=message) as error:
        load_inception(path)
    assert str(path) in str(error.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="none.pth: no such file of weights"):
        load_inception(tmp_path / "none.pth")
