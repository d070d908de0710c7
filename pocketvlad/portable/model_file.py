"""An `.onnx` file of a model: written, and verified before it is left."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import onnx

from pocketvlad.data.settings import Sizing
from pocketvlad.format.error import FormatError
from pocketvlad.networks.model import Model, to_contents
from pocketvlad.portable.metadata import GraphMetadata
from pocketvlad.portable.session import Session
from pocketvlad.portable.traced import traced_graph
from pocketvlad.portable.verification import VerificationError, Verified, verify
from pocketvlad.portable.weight_forms import add_weights
from pocketvlad.portable.weights_list import graph_of, list_file, write_list
from pocketvlad.util.atomic import replacing
from pocketvlad.util.size import float32_bytes

_MOST = (1 << 31) - (1 << 20)  # bytes: protobuf holds 2 GiB, the steps included


class ExportError(ValueError):
    """A model cannot be a file of this form; says why and what to do."""


@dataclass(frozen=True)
class Written:
    """size: bytes of the file.  verified: how near it is to torch."""

    size: int
    verified: Verified


def write_graph(path: Path, model: Model, model_sha256: str, sizing: Sizing, form: str) -> Written:
    """Write a model as a graph; whole and verified, or not at all.

    Args:
        model_sha256: of the file that the model was read from.
        sizing: how large images are to be.
        form: one of `settings.FORMS`; "outside" also writes the list of weights.

    Raises:
        VerificationError: the graph does not compute what torch computes.
        ExportError: it would be larger than ONNX files may be, or another file would give way to
            the list of weights.
        OSError: it cannot be written.
    """
    outside, beside = form == "outside", list_file(path)
    listed = graph_of(beside)
    if outside and os.path.lexists(beside) and listed != path.name:
        what = "no list of weights" if listed is None else f"the list of weights of {listed}"
        raise ExportError(
            f"{beside} is there already and is {what}; move it elsewhere, or write to another file"
        )
    contents = to_contents(model)
    total = float32_bytes(sum(tensor.size for tensor in contents.tensors.values()))
    if form == "float32" and total > _MOST:
        raise ExportError(
            f"{path}: {total:,} bytes of weights; an ONNX file holds {_MOST:,}: take float16, int8 "
            "or outside"
        )
    network = model.network
    made = traced_graph(network.architecture, model.preprocessing)
    values = add_weights(made.graph, contents, form)
    metadata = GraphMetadata(
        model_sha256,
        model.preprocessing,
        sizing,
        network.min_side,
        network.architecture.length,
        form,
    )
    onnx.helper.set_model_props(made, metadata.as_texts())
    made.producer_name, made.doc_string = "pocketvlad", str(network.architecture)
    with ExitStack() as after:  # the list gets its name when the graph has its own
        unfinished_list = after.enter_context(replacing(beside)) if outside else None
        with replacing(path) as unfinished:
            unfinished.write_bytes(made.SerializeToString())
            try:
                session = Session(unfinished, values if outside else None)
                verified = verify(session, model, sizing, values)
            except FormatError as error:
                raise VerificationError(f"the graph does not run: {error}") from None
            if unfinished_list is not None:
                shapes = {name: each.shape for name, each in values.items()}
                write_list(unfinished_list, path.name, metadata, shapes)
            if listed == path.name:
                after.enter_context(_removed(beside))
    return Written(path.stat().st_size, verified)


@contextmanager
def _removed(beside: Path) -> Iterator[None]:
    """The list of an earlier graph is gone before the graph is another: a kill leaves at worst a
    graph that lacks its list, which is told, and never one with the list of another. After an error
    it is as it was."""
    content = beside.read_bytes()
    beside.unlink()
    try:
        yield
    except BaseException:
        beside.write_bytes(content)
        raise
