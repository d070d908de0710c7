"""The config's sections that declare data: sources and data sets. Free of torch."""

from dataclasses import dataclass
from typing import ClassVar

from pocketvlad.data.protocols import protocol_names
from pocketvlad.util.seeds import LARGEST_SEED
from pocketvlad.util.settings import Value, setting

STYLES = ("oxford", "paris")
IN_NAMES = "names"
"""What a data set's `positions` is where images' names have them."""
QUERIES = "queries"
"""The folder of the queries of a data set without lists, unless its section names another."""


@dataclass(frozen=True, kw_only=True)
class SourceSection:
    """A file from elsewhere."""

    urls: tuple[str, ...] = setting(
        "where the file is, in order of preference; a relative file url (file:name.tar) starts "
        "from the data folder; package:name/folder/file is a file of an installed Python package",
        shortest=1,
        items=Value(
            form="a url, https://..., http://..., file:... or package:.../...",
            pattern="^(https?://|file:|package:[^/]+/).+",
        ),
    )
    checksum: str | None = setting(
        "the digest of the file; leave it out if none is published",
        None,
        form="md5, sha256 or sha256-prefix (the first 8 or more digits), a colon, and the digest "
        "in lower-case hexadecimal",
        pattern="^(md5:[0-9a-f]{32}|sha256:[0-9a-f]{64}|sha256-prefix:[0-9a-f]{8,63})$",
    )
    size: int | None = setting(
        "the size of the file; leave it out if it is not known", None, unit="bytes", minimum=1
    )
    licence: str | None = setting("what its publisher allows", None)


@dataclass(frozen=True, kw_only=True)
class RenderSection:
    """An embedded city. What is left out has the renderer's own default."""

    style: str = setting("the kind of city", choices=STYLES)
    seed: int = setting("another seed draws another city", minimum=0, maximum=LARGEST_SEED)
    landmarks: int | None = setting("landmarks", None, minimum=2, maximum=11)
    queries: int | None = setting("queries per landmark", None, minimum=1)
    views: int | None = setting("pictures per landmark", None, minimum=2)
    distractors: int | None = setting("pictures that show no landmark", None, minimum=0)
    size: int | None = setting(
        "the longest side of a picture, a multiple of 4",
        None,
        unit="pixels",
        minimum=48,
        maximum=2048,
    )
    variety: float | None = setting(
        "how much viewpoints, light and cameras differ: the difficulty", None, minimum=0, maximum=1
    )


@dataclass(frozen=True, kw_only=True)
class DatasetSection:
    """A data set: archives, a folder of one's own, or an embedded city."""

    RULES: ClassVar = {
        "oneOf": [{"required": [name]} for name in ("images", "folder", "render")],
        "dependentRequired": {
            "images": ["ground_truth", "expected_images", "expected_queries"],
            "render": ["expected_images", "expected_queries"],
        },
        "dependentSchemas": {
            "render": {
                "properties": {
                    "ground_truth": {
                        "description": "nothing: what is drawn has its own ground truth; remove it",
                        "not": {},
                    }
                }
            }
        },
    }

    images: tuple[str, ...] | None = setting(
        "archives of images", None, shortest=1, items=Value(form="the name of an entry of sources")
    )
    folder: str | None = setting(
        "images of your own, which stay there; a relative path starts from the data folder",
        None,
        form="the path of a folder of images and of folders with images",
        shortest=1,
    )
    render: RenderSection | None = setting("an embedded city, drawn by the workflow", None)
    ground_truth: tuple[str, ...] | str | None = setting(
        "which images show what a query shows; a relative path starts from the data folder. A test "
        "set that is a folder needs none if it has positions",
        None,
        form="names of entries of sources, [gt.tgz] (archives of official lists, or one .pkl or "
        ".csv), or the path of a folder of official lists, of an archive of them, of a .pkl or of "
        "a .csv",
        shortest=1,
        items=Value(form="the name of an entry of sources"),
    )
    protocol: str | None = setting(
        "the kind of ground truth. original: good, ok and junk. revisited: easy, hard and junk, "
        "queries out of the database. original unless told",
        None,
        choices=tuple(protocol_names()),
    )
    positions: str | None = setting(
        "where images were taken, for Recall@N: a table image,easting,northing or "
        "image,latitude,longitude, or the names of the images (see docs/interoperate.md); a "
        "relative path starts from the data folder. A city that is drawn has positions unasked",
        None,
        form=f"{IN_NAMES}, or the path of a .csv",
        pattern=rf"^({IN_NAMES}|.*\.[cC][sS][vV])$",
    )
    queries: str | None = setting(
        "where positions are known and there is no ground truth: the folder within `folder` whose "
        "images are the queries, all others being the database; `queries` if there is one. Without "
        "such a folder each image is asked for all others",
        None,
        form="the path of a folder within `folder`",
        pattern=r"^(?!/)(?!(.*/)?\.\.(/|$)).+$",
    )
    query_prefix: str | None = setting(
        'what query files put before image names: "oxc1_" for Oxford; nothing unless told', None
    )
    expected_images: int | None = setting(
        "images in the complete data set, those to leave out and those of queries counted",
        None,
        minimum=1,
    )
    expected_queries: int | None = setting(
        "queries in the complete data set, those whose images are left out counted",
        None,
        minimum=1,
    )
    leave_out: tuple[str, ...] | None = setting(
        "images to ignore, by name without suffix, and queries of these images; none unless told",
        None,
    )
    partial: bool | None = setting(
        "whether images and queries may be missing; every table then says so; false unless told",
        None,
    )
