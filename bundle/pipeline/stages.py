# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The stages as data: which configuration each runs, what it reads and where it writes.

A stage gets its folders by configuration ids: `dataset_dir` (what it reads), `output_dir` (its own folder, the only one
that it writes to) and, for a folder of another stage, that stage's name with `_dir`. Nothing else knows the layout.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

DATASET = "dataset"  # stands for the user's data set where a stage names the folders that it reads


@dataclass(frozen=True)
class Stage:
    """One step of the pipeline.

    Args:
        name: its name in messages and in overrides.
        folder: where it writes, below the output folder.
        does: what it does, one line for the plan.
        config_files: its configuration below `configs/`, later ones laid over earlier ones, before preset and variant.
        workflow_type: "train" or "infer", as MONAI's ConfigWorkflow takes it.
        reads: config id -> folder of an earlier stage below the output folder, or `DATASET`.
        images: which images of the data set it reads: "training", "testing".
        parts: what it reads of them: "images", "points", "labels".
        trainers: config ids of the engines whose updates take the time, in order; none for a stage that does not train.
        rehearsal: a stage to measure at planning time in its place, where it reads what does not exist yet.
        paced_by: folder of the training stage by whose updates its time is estimated; "" for a stage that trains.
        share: time of going over a pixel, in update times per pixel of a batch, for such an estimate; measured with the
            networks of train_synthesis.yaml and train.json on a CPU.
        variant: files of `configs/variants/`, separated by commas, laid over preset and configuration; "" for none.
        needs: a config id that only the user can set and without which it cannot run; "" for none.
    """

    name: str
    folder: str
    does: str
    config_files: tuple[str, ...]
    workflow_type: str
    reads: Mapping[str, str] = field(default_factory=dict)
    images: tuple[str, ...] = ()
    parts: tuple[str, ...] = ("images", "points")
    trainers: tuple[str, ...] = ()
    rehearsal: Stage | None = None
    paced_by: str = ""
    share: float = 0.0
    variant: str = ""
    needs: str = ""

    @property
    def upstream(self) -> tuple[str, ...]:
        """Folders of the stages that it reads."""
        return tuple(folder for folder in self.reads.values() if folder != DATASET)


def trained_on_real_images(
    name: str, does: str, parts: tuple[str, ...], rehearsal: Stage | None = None
) -> tuple[Stage, Stage]:
    """Training and measuring the segmenter of a baseline: the variant `name`, trained on the real images."""
    folder = f"baselines/{name}/segmentation"
    train = Stage(
        name="segmentation",
        folder=folder,
        does=does,
        config_files=("train.json",),
        workflow_type="train",
        reads={"dataset_dir": DATASET},
        images=("training",),
        parts=parts,
        trainers=("train::trainer",),
        rehearsal=rehearsal,
        variant=name,
    )
    return train, prediction_stage(f"baselines/{name}/predictions", folder)


def prediction_stage(folder: str, segmentation: str) -> Stage:
    """Segmenting and measuring the testing images with the segmenter in the folder `segmentation`."""
    return Stage(
        name="predictions",
        folder=folder,
        does="segments the testing images and measures where labels exist",
        config_files=("evaluate.yaml",),
        workflow_type="infer",
        reads={"dataset_dir": DATASET, "segmentation_dir": segmentation},
        images=("testing",),
        parts=("images", "points", "labels"),
        paced_by=segmentation,
        share=2.0,
    )


def method(
    prefix: str = "", variant: str = "", painted: bool = True, real: bool = True
) -> tuple[Stage, Stage, Stage, Stage]:
    """The four stages of the method.

    Args:
        prefix: what their folders begin with.
        variant: one of their own.
        painted: whether they say that synthetic images are painted and learnt from; where not, variants see to it.
        real: whether they say that real images are labelled and learnt from; likewise.
    """
    ones = "ones" if painted else "images"
    made = ["paints synthetic images over drawn masks"] * painted + [f"labels the real {ones} from their points"] * real
    used = ["synthetic images"] * painted + [f"real {ones}, labelled from their points"] * real
    synthesis = Stage(
        name="synthesis",
        folder=f"{prefix}synthesis",
        does="learns to paint images over drawn masks" if painted else "learns from ellipses where nuclei are",
        config_files=("train_synthesis.yaml",),
        workflow_type="train",
        reads={"dataset_dir": DATASET},
        images=("training",),
        trainers=("warm_start::trainer", "train::trainer"),
        variant=variant,
    )
    synthetic = Stage(
        name="synthetic",
        folder=f"{prefix}synthetic",
        does=", ".join(made),
        config_files=("synthesize.yaml",),
        workflow_type="infer",
        reads={"dataset_dir": DATASET, "synthesis_dir": synthesis.folder},
        images=("training",),
        paced_by=synthesis.folder,
        share=1.2,
        variant=variant,
    )
    segmentation = Stage(
        name="segmentation",
        folder=f"{prefix}segmentation",
        does="trains the segmenter on " + " and ".join(used),
        config_files=("train.json", "train_on_synthetic.yaml"),
        workflow_type="train",
        reads={"dataset_dir": DATASET, "synthetic_dir": synthetic.folder},
        images=("training",),
        trainers=("train::trainer",),
        rehearsal=ELLIPSES[0],
        variant=variant,
    )
    return synthesis, synthetic, segmentation, prediction_stage(f"{prefix}predictions", segmentation.folder)


def from_weights() -> tuple[Stage, Stage, Stage]:
    """The stages that are left where a trained segmenter labels the real images: no F and no G is trained."""
    _, synthetic, segmentation, measured = method(painted=False)
    labels = replace(
        synthetic,
        does="labels the real images by what a trained segmenter finds, their colours and their points",
        reads={"dataset_dir": DATASET},
        paced_by=segmentation.folder,
        share=4.0,
    )
    return labels, segmentation, measured


def method_with(variants: Collection[str], beside: Iterable[Stage] = ()) -> tuple[Stage, ...]:
    """The stages of the method, as they are with the user's variants.

    Args:
        variants: the user's.
        beside: stages of baselines that run with the same variants.

    Raises:
        ValueError: a baseline needs a generator, and a variant trains none; variants that exclude each other.
    """
    without = [name for name in WITHOUT_GENERATOR if name in variants]
    if not without:
        return METHOD
    if PAINTED in variants:
        raise ValueError(f"the variants {PAINTED} and {without[0]} exclude each other: choose one")
    if len(without) > 1:
        raise ValueError(f"the variants {' and '.join(without)} label the real images each in its own way: choose one")
    (name,) = without
    if painting := [stage.folder for stage in beside if stage.name == "synthesis" or "synthesis_dir" in stage.reads]:
        raise ValueError(f"the variant {name} trains no generator, and {painting[0]} needs one: leave one out")
    return WITHOUT_GENERATOR[name]


ELLIPSES = trained_on_real_images(
    "ellipses", "trains the segmenter on ellipses as labels of the real images", ("images", "points")
)
METHOD, REAL_ONLY, PRETRAINED = method(), method(painted=False), from_weights()
LABELS_ALONE, PAINTED = "real_only", "painted"  # variants: no synthetic images, or synthetic images whatever the clicks
WITHOUT_GENERATOR = {LABELS_ALONE: REAL_ONLY, "pretrained": PRETRAINED}  # variants that leave stages out
REPORT = "report"
