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


def rows_of(code, arrays, codes, before="code."):
    """[N, L] What `codes` [N, B] stand for, of what a header has as `code`; a finer code is not
    looked at."""
    axes = arrays.get(f"{before}axes")
    length = int(arrays[f"{before}components"][0]) if axes is None else len(axes)
    kind = code["type"]
    if kind in ("float32", "float16"):
        numbers = length * np.dtype(TYPES[kind]).itemsize
        return np.array([np.frombuffer(row[:numbers].tobytes(), TYPES[kind]) for row in codes])
    if kind == "int8":
        low, step = arrays[f"{before}low"], arrays[f"{before}step"]
        return low + (codes[:, :length].astype(np.float64) + 0.5) * step
    if kind in ("bits", "rotated-bits"):
        levels = arrays[f"{before}levels"]
        rows = [
            [levels[int(row[i // 8]) >> (i % 8) & 1, i] for i in range(length)] for row in codes
        ]
    else:
        assert kind == "product-quantization"
        rows = [parts_of(row, arrays[f"{before}centres"], code["bytes"], length) for row in codes]
    rows = np.array(rows, np.float64)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def parts_of(row, centres, size, length):
    """[L] A row of product quantization."""
    numbers = row[:size].tolist()
    if centres.shape[1] == 16:
        numbers = [half for byte in numbers for half in (byte % 16, byte // 16)]
    q, r = divmod(length, len(numbers))
    found = []
    for part, number in enumerate(numbers):
        found += centres[part, number, : q + 1 if part < r else q].tolist()
    return found


def prepared(code, arrays, query, before="code."):
    """[L] A query [D], ready to be compared with rows."""
    axes = arrays.get(f"{before}axes")
    query = query.astype(np.float64)
    if axes is not None:
        query = axes.astype(np.float64) @ query
        query = query / np.linalg.norm(query)
    length = len(query)
    if code["type"] in ("rotated-bits", "product-quantization"):
        i, u = np.arange(length), np.arange(length)[:, None]
        cosines = np.cos(np.pi * (2 * i + 1) * u / (2 * length)) * np.sqrt(2 / length)
        cosines[0] = np.sqrt(1 / length)
        for signs in arrays[f"{before}signs"]:
            flips = [int(signs[k // 8]) >> (k % 8) & 1 for k in range(length)]
            query = cosines @ np.where(flips, -query, query)
    return query
