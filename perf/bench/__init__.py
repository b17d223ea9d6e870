# SPDX-License-Identifier: Apache-2.0
"""The parts of perf/run: one concept a file. Start with main.py, then rows.py."""
