"""What the config's check asks of a model's parts."""

from collections.abc import Iterator, Mapping

PARTS = ("backbone", "pooling", "projection")


def unfit_parts(key: str, section: Mapping) -> Iterator[str]:
    """What of a model's parts cannot be built, as one line each.

    Args:
        key: where the model stands, "models.vgg16".
        section: of the config, with all three parts.
    """
    for part in PARTS:
        if not isinstance(kind := section[part].get("type"), str):
            yield f"{key}.{part}.type: {kind!r} does not fit; write the name of a {part}"


def least_side(section: Mapping) -> int:
    """Pixels that an image must have on either side for a model."""
    from pocketvlad.networks.backbones import LEAST_SIDE

    return LEAST_SIDE.get(section["backbone"]["type"], 1)


def part_declarations() -> Iterator[tuple[str, str, type]]:
    """(part, type, the dataclass that declares its keys) of all parts that a model may have."""
    yield from ()
