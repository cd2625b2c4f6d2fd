# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The table of objects as Parquet: typed columns for pandas, R or DuckDB. As CSV, `ObjectTable` writes itself."""

from __future__ import annotations

import os

from ..files.atomic import write_whole
from ..files.optional import need
from .table import ObjectTable


def write_parquet(path: str | os.PathLike[str], table: ObjectTable, mpp: float | None = None) -> None:
    """Write a table of objects; columns as in the CSV.

    Args:
        path: the file, `.parquet`.
        table: of one image; unknown areas in um2 become missing values.
        mpp: um per px, kept as `mpp` among the file's metadata where it is known.

    Raises:
        ValueError: the package pyarrow is not installed.
    """
    arrow, parquet = need("pyarrow", "Parquet"), need("pyarrow.parquet", "Parquet")
    area_um2 = arrow.nulls(len(table), arrow.float64()) if table.area_um2 is None else arrow.array(table.area_um2)
    columns = {
        "id": arrow.array(table.ids),
        "x": arrow.array(table.centroids[:, 0]),
        "y": arrow.array(table.centroids[:, 1]),
        "area_px": arrow.array(table.area_px),
        "area_um2": area_um2,
        "confidence": arrow.array(table.confidence),
    }
    metadata = {} if mpp is None else {"mpp": f"{mpp:g}"}
    content = arrow.table(columns).replace_schema_metadata(metadata)
    write_whole(path, lambda stream: parquet.write_table(content, stream))
