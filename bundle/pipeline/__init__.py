# Copyright 2026 The points-to-nuclei contributors
# SPDX-License-Identifier: Apache-2.0
"""The pipeline: runs the stages of a configuration in order, skips what is done, resumes what was cut."""
