"""Photographs: their size, whether they are whole, their pixels."""

import io
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from random import Random

import numpy as np
from PIL import Image, features

from fuzz.mutations import Change
from pocketvlad.data.images import ImageError, image_size, intact_size, load_image
from pocketvlad.data.settings import Sizing

SUFFIX = ".jpg"
ERRORS = ImageError
_SIZING = Sizing(20, "bilinear", True)
_PNG = b"\x89PNG\r\n\x1a\n"
_MOST = 1 << 22  # pixels; Pillow refuses twice as many. Its own bound is that of large photographs


def read(path: Path) -> None:
    most = Image.MAX_IMAGE_PIXELS
    Image.MAX_IMAGE_PIXELS = _MOST
    try:
        _read(path)
    finally:
        Image.MAX_IMAGE_PIXELS = most


def _read(path: Path) -> None:
    width, height = image_size(path, upright=True)
    intact_size(path)
    load_image(path, _SIZING, upright=True)
    if min(width, height) > 2:
        load_image(path, Sizing(20, "bicubic", False), (1, 1, 2, 2), upright=True)


def changed(data: bytes, random: Random, change: Change) -> bytes:
    """A PNG with one chunk that is another, all checksums right; plain bytes of other formats."""
    if not data.startswith(_PNG) or random.random() < 0.1:
        return change(data)
    chunks, at = [], len(_PNG)
    while at + 8 <= len(data):
        [size] = struct.unpack_from(">I", data, at)
        chunks.append(data[at + 4 : at + 8 + size])
        at += 12 + size
    number = random.randrange(len(chunks))
    chunk = chunks[number]
    if chunk[:4] == b"IDAT" and random.random() < 0.5:
        chunks[number] = b"IDAT" + zlib.compress(change(zlib.decompress(chunk[4:])))
    elif random.random() < 0.1:
        chunks.insert(number, chunk)
    else:
        chunks[number] = chunk[:4] + change(chunk[4:])
    sums = [struct.pack(">I", zlib.crc32(each)) for each in chunks]
    lengths = [struct.pack(">I", len(each) - 4) for each in chunks]
    return _PNG + b"".join(map(b"".join, zip(lengths, chunks, sums, strict=True)))


def seeds() -> Iterator[bytes]:
    small = Image.fromarray(np.arange(6 * 5 * 3, dtype=np.uint8).reshape(5, 6, 3))
    exif = Image.Exif()
    exif[0x0112] = 6
    wide = Image.fromarray(np.arange(30, dtype=np.uint16).reshape(5, 6) * 2000)

    def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
        buffer = io.BytesIO()
        image.save(buffer, kind, **options)
        return buffer.getvalue()

    yield encoded(small, "JPEG", exif=exif)
    yield encoded(small.convert("CMYK"), "JPEG", progressive=True)
    yield encoded(small, "PNG", exif=exif)
    yield encoded(small.convert("P"), "PNG", transparency=0)
    yield encoded(wide, "PNG")
    yield encoded(wide, "TIFF")
    yield encoded(small, "TIFF", compression="tiff_lzw")
    yield encoded(small.convert("1"), "TIFF", compression="group4")
    yield encoded(small, "WEBP", exif=exif)
    yield encoded(small, "BMP")
    yield encoded(small, "GIF")
    yield encoded(small, "PPM")
    if features.check("avif"):
        yield encoded(small, "AVIF")
    try:
        from pillow_heif import register_heif_opener
    except ModuleNotFoundError:
        return
    register_heif_opener()
    yield encoded(small.resize((16, 16)), "HEIF")
