"""The decoder of `rans` without numba, for machines that are to install little.

The same arithmetic on Python's own whole numbers. A million symbols take most of a second, with
numba a hundredth of that.
"""

import numpy as np


def decode(
    words, tables, rows, columns, size, following, begins, frequencies, starts, states, symbols
) -> int:
    """Fill `symbols` and return how many words that took, or -1 if they do not suffice.

    Args:
        words: [W] uint32.
        tables: [M, 2^16] uint8, the symbol of each slot, by model.
        rows, columns, size: [R], [C] and models of a set, see `rans.Contexts`.
        following, begins: [S, 256] and [S], see `rans.Machine` and `rans.Contexts.begins`.
        frequencies, starts: [M, L] of the symbols, by model.
        states: [4] uint64; afterwards those at the end.
        symbols: [R, C] uint8.
    """
    coming = words.tolist()
    models = list(
        zip(map(np.ndarray.tobytes, tables), frequencies.tolist(), starts.tolist(), strict=True)
    )
    after = [each.tobytes() for each in following]
    # Of each number of a model, that model of every state's set.
    by_state = [
        tuple(models[begin + number] for begin in begins.tolist()) for number in range(size)
    ]
    by_row: dict[int, list] = {}  # rows have a few sizes only
    used = 0
    one, two, three, four = map(int, states)
    for row, own in enumerate(rows.tolist()):
        if own not in by_row:
            numbers = (own + columns.astype(np.int64)).clip(0, size - 1)
            by_row[own] = [by_state[number] for number in numbers.tolist()]
        made, turn = bytearray(), 0
        for choice in by_row[own]:
            table, frequency, start = choice[turn]
            slot = one & 0xFFFF
            symbol = table[slot]
            made.append(symbol)
            turn = after[turn][symbol]
            state = frequency[symbol] * (one >> 16) + slot - start[symbol]
            if state < 0x80000000:
                if used >= len(coming):
                    return -1
                state = state << 32 | coming[used]
                used += 1
            one, two, three, four = two, three, four, state
        symbols[row] = made
    turned = np.array([one, two, three, four], dtype=np.uint64)
    states[:] = np.roll(turned, symbols.size % 4)
    return used
