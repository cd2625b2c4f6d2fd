# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The known failure that shows in objects: nuclei that nobody clicked and no mask holds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from transforms.instances.hover_to_label import hover_to_label

from .panel import PanelState

SMALLEST = 10  # px; smaller objects count neither in masks nor in what F finds


class InventedNuclei:
    """F finds objects where there are none: in real images more than points, in painted ones outside the mask.

    Distribution matching adds what the other domain has more of (Cohen et al. 2018). An object of F(G(s)) is invented
    when most of it lies outside the objects of s; F(x) is compared by numbers, since drawn outlines miss real objects.

    Args:
        most_per_point: objects in a real image per object of its mask, which has one for each point. Runs on simulated
            tissue have 0.8 to 1.2; one on MoNuSeg without warm start and background term had 2.5 to 3.0.
        most_invented: share of the objects in painted images that are invented; in good runs at most 0.02.
        after: share of the training before which F is too young to be judged.
    """

    name = "invented nuclei"

    def __init__(self, most_per_point: float = 1.5, most_invented: float = 0.1, after: float = 0.25) -> None:
        self.most_per_point, self.most_invented, self.after = most_per_point, most_invented, after

    def measure(self, look: PanelState, losses: Mapping[str, float]) -> dict[str, float]:
        """objects_per_point of F(x), invented_share of F(G(s))."""
        masks, labels = look.batch["hover_map"], look.batch["label"]
        found = [objects_outside(*pair)[1] for pair in zip(look.pictures["predicted_map"], masks, strict=True)]
        drawn = [int((torch.bincount(label.flatten())[1:] >= SMALLEST).sum()) for label in labels]
        painted = [objects_outside(*pair) for pair in zip(look.pictures["recovered_map"], masks, strict=True)]
        invented, whole = (sum(counts) for counts in zip(*painted, strict=True))
        return {"objects_per_point": mean_ratio(found, drawn), "invented_share": invented / whole if whole else 0.0}

    def judge(self, numbers: Mapping[str, float], progress: float) -> str:
        """Either number too high."""
        many, share, seen = numbers["objects_per_point"], numbers["invented_share"], []
        if many > self.most_per_point:
            found = f"F finds {many:.1f} objects per point in real images"
            seen.append(f"{found} (warned of above {self.most_per_point:g})")
        if share > self.most_invented:
            seen.append(
                f"{share:.0%} of the objects that F finds in painted images lie where their masks have none (warned of"
                f" above {self.most_invented:.0%})"
            )
        if not seen or progress < self.after:
            return ""
        return (
            f"{'; '.join(seen)}. F and the labels made with it cannot be trusted there: train longer, keep the warm"
            " start of F, raise the weight of background in term_weights, and look whether every object has its point"
            " and the diameter fits"
        )


def objects_outside(hover_map: Tensor, mask: Tensor) -> tuple[int, int]:
    """Objects of a hover map (3, H, W) that lie mostly outside those of a mask (3, H, W), and all of its objects."""
    label = hover_to_label(hover_map, smallest=SMALLEST)[0]  # (H, W)
    areas = torch.bincount(label.flatten())[1:]
    outside = torch.bincount(label[mask[2] == 0], minlength=len(areas) + 1)[1:]
    return int((outside > areas / 2).sum()), len(areas)


def mean_ratio(found: Sequence[int], drawn: Sequence[int]) -> float:
    """Found per drawn object, mean over the crops that have any drawn; NaN where none has.

    Each crop counts alike: crowded ones have no room for more objects, and in a ratio of sums would hide the others.
    """
    ratios = [one / other for one, other in zip(found, drawn, strict=True) if other]
    return sum(ratios) / len(ratios) if ratios else math.nan
