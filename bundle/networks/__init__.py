# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Networks: generators of images, image-to-hover-map networks (F and N alike) and patch discriminators."""
