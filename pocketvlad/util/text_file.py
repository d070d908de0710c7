"""Text files that people wrote by whatever editor."""

import codecs
import re
from pathlib import Path

from pocketvlad.util.foreign import reason

LINE_END = re.compile(r"\r\n|\r|\n")
"""Of text files. `str.splitlines` takes more for ends, such as U+2028, which names may hold."""

_REMEDY = "save it as UTF-8"


def read_text(path: Path, ours: type[Exception]) -> str:
    """The text of a file in UTF-8, or in UTF-16 with a byte order mark. The mark is taken off.

    Raises:
        ours: there is no such file, it cannot be read, or it is no such text; names the file.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise ours(f"{path} is missing") from None
    except (OSError, ValueError) as error:
        raise ours(f"{path} cannot be read: {reason(error)}") from None
    marked = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = content.decode("utf-16" if marked else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise ours(f"{path} is no text in UTF-8: {reason(error)}; {_REMEDY}") from None
    if "\0" in text:
        raise ours(f"{path} is no text in UTF-8: it holds a zero byte; {_REMEDY}")
    return text
