"""What continuous multiples would take in the file: a rate that has a gradient.

The bits of a multiple are those of its frequency model. Between two whole multiples they lie on the
straight line that joins them.
"""

import torch
from torch import Tensor


class _Interpolated(torch.autograd.Function):
    @staticmethod
    def forward(ctx, values: Tensor, bits: Tensor, models: Tensor) -> Tensor:
        limit = bits.shape[1] // 2
        slopes = bits.diff(dim=1)
        # The pieces to the left and to the right of each value: one piece, unless it is whole.
        left = (values.ceil() - 1).clamp_(-limit, limit - 1)
        right = values.floor().clamp_(-limit, limit - 1)
        first = models * slopes.shape[1] + limit
        own = slopes.take(first + right.long())
        ctx.save_for_backward((own + slopes.take(first + left.long())) / 2)
        below = bits.take(models * bits.shape[1] + limit + right.long())
        return (below + (values - right) * own).sum(dtype=torch.float64)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None, None]:
        (slopes,) = ctx.saved_tensors
        return gradient.to(slopes.dtype) * slopes, None, None


def interpolated_bits(values: Tensor, bits: Tensor, models: Tensor) -> Tensor:
    """The bits of all values together, float64. Where a value is whole, the gradient is the mean of
    those on either side.

    Args:
        values: [R, D], in steps, from -limit to limit.
        bits, models: [M, 2 limit + 1] and [R, D] of `descent.symbol_bits`.
    """
    return _Interpolated.apply(values, bits, models)
