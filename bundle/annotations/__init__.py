# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""Points in, from where people click: a reader for each format, and folders of images with points made from them.

Every reader gives px of the image with pixel centres at integers; docs/points.md says what each program means by its
numbers. Regions that were clicked completely become tiles (`tiles`).
"""
