"""How a graph holds its weights. Free of torch and onnx, for the command line."""

from dataclasses import dataclass

from pocketvlad.util.settings import setting

FORMS = ("float32", "float16", "int8", "outside")
TOLERANCE = 1e-4
"""What any component of a descriptor may differ by from torch's, by the weights that a file has."""


@dataclass(frozen=True, kw_only=True)
class ExportSettings:
    """Options of an export."""

    weights: str = setting(
        "how the graph holds the weights. float32: as the model has them; float16: half the size; "
        "int8: a quarter, with a scale an output; outside: not at all, the program that runs the "
        "graph decodes them from the .pvlad file, as the list beside the graph says",
        "float32",
        choices=FORMS,
    )
