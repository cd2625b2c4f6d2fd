# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The objective that G and F minimise together in stage 1: named terms, weighed and summed (METHOD section 5).

A term reads what it needs from the tensors of one update; leaving a term out of the mapping turns that part off.
The names of the tensors, with x a real image, s a drawn hover map, p the point map that both share:

    image            x                (B, C, H, W) in [0, 1]
    hover_map        s                (B, 3, H, W), m in {0, 1}
    point_map        p                (B, 1, H, W) in {0, 1}
    style            of x             (B, 2 C), see `transforms.maps.style`; where the stream adds it
    known_map        y                (B, 3, H, W), the hover map of a label of x; where one is known
    known_weight     of y             (B, 1, H, W) in [0, 1], how far each pixel of that label is to be trusted
    rebuilt_image    G(y)             (B, C, H, W) in [0, 1]; where y is known
    synthetic_image  G(s)             (B, C, H, W) in [0, 1]
    predicted_map    F(x)             (B, 3, H, W), logit of m
    recovered_map    F(G(s))          (B, 3, H, W), logit of m
    recovered_image  G(F(x))          (B, C, H, W) in [0, 1]; G is fed activate_hover_map(F(x))
    image_scores     D_X(G(s))        (B, 1, h, w)
    map_scores       D_S(F(x))        (B, 1, h, w); D_S is fed activate_hover_map(F(x))
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional
from transforms.maps.style import image_style

from .adversarial import LeastSquares
from .cycle import ImageCycleLoss, MapCycleLoss
from .hover import HoverLoss
from .points import BackgroundLoss, PointLoss
from .reduce import mean_per_crop

Update = Mapping[str, Tensor]
Term = Callable[[Update], Tensor]

PAPER_WEIGHTS = {"cycle": 5.0, "instance": 5.0}  # of the authors' final run; every other term weighs 1


class AdversarialTerm(nn.Module):
    """The generator's half of the adversarial loss on the scores named `scores`."""

    def __init__(self, scores: str, loss: LeastSquares | None = None) -> None:
        super().__init__()
        self.scores = scores
        self.loss = loss or LeastSquares()

    def forward(self, update: Update) -> Tensor:
        """Scalar."""
        return self.loss.generator(update[self.scores])


class CycleTerm(nn.Module):
    """x -> F -> G -> x, L1."""

    def __init__(self) -> None:
        super().__init__()
        self.loss = ImageCycleLoss()

    def forward(self, update: Update) -> Tensor:
        """Scalar."""
        return self.loss(update["recovered_image"], update["image"])


class MapCycleTerm(nn.Module):
    """s -> G -> F -> s, L1: the other cycle of the plain CycleGAN, in place of the instance term."""

    def __init__(self) -> None:
        super().__init__()
        self.loss = MapCycleLoss()

    def forward(self, update: Update) -> Tensor:
        """Scalar."""
        return self.loss(update["recovered_map"], update["hover_map"])


class InstanceTerm(nn.Module):
    """F(G(s)) against s: the sum of the four hover map losses."""

    def __init__(self) -> None:
        super().__init__()
        self.loss = HoverLoss()

    def forward(self, update: Update) -> Tensor:
        """Scalar."""
        return torch.stack(list(self.loss(update["recovered_map"], update["hover_map"]).values())).sum()


class PointTerm(nn.Module):
    """-log m at the points, in the prediction named `prediction`."""

    def __init__(self, prediction: str) -> None:
        super().__init__()
        self.prediction = prediction
        self.loss = PointLoss()

    def forward(self, update: Update) -> Tensor:
        """Scalar."""
        return self.loss(update[self.prediction], update["point_map"])


class BackgroundTerm(nn.Module):
    """-log(1 - m) far from all points, in F(x); ours, not the paper's.

    Args:
        distance: px, how far an object may reach from its point.
    """

    def __init__(self, distance: float) -> None:
        super().__init__()
        self.loss = BackgroundLoss(distance)

    def forward(self, update: Update) -> Tensor:
        """Scalar."""
        return self.loss(update["predicted_map"], update["point_map"])


class StyleTerm(nn.Module):
    """The style of G(s) against the one that it was told, L1; ours."""

    def forward(self, update: Update) -> Tensor:
        """Scalar."""
        return (image_style(update["synthetic_image"]) - update["style"]).abs().mean()


class RebuildTerm(nn.Module):
    """G(y) against x, whose label y is known: L1 of pixels, and of an encoder's features where there is one; ours.

    Features are compared at each scale in units of their mean size in x, so that no scale outweighs the others.

    Args:
        encoder: images (B, C, H, W) to features of several scales, with frozen weights; None: pixels alone.
        pixels: weight of the pixels' L1 beside that of the features.
    """

    def __init__(self, encoder: Callable[[Tensor], list[Tensor]] | None = None, pixels: float = 1.0) -> None:
        super().__init__()
        self.encoder, self.pixels = encoder, pixels

    def forward(self, update: Update) -> Tensor:
        """Scalar."""
        rebuilt, image = update["rebuilt_image"], update["image"]
        weight = update.get("known_weight")
        loss = self.pixels * mean_per_crop((rebuilt - image).abs(), weight).mean()
        if self.encoder is None:
            return loss
        with torch.no_grad():
            wanted = self.encoder(image)
        pairs = zip(self.encoder(rebuilt), wanted, strict=True)
        return loss + torch.stack([_feature_distance(own, level, weight) for own, level in pairs]).mean()


def _feature_distance(own: Tensor, wanted: Tensor, weight: Tensor | None) -> Tensor:
    """L1 of features (B, C, h, w), relative to the size of the wanted ones; a weight (B, 1, H, W) is averaged."""
    if weight is not None:
        weight = functional.adaptive_avg_pool2d(weight, (wanted.shape[2], wanted.shape[3]))
    difference, size = mean_per_crop((own - wanted).abs(), weight), mean_per_crop(wanted.abs(), weight)
    return difference.mean() / size.mean().clamp(min=1e-6)


class KnownLabelTerm(nn.Module):
    """F(x) against the known label of x: the four hover map losses, as a segmenter learns from them; ours."""

    def __init__(self, loss: HoverLoss | None = None) -> None:
        super().__init__()
        self.loss = loss or HoverLoss()

    def forward(self, update: Update) -> Tensor:
        """Scalar."""
        losses = self.loss(update["predicted_map"], update["known_map"], update.get("known_weight"))
        return torch.stack(list(losses.values())).sum()


def paper_terms() -> dict[str, Term]:
    """The six terms of the method, by name."""
    return {
        "adversarial_image": AdversarialTerm("image_scores"),
        "adversarial_mask": AdversarialTerm("map_scores"),
        "cycle": CycleTerm(),
        "instance": InstanceTerm(),
        "point_synthetic": PointTerm("recovered_map"),
        "point_real": PointTerm("predicted_map"),
    }


class SynthesisObjective:
    """Named terms and their weighted sum, for the generator side of one update.

    Args:
        terms: what is summed, by name; None: all of `paper_terms`. A part is turned off by leaving it out, or by None
            in its place.
        weights: weight per name; None: the paper's, 5 for cycle and instance. A name not given weighs 1.

    Raises:
        ValueError: when a given weight names no term.
    """

    def __init__(
        self, terms: Mapping[str, Term | None] | None = None, weights: Mapping[str, float] | None = None
    ) -> None:
        given = paper_terms() if terms is None else terms
        self.terms = {name: term for name, term in given.items() if term is not None}
        unknown = sorted(set(weights or ()) - set(given))
        if unknown:
            raise ValueError(f"weights name {unknown}, which are no terms; the terms are {sorted(given)}")
        self.weights = dict(PAPER_WEIGHTS if weights is None else weights)

    def __call__(self, update: Update) -> dict[str, Tensor]:
        """Every term by name, unweighted, and `total`, the weighted sum: scalars.

        Args:
            update: the tensors of one update, named as at the top of this module.
        """
        values = {name: term(update) for name, term in self.terms.items()}
        total = torch.stack([self.weights.get(name, 1.0) * value for name, value in values.items()]).sum()
        return {**values, "total": total}
