# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Points (N, 2), x and y in px with pixel centres at integers: merging, cropping, and drawing as a map."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from monai.config import KeysCollection, NdarrayOrTensor
from monai.transforms import Transform
from monai.utils import convert_to_dst_type, convert_to_tensor

from ..image_points import DrawnPointsd
from ..pixel_centres import inside, pixels_of_tensor
from ..size import Size
from ..to_device import to_device


def merge_duplicates(points: torch.Tensor) -> tuple[torch.Tensor, int]:
    """Points (N, 2) without those whose coordinates came before (double clicks), in their order, and how many went."""
    _, group = torch.unique(points, dim=0, return_inverse=True)  # (N,)
    order = torch.arange(len(points), device=points.device)
    first = order.new_full((len(points),), len(points)).scatter_reduce(0, group, order, "amin")
    kept = order[first[group] == order]
    return points[kept], len(points) - len(kept)


def crop_points(points: torch.Tensor, origin: tuple[int, int], size: Size) -> torch.Tensor:
    """The points inside a crop, in its px.

    Args:
        points: (N, 2) in px of the whole image.
        origin: x and y of the crop's first pixel.
        size: H and W of the crop.
    """
    moved = points - torch.as_tensor(origin, dtype=points.dtype, device=points.device)
    return moved[inside(moved, size)]


def point_map(points: torch.Tensor, size: Size, radius: float) -> torch.Tensor:
    """A disk around every point.

    Args:
        points: (N, 2) in px of the map; those outside mark what their disk reaches.
        size: H and W.
        radius: px; a pixel is marked when its centre is not further than this from a point. METHOD uses the larger of
            0.25 um and half a px.

    Returns:
        (1, H, W) float32 in {0, 1}; the pixel that a point lies in is always marked.
    """
    return point_maps([points], size, radius)[0]


def point_maps(
    points: Sequence[torch.Tensor],
    size: Size,
    radius: float | Sequence[float],
    device: torch.device | str | None = None,
) -> torch.Tensor:
    """`point_map` for a batch, without waiting for the device.

    Args:
        points: (N_b, 2) for each of B images, best on the CPU.
        size: H and W of all maps.
        radius: px, one for all images or one for each.
        device: where the maps are to lie; None: where the points are.

    Returns:
        (B, 1, H, W) float32 in {0, 1}.

    Raises:
        ValueError: a radius is negative or no number.
    """
    radii = torch.as_tensor(radius, dtype=torch.float64).expand(len(points))  # (B,)
    if not (radii >= 0).all():
        raise ValueError(f"the radius of a point must be a number of px >= 0, not {radius!r}")
    output = torch.zeros(len(points), 1, *size, device=points[0].device if device is None else device)
    marked = to_device(marked_places(points, size, radii), output.device)
    output.view(-1).scatter_(0, marked, 1)
    return output


def marked_places(points: Sequence[torch.Tensor], size: Size, radii: torch.Tensor) -> torch.Tensor:
    """(M,) int64, on the CPU: places among the pixels of all images; points (N_b, 2) and radii (B,) of B images."""
    image = torch.arange(len(points)).repeat_interleave(torch.tensor([len(each) for each in points]))  # (N,)
    place = torch.cat([each.cpu().double() for each in points])  # (N, 2)
    own = pixels_of_tensor(place)  # the pixel that each lies in
    reach, limit = int(radii.max()) + 1, torch.tensor([size[1], size[0]])
    near = ((own >= -reach) & (own < limit + reach)).all(1)
    image, place, own = image[near, None], place[near, None], own[near, None]  # (n, 1), (n, 1, 2) twice

    window = torch.cartesian_prod(*[torch.arange(-reach, reach + 1)] * 2)  # (K, 2): dx, dy
    pixel = own + window  # (n, K, 2)
    marked = ((pixel - place).square().sum(2) <= radii[image] ** 2) | (window == 0).all(1)
    marked &= ((pixel >= 0) & (pixel < limit)).all(2)
    x, y = pixel.unbind(2)
    return ((image * size[0] + y) * size[1] + x)[marked]


class PointMap(Transform):
    """Array form of `point_map`.

    Args:
        radius: px, see `point_map`.
    """

    def __init__(self, radius: float) -> None:
        self.radius = radius

    def __call__(self, points: NdarrayOrTensor, size: Size) -> NdarrayOrTensor:  # type: ignore[override]
        """Points (N, 2) and H, W -> (1, H, W) float32, the same kind of array as the points."""
        return convert_to_dst_type(self.plain(points, size), points, dtype=torch.float32)[0]

    def plain(self, points: NdarrayOrTensor, size: Size) -> torch.Tensor:
        """The map as a tensor that knows nothing else."""
        return point_map(convert_to_tensor(points, track_meta=False).reshape(-1, 2), size, self.radius)


class PointMapd(DrawnPointsd):
    """Dictionary form of `PointMap`.

    Args:
        keys: points to read.
        radius: px, see `point_map`.
        image_key: the image (C, H, W) whose size and metadata the maps take; checked as `size_for` does.
        output_keys: where the maps go, one for each key.
        allow_missing_keys: whether a missing key is passed over instead of an error.
    """

    def __init__(
        self,
        keys: KeysCollection,
        radius: float,
        image_key: str = "image",
        output_keys: KeysCollection = "point_map",
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, PointMap(radius), image_key, output_keys, allow_missing_keys)
