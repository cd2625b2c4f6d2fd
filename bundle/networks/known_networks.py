# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The networks that a description may name, each with its arguments and what they may be.

A description (model.json) may be a stranger's. Nothing is imported or called for a name that does not stand here, and
nothing is built with an argument that does not. No argument on this list loads or downloads anything. Of MONAI's
networks these are the ones that are tested here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ..files.value_rules import FLAG, NOTHING, Rule, above, choice, either, many, named_with, number, whole

Arguments = Mapping[str, Rule]

LEVELS = 10  # of resolution
FEATURES = whole(1, 8192)
COUNTS = whole(0, 512)
SHARE = Rule("a share from 0 to below 1", lambda value: number(0, 1).fits(value) and value < 1)
IMAGE_CHANNELS = whole(1, 3)
OURS: Mapping[str, Arguments] = {
    "bundle.networks.compact.Compact": {
        "image_channels": IMAGE_CHANNELS,
        "channels": many(FEATURES, 1, LEVELS),
        "norm": choice("layer", "batch", "none"),
    },
    "bundle.networks.hovernet.HoverNet": {
        "image_channels": IMAGE_CHANNELS,
        "width": above(0, 4),
        "norm": choice("instance", "group"),
    },
    "bundle.networks.cnn3.CNN3": {
        "image_channels": IMAGE_CHANNELS,
        "width": above(0, 16),
        "dropout": many(SHARE, 4, 4),
    },
    "bundle.networks.lite.Lite": {
        "image_channels": IMAGE_CHANNELS,
        "channels": many(FEATURES, 4, 4),
        "norm": choice("layer", "batch", "none"),
    },
    "bundle.networks.resnet.ResNetMapper": {
        "image_channels": IMAGE_CHANNELS,
        "width": FEATURES,
        "blocks": whole(0, 64),
    },
    "bundle.networks.resnet.ResNetGenerator": {
        "width": FEATURES,
        "in_channels": choice(3),
        "image_channels": IMAGE_CHANNELS,
        "global_noise": COUNTS,
        "local_noise": COUNTS,
        "blocks": whole(0, 64),
    },
    "bundle.networks.unet_generator.UNetGenerator": {
        "image_channels": IMAGE_CHANNELS,
        "global_noise": COUNTS,
        "local_noise": COUNTS,
        "style_channels": COUNTS,
        "tissue_reach": COUNTS,
        "channels": many(FEATURES, 1, LEVELS),
        "norm": choice("layer", "batch", "none"),
    },
    "bundle.networks.spade.SPADEGenerator": {
        "width": FEATURES,
        "in_channels": choice(3),
        "image_channels": IMAGE_CHANNELS,
        "global_noise": COUNTS,
        "local_noise": COUNTS,
        "style_channels": COUNTS,
        "hidden": FEATURES,
        "multipliers": many(FEATURES, 2, LEVELS),
        "padding_mode": choice("reflect", "zeros"),
    },
}

NORM_OPTIONS = {
    "affine": FLAG,
    "num_groups": FEATURES,
    "eps": above(0, 1),
    "momentum": number(0, 1),
    "track_running_stats": FLAG,
}
NORM = named_with(choice("instance", "batch", "group", "INSTANCE", "BATCH", "GROUP"), NORM_OPTIONS)
ACTIVATIONS = ("relu", "leakyrelu", "prelu", "elu", "gelu", "swish", "mish")
ACTIVATION = named_with(
    choice(*ACTIVATIONS, *(name.upper() for name in ACTIVATIONS), "LeakyReLU"),
    {"inplace": FLAG, "negative_slope": number(0, 1), "alpha": number(0, 10), "init": number(-1, 1)},
)
KERNEL = Rule("an odd number from 1 to 15", lambda value: whole(1, 15).fits(value) and value % 2 == 1)
STRIDE = whole(1, 4)
LAYERS = many(whole(1, 16), 1, LEVELS)
PLANE = {  # MONAI's own defaults are volumes of one channel
    "spatial_dims": replace(choice(2), required=True),
    "in_channels": replace(IMAGE_CHANNELS, required=True),
    "out_channels": replace(choice(3), required=True),
}
ENCODERS = ("resnet18", "resnet34", "resnet50", "efficientnet-b0", "efficientnet-b1", "efficientnet-b2")


def one_or_two(rule: Rule) -> Rule:
    """A number for both axes, or one for each."""
    return either(rule, many(rule, 2, 2))


MONAIS: Mapping[str, Arguments] = {
    "monai.networks.nets.unet.UNet": {
        **PLANE,
        "channels": many(FEATURES, 2, LEVELS),
        "strides": many(STRIDE, 1, LEVELS),
        "kernel_size": one_or_two(KERNEL),
        "up_kernel_size": one_or_two(KERNEL),
        "num_res_units": whole(0, 16),
        "act": ACTIVATION,
        "norm": NORM,
        "dropout": SHARE,
        "bias": FLAG,
        "adn_ordering": choice("NDA", "NAD", "DNA", "DAN", "AND", "ADN", "NA", "AN", "A"),
    },
    "monai.networks.nets.basic_unet.BasicUNet": {
        **PLANE,
        "features": many(FEATURES, 6, 6),
        "act": ACTIVATION,
        "norm": NORM,
        "bias": FLAG,
        "dropout": SHARE,
        "upsample": choice("deconv", "nontrainable", "pixelshuffle"),
    },
    "monai.networks.nets.segresnet.SegResNet": {
        **PLANE,
        "init_filters": FEATURES,
        "dropout_prob": either(SHARE, NOTHING),
        "act": ACTIVATION,
        "norm": NORM,
        "num_groups": FEATURES,
        "use_conv_final": choice(True),
        "blocks_down": LAYERS,
        "blocks_up": LAYERS,
        "upsample_mode": choice("nontrainable", "deconv", "pixelshuffle"),
    },
    "monai.networks.nets.attentionunet.AttentionUnet": {
        **PLANE,
        "channels": many(FEATURES, 2, LEVELS),
        "strides": many(STRIDE, 1, LEVELS),
        "kernel_size": KERNEL,
        "up_kernel_size": KERNEL,
        "dropout": SHARE,
    },
    "monai.networks.nets.dynunet.DynUNet": {
        **PLANE,
        "kernel_size": many(one_or_two(KERNEL), 3, LEVELS),
        "strides": many(one_or_two(STRIDE), 3, LEVELS),
        "upsample_kernel_size": many(one_or_two(whole(1, 4)), 2, LEVELS),
        "filters": either(many(FEATURES, 3, LEVELS), NOTHING),
        "dropout": either(SHARE, NOTHING),
        "norm_name": NORM,
        "act_name": ACTIVATION,
        "deep_supervision": choice(False),
        "res_block": FLAG,
        "trans_bias": FLAG,
    },
    "monai.networks.nets.flexible_unet.FlexibleUNet": {
        **PLANE,
        "backbone": choice(*ENCODERS),
        "pretrained": choice(False),  # true downloads weights
        "decoder_channels": many(FEATURES, 1, LEVELS),
        "norm": NORM,
        "act": ACTIVATION,
        "dropout": SHARE,
        "decoder_bias": FLAG,
        "upsample": choice("nontrainable", "deconv", "pixelshuffle"),
        "interp_mode": choice("nearest", "bilinear"),
        "is_pad": FLAG,
    },
}

KNOWN_NETWORKS: Mapping[str, Arguments] = {**OURS, **MONAIS}
SHORT_NAMES = {f"monai.networks.nets.{name.rpartition('.')[2]}": name for name in MONAIS}  # as MONAI's users write them
