"""The file of a rival: named arrays, a small header, and a checksum.

| bytes | what |
|---|---|
| 8 | `RIVAL` and line ends, which a program that rewrites them damages |
| 8, 4, 4 | bytes that follow, their CRC-32, and how many of them are the header |
| n | header: JSON, packed by zlib; its `arrays` are [name, type, shape] |
| ... | the arrays, in this order |

All rivals pay these few hundred bytes alike.
"""

import json
import math
import struct
import zlib
from collections.abc import Mapping

import numpy as np

from pocketvlad.format.error import FormatError

_MAGIC = b"RIVAL\r\n\x1a"
_PREFIX = struct.Struct("<8sQII")


def pack(arrays: Mapping[str, np.ndarray], **header: object) -> bytes:
    """`arrays` of any types and shapes, and what else must be known, as the bytes of a file."""
    arrays = {
        name: np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
        for name, array in arrays.items()
    }
    listed = [[name, array.dtype.str, list(array.shape)] for name, array in arrays.items()]
    text = json.dumps({**header, "arrays": listed}, sort_keys=True, separators=(",", ":"))
    packed = zlib.compress(text.encode(), 9)
    body = b"".join([packed, *(array.tobytes() for array in arrays.values())])
    return _PREFIX.pack(_MAGIC, len(body), zlib.crc32(body), len(packed)) + body


def unpack(data: bytes) -> tuple[dict[str, np.ndarray], dict[str, object]]:
    """(arrays, header) as `pack` was given them; the arrays are views of `data`.

    Raises:
        FormatError: not a rival's file, cut short, or damaged.
    """
    if len(data) < _PREFIX.size or not data.startswith(_MAGIC):
        raise FormatError("it does not begin as a rival's file does")
    _, size, checksum, header_size = _PREFIX.unpack_from(data)
    body = memoryview(data)[_PREFIX.size :]
    if len(body) != size:
        raise FormatError(f"{len(body)} bytes follow the prefix, {size} declared")
    if zlib.crc32(body) != checksum or header_size > size:
        raise FormatError("damaged (checksum)")
    header = json.loads(zlib.decompress(body[:header_size]))
    arrays, begin = {}, header_size
    for name, kind, shape in header.pop("arrays"):
        arrays[name] = np.frombuffer(body, kind, math.prod(shape), begin).reshape(shape)
        begin += arrays[name].nbytes
    return arrays, header
