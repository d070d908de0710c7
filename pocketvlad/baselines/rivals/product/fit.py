"""A base model, product-quantized: layer by layer, then codebooks fine-tuned together."""

import copy
from dataclasses import replace

import numpy as np

from pocketvlad.baselines.rivals.product.blocks import Blocked
from pocketvlad.baselines.rivals.product.layers import quantize_layers
from pocketvlad.baselines.rivals.product.training import train_codebooks
from pocketvlad.compression.rd.calibration import Calibration
from pocketvlad.compression.rd.crops import drawn_crops
from pocketvlad.compression.rd.length import shortened
from pocketvlad.format.quantized_tensor import QuantizedTensor
from pocketvlad.format.roles import Role
from pocketvlad.networks.labels import labelled_tensors


def fitted_layers(
    calibration: Calibration,
    kernel_weights: int,
    columns: int,
    centres: int,
    training_crops: int,
) -> tuple[dict[str, Blocked | QuantizedTensor | np.ndarray], dict[str, Role]]:
    """(by tensor what a file holds, roles); see `quantize_layers` and `train_codebooks`."""
    settings, seed = calibration.settings, calibration.seed
    teacher = shortened(calibration.base.network, settings.length)
    network = copy.deepcopy(teacher)
    drawn = drawn_crops(network, calibration.source, calibration.crops, settings, seed)
    found = quantize_layers(
        network, teacher, drawn, kernel_weights, columns, centres, settings, seed
    )
    blocked = {name: each for name, each in found.items() if isinstance(each, Blocked)}
    # Before the weights become parametrized, and their names with them.
    others = [(name, tensor, label.role) for name, tensor, label in labelled_tensors(network)]
    if training_crops:
        crops = replace(calibration.crops, crops=training_crops)
        found |= train_codebooks(network, teacher, blocked, calibration.source, crops, seed)
    layers = {
        name: found[name] if name in found else tensor.detach().cpu().numpy()
        for name, tensor, _ in others
    }
    return layers, {name: role for name, _, role in others}
