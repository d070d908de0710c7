"""From a trained network to quantized tensors: pruning, quantizers, codebooks that learn, `rd`.

`recipes` knows what a study makes by these, where it lies and what it is called.
"""
