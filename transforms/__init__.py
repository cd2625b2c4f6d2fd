# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""MONAI transforms between points, ellipses, labels and hover maps; docs/transforms.md shows them composed.

Those of `transforms.augment` work on whole batches and are no MONAI transforms.
"""

from .image_points import PadPointsd, PointsToImaged
from .instances.classes_to_label import ClassesToLabel, ClassesToLabeld, classes_to_label
from .instances.hover_to_label import HoverToLabel, HoverToLabeld, hover_to_label
from .instances.split_by_points import split_by_points
from .maps.classes import class_map
from .maps.hover import HoverMap, HoverMapd, hover_map
from .maps.points import PointMap, PointMapd, point_map
from .resample import ResampleToSpacingd, RestoreSized
from .shapes.blobs import BlobSampler
from .shapes.ellipse_label import RandEllipseLabel, RandEllipseLabeld
from .shapes.ellipses import BetaAreaLaw, EllipseSampler, TightAreaLaw, UniformAreaLaw

__all__ = [
    "BetaAreaLaw",
    "BlobSampler",
    "ClassesToLabel",
    "ClassesToLabeld",
    "EllipseSampler",
    "HoverMap",
    "HoverMapd",
    "HoverToLabel",
    "HoverToLabeld",
    "PadPointsd",
    "PointMap",
    "PointMapd",
    "PointsToImaged",
    "RandEllipseLabel",
    "RandEllipseLabeld",
    "ResampleToSpacingd",
    "RestoreSized",
    "TightAreaLaw",
    "UniformAreaLaw",
    "class_map",
    "classes_to_label",
    "hover_map",
    "hover_to_label",
    "point_map",
    "split_by_points",
]
