"""What rounding did to a base model: its name in headers of files, and in words."""

from collections.abc import Mapping

from pocketvlad.networks.architecture import Architecture
from pocketvlad.util.counted import counted

ROUNDED = "rounded"
"""The recipe of what was rounded to a distortion."""
AS_ROUNDED = "as rounded"
"""What was kept where tuning was no better."""


def _tuned(settings: Mapping, header: Mapping) -> str:
    if header["compression"].get("kept", AS_ROUNDED) == AS_ROUNDED:
        return ""
    tuning = settings["tuning"]
    return (
        f"{counted(tuning['steps'], 'step', form=',')} of tuning straight through on "
        f"{counted(tuning['crops_per_step'], 'crop')} each, "
    )


def rounding_account(dial: str, header: Mapping, zero_percent: float) -> str:
    """A clause for the model card.

    Args:
        dial: the setting that says how coarsely, "distortion 0.1".
        header: of the rounded file.
        zero_percent: weights that are zero.
    """
    settings = header["compression"]["rounding"]["settings"]
    length = settings["length"]
    shorter = length is not None and length < Architecture.of(header["architecture"]).length
    cut = f", all that makes components of the descriptor after its first {length} among them"
    trellis = " on a trellis" if settings.get("trellis") else ""
    return (
        f"rounding by rate and distortion{trellis} ({dial}, `docs/compression.md`), which makes "
        f"{zero_percent:.1f} % of the weights zero{cut if shorter else ''}, "
        f"{_tuned(settings, header)}then entropy coding"
    )
