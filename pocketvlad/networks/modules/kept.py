"""Layers that are left as they are: neither pruned nor rounded."""

from torch import nn

from pocketvlad.format.roles import Role


def kept(module: nn.Module) -> nn.Module:
    """`module`, its tensors and those of its parts to be kept: files hold them in half precision.

    For layers that nothing here can compress, such as attention or a group normalisation. Whatever
    walks through the network takes the module as one step, so that its code may do what it likes.

    >>> norm = kept(nn.GroupNorm(2, 8))
    """
    for each in module.modules():
        own = (*each.named_parameters(recurse=False), *each.named_buffers(recurse=False))
        each.roles = {name: Role.KEPT for name, _ in own}
    return module
