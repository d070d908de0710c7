"""From a trained network to quantized tensors: pruning, quantizers, codebooks that learn, `rd`."""
