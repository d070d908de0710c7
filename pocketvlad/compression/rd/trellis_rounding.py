"""Rows of a layer brought onto the trellis, by error and bits.

First in order, as `rounding.round_in_order` does, but with eight survivors a row
(`trellis_search`). Then in windows of columns, all else unchanged: within a window each row is
searched again between the states that it has on either side, and keeps what it had unless it finds
better. That is coordinate descent (`descent`) for weights that cannot change one by one: another
parity changes the quantizer of every weight after it. Bits are those of the file's frequency
models, fitted anew between passes.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pocketvlad.compression.rd.rounding import feedback, round_in_order
from pocketvlad.compression.rd.trellis_search import ANY, search
from pocketvlad.format.symbol_model import Alphabet
from pocketvlad.format.trellis import FOLLOWING, MAX_PLACE, QUANTIZERS

MAX_MULTIPLE = 2 * MAX_PLACE
_BLOCK = 128  # columns between which a row's best survivor is chosen
_PASSES = 8  # in order
_WINDOWS = ((128, 0), (128, 64), (64, 32))  # (columns, where the second window begins)
_UNSEEN = 0.05  # count that is assumed of a place that does not occur


@dataclass(frozen=True)
class _Rates:
    """bits: [2, M, P + 1], models: [R, D]; see `search`."""

    bits: np.ndarray
    models: np.ndarray

    @classmethod
    def of(cls, places: np.ndarray, quantizers: np.ndarray, taps: int) -> "_Rates":
        """Those by which a file would code `places` [R, D]."""
        axes = len(places), -1, taps
        alphabet = Alphabet.of_places(places, quantizers, axes, MAX_PLACE)
        model = alphabet.model()
        counts = alphabet.counts(model).reshape(alphabet.sets, model.models, -1) + _UNSEEN
        bits = -np.log2(counts / counts.sum(axis=2, keepdims=True))
        bits[..., 1:] += 1  # the sign
        return cls(bits, model.numbers())


@dataclass
class _Rows:
    """Rows on the trellis. places: [R, D].  multiples: [R, D].  states: [R, D + 1], before and
    after each place."""

    places: np.ndarray
    multiples: np.ndarray
    states: np.ndarray

    @classmethod
    def empty(cls, rows: int, columns: int) -> "_Rows":
        states = np.zeros((rows, columns + 1), dtype=np.int64)
        return cls(*np.zeros((2, rows, columns), dtype=np.int16), states)

    @property
    def quantizers(self) -> np.ndarray:
        return QUANTIZERS[self.states[:, :-1]]

    def put(self, start: int, places: np.ndarray) -> None:
        """Replace the columns from `start`; states after them stay as they are."""
        for column, own in enumerate(places.T.astype(np.int64), start):
            state = self.states[:, column]
            self.places[:, column] = own
            self.multiples[:, column] = 2 * own - QUANTIZERS[state] * np.sign(own)
            self.states[:, column + 1] = FOLLOWING[state, own & 1]


@dataclass(frozen=True)
class _Group:
    """What the rows of one group are searched with: double precision, see `round_on_trellis`."""

    best: Tensor
    moments: Tensor
    target: Tensor
    factor: Tensor
    price: np.ndarray

    def in_order(self, step: float, rates: _Rates) -> _Rows:
        """All columns, from first to last."""
        rows = _Rows.empty(*self.target.shape)
        moving = self.target.clone()
        for start in range(0, moving.shape[1], _BLOCK):
            own = slice(start, start + _BLOCK)
            part, triangle = moving[:, own], self.factor[own, own]
            begin = rows.states[:, start]
            given = step, rates.bits, rates.models[:, own], self.price, begin
            end = np.full(len(begin), ANY)
            rows.put(start, search(part.numpy(), triangle.numpy(), *given, end)[0])
            missed = part - step * torch.from_numpy(rows.multiples[:, own]).double()
            errors = torch.linalg.solve_triangular(triangle, missed, upper=True, left=False)
            moving[:, start + _BLOCK :] -= errors @ self.factor[own, start + _BLOCK :]
        return rows

    def again(self, rows: _Rows, step: float, rates: _Rates, size: int, offset: int) -> None:
        """One sweep over windows of so many columns; `rows` follow."""
        columns = rows.places.shape[1]
        weights = step * torch.from_numpy(rows.multiples).double()
        slope = (self.best - weights) @ self.moments
        starts = sorted({0, *range(offset, columns, size)})
        for start, stop in zip(starts, [*starts[1:], columns], strict=True):
            own = slice(start, stop)
            moments, here = self.moments[own, own], rows.places[:, own]
            solved = torch.cholesky_solve(slope[:, own].T, torch.linalg.cholesky(moments)).T
            end = rows.states[:, stop] if stop < columns else np.full(len(here), ANY)
            found, costs = search(
                (weights[:, own] + solved).numpy(),
                feedback(moments).numpy(),
                step,
                rates.bits,
                rates.models[:, own],
                self.price,
                rows.states[:, start],
                end,
            )
            quantizers = rows.quantizers[:, own]
            paid = rates.bits[quantizers, rates.models[:, own], np.abs(here)].sum(axis=1)
            cost = ((solved @ moments) * solved).sum(dim=1).numpy() + self.price * paid
            better = costs < cost * (1 - 1e-6)
            rows.put(start, np.where(better[:, None], found, here))
            now = step * torch.from_numpy(rows.multiples[:, own]).double()
            slope -= (now - weights[:, own]) @ self.moments[own]
            weights[:, own] = now


def round_on_trellis(
    best: Tensor,
    moments: Tensor,
    target: Tensor,
    factor: Tensor,
    step: float,
    multiplier: Tensor,
    taps: int,
) -> Tensor:
    """[G, R, D] multiples of `step`, each row on the trellis.

    Args:
        best: [G, R, D], weights whose error e H e' counts, of G groups.
        moments: [G, D, D] H.
        target, factor: [G, R, D] and [G, D, D], what rows are rounded to in order, drawn to zero,
            and of `feedback`.
        multiplier: [G, R], the error that a bit is worth.
        taps: of each input, beside one another.
    """
    groups = [
        _Group(*(each.double().cpu() for each in of), price.double().cpu().numpy())
        for *of, price in zip(best, moments, target, factor, multiplier, strict=True)
    ]
    # For the first models: what multiples of twice the step would be.
    nearest = round_in_order(target, factor, 2 * step, MAX_PLACE).flatten(0, 1)
    places = nearest.round().to(torch.int16).cpu().numpy()
    rates = _Rates.of(places, np.zeros(places.shape, np.uint8), taps)
    rates = _Rates(rates.bits[[0, 0]], rates.models)

    def of_each(rates: _Rates) -> list[_Rates]:
        return [_Rates(rates.bits, own) for own in np.split(rates.models, len(groups))]

    def fitted(found: list[_Rows]) -> list[_Rates]:
        places = np.concatenate([rows.places for rows in found])
        quantizers = np.concatenate([rows.quantizers for rows in found])
        return of_each(_Rates.of(places, quantizers, taps))

    found: list[_Rows] = []
    for _ in range(_PASSES):
        present = fitted(found) if found else of_each(rates)
        found = [group.in_order(step, own) for group, own in zip(groups, present, strict=True)]
    for size, offset in _WINDOWS:
        for group, rows, own in zip(groups, found, fitted(found), strict=True):
            group.again(rows, step, own, size, offset)
    return torch.from_numpy(np.stack([rows.multiples for rows in found])).to(best)
