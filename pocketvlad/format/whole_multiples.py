"""Numbers that are whole multiples of a power of two, in Golomb-Rice codes.

A tensor of some hundred numbers is too small for frequencies of its own. A Golomb-Rice code (Rice &
Plaunt, IEEE Trans. Communication Technology, 1971) has one parameter, and takes about a third of a
bit more than the entropy of numbers around a middle. docs/format.md gives the layout.
"""

import numpy as np

from pocketvlad.format.error import FormatError

MAX_NUMBERS = 1 << 16
"""Of a tensor that is coded so: it is decoded number by number."""
_BITS = 24  # of a whole number that float32 holds
_LEAST_EXPONENT, _MOST_EXPONENT = -126, 103  # what it may be multiplied by, as a power of two
_MARKED = 0x80  # the flag: a bit before each number says whether it is zero
_HEAD = 6  # bytes: exponent, flag and bits of a rest, middle


def whole(values: np.ndarray) -> tuple[np.ndarray, int] | None:
    """(whole numbers [n], e): the values are 2^e times these, and e is as large as possible; None
    where there are no such numbers that a file may hold."""
    fractions, exponents = np.frexp(values.astype(np.float64))
    odd = (fractions * (1 << _BITS)).astype(np.int64)
    alive = odd != 0
    if not alive.any():
        return odd, 0
    lowest = odd & -odd  # the last bit that is set
    exponent = int((exponents[alive] - _BITS + np.log2(lowest[alive]).astype(np.int64)).min())
    numbers = np.ldexp(values.astype(np.float64), -exponent)
    possible = _LEAST_EXPONENT <= exponent <= _MOST_EXPONENT
    if not possible or np.abs(numbers).max() >= 1 << _BITS:
        return None
    return numbers.astype(np.int64), exponent


def _folded(numbers: np.ndarray) -> np.ndarray:
    """0, -1, 1, -2, 2 and so on as 0, 1, 2, 3, 4."""
    return np.where(numbers < 0, -2 * numbers - 1, 2 * numbers)


def _unfolded(number: int) -> int:
    return -(number + 1) // 2 if number & 1 else number // 2


def encode(values: np.ndarray) -> bytes | None:
    """The payload of a float32 tensor; None where it is not made of whole multiples, or is empty
    or too large."""
    if not 1 <= values.size <= MAX_NUMBERS or (found := whole(values.ravel())) is None:
        return None
    numbers, exponent = found
    best = None
    for marked in (False, True):
        coded = numbers[numbers != 0] if marked else numbers
        middle = int(np.median(coded)) if len(coded) else 0
        folded = _folded(coded - middle)
        for rest in range(_BITS + 1):
            size = int((folded >> rest).sum()) + len(coded) * (1 + rest) + marked * len(numbers)
            if best is None or size < best[0]:
                best = size, marked, middle, rest
    _, marked, middle, rest = best
    bits = []
    for number, folded in zip(numbers.tolist(), _folded(numbers - middle).tolist(), strict=True):
        if marked:
            bits.append("1" if number else "0")
        if number or not marked:
            bits.append("1" * (folded >> rest) + "0")
            bits.append(f"{folded & (1 << rest) - 1:0{rest}b}" if rest else "")
    written = "".join(bits)
    packed = np.packbits(np.frombuffer(written.encode(), np.uint8) - ord("0")).tobytes()
    return (
        exponent.to_bytes(1, "little", signed=True)
        + bytes([_MARKED * marked | rest])
        + middle.to_bytes(4, "little", signed=True)
        + packed
    )


def decode(payload: bytes, count: int) -> np.ndarray:
    """[count] float32, the inverse of `encode`.

    Raises:
        FormatError: the payload is not one of so many numbers.
    """
    if count > MAX_NUMBERS:
        raise FormatError(f"{count} whole multiples; at most {MAX_NUMBERS} are allowed")
    if len(payload) < _HEAD:
        raise FormatError(f"{len(payload)} bytes of whole multiples; {_HEAD} or more expected")
    exponent = int.from_bytes(payload[:1], "little", signed=True)
    marked, rest = bool(payload[1] & _MARKED), payload[1] & ~_MARKED
    middle = int.from_bytes(payload[2:_HEAD], "little", signed=True)
    if rest > _BITS or not _LEAST_EXPONENT <= exponent <= _MOST_EXPONENT:
        raise FormatError(f"whole multiples of 2^{exponent} with {rest} bits of a rest")
    bits = "".join(f"{byte:08b}" for byte in payload[_HEAD:])
    numbers, at = [], 0
    for _ in range(count):
        if marked:
            at += 1
            if bits[at - 1 : at] == "0":
                numbers.append(0)
                continue
        end = bits.find("0", at)
        if end < 0 or end + 1 + rest > len(bits):
            raise FormatError("the whole multiples end too early")
        low = bits[end + 1 : end + 1 + rest]
        folded = (end - at) << rest | (int(low, 2) if rest else 0)
        at = end + 1 + rest
        numbers.append(middle + _unfolded(folded))
        if abs(numbers[-1]) >= 1 << _BITS:
            raise FormatError(f"a whole multiple of {numbers[-1]}")
    if len(bits) - at >= 8 or "1" in bits[at:]:
        raise FormatError("the whole multiples do not end where their bytes do")
    return np.ldexp(np.array(numbers, dtype=np.float64), exponent).astype(np.float32)
