"""Rounding weight after weight, each error made good by the weights that are still to be rounded.

A layer's outputs are linear in its weights: rounding errors e of a row cost e H e', with H the
second moments of the inputs. Optimal Brain Surgeon (Hassibi & Stork, NIPS 1992) says how the other
weights of the row best answer a change of one; going through the columns in order, with the
Cholesky factor of the inverse of H, all rows at once, is GPTQ (Frantar et al., ICLR 2023).
"""

from collections.abc import Iterable

import torch
from torch import Tensor

_MOMENTS = 512  # columns whose moments are one product
_BLOCK = 128  # columns whose errors are gathered before they move the rest, as one product


def to_multiples(values: Tensor, step: float, limit: int) -> Tensor:
    """The whole multiples of `step` that `values` are rounded to, as floats.

    Args:
        limit: largest magnitude of a multiple.
    """
    return (values / step).round_().clamp_(-limit, limit)


def second_moments(samples: Tensor) -> Tensor:
    """[D, D] S'S of samples [n, D]: half the products, the others are their mirror images."""
    result = samples.new_empty(samples.shape[1], samples.shape[1])
    for own in torch.arange(samples.shape[1], device=samples.device).split(_MOMENTS):
        start, end = int(own[0]), int(own[-1]) + 1
        product = samples[:, start:end].t() @ samples[:, start:]
        result[start:end, start:] = product
        result[end:, start:end] = product[:, end - start :].t()
    return result


def feedback(moments: Tensor) -> Tensor:
    """[D, D] upper triangular U with U'U the inverse of `moments` (symmetric, positive definite).

    1 / U[j, j]^2 is what is left of moment j once the columns after j have answered for it.
    """
    inverse = torch.cholesky_inverse(torch.linalg.cholesky(moments.double()))
    return torch.linalg.cholesky(inverse, upper=True)


def round_in_order(weight: Tensor, factor: Tensor, step: float, limit: int) -> Tensor:
    """Multiples [R, D] of `step` that together come close to `weight` [R, D].

    Args:
        factor: of `feedback`, for the inputs' second moments.
        limit: see `to_multiples`.
    """
    factor = factor.to(weight.dtype)
    moving, multiples = weight.clone(), torch.empty_like(weight)
    for start in range(0, weight.shape[1], _BLOCK):
        own = slice(start, start + _BLOCK)
        part, triangle = moving[:, own], factor[own, own]
        errors = torch.empty_like(part)
        for column in range(part.shape[1]):
            now = part[:, column : column + 1]
            rounded = to_multiples(now, step, limit)
            multiples[:, start + column] = rounded[:, 0]
            error = (now - rounded * step) / triangle[column, column]
            errors[:, column] = error[:, 0]
            part[:, column + 1 :] -= error * triangle[column, column + 1 :]
        moving[:, start + _BLOCK :] -= errors @ factor[own, start + _BLOCK :]
    return multiples


def round_with_few_samples(
    weight: Tensor,
    samples: Tensor,
    wanted: Tensor,
    step: float,
    limit: int,
    prior: Iterable[tuple[Tensor, Tensor]],
) -> Tensor:
    """`round_in_order` for H = S'S / n + P, never formed: n samples, D inputs, n << D, P by blocks.

    A block of columns at a time, in the space of the samples (Woodbury): what all later columns
    could still make good is counted off from a block's own moments, and the errors so far are
    answered by the block before it is rounded. So are the errors that `weight` begins with: without
    rounding, the result would be the ridge regression of `wanted`, drawn to `weight` by P.

    Args:
        weight: [R, D].
        samples: [n, D].
        wanted: [n, R], what the samples' outputs should be.
        prior: the columns [d] of each block, and P there, [d, d] and positive definite (`prior`).
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
        rounded = round_in_order(answered, feedback(moments), step, limit)
        multiples[:, own] = rounded
        residual += (weight[:, own] - rounded * step) @ part.t()
        with_block = without
    return multiples
