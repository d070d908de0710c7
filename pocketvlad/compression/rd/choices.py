"""What was chosen for a base model: the file settings.json beside it."""

import json
from collections.abc import Mapping
from pathlib import Path

from pocketvlad.util.json_file import write_json

_LENGTH = "rd.length"


class ChoiceError(ValueError):
    """A file does not say what was chosen; the message names it."""


def write_choices(path: Path, length: Mapping[str, object]) -> None:
    """Write the file; whole or not at all.

    Args:
        length: the record of the length, its value under "chosen".
    """
    write_json(path, {_LENGTH: length})


def chosen_length(path: Path | str) -> int:
    """The length that was chosen.

    Raises:
        ChoiceError: the file has none; names it.
    """
    try:
        length = json.loads(Path(path).read_text(encoding="utf-8"))[_LENGTH]["chosen"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ChoiceError(
            f"{path} does not say which length was chosen ({error!r}); delete it and run again"
        ) from None
    if type(length) is not int:
        raise ChoiceError(f"{path}: {length!r} is no length; delete it and run again")
    return length
