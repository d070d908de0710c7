"""How images are seen when they are described. Free of torch, for the check of the config."""

from dataclasses import dataclass

from pocketvlad.data.settings import Sizing
from pocketvlad.util.settings import Value, setting


@dataclass(frozen=True, kw_only=True)
class Protocol(Sizing):
    """The config's section `protocol`: part of every result."""

    query_crop: bool = setting(
        "true: a query is its box, cropped (the official protocol); false: the whole image", True
    )
    box_growth: float = setting(
        "what a query's box grows by on each side; 0 is the official protocol",
        0,
        unit="pixels of the original image",
        minimum=0,
    )
    scales: tuple[float, ...] = setting(
        "multiples of image_size at which images are described; descriptors are averaged",
        (1,),
        shortest=1,
        distinct=True,
        items=Value(above=0, maximum=4),
    )
