"""Descriptors from a graph, by onnxruntime. Free of torch and onnx."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pocketvlad.format.error import FormatError
from pocketvlad.portable.metadata import DESCRIPTORS, PIXELS, GraphMetadata
from pocketvlad.util.foreign import foreign

if TYPE_CHECKING:
    from types import ModuleType

_QUIET = 3  # errors only: it warns of what it optimises


def require_onnxruntime() -> "ModuleType":
    """The module.

    Raises:
        ImportError: it is missing; says what to install.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise ImportError(
            f"{error}: a graph is computed by it; pip install 'pocketvlad[run]'"
        ) from None
    return onnxruntime


class Session:
    """A graph that is ready to describe images, on the CPU.

    Attributes:
        metadata: what the graph says of itself.
    """

    def __init__(
        self,
        graph: Path,
        weights: Mapping[str, np.ndarray] | None = None,
        threads: int | None = None,
    ) -> None:
        """
        Args:
            graph: the `.onnx` file.
            weights: float32 tensors by name, of a graph that has them outside.
            threads: that compute; None: as many as the process may use.

        Raises:
            FormatError: it is no graph of ours, or weights do not fit it; names the file.
            ImportError: onnxruntime is missing; says what to install.
        """
        runtime, self._graph = require_onnxruntime(), graph
        options = runtime.SessionOptions()
        options.log_severity_level = _QUIET
        options.intra_op_num_threads = threads or _processors()
        # onnxruntime does not copy what it is given: it must live as long as the session.
        self._weights = {
            name: runtime.OrtValue.ortvalue_from_numpy(np.ascontiguousarray(each, np.float32))
            for name, each in (weights or {}).items()
        }
        if not graph.is_file():
            raise FormatError(f"{graph} is {'no ordinary file' if graph.exists() else 'missing'}")
        with foreign(FormatError, f"{graph} cannot be run"):
            if self._weights:
                options.add_external_initializers(list(self._weights), list(self._weights.values()))
            self._session = runtime.InferenceSession(
                graph.read_bytes(), options, providers=["CPUExecutionProvider"]
            )
            self.metadata = GraphMetadata.of_texts(
                self._session.get_modelmeta().custom_metadata_map
            )

    def describe(self, pixels: np.ndarray) -> np.ndarray:
        """[N, H, W, 3] uint8 of one size -> [N, D] float32 of unit length.

        Raises:
            FormatError: a step of the graph fails.
        """
        with foreign(FormatError, f"{self._graph} cannot be run"):
            [rows] = self._session.run([DESCRIPTORS], {PIXELS: pixels})
        return rows


def _processors() -> int:
    """That this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
