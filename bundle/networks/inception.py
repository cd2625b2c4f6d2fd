# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Inception-v3 (Szegedy et al. 2016): an image to the 2048 features of FID and KID, with weights from a file.

Two files of weights circulate, with the same names inside: torchvision's `inception_v3_google` (1000 classes), and
`pt_inception-2015-12-05` (1008 classes), which FID is computed with by convention and whose network pools differently.
The number of classes tells which of the two a file is.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from transforms.resample import resample_image

from .inception_table import VARIANTS, Branches, Conv, Mixed, Step, Variant, network_table
from .parts import scale_image
from .weights import CheckpointError, read

INPUT_SIZE = (299, 299)  # px
FEATURES = 2048
UNUSED = ("AuxLogits.", "fc.")  # the classifiers
COUNTER = ".num_batches_tracked"  # of batch norms; older files lack it, and nothing here uses it
MEND = "give torchvision's inception_v3_google-*.pth, or FID's pt_inception-2015-12-05-*.pth"


class ConvUnit(nn.Module):
    """Convolution, batch norm, ReLU."""

    def __init__(self, inner: int, step: Conv) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inner, step.channels, step.kernel, step.stride, step.padding, bias=False)
        self.bn = nn.BatchNorm2d(step.channels, eps=1e-3)

    def forward(self, features: Tensor) -> Tensor:
        """(B, inner, H, W) to (B, channels, H', W')."""
        return functional.relu(self.bn(self.conv(features)))


class Branching(nn.Module):
    """Branches of a table, run on the same features, their outputs joined."""

    def __init__(self, inner: int, branches: Branches) -> None:
        super().__init__()
        self.branches = branches
        self.channels = sum(self._add_all(branch, inner) for branch in branches)

    def forward(self, features: Tensor) -> Tensor:
        """(B, inner, H, W) to (B, channels, H', W')."""
        return torch.cat([self._run_all(branch, features) for branch in self.branches], dim=1)

    def _add_all(self, branch: tuple[Step, ...], channels: int) -> int:
        for step in branch:
            channels = self._add(step, channels)
        return channels

    def _add(self, step: Step, inner: int) -> int:
        """Make the modules of a step; returns the channels of its output."""
        if isinstance(step, Conv):
            self.add_module(step.name, ConvUnit(inner, step))
            return step.channels
        if isinstance(step, Mixed):
            module = Branching(inner, step.branches)
            self.add_module(step.name, module)
            return module.channels
        return sum(self._add(part, inner) for part in step) if isinstance(step, tuple) else inner

    def _run_all(self, branch: tuple[Step, ...], features: Tensor) -> Tensor:
        for step in branch:
            features = self._run(step, features)
        return features

    def _run(self, step: Step, features: Tensor) -> Tensor:
        if isinstance(step, Conv | Mixed):
            return self.get_submodule(step.name)(features)
        if isinstance(step, tuple):
            return torch.cat([self._run(part, features) for part in step], dim=1)
        return step(features)


class Inception(Branching):
    """Image (B, C, H, W) in [0, 1], C = 1 or 3, any size, to the features of the last pooling (B, 2048), float32.

    Images are brought to 299 x 299 px, bilinear, pixel centres at half px (align_corners False), with a wider filter on
    the way down (Parmar et al. 2022; none of the common FID programs do it, and up to 299 px it makes no difference).
    Both files of weights were converted from TensorFlow and expect [-1, 1]: torchvision's mean and standard deviation
    of ImageNet are taken back by its own `transform_input`. Grey images are repeated to three channels.

    Args:
        variant: which file's network: `TORCHVISION` or `FID_STANDARD`.
    """

    def __init__(self, variant: Variant) -> None:
        super().__init__(3, (network_table(variant.pool, variant.last_pool),))
        self.variant = variant

    def forward(self, image: Tensor) -> Tensor:
        """(B, C, H, W) to (B, 2048)."""
        prepared = scale_image(resample_image(image, INPUT_SIZE)).expand(-1, 3, -1, -1)  # (B, 3, 299, 299)
        return super().forward(prepared).mean(dim=(2, 3))


def load_inception(path: str | Path) -> Inception:
    """Load Inception-v3 from either file of weights.

    Args:
        path: a state dict with torchvision's names, with or without the auxiliary classifier; classifiers are not used.

    Returns:
        The network of the variant that belongs to the file, in evaluation mode, without gradients.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it holds something else; names the first entries that do not fit.
    """
    weights = _read(Path(path))
    network = Inception(_variant(weights, path))
    own = network.state_dict()
    used = {name: value for name, value in weights.items() if not name.startswith(UNUSED)}
    wrong = [f"{name} is missing" for name in own if name not in used and not name.endswith(COUNTER)]
    wrong += [f"{name} is not known" for name in used if name not in own]
    shapes = {name: (list(used[name].shape), list(own[name].shape)) for name in own if name in used}
    wrong += [f"{name} is {found}, not {wanted}" for name, (found, wanted) in shapes.items() if found != wanted]
    if wrong:
        raise ValueError(f"{path}: not Inception-v3: {len(wrong)} entries do not fit: {_few(wrong)}: {MEND}")
    network.load_state_dict(own | used)
    return network.eval().requires_grad_(False)


def _read(path: Path) -> Mapping[str, Tensor]:
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file of weights: {MEND}")
    try:
        content = read(path)
    except CheckpointError as error:
        raise ValueError(f"{error}: {MEND}") from error
    if not isinstance(content, Mapping) or not all(isinstance(value, Tensor) for value in content.values()):
        found = f"entries {_few(list(content))}" if isinstance(content, Mapping) else f"a {type(content).__name__}"
        raise ValueError(f"{path}: holds {found}, not a flat state dict: {MEND}")
    return content


def _variant(weights: Mapping[str, Tensor], path: str | Path) -> Variant:
    """Told from the classifier's shape; ValueError where it is none of Inception-v3."""
    if "fc.weight" not in weights:
        raise ValueError(f"{path}: not Inception-v3 with its classifier fc: it holds {_few(list(weights))}: {MEND}")
    shape = tuple(weights["fc.weight"].shape)
    for variant in VARIANTS:
        if shape == (variant.classes, FEATURES):
            return variant
    known = " or ".join(str((variant.classes, FEATURES)) for variant in VARIANTS)
    raise ValueError(f"{path}: its fc.weight is {shape}, which should be {known}: {MEND}")


def _few(names: list[str]) -> str:
    return ", ".join(str(name) for name in names[:3]) + (", ..." if len(names) > 3 else "") or "nothing"
