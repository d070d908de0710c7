"""A network as an ONNX graph without weights: pixels in, descriptors out."""

import io
import warnings
from collections.abc import Iterator

import onnx
import torch
from torch import Tensor
from torch.onnx import TrainingMode

from pocketvlad.data.images import Preprocessing
from pocketvlad.networks.architecture import Architecture
from pocketvlad.networks.labels import labelled_tensors
from pocketvlad.networks.network import RetrievalNetwork
from pocketvlad.portable.metadata import DESCRIPTORS, PIXELS

OPSET = 17
"""The newest that torch's fast exporter writes; onnxruntime reads it since 1.12."""
_AXES = {PIXELS: ("images", "height", "width"), DESCRIPTORS: ("images",)}
"""The dimensions that are left open."""


class _OfPixels(RetrievalNetwork):
    """The network with what its weights ask of pixels as its first step."""

    def __init__(self, architecture: Architecture, preprocessing: Preprocessing) -> None:
        super().__init__(architecture)
        # No buffers: they are part of the graph, not of the weights.
        self.mean = torch.tensor(preprocessing.mean)
        self.std = torch.tensor(preprocessing.std)

    def forward(self, pixels: Tensor) -> Tensor:
        """[N, H, W, 3] uint8 -> [N, D] float32 of unit length."""
        prepared = (pixels.float() - self.mean) / self.std
        return super().forward(prepared.permute(0, 3, 1, 2))


def traced_graph(
    architecture: Architecture, preprocessing: Preprocessing, pixels: torch.dtype = torch.uint8
) -> onnx.ModelProto:
    """The computation, with each tensor of the network as an input of the graph.

    Such an input has the tensor's name. The number of images, their height and their width are
    open. Nothing is folded: a batch normalisation, for one, stays a step of its own.

    Args:
        pixels: the type of the input.
    """
    network = _OfPixels(architecture, preprocessing).eval()
    with torch.no_grad():
        for number, (_, tensor, _) in enumerate(labelled_tensors(network), start=1):
            tensor.fill_(number / 256)  # the exporter merges tensors that are equal
    # Two images, so that their number is taken as one that may vary; sides that are odd and even.
    least = network.min_side
    example = torch.zeros(2, least + 32, least + 45, 3, dtype=pixels)
    written = io.BytesIO()
    with warnings.catch_warnings():
        # That the sides of maps are computed by the graph, and not taken as they are here, is
        # verified on other sizes.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network,
            (example,),
            written,
            export_params=False,
            training=TrainingMode.PRESERVE,  # else normalisations would be folded
            do_constant_folding=False,
            opset_version=OPSET,
            input_names=[PIXELS],
            output_names=[DESCRIPTORS],
            dynamic_axes={name: dict(enumerate(axes)) for name, axes in _AXES.items()},
            dynamo=False,
        )
    made = onnx.load_model_from_string(written.getvalue())
    [descriptors] = made.graph.output
    length = descriptors.type.tensor_type.shape.dim[1]
    length.Clear()
    length.dim_value = architecture.length
    _shorten_names(made.graph)
    return made


def _graphs(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    """A graph and those within its steps."""
    yield graph
    for step in graph.node:
        for attribute in step.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                yield from _graphs(attribute.g)


def _shorten_names(graph: onnx.GraphProto) -> None:
    """Numbers in place of paths for what is neither an input nor the output: two thirds of a graph
    without weights would be these."""
    kept = {each.name for each in (*graph.input, *graph.output)}
    made = {
        value: f"{number:x}"
        for number, value in enumerate(
            value
            for part in _graphs(graph)
            for step in part.node
            for value in step.output
            if value not in kept
        )
    }
    for part in _graphs(graph):
        del part.value_info[:]
        for step in part.node:
            step.name = step.doc_string = ""
            step.input[:] = [made.get(value, value) for value in step.input]
            step.output[:] = [made.get(value, value) for value in step.output]
        if part is not graph:
            for each in part.output:
                each.name = made.get(each.name, each.name)
