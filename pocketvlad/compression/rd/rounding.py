"""Rounding weight after weight; the weights not yet rounded compensate for each error.

A layer's outputs are linear in its weights: rounding errors e of a row cost e H e', with H the
second moments of the inputs. Optimal Brain Surgeon (Hassibi & Stork, NIPS 1992) gives the best
change of the other weights of the row for a change of one. GPTQ (Frantar et al., ICLR 2023) goes
through the columns in order, all rows at once, with the Cholesky factor of the inverse of H.
"""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor

_MOMENTS = 512  # columns whose moments are one product
_BLOCK = 128  # columns whose errors are gathered before they move the rest, as one product

Choose = Callable[[Tensor, int, Tensor], Tensor]
"""The multiples [..., R] that stand for the values [..., R] of a column with this number. An error
e costs e^2 / u^2, later columns having answered, where u [..., 1] is the third argument."""


def to_multiples(values: Tensor, step: float, limit: int) -> Tensor:
    """The whole multiples of `step` that `values` are rounded to, as floats.

    Args:
        limit: largest magnitude of a multiple.
    """
    return (values / step).round_().clamp_(-limit, limit)


def second_moments(samples: Tensor) -> Tensor:
    """[..., D, D] S'S of samples [..., n, D]: half the products, the others are their mirror
    images."""
    columns = samples.shape[-1]
    result = samples.new_empty(*samples.shape[:-2], columns, columns)
    for start in range(0, columns, _MOMENTS):
        end = min(start + _MOMENTS, columns)
        product = samples[..., start:end].mT @ samples[..., start:]
        result[..., start:end, start:] = product
        result[..., end:, start:end] = product[..., end - start :].mT
    return result


def feedback(moments: Tensor) -> Tensor:
    """[..., D, D] upper triangular U with U'U the inverse of `moments` (symmetric, positive
    definite).

    1 / U[j, j]^2 is the part of moment j that the columns after j cannot compensate.
    """
    inverse = torch.cholesky_inverse(torch.linalg.cholesky(moments.double()))
    return torch.linalg.cholesky(inverse, upper=True)


def round_in_order(
    weight: Tensor, factor: Tensor, step: float, limit: int, choose: Choose | None = None
) -> Tensor:
    """Multiples [..., R, D] of `step` that together come close to `weight` [..., R, D].

    Args:
        factor: [..., D, D] of `feedback`, for the inputs' second moments.
        limit: see `to_multiples`.
        choose: None for the nearest multiple.
    """
    factor = factor.to(weight.dtype)
    moving, multiples = weight.clone(), torch.empty_like(weight)
    for start in range(0, weight.shape[-1], _BLOCK):
        own = slice(start, start + _BLOCK)
        part, triangle = moving[..., own], factor[..., own, own]
        errors = torch.empty_like(part)
        for column in range(part.shape[-1]):
            later = triangle[..., column, None, column:]
            now = part[..., column]
            if choose is None:
                rounded = to_multiples(now, step, limit)
            else:
                rounded = choose(now, start + column, later[..., 0])
            multiples[..., start + column] = rounded
            error = (now - rounded * step) / later[..., 0]
            errors[..., column] = error
            part[..., column + 1 :] -= error[..., None] * later[..., 1:]
        moving[..., start + _BLOCK :] -= errors @ factor[..., own, start + _BLOCK :]
    return multiples


def _numbered(choose: Choose, columns: Tensor) -> Choose:
    """`choose` for a block of columns, which have these numbers."""
    numbers = columns.tolist()
    return lambda values, column, spread: choose(values, numbers[column], spread)


def round_with_few_samples(
    weight: Tensor,
    samples: Tensor,
    wanted: Tensor,
    step: float,
    limit: int,
    prior: Iterable[tuple[Tensor, Tensor]],
    choose: Choose | None = None,
) -> Tensor:
    """`round_in_order` for H = S'S / n + P, never formed: n samples, D inputs, n << D, P by blocks.

    A block of columns at a time, in the space of the samples (Woodbury). From the moments of a
    block is subtracted what all later columns can compensate. The block compensates for the errors
    so far before it is rounded, and for those that `weight` begins with. Without rounding, the
    result would be the ridge regression of `wanted`, with P as the penalty on the distance from
    `weight`.

    Args:
        weight: [R, D].
        samples: [n, D].
        wanted: [n, R], what the samples' outputs should be.
        prior: the columns [d] of each block, and P there, [d, d] and positive definite (`prior`).
        choose: see `round_in_order`; columns have the numbers that they have in `weight`.
    """
    count = len(samples)
    blocks = list(prior)
    identity = torch.eye(count, dtype=torch.float64, device=samples.device)
    gram = torch.zeros_like(identity)
    lean = []
    for own, expected in blocks:
        part = samples[:, own].double()
        solved = torch.linalg.solve(expected.double(), part.t()).t() / count
        gram += part @ solved.t()
        lean.append(solved.to(weight.dtype))

    def damped(gram: Tensor) -> Tensor:
        return torch.linalg.inv(identity + gram).to(weight.dtype)

    with_block = damped(gram)
    residual = wanted.t() - weight @ samples.t()
    multiples = torch.empty_like(weight)
    for (own, expected), solved in zip(blocks, lean, strict=True):
        part = samples[:, own]
        gram -= part.double() @ solved.double().t()
        without = damped(gram)
        moments = part.t() @ without @ part / count + expected.to(weight.dtype)
        answered = weight[:, own] + residual @ with_block @ solved
        chosen = None if choose is None else _numbered(choose, own)
        rounded = round_in_order(answered, feedback(moments), step, limit, chosen)
        multiples[:, own] = rounded
        residual += (weight[:, own] - rounded * step) @ part.t()
        with_block = without
    return multiples
