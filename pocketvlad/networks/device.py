"""Where networks run: on a GPU if there is one and the config allows it, else on the CPU."""

import torch

from pocketvlad.networks.network import RetrievalNetwork


class DeviceError(RuntimeError):
    """The device that the config asks for is not there."""


def chosen_device(name: str) -> torch.device:
    """The device that the config's `device` names; "auto" is a GPU where there is one.

    Raises:
        DeviceError: "cuda" without a GPU.
    """
    there = torch.cuda.is_available()
    if name == "cuda" and not there:
        raise DeviceError(
            "compute.device: 'cuda', but PyTorch sees no GPU; write auto or cpu, or check the "
            "driver with nvidia-smi"
        )
    return torch.device("cuda" if there and name != "cpu" else "cpu")


def run_on(network: RetrievalNetwork, device: str, precision: str) -> RetrievalNetwork:
    """Move `network` to where the config's section `compute` wants it, and return it.

    Args:
        precision: "mixed" lets a GPU compute convolutions in bfloat16; pooling and projection stay
            in float32. On a CPU everything is float32.
    """
    chosen = chosen_device(device)
    network.to(chosen)
    network.mixed = precision == "mixed" and chosen.type == "cuda"
    return network


def computed_on(network: RetrievalNetwork) -> str:
    """What a results row says of it: "cpu" or the GPU's name, and the precision if mixed."""
    device = network.device
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
    return f"{name}, mixed precision" if network.mixed else name
