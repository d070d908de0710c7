"""State dicts, as torch saves them: pickles, which must not run anything."""

import io
import zipfile
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from random import Random

import torch

from fuzz.mutations import Change
from pocketvlad.networks.weights.error import WeightsError
from pocketvlad.networks.weights.placing import fitting
from pocketvlad.networks.weights.state_dict_file import load_tensors, read_state_dict

SUFFIX = ".pth"
ERRORS = WeightsError


def read(path: Path) -> None:
    state = read_state_dict(path)
    for name, values in state.items():
        if values.is_floating_point():
            fitting(values, values.shape, path, name).double()
    targets = {"a.weight": ("a", torch.zeros(2, 3)), "b": ("b", torch.zeros(2))}
    load_tensors(targets, state, path)


def changed(data: bytes, random: Random, change: Change) -> bytes:
    """One member of the archive is changed, most often the pickle."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {info.filename: archive.read(info) for info in archive.infolist()}
    pickles = [name for name in members if name.endswith(".pkl")]
    name = random.choice(pickles if random.random() < 0.8 and pickles else list(members))
    members[name] = change(members[name])
    return _archive(members)


def _archive(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return buffer.getvalue()


def _saved(state: object, **options: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(state, buffer, **options)
    return buffer.getvalue()


def seeds() -> Iterator[bytes]:
    state = OrderedDict(
        [
            ("a.weight", torch.ones(2, 3)),
            ("b", torch.nn.Parameter(torch.ones(2, dtype=torch.float16))),
            ("count", torch.tensor(3)),
        ]
    )
    for options in ({}, {"_use_new_zipfile_serialization": False}):
        yield _saved(state, **options)
    yield _saved({"a.weight": torch.eye(2).to_sparse(), "n": [1, "x", 2.5, None]})
