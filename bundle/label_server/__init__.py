# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""What a labelling server does with images and clicks; docs/monailabel_app is the server that does it."""
