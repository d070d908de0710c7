"""What the config's check and its manual ask of sections that have a `type`: parts and losses."""

from collections.abc import Iterator, Mapping
from typing import Any

from pocketvlad.format.roles import Part
from pocketvlad.networks.architecture import Architecture
from pocketvlad.networks.declared import KINDS
from pocketvlad.study.faults import unfit_section
from pocketvlad.training.declared import LOSSES
from pocketvlad.util.settings import completed
from pocketvlad.util.typed import Kind


def _own_keys(section: Mapping) -> dict[str, Any]:
    return {key: value for key, value in section.items() if key != "type"}


def _unfit(key: str, kind: Kind, section: Mapping) -> Iterator[str]:
    name, known = section.get("type"), kind.types
    if name is None:
        yield f"missing key in {key}: type; add it, one of {', '.join(known)}"
    elif name not in known:
        yield f"{key}.type: {name!r} does not fit; write one of {', '.join(known)}"
    else:
        yield from unfit_section(kind.declaration(name), _own_keys(section), key)


def _completed(kind: Kind, section: Mapping) -> dict[str, Any]:
    cls = kind.declaration(section["type"])
    return {"type": section["type"], **completed(cls, _own_keys(section))}


def unfit_parts(key: str, model: Mapping) -> Iterator[str]:
    """A line for each fault of a model's parts.

    Args:
        key: where the model stands, "models.vgg16".
        model: the section, with all three parts.
    """
    faults = [
        fault for part in Part for fault in _unfit(f"{key}.{part}", KINDS[part], model[str(part)])
    ]
    yield from faults
    if not faults:
        try:
            Architecture.of(model)
        except ValueError as error:
            yield f"{key}: {error}"


def completed_parts(model: Mapping) -> dict[str, dict[str, Any]]:
    """The parts of a model that was checked, with the defaults of what it leaves out."""
    return {str(part): _completed(KINDS[part], model[str(part)]) for part in Part}


def unfit_loss(section: Mapping, models: Mapping) -> Iterator[str]:
    """A line for each fault of the section `training.loss`.

    Args:
        models: the study's, by their names.
    """
    key = "training.loss"
    faults = list(_unfit(key, LOSSES, section))
    yield from faults
    for name in () if faults else LOSSES.of(section).asks:
        if name not in models:
            known = ", ".join(models)
            yield f"{key}: {name!r} is no model of the study; write one of {known}"


def completed_loss(section: Mapping) -> dict[str, Any]:
    """The section `training.loss`, a checked one, with the defaults of what it leaves out."""
    return _completed(LOSSES, section)


def typed_declarations() -> Iterator[tuple[str, str, type]]:
    """(where it stands, type, the dataclass that declares its keys) of all types of all kinds."""
    kinds = {f"models.<name>.{part}": KINDS[part] for part in Part} | {"training.loss": LOSSES}
    for path, kind in kinds.items():
        for name in kind.types:
            yield path, name, kind.declaration(name)
