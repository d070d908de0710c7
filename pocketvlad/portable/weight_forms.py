"""How weights stand in a graph: as they are, rounded, or outside of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from pocketvlad.format.contents import Contents
from pocketvlad.format.quantized_tensor import per_row
from pocketvlad.format.roles import Role

_MOST_INT8 = 127
_MOST_FLOAT16 = float(np.finfo(np.float16).max)


@dataclass(frozen=True)
class _Held:
    """One tensor in a graph.

    initializers: what is stored.  steps: what makes the tensor of it.  values: what it then is.
    """

    initializers: list[TensorProto]
    values: np.ndarray
    steps: list[onnx.NodeProto] = field(default_factory=list)


def _float32(name: str, tensor: np.ndarray, role: Role) -> _Held:
    return _Held([numpy_helper.from_array(tensor, name)], tensor)


def _float16(name: str, tensor: np.ndarray, role: Role) -> _Held:
    """Half precision, where it can bear it: see `format.compressed_file`."""
    if role is Role.OTHER or np.abs(tensor).max(initial=0) > _MOST_FLOAT16:
        return _float32(name, tensor, role)
    stored, half = f"{name}.float16", tensor.astype(np.float16)
    cast = helper.make_node("Cast", [stored], [name], to=TensorProto.FLOAT)
    return _Held([numpy_helper.from_array(half, stored)], half.astype(np.float32), [cast])


def _int8(name: str, tensor: np.ndarray, role: Role) -> _Held:
    """Whole numbers from -127 to 127 times a scale an output; biases and all else as they are."""
    if not role.compressed:
        return _float32(name, tensor, role)
    most = np.abs(tensor).reshape(len(tensor), -1).max(axis=1)
    scales = np.where(most > 0, most / _MOST_INT8, 1).astype(np.float32)
    codes = np.rint(tensor / per_row(scales, tensor.ndim)).astype(np.int8)
    stored = [
        numpy_helper.from_array(codes, f"{name}.int8"),
        numpy_helper.from_array(scales, f"{name}.scales"),
    ]
    names = [each.name for each in stored]
    step = helper.make_node("DequantizeLinear", names, [name], axis=0)
    return _Held(stored, codes.astype(np.float32) * per_row(scales, tensor.ndim), [step])


def _outside(name: str, tensor: np.ndarray, role: Role) -> _Held:
    """External data, in a file of its own that need not be there: named as the tensor is."""
    proto = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=tensor.shape)
    proto.data_location = TensorProto.EXTERNAL
    for key, value in (("location", name), ("offset", 0), ("length", tensor.nbytes)):
        proto.external_data.add(key=key, value=str(value))
    return _Held([proto], tensor)


_FORMS: Mapping[str, Callable[[str, np.ndarray, Role], _Held]] = {
    "float32": _float32,
    "float16": _float16,
    "int8": _int8,
    "outside": _outside,
}


def add_weights(graph: onnx.GraphProto, contents: Contents, form: str) -> dict[str, np.ndarray]:
    """Give a graph its weights in place of the inputs that `traced_graph` left for them.

    Args:
        contents: of the model; tensors that the graph does not read are left out.
        form: one of `settings.FORMS`.

    Returns:
        the float32 tensors that the graph then computes with, by name.
    """
    open_inputs = [each for each in graph.input if each.name not in contents.tensors]
    wanted = [each.name for each in graph.input if each.name in contents.tensors]
    values, steps = {}, []
    for name in wanted:
        tensor = np.ascontiguousarray(contents.tensors[name], dtype=np.float32)
        held = _FORMS[form](name, tensor, contents.labels[name].role)
        graph.initializer.extend(held.initializers)
        values[name] = held.values
        steps += held.steps
    all_steps = [*steps, *graph.node]
    del graph.input[:], graph.node[:]
    graph.input.extend(open_inputs)
    graph.node.extend(all_steps)
    return values
