"""What the config's check and its manual ask of a model's parts."""

from collections.abc import Iterator, Mapping
from typing import Any

from pocketvlad.format.roles import Part
from pocketvlad.networks.architecture import Architecture
from pocketvlad.networks.declared import part_class, part_types
from pocketvlad.study.faults import unfit_section
from pocketvlad.util.settings import completed


def _own_keys(section: Mapping) -> dict[str, Any]:
    return {key: value for key, value in section.items() if key != "type"}


def _unfit_part(key: str, part: Part, section: Mapping) -> Iterator[str]:
    name, known = section.get("type"), part_types(part)
    if name is None:
        yield f"missing key in {key}: type; add it, one of {', '.join(known)}"
    elif name not in known:
        yield f"{key}.type: {name!r} does not fit; write one of {', '.join(known)}"
    else:
        yield from unfit_section(part_class(part, name), _own_keys(section), key)


def unfit_parts(key: str, model: Mapping) -> Iterator[str]:
    """A line for each fault of a model's parts.

    Args:
        key: where the model stands, "models.vgg16".
        model: the section, with all three parts.
    """
    faults = [
        fault for part in Part for fault in _unfit_part(f"{key}.{part}", part, model[str(part)])
    ]
    yield from faults
    if not faults:
        try:
            Architecture.of(model)
        except ValueError as error:
            yield f"{key}: {error}"


def completed_parts(model: Mapping) -> dict[str, dict[str, Any]]:
    """The parts of a model that was checked, with the defaults of what it leaves out."""
    result = {}
    for part in Part:
        section = model[str(part)]
        cls = part_class(part, section["type"])
        result[str(part)] = {"type": section["type"], **completed(cls, _own_keys(section))}
    return result


def part_declarations() -> Iterator[tuple[str, str, type]]:
    """(part, type, the dataclass that declares its keys) of all parts that a model may have."""
    for part in Part:
        for name in part_types(part):
            yield str(part), name, part_class(part, name)
