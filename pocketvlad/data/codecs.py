"""Formats of photographs that only some installations can decode, and what to install."""

from functools import cache
from importlib.util import find_spec

from pocketvlad.data.image_names import HEIF

_HEIF_REMEDY = "HEIC needs pillow-heif: pip install 'pocketvlad[heic]', or convert it to JPEG"
_AVIF_REMEDY = "AVIF needs Pillow 11.3 or newer: pip install -U pillow, or convert it to JPEG"
_CODECS = {  # brands of codecs: those of the file format (mif1, msf1) stand in files of both
    HEIF[0]: (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"),
    ".avif": (b"avif", b"avis"),
}
HEAD = 64  # bytes of a file that tell


@cache
def reads_heif() -> bool:
    """Whether HEIC can be decoded; if so, Pillow can from now on."""
    if find_spec("pillow_heif") is None:
        return False
    from pillow_heif import register_heif_opener

    register_heif_opener()
    return True


@cache
def reads_avif() -> bool:
    from PIL import features

    return "avif" in features.modules and features.check("avif")


def missing_codec(suffix: str) -> str | None:
    """What files of this suffix need that is not installed; None: nothing."""
    if suffix in HEIF and not reads_heif():
        return _HEIF_REMEDY
    if suffix == ".avif" and not reads_avif():
        return _AVIF_REMEDY
    return None


def codec_missed(head: bytes) -> str | None:
    """The same for a file that begins with these bytes, whatever it is called."""
    if head[4:8] != b"ftyp":
        return None
    box = head[: int.from_bytes(head[:4])]
    brands = {box[at : at + 4] for at in (8, *range(16, len(box), 4))}
    for suffix, own in _CODECS.items():
        if brands.intersection(own):
            return missing_codec(suffix)
    return None
