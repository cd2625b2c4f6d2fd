# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Points that go with an image: from px of its file to px of the array that MONAI has made of it.

MONAI's `LoadImage` gives (C, W, H): x is its first axis. Its spatial transforms move arrays and keep account of it in
`affine`, but leave points where they were. Here points follow, and whoever draws them onto an image asks first whether
they do.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Protocol

import torch
from monai.config import KeysCollection, NdarrayOrTensor
from monai.data import MetaTensor
from monai.transforms import InvertibleTransform, MapTransform
from monai.utils import ImageMetaKey, MetaKeys, TraceKeys, convert_to_tensor, ensure_tuple

from .pixel_centres import inside
from .size import Size

UNTOLD = {"Transpose", "Transposed"}  # transforms of MONAI that move pixels and leave `affine` as it was
MARK = "image_affine"  # in the metadata of points: the affine of the image when they were brought into its px


def image_size(image: NdarrayOrTensor) -> Size:
    """H and W of an image: its last two axes.

    Raises:
        ValueError: it is not (C, H, W).
    """
    if image.ndim != 3:
        raise ValueError(f"an image is (C, H, W), not {tuple(image.shape)}: EnsureChannelFirstd gives it a channel")
    return image.shape[1], image.shape[2]


def file_to_array(image: NdarrayOrTensor) -> torch.Tensor:
    """(3, 3) float64: x, y, 1 in px of the file to x along the array's last axis, y along the one before, and 1.

    The identity for arrays that keep no account of themselves; they are taken for (C, H, W).

    Raises:
        ValueError: the array was moved by a transform that keeps no account of it.
    """
    if not isinstance(image, MetaTensor):
        return torch.eye(3, dtype=torch.float64)
    if UNTOLD & {str(each.get(TraceKeys.CLASS_NAME)) for each in image.applied_operations}:
        raise ValueError(
            f"{image.meta.get(ImageMetaKey.FILENAME_OR_OBJ, 'the image')} was moved by Transposed, which does not keep"
            " affine true: leave it out, points follow MONAI's order of axes too; or use Rotate90d and Flipd"
        )
    swap = torch.eye(3, dtype=torch.float64)[[1, 0, 2]]
    if not by_monai(image):  # began as (C, H, W): its first index was y
        return swap @ torch.linalg.inv(in_plane(image.affine)) @ swap
    first = in_plane(torch.as_tensor(image.meta.get(MetaKeys.ORIGINAL_AFFINE, torch.eye(4))))
    return swap @ torch.linalg.inv(in_plane(image.affine)) @ first


def marked(points: NdarrayOrTensor, image: NdarrayOrTensor) -> NdarrayOrTensor:
    """Points that are in px of an image as it is now, marked so where it is a MetaTensor."""
    if not isinstance(image, MetaTensor):
        return points
    operations = list(points.applied_operations) if isinstance(points, MetaTensor) else []
    plain = convert_to_tensor(points, track_meta=False)
    return MetaTensor(plain, meta={MARK: image.affine.clone()}, applied_operations=operations)


def is_as_read(image: NdarrayOrTensor) -> bool:
    """Whether no spatial transform has moved an array since it was read, as far as it tells."""
    if not isinstance(image, MetaTensor):
        return True
    first = image.meta.get(MetaKeys.ORIGINAL_AFFINE, torch.eye(4)) if by_monai(image) else torch.eye(4)
    return torch.allclose(in_plane(torch.as_tensor(first)), in_plane(image.affine))


def by_monai(image: MetaTensor) -> bool:
    """Whether one of MONAI's readers made the array; its first axis was then x."""
    return MetaKeys.ORIGINAL_CHANNEL_DIM in image.meta


def in_plane(affine: torch.Tensor) -> torch.Tensor:
    """The part (3, 3) of an affine (3, 3) or (4, 4) that concerns the two axes of an image; float64."""
    kept = [0, 1, len(affine) - 1]
    return affine.detach().cpu().double()[kept][:, kept]


def move(points: torch.Tensor, matrix: torch.Tensor) -> torch.Tensor:
    """Points (N, 2) by a matrix (3, 3); float32."""
    return (points.double() @ matrix[:2, :2].T + matrix[:2, 2]).float()


def size_for(points: NdarrayOrTensor, image: NdarrayOrTensor) -> Size:
    """H and W of the image that points are about to be drawn onto.

    Raises:
        ValueError: the points are in px of the file, and the image's axes are others, or it was moved since.
    """
    size = image_size(image)
    if isinstance(image, MetaTensor):
        mark = points.meta.get(MARK) if isinstance(points, MetaTensor) else None
        if mark is None and not torch.allclose(file_to_array(image), torch.eye(3, dtype=torch.float64)):
            raise ValueError(f"{_told(image)}, and the points are in px of the file: put PointsToImaged before this")
        if mark is not None and not torch.allclose(in_plane(torch.as_tensor(mark)), in_plane(image.affine)):
            raise ValueError(f"{_told(image)} since PointsToImaged: put that after the transforms that move images")
    return size


def _told(image: MetaTensor) -> str:
    name = image.meta.get(ImageMetaKey.FILENAME_OR_OBJ, "the image")
    moved = [str(each.get("class")) for each in image.applied_operations]
    return f"{name} was moved by {', '.join(moved)}" if moved else f"{name} was read by MONAI, whose first axis is x"


def like_image(array: torch.Tensor, image: NdarrayOrTensor, otherwise: NdarrayOrTensor) -> NdarrayOrTensor:
    """What was drawn onto an image, as the kind of array that goes with it.

    Of a MetaTensor it takes metadata and applied operations, so that it is inverted and saved as the image is; of
    other images nothing is known, and it becomes the kind of array that `otherwise`, the points, are.
    """
    if isinstance(image, MetaTensor):
        return MetaTensor(array, meta=dict(image.meta), applied_operations=list(image.applied_operations))
    return array if isinstance(otherwise, torch.Tensor) else array.cpu().numpy()


def paired(keys: Sequence[Hashable], output_keys: KeysCollection) -> tuple[Hashable, ...]:
    """The output keys, one for each key; ValueError where their numbers differ, since some would be passed over."""
    names = ensure_tuple(output_keys)
    if len(names) != len(keys):
        raise ValueError(f"{len(keys)} keys need as many output_keys, not {names}")
    return names


class PointsDrawing(Protocol):
    """The array form of a transform that draws points onto an image."""

    def plain(self, points: NdarrayOrTensor, size: Size) -> torch.Tensor:
        """What points (N, 2) become on an image of H, W: (C, H, W)."""


class DrawnPointsd(MapTransform):
    """Dictionary form of a transform that draws points onto an image.

    Args:
        keys: points to read.
        converter: the array form.
        image_key: the image (C, H, W) whose size and metadata the drawings take; checked as `size_for` does.
        output_keys: where the drawings go, one for each key.
        allow_missing_keys: whether a missing key is passed over instead of an error.
    """

    def __init__(
        self,
        keys: KeysCollection,
        converter: PointsDrawing,
        image_key: str,
        output_keys: KeysCollection,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.converter, self.image_key = converter, image_key
        self.output_keys = paired(self.keys, output_keys)

    def __call__(self, data: Mapping[Hashable, NdarrayOrTensor]) -> dict[Hashable, NdarrayOrTensor]:
        """A copy of the dictionary with the drawings added."""
        output = dict(data)
        for key, output_key in self.key_iterator(output, self.output_keys):
            image = output[self.image_key]
            size = size_for(output[key], image)
            output[output_key] = like_image(self.converter.plain(output[key], size), image, output[key])
        return output


class PointsToImaged(InvertibleTransform, MapTransform):
    """Points (N, 2), x and y in px of an image's file, to px of the array that it is now; after spatial transforms.

    x is then along the array's last axis and y along the one before, whatever these were in the file, as all our
    transforms take them. It follows MONAI's `LoadImaged` and everything that keeps `affine` true: flips, turns, zooms,
    crops, paddings, affine and spacing transforms. Elastic deformations and `Transposed` do not, and must not be used.

    Args:
        keys: points.
        image_key: the image that they belong to, a MetaTensor; other arrays are taken for (C, H, W) as in the file.
        keep_outside: whether points beyond the array stay, such as those that a crop cut off.
        allow_missing_keys: whether a missing key is passed over instead of an error.
    """

    def __init__(
        self,
        keys: KeysCollection,
        image_key: str = "image",
        keep_outside: bool = False,
        allow_missing_keys: bool = False,
    ) -> None:
        MapTransform.__init__(self, keys, allow_missing_keys)
        self.image_key, self.keep_outside = image_key, keep_outside

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """A copy of the dictionary with the points moved, as MetaTensors.

        Raises:
            ValueError: points lie outside of an image that nothing has moved, so that they are not of it, or its axes
                were exchanged.
        """
        output = dict(data)
        for key in self.key_iterator(output):
            image = output[self.image_key]
            height, width = image_size(image)
            plain = convert_to_tensor(output[key], wrap_sequence=True, track_meta=False).reshape(-1, 2)
            points = move(plain, file_to_array(image))
            within = inside(points, (height, width))
            if not within.all() and is_as_read(image):
                raise ValueError(
                    f"{int((~within).sum())} of {len(points)} points lie outside of an image of {width} x {height} px"
                    " that nothing has moved: they are of another one, or its axes were exchanged"
                )
            kept = points if self.keep_outside else points[within]
            output[key] = marked(kept, image)
            if isinstance(image, MetaTensor):
                matrix = file_to_array(image).tolist()
                self.push_transform(output[key], extra_info={"matrix": matrix})  # type: ignore[no-untyped-call]
        return output

    def inverse(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """A copy of the dictionary with the points in px of the file again."""
        output = dict(data)
        for key in self.key_iterator(output):
            if isinstance(output[key], MetaTensor):
                points = output[key].clone()
                matrix = self.pop_transform(points)[TraceKeys.EXTRA_INFO]["matrix"]
                back = torch.linalg.inv(torch.tensor(matrix, dtype=torch.float64))
                output[key] = move(convert_to_tensor(points, track_meta=False), back)
        return output


class PadPointsd(MapTransform):
    """Points (N, 2) to a fixed number, the rest NaN, so that MONAI's collate makes a batch of them; last of all.

    Whatever draws points passes over NaN.

    Args:
        keys: points.
        count: of points afterwards, at least as many as any image has.
        allow_missing_keys: whether a missing key is passed over instead of an error.
    """

    def __init__(self, keys: KeysCollection, count: int, allow_missing_keys: bool = False) -> None:
        super().__init__(keys, allow_missing_keys)
        self.count = count

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """A copy of the dictionary; ValueError where an image has more points than `count`."""
        output = dict(data)
        for key in self.key_iterator(output):
            points = convert_to_tensor(output[key], wrap_sequence=True).reshape(-1, 2)
            if len(points) > self.count:
                raise ValueError(f"{key} holds {len(points)} points, and {self.count} were asked for: raise count")
            rest = torch.full((self.count - len(points), 2), torch.nan, dtype=points.dtype)
            output[key] = torch.cat([points, rest.to(points.device)])
        return output
