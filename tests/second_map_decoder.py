"""A second reader of maps, written from docs/format.md alone; it shares no code with the first."""

import json
import struct
import zlib

import numpy as np

TYPES = {
    "uint8": "<u1",
    "int32": "<i4",
    "uint32": "<u4",
    "float16": "<f2",
    "float32": "<f4",
    "float64": "<f8",
}


def decode(data):
    """(header, arrays by the names of their sections, names of the places)"""
    assert data[:8] == bytes.fromhex("89 50 56 4D 41 50 0D 0A")
    version, zero, length, count, crc = struct.unpack("<HHIII", data[8:24])
    assert (version, zero) == (1, 0)
    assert zlib.crc32(data[24 : 24 + length + 4 * count]) == crc
    header = json.loads(data[24 : 24 + length])
    checksums = list(struct.unpack(f"<{count}I", data[24 + length : 24 + length + 4 * count]))
    at, arrays = 24 + length + 4 * count, {}
    for name, kind, shape in header["sections"]:
        begin = (at + 63) // 64 * 64
        assert not any(data[at:begin])
        at = begin + int(np.prod(shape)) * np.dtype(TYPES[kind]).itemsize
        for start in range(begin, at, 65536):
            assert zlib.crc32(data[start : min(start + 65536, at)]) == checksums.pop(0)
        arrays[name] = np.frombuffer(data[begin:at], TYPES[kind]).reshape(shape)
    assert at == len(data)
    assert not checksums
    ends = arrays["name_ends"].tolist()
    text = arrays["names"].tobytes()
    names = [text[a:b].decode() for a, b in zip([0, *ends], ends, strict=False)]
    return header, arrays, names


def steps(arrays):
    """[N, L] What int8 codes stand for."""
    low, step = arrays["code.low"], arrays["code.step"]
    return low + (arrays["codes"].astype(np.float32) + 0.5) * step
