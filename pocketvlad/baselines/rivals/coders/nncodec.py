"""The reference coder of the standard for neural networks (ISO/IEC 15938-17): nncodec.

It quantizes uniformly with trellis-coded ("dependent") quantization, by a parameter qp that says
the step (four more double it), and codes by context-adaptive binary arithmetic coding. It runs in
an environment of its own (`make nncodec`).
"""

import tempfile
from collections.abc import Mapping

import numpy as np

from pocketvlad.baselines.rivals.container import pack, unpack
from pocketvlad.baselines.rivals.half import row_magnitudes
from pocketvlad.baselines.rivals.rival import Made, Rival
from pocketvlad.format.quantized_tensor import per_row
from pocketvlad.format.roles import Role

_STREAM, _SCALES = "stream", "/scales"


def rivals(section: Mapping, made: Made) -> list[Rival]:
    """One a quantization parameter of `rivals.nncodec`, of the base model as it is and by rows."""
    asked_for, found = section.get("nncodec", {}), []
    for key, name, words, rows in (
        ("qp", "nncodec", "nncodec", False),
        ("row_qp", "nncodec-rows", "nncodec by rows", True),
    ):
        for qp in asked_for.get(key, []):
            settings = {"qp": qp, "rows": rows}
            found.append(Rival(f"{name}_qp{qp}", f"{words}, qp {qp}", "nncodec", "base", settings))
    return found


def encode(
    tensors: Mapping[str, np.ndarray],
    roles: Mapping[str, Role],
    qp: int,
    rows: bool = False,
    dependent: bool = True,
) -> bytes:
    """The float32 `tensors` of a model as a file; int32 ones are coded without loss.

    Args:
        qp: the standard's quantization parameter; biases have the default of its program, a fine
            one.
        rows: whether rows are divided by their magnitudes, which are stored in float16. The
            standard has one step a tensor, whatever the magnitude of its weights.
        dependent: trellis-coded quantization, which does nothing for int32.
    """
    from nncodec.nn import encode as encode_stream

    scales = {}
    if rows:
        scales = {name: row_magnitudes(t) for name, t in tensors.items() if roles[name].compressed}
        tensors = dict(tensors) | {
            name: tensors[name] / per_row(scale.astype(np.float32), tensors[name].ndim)
            for name, scale in scales.items()
        }
    with tempfile.TemporaryDirectory() as folder:  # it writes the stream to a file, too
        settings = {"qp": qp, "use_dq": dependent, "verbose": False, "results": folder}
        stream = encode_stream(dict(tensors), settings)
    stored = {name + _SCALES: scale for name, scale in scales.items()}
    return pack({_STREAM: np.frombuffer(bytes(stream), np.uint8), **stored})


def decode(data: bytes) -> dict[str, np.ndarray]:
    """The tensors that the file stands for.

    Raises:
        FormatError: the file is damaged.
    """
    arrays, _ = unpack(data)
    from nncodec.nn import decode as decode_stream

    tensors = decode_stream(bytearray(arrays.pop(_STREAM).tobytes()))
    for stored, scale in arrays.items():
        name = stored.removesuffix(_SCALES)
        tensors[name] = tensors[name] * per_row(scale.astype(np.float32), tensors[name].ndim)
    return tensors
