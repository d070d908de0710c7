"""The best row on the trellis, by error and bits, as far as eight survivors can tell.

Weight after weight, each state of the trellis keeps the cheapest way to reach it (Viterbi). What a
weight's error does to the weights after it differs from way to way, so each survivor has targets of
its own, moved by error feedback (`rounding`; per-survivor processing, Raheli, Polydoros & Tzou,
IEEE Trans. Communications, 1995). Without feedback, with moments that are diagonal, the search is
exact.
"""

import numpy as np

from pocketvlad.format.trellis import FOLLOWING, MAX_PLACE, QUANTIZERS
from pocketvlad.util.compiled import compiled

ANY = -1
"""In place of a state: a row may end in each."""


@compiled
def _search(
    target,
    factor,
    weights,
    bits,
    models,
    price,
    begin,
    end,
    following,
    quantizers,
    found,
    costs,
):
    rows, columns = target.shape
    states = len(following)
    limit = bits.shape[2] - 1
    left = np.empty((states, columns), np.float32)
    moved = np.empty((states, columns), np.float32)
    cost = np.empty(states)
    cheapest = np.empty(states)
    place = np.empty(states, np.int16)
    error = np.empty(states, np.float32)
    came = np.empty((columns, states), np.uint8)
    places = np.empty((columns, states), np.int16)
    for row in range(rows):
        cost[:] = np.inf
        cost[begin[row]] = 0.0
        left[begin[row]] = target[row]
        for column in range(columns):
            cheapest[:] = np.inf
            for state in range(states):
                if cost[state] == np.inf:
                    continue
                odd = quantizers[state]
                wanted = left[state, column]
                size = abs(wanted)
                below = min(int((size + odd) * np.float32(0.5)), limit - 1)
                # Zero, too, unless it is the place below.
                for trial in range(2 if below == 0 else 3):
                    own = 0 if trial == 2 else below + trial
                    multiple = 2 * own - odd if own > 0 else 0
                    missed = size - multiple
                    total = (
                        cost[state]
                        + weights[column] * missed * missed
                        + price[row] * bits[odd, models[row, column], own]
                    )
                    next_state = following[state, own & 1]
                    if total < cheapest[next_state]:
                        cheapest[next_state] = total
                        came[column, next_state] = state
                        place[next_state] = own if wanted > 0 else -own
                        error[next_state] = missed if wanted > 0 else -missed
            for state in range(states):
                if cheapest[state] == np.inf:
                    continue
                places[column, state] = place[state]
                share = error[state] / factor[column, column]
                before = came[column, state]
                for later in range(column + 1, columns):
                    moved[state, later] = left[before, later] - share * factor[column, later]
            left, moved = moved, left
            cost, cheapest = cheapest, cost
        state = end[row]
        if state < 0:
            state = np.argmin(cost)
        costs[row] = cost[state]
        if costs[row] == np.inf:
            continue
        for column in range(columns - 1, -1, -1):
            found[row, column] = places[column, state]
            state = came[column, state]


def search(
    target: np.ndarray,
    factor: np.ndarray,
    step: float,
    bits: np.ndarray,
    models: np.ndarray,
    price: np.ndarray,
    begin: np.ndarray,
    end: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """([R, B] places, int16; [R] what they cost: the error e H e' plus the price of their bits).

    A row that cannot end where it must costs infinity; its places mean nothing.

    Args:
        target: [R, B].
        factor: [B, B], of `rounding.feedback` for the moments H.
        step: that multiples are of (`format.trellis`).
        bits: [2, M, P + 1] of the magnitude of a place, P at most `MAX_PLACE`, in each quantizer,
            by model.
        models: [R, B].
        price: [R], the error that a bit is worth.
        begin, end: [R], the states before and after the row; `ANY` after it.
    """
    if not bits.shape[2] <= MAX_PLACE + 1:
        raise ValueError(f"bits of {bits.shape[2]} magnitudes; at most {MAX_PLACE + 1}")
    found = np.zeros(target.shape, dtype=np.int16)
    costs = np.empty(len(target))
    _search(
        np.ascontiguousarray(target / step, dtype=np.float32),
        np.ascontiguousarray(factor, dtype=np.float32),
        np.square(step / np.diag(factor)).astype(np.float64),
        np.ascontiguousarray(bits, dtype=np.float32),
        np.ascontiguousarray(models, dtype=np.int64),
        np.asarray(price, dtype=np.float64),
        np.asarray(begin, dtype=np.int64),
        np.asarray(end, dtype=np.int64),
        FOLLOWING,
        QUANTIZERS.astype(np.int64),
        found,
        costs,
    )
    return found, costs
