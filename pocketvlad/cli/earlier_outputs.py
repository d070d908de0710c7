"""Whether a file that no suffix tells of is an earlier output: by how it begins."""

import re
from pathlib import Path

_LONGEST = 64  # bytes that any of them begins with


def _beginnings() -> dict[str, bytes]:
    """By the suffix that a verb's outputs have. Of these, other programs write pictures alone."""
    from pocketvlad.format import compressed_file, map_prefix  # not for every start of the command

    return {
        ".csv": rb"query,",
        ".npz": rb"PK\x03\x04.{26}names\.npy",
        ".onnx": rb"\x08.\x12\npocketvlad",
        ".png": rb"\x89PNG\r\n",
        ".pvlad": re.escape(compressed_file.MAGIC),
        ".pvmap": re.escape(map_prefix.MAGIC),
        ".safetensors": rb'.{8}\{"__metadata__":\{"pocketvlad"',
    }


def is_earlier_output(path: Path, suffix: str) -> bool:
    """Whether a file begins as those that verbs write.

    Args:
        suffix: of the format that is asked about.

    Raises:
        OSError: it cannot be read.
    """
    beginning = _beginnings().get(suffix)
    with open(path, "rb") as file:
        found = file.read(_LONGEST)
    return beginning is not None and re.match(beginning, found, re.DOTALL) is not None
