"""The list beside a graph without weights: which tensor of the model's file each of them is.

Free of torch and onnx. docs/phone-export.md describes it for programs in other languages.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pocketvlad.format.error import FormatError
from pocketvlad.portable.metadata import DESCRIPTORS, PIXELS, GraphMetadata
from pocketvlad.util.json_file import read_json, write_json

FORMAT = 1
VALUES = "decoded"
"""What initializers are: the values that docs/format.md decodes, in float32, rows first. Nothing is
folded into them."""


@dataclass(frozen=True)
class OutsideWeight:
    """initializer: its name in the graph.  path: of its external data, as the graph calls it.
    tensor: its name in the model's file.  shape: of both."""

    initializer: str
    path: str
    tensor: str
    shape: tuple[int, ...]


def list_file(graph: Path) -> Path:
    """Where the list of a graph lies. Two graphs may share it: `graph` and `graph.onnx`.

    >>> list_file(Path("graph.onnx")).name, list_file(Path("lite0-0.08")).name
    ('graph.weights.json', 'lite0-0.08.weights.json')
    """
    name = graph.stem if graph.suffix.lower() == ".onnx" else graph.name
    return graph.with_name(f"{name}.weights.json")


def graph_of(path: Path) -> str | None:
    """The name of the graph whose list a file is, whole or not as it should be; None where
    `write_list` has not written it."""
    match read_json(path) if path.is_file() else None:
        case {"format": _, "graph": str(graph), "model_sha256": _, "weights": _}:
            return graph
    return None


def write_list(
    path: Path, graph: str, metadata: GraphMetadata, shapes: Mapping[str, Sequence[int]]
) -> None:
    """Write a list.

    Args:
        graph: name of the graph's file.
        shapes: of the tensors, by name: initializers have the same names.
    """
    texts = metadata.as_texts()
    content = {
        "format": FORMAT,
        "pocketvlad": texts["pocketvlad"],
        "graph": graph,
        "model_sha256": metadata.model_sha256,
        "input": {
            "name": PIXELS,
            "type": "uint8",
            "shape": ["images", "height", "width", 3],
            "meaning": texts["input"],
            "min_side": metadata.min_side,
            "sizing": metadata.sizing.as_dict(),
            "resize": texts["resize"],
        },
        "preprocessing": metadata.preprocessing.as_dict(),
        "preprocessing_is_in_graph": True,
        "output": {"name": DESCRIPTORS, "type": "float32", "shape": ["images", metadata.length]},
        "values": VALUES,
        "weights": [
            {"initializer": name, "path": name, "tensor": name, "shape": list(shape)}
            for name, shape in shapes.items()
        ],
    }
    write_json(path, content)


def read_list(path: Path) -> list[OutsideWeight]:
    """The weights of a list.

    Raises:
        FormatError: it is missing or none of ours; names the file.
    """
    content = read_json(path)
    if content is None:
        raise FormatError(f"{path} is missing or no list of weights; export the model again")
    if content.get("format") != FORMAT or content.get("values") != VALUES:
        raise FormatError(
            f"{path}: format {json.dumps(content.get('format'))} with values "
            f"{json.dumps(content.get('values'))} is unknown; this program reads {FORMAT} with "
            f"{VALUES}: export the model again"
        )
    weights = content.get("weights")
    if not isinstance(weights, list):
        raise FormatError(f"{path} has no list of weights; export the model again")
    return [_weight(path, each) for each in weights]


def _weight(path: Path, entry: object) -> OutsideWeight:
    match entry:
        case {
            "initializer": str(name),
            "path": str(outside),
            "tensor": str(tensor),
            "shape": list(shape),
        } if all(type(side) is int and side > 0 for side in shape):
            return OutsideWeight(name, outside, tensor, tuple(shape))
    raise FormatError(f"{path}: a weight is malformed: {str(entry)[:80]}; export the model again")
