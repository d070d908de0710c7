"""What a file of weights seems to be, for the error that says what it is not."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pocketvlad.format.roles import Part
from pocketvlad.networks.declared import Backbone, declared_part
from pocketvlad.networks.weights.error import WeightsError
from pocketvlad.networks.weights.forms import form_of
from pocketvlad.networks.weights.sources import SOURCES
from pocketvlad.networks.weights.state_dict_file import read_state_dict


def _fitting(state: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """(source, backbone) of what has tensors of these names."""
    for name, source in SOURCES.items():
        for kind in source.types:
            declared = declared_part(Part.BACKBONE, {"type": kind})
            form = form_of(name, declared)
            if form is None or not any(each.startswith(form.begin) for each in state):
                continue
            if not any(form.misfits(declared, state)):
                yield name, kind


def _listed(found: Sequence[tuple[str, str]]) -> str:
    return " or ".join(f"`{name}` ({kind})" for name, kind in found)


def _without_common_beginning(state: Mapping[str, object]) -> tuple[str, dict[str, object]]:
    """(what all names begin with, up to the first dot; the rest): wrappers of networks name theirs
    so, such as torch's DataParallel."""
    before = {name[: name.find(".") + 1] for name in state}
    if len(before) != 1:
        return "", {}
    [common] = before
    return common, {name.removeprefix(common): value for name, value in state.items()}


def seems_to_be(path: Path, source: str, backbone: Backbone) -> str:
    """Words for the end of an error message of a file that does not fit.

    Empty where nothing can be said of the file, or where it is of the right kind.

    Args:
        source, backbone: what it was read as, and for.
    """
    try:
        state = read_state_dict(path)
    except WeightsError:
        return ""
    found = list(_fitting(state))
    if (source, backbone.type) in found:
        return ""
    if found:
        return f"; it seems to be a file for {_listed(found)}"
    before, bare = _without_common_beginning(state)
    if found := list(_fitting(bare)):
        return f"; without `{before}` before each name it seems to be a file for {_listed(found)}"
    return f"; it is for no source that we know: its first tensor is {next(iter(state), 'none')}"
