"""What a parameter's name says of it. Free of torch, for the jobs that only move numbers."""

_KINDS = {"backbone": "conv", "netvlad": "netvlad", "whitening": "whitening"}


def is_compressible(name: str) -> bool:
    """Whether a parameter is pruned and quantized: all are but the biases.

    The biases are 0.02 % of the parameters; they stay as they are, in float32.
    """
    return not name.endswith(".bias")


def is_known(name: str) -> bool:
    """Whether a parameter of this name can belong to one of our networks."""
    return name.split(".")[0] in _KINDS


def layer_kind(name: str) -> str:
    """The part of the network that a parameter belongs to: conv, netvlad or whitening."""
    return _KINDS[name.split(".")[0]]
