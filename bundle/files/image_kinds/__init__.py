# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""What a picture's file means: TIFF, PNG and JPEG as stored, axes, samples, bits, palettes, um per px, intensities."""
