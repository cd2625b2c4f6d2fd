# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Inception-v3 (Szegedy et al. 2016) as a table, up to its last pooling; its names are those in files of weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor
from torch.nn import functional

Pooling = Callable[[Tensor], Tensor]


class Conv(NamedTuple):
    """A convolution without bias, batch norm, ReLU; with stride 1 it keeps size, unless padding is "valid" (none)."""

    name: str
    channels: int
    kernel: int | tuple[int, int] = 1
    stride: int = 1
    padding: str = "same"


class Mixed(NamedTuple):
    """A module of several branches, each a chain of steps; their outputs are joined."""

    name: str
    branches: Branches


Step = Conv | Mixed | tuple[Conv, Conv] | Pooling  # two convolutions side by side: their outputs are joined
Branches = tuple[tuple[Step, ...], ...]


class Variant(NamedTuple):
    """What differs between the networks of the two files."""

    name: str
    classes: int
    pool: Pooling  # within all modules but the last
    last_pool: Pooling


def half_size(features: Tensor) -> Tensor:
    """Maximum over 3 x 3 px at every second px, without padding."""
    return functional.max_pool2d(features, 3, stride=2)


def maximum(features: Tensor) -> Tensor:
    """Maximum over 3 x 3 px."""
    return functional.max_pool2d(features, 3, stride=1, padding=1)


def mean(features: Tensor) -> Tensor:
    """Mean over 3 x 3 px, at the border over those inside."""
    return functional.avg_pool2d(features, 3, stride=1, padding=1, count_include_pad=False)


def padded_mean(features: Tensor) -> Tensor:
    """Mean over 3 x 3 px, zeros beyond the border counted."""
    return functional.avg_pool2d(features, 3, stride=1, padding=1)


TORCHVISION = Variant("torchvision weights", 1000, padded_mean, padded_mean)
FID_STANDARD = Variant("FID-standard weights", 1008, mean, maximum)
VARIANTS = (TORCHVISION, FID_STANDARD)


def network_table(pool: Pooling, last_pool: Pooling) -> tuple[Step, ...]:
    """The whole network; sizes in px for an input of 299 x 299."""
    return (
        Conv("Conv2d_1a_3x3", 32, 3, stride=2, padding="valid"),  # 149
        Conv("Conv2d_2a_3x3", 32, 3, padding="valid"),  # 147
        Conv("Conv2d_2b_3x3", 64, 3),
        half_size,  # 73
        Conv("Conv2d_3b_1x1", 80),
        Conv("Conv2d_4a_3x3", 192, 3, padding="valid"),  # 71
        half_size,  # 35
        Mixed("Mixed_5b", branches_at_35(32, pool)),
        Mixed("Mixed_5c", branches_at_35(64, pool)),
        Mixed("Mixed_5d", branches_at_35(64, pool)),
        Mixed("Mixed_6a", branches_to_17()),
        Mixed("Mixed_6b", branches_at_17(128, pool)),
        Mixed("Mixed_6c", branches_at_17(160, pool)),
        Mixed("Mixed_6d", branches_at_17(160, pool)),
        Mixed("Mixed_6e", branches_at_17(192, pool)),
        Mixed("Mixed_7a", branches_to_8()),
        Mixed("Mixed_7b", branches_at_8(pool)),
        Mixed("Mixed_7c", branches_at_8(last_pool)),
    )


def branches_at_35(pooled: int, pool: Pooling) -> Branches:
    """A module at 35 x 35 px (figure 5 of the paper), with `pooled` channels from its pooling."""
    return (
        (Conv("branch1x1", 64),),
        (Conv("branch5x5_1", 48), Conv("branch5x5_2", 64, 5)),
        (Conv("branch3x3dbl_1", 64), Conv("branch3x3dbl_2", 96, 3), Conv("branch3x3dbl_3", 96, 3)),
        (pool, Conv("branch_pool", pooled)),
    )


def branches_to_17() -> Branches:
    """From 35 x 35 to 17 x 17 px (figure 10)."""
    last = Conv("branch3x3dbl_3", 96, 3, stride=2, padding="valid")
    return (
        (Conv("branch3x3", 384, 3, stride=2, padding="valid"),),
        (Conv("branch3x3dbl_1", 64), Conv("branch3x3dbl_2", 96, 3), last),
        (half_size,),
    )


def branches_at_17(inner: int, pool: Pooling) -> Branches:
    """A module at 17 x 17 px, 7 x 7 convolutions cut into rows and columns (figure 6), `inner` channels inside."""
    row, column = (1, 7), (7, 1)
    return (
        (Conv("branch1x1", 192),),
        (Conv("branch7x7_1", inner), Conv("branch7x7_2", inner, row), Conv("branch7x7_3", 192, column)),
        (
            Conv("branch7x7dbl_1", inner),
            Conv("branch7x7dbl_2", inner, column),
            Conv("branch7x7dbl_3", inner, row),
            Conv("branch7x7dbl_4", inner, column),
            Conv("branch7x7dbl_5", 192, row),
        ),
        (pool, Conv("branch_pool", 192)),
    )


def branches_to_8() -> Branches:
    """From 17 x 17 to 8 x 8 px."""
    return (
        (Conv("branch3x3_1", 192), Conv("branch3x3_2", 320, 3, stride=2, padding="valid")),
        (
            Conv("branch7x7x3_1", 192),
            Conv("branch7x7x3_2", 192, (1, 7)),
            Conv("branch7x7x3_3", 192, (7, 1)),
            Conv("branch7x7x3_4", 192, 3, stride=2, padding="valid"),
        ),
        (half_size,),
    )


def branches_at_8(pool: Pooling) -> Branches:
    """A module at 8 x 8 px whose branches end in a row and a column side by side (figure 7)."""

    def ends(name: str) -> tuple[Conv, Conv]:
        return Conv(f"{name}a", 384, (1, 3)), Conv(f"{name}b", 384, (3, 1))

    return (
        (Conv("branch1x1", 320),),
        (Conv("branch3x3_1", 384), ends("branch3x3_2")),
        (Conv("branch3x3dbl_1", 448), Conv("branch3x3dbl_2", 384, 3), ends("branch3x3dbl_3")),
        (pool, Conv("branch_pool", 192)),
    )
