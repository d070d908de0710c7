"""Outputs that nothing reads any more: their weights and biases are worth no bits."""

from collections.abc import Mapping
from dataclasses import replace

import torch

from pocketvlad.compression.rd.multiples import with_needed_scales
from pocketvlad.format.quantized_tensor import QuantizedTensor
from pocketvlad.format.roles import Part
from pocketvlad.networks.channels import unread_outputs
from pocketvlad.networks.network import RetrievalNetwork


@torch.no_grad()
def clear_unread(
    network: RetrievalNetwork, quantized: Mapping[str, QuantizedTensor]
) -> dict[str, QuantizedTensor]:
    """Make zeros of what nothing depends on. Descriptors stay the same.

    Layers are rounded in order. When a layer stops reading a channel, the layers that make this
    channel have been rounded already.

    Returns:
        the layers as codes, those of `quantized` that have not changed among them.
    """
    found = dict(quantized)
    for path, layer, unread in list(unread_outputs(network.backbone)):
        layer.weight[unread] = 0
        if layer.bias is not None:
            layer.bias[unread] = 0
        name = f"{Part.BACKBONE}.{path}.weight"
        codes = found[name].codes.copy()
        codes[unread.cpu().numpy()] = 0
        found[name] = with_needed_scales(replace(found[name], codes=codes))
    return found
