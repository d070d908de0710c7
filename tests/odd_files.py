"""Small files that people really have, and that programs stumble on; all are drawn here."""

import io
import struct

import numpy as np
from PIL import Image, ImageDraw, PngImagePlugin


def picture(width=160, height=120, seed=5):
    """A picture of noise and rectangles."""
    generator = np.random.default_rng(seed)
    image = Image.fromarray(generator.integers(90, 160, (height, width, 3), dtype=np.uint8))
    draw = ImageDraw.Draw(image)
    for _ in range(20):
        x, y = int(generator.integers(0, width)), int(generator.integers(0, height))
        w, h = map(int, generator.integers(10, 60, 2))
        draw.rectangle([x, y, x + w, y + h], fill=tuple(map(int, generator.integers(0, 255, 3))))
    return image


def exif(*entries):
    """An EXIF segment of (tag, type, count, value) as they are, right or wrong."""
    body, extra = struct.pack("<H", len(entries)), b""
    start = 8 + 2 + 12 * len(entries) + 4
    for tag, kind, count, value in entries:
        body += struct.pack("<HHI", tag, kind, count)
        if len(value) <= 4:
            body += value.ljust(4, b"\0")
        else:
            body += struct.pack("<I", start + len(extra))
            extra += value
    return b"Exif\0\0II*\0" + struct.pack("<I", 8) + body + struct.pack("<I", 0) + extra


def orientation(value):
    return exif((0x0112, 3, 1, struct.pack("<H", value)))


def encoded(image, kind, **options):
    """The bytes of an image file."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def long_text_png():
    """A compressed text of 3 MB, more than Pillow unpacks."""
    text = PngImagePlugin.PngInfo()
    text.add_itxt("XML:com.adobe.xmp", "x" * 3_000_000, zip=True)
    return encoded(picture(), "PNG", pnginfo=text)


def damaged_avif():
    data = bytearray(encoded(picture(), "AVIF"))
    start = data.find(b"mdat") + 4
    data[start : start + 400] = b"\xff" * len(data[start : start + 400])
    return bytes(data)


def wide_png():
    """Grey of 16 bits, the same picture as `narrow_png`."""
    grey = np.asarray(picture().convert("L"))
    return encoded(Image.fromarray(grey.astype(np.uint16) * 257), "PNG")


def narrow_png():
    return encoded(picture().convert("L"), "PNG")


def float_tiff():
    grey = np.asarray(picture().convert("L"))
    return encoded(Image.fromarray(grey.astype(np.float32) / 255), "TIFF")


def white_is_zero_tiff():
    grey = 65535 - np.asarray(picture().convert("L")).astype(np.uint16) * 257
    return encoded(Image.fromarray(grey), "TIFF", tiffinfo={262: 0})
