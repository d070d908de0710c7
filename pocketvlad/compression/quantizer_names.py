"""The names of the quantizers, for configs, paths and checks; no quantizer is imported."""

from pathlib import Path

from pocketvlad.util.discovery import module_names

ROW = "-row"
_NAMES = module_names([str(Path(__file__).with_name("quantizers"))])
QUANTIZERS = (*_NAMES, *(name + ROW for name in _NAMES))
"""Each also by rows: every row is first divided by a scale, so that one codebook per layer serves
rows of different magnitude."""
