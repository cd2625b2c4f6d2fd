# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Which files the objects of one image can be written as, by the names that a user chooses them by."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from ..files.optional import need
from .asap import write_asap
from .geojson import write_geojson
from .ome_zarr import write_ome_zarr
from .parquet import write_parquet
from .polygons import SlideObject, outline_objects
from .simplify import simplify
from .table import ObjectTable
from .volumes import write_nifti, write_nrrd


@dataclass(frozen=True)
class Result:
    """What is known of an image once it is segmented."""

    name: str  # of the image, without its ending
    image: Tensor  # float32 (C, H, W) in [0, 1]
    label: Tensor  # int32 (1, H, W), 0 = background
    table: ObjectTable  # of all ids of the label
    mpp: float | None  # um per px, None = unknown
    tolerance: float = 0.0  # px: how far outlines may leave the edges of pixels


@dataclass(frozen=True)
class ObjectFormat:
    """One kind of file."""

    folder: str  # of the output folder, where its files lie
    suffix: str  # after the image's name
    write: Callable[[Path, Result], object]
    package: str | None = None  # needed for it alone

    def path(self, output: str | os.PathLike[str], name: str) -> Path:
        """The file of the image with this name."""
        return Path(output) / self.folder / f"{name}{self.suffix}"


FORMATS: Mapping[str, ObjectFormat] = {
    "geojson": ObjectFormat(
        "geojson", ".geojson", lambda path, of: write_geojson(path, objects_of_result(of), of.name)
    ),
    "asap": ObjectFormat("asap", ".xml", lambda path, of: write_asap(path, objects_of_result(of))),
    "nifti": ObjectFormat("nifti", ".nii.gz", lambda path, of: write_nifti(path, of.label, of.mpp)),
    "nrrd": ObjectFormat("nrrd", ".nrrd", lambda path, of: write_nrrd(path, of.label, of.mpp)),
    "parquet": ObjectFormat("objects", ".parquet", lambda path, of: write_parquet(path, of.table, of.mpp), "pyarrow"),
    "ome-zarr": ObjectFormat(
        "ome_zarr", ".ome.zarr", lambda path, of: write_ome_zarr(path, of.image, of.label, of.mpp), "zarr"
    ),
}


def choose_formats(names: str) -> tuple[ObjectFormat, ...]:
    """Formats by their names.

    Args:
        names: such as "geojson,nrrd"; may be empty.

    Raises:
        ValueError: there is no such format, or the package that it needs is not installed.
    """
    wanted = list(dict.fromkeys(filter(None, (name.strip().lower() for name in names.split(",")))))
    unknown = [name for name in wanted if name not in FORMATS]
    if unknown:
        raise ValueError(f"formats holds {unknown[0]!r}: choose among {', '.join(FORMATS)}, separated by commas")
    for name in wanted:
        if package := FORMATS[name].package:
            need(package, f"the format {name}")
    return tuple(FORMATS[name] for name in wanted)


def objects_of_result(result: Result) -> Iterator[SlideObject]:
    """The objects of an image as polygons, with the numbers of its table as measurements."""
    outlines, table = outline_objects(result.label), result.table
    for index, identity in enumerate(table.ids.tolist()):
        parts = outlines[identity]
        if result.tolerance > 0:
            parts = simplify(parts, result.tolerance)
        yield SlideObject(identity, parts, measurements_of(table, index))


def measurements_of(table: ObjectTable, index: int) -> dict[str, float]:
    """One row of a table under the names that QuPath shows; what is unknown is left out."""
    area_um2 = {} if table.area_um2 is None else {"Area µm^2": float(table.area_um2[index])}
    return {"Area px^2": float(table.area_px[index]), **area_um2, "Confidence": float(table.confidence[index])}
