"""The error that the weights of a layer may have, where most of them are not worth a bit."""

import torch
from torch import Tensor


def water_level(weights: Tensor, inputs: Tensor, error: float) -> float:
    """The variance of rounding errors at which one more bit saves 2 ln 2 `error`.

    A weight whose errors have variance q moves its output by v q, where v is the moment of its
    input. One more bit for it saves 2 ln 2 v q (Cover & Thomas, chapter 10). The weights of a
    column whose own mean square is below q round to zero: they take hardly a bit, and would save
    hardly anything by one. So `error` is the mean of v q over the other columns. (The mean over all
    columns counts an error that weights without bits were given, and never made.)

    Args:
        weights: [P] mean squares, by column.
        inputs: [P] second moments of the columns' inputs, not all 0.
        error: that rounding one weight may add to its output.

    Returns:
        q; if it is below no column's mean square, what the largest column's error allows.
    """
    order = weights.argsort(descending=True)
    sums = inputs[order].double().cumsum(dim=0)
    counts = torch.arange(1, len(order) + 1, device=order.device, dtype=sums.dtype)
    levels = error * counts / sums  # if so many columns, the largest, are above the level
    possible = levels < weights[order]
    last = int(possible.nonzero()[-1]) if possible.any() else int((sums > 0).nonzero()[0])
    return float(levels[last])
