"""What computes a network that describes images: torch itself, or onnxruntime on a CPU."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from pocketvlad.data.images import Preprocessing
from pocketvlad.data.settings import Sizing
from pocketvlad.networks.device import DeviceError, chosen_device, computed_on, run_on
from pocketvlad.networks.model import Model, to_contents
from pocketvlad.networks.network import RetrievalNetwork
from pocketvlad.portable.metadata import GraphMetadata
from pocketvlad.portable.session import Session, require_onnxruntime
from pocketvlad.portable.verification import VerificationError

_PREPARED = Preprocessing((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
"""Of images that are prepared already: nothing is left to do."""
TOLERANCE = 1e-5
"""What any component of a descriptor may differ by between the two."""


@dataclass(frozen=True)
class Describing:
    """function: prepared images [N, 3, H, W] -> descriptors [N, D], unit length.  computed_on: what
    a results row says of it."""

    function: Callable[[Tensor], Tensor]
    computed_on: str


def describing(
    network: RetrievalNetwork, device: str, precision: str, backend: str = "torch"
) -> Describing:
    """What describes images by `network` as the config's section `compute` wants it.

    Args:
        device, precision: see `device.run_on`.
        backend: "torch", or "onnxruntime", which computes in float32 on the CPU.

    Raises:
        DeviceError: there is no such device, or onnxruntime is to use a GPU.
        VerificationError: onnxruntime's descriptors differ from torch's by more than 1e-5.
        ImportError: onnx or onnxruntime is missing; says what to install.
    """
    if backend == "torch":
        run_on(network, device, precision)
        return Describing(network, computed_on(network))
    if chosen_device(device).type != "cpu":
        raise DeviceError(
            f"compute.backend: {backend!r} computes on the CPU, compute.device: {device!r} asks "
            "for a GPU; write cpu, or the backend torch"
        )
    run_on(network, "cpu", "float32")
    session, runtime = _session(network), require_onnxruntime()

    def function(images: Tensor) -> Tensor:
        # Images are channels-last in memory: this copies nothing.
        return torch.from_numpy(session.describe(images.permute(0, 2, 3, 1).contiguous().numpy()))

    _require_equal(network, function)
    return Describing(function, f"cpu, onnxruntime {runtime.__version__}")


def _session(network: RetrievalNetwork) -> Session:
    """That computes prepared images [N, H, W, 3], with the network's own weights."""
    try:
        from pocketvlad.portable.traced import traced_graph
        from pocketvlad.portable.weight_forms import add_weights
    except ImportError as error:
        raise ImportError(f"{error}: pip install 'pocketvlad[export]'") from None

    architecture = network.architecture
    made = traced_graph(architecture, _PREPARED, torch.float32)
    values = add_weights(made.graph, to_contents(Model(network, _PREPARED)), "outside")
    about = GraphMetadata(
        "", _PREPARED, Sizing(1), network.min_side, architecture.length, "outside"
    )
    for key, value in about.as_texts().items():
        made.metadata_props.add(key=key, value=value)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.onnx"
        path.write_bytes(made.SerializeToString())
        return Session(path, values, torch.get_num_threads())


@torch.inference_mode()
def _require_equal(network: RetrievalNetwork, function: Callable[[Tensor], Tensor]) -> None:
    generator = torch.Generator().manual_seed(0)
    sides = network.min_side + 38, network.min_side + 61  # others than the graph was traced with
    images = torch.randn(1, 3, *sides, generator=generator)
    difference = (function(images) - network(images)).abs().max().item()
    if not difference <= TOLERANCE:
        raise VerificationError(
            f"onnxruntime's descriptors differ from torch's by {difference:.2g}; {TOLERANCE:g} is "
            "allowed: take the backend torch"
        )
