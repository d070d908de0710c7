"""Levels that depend on the weights before them in their row: trellis-coded quantization.

All levels are whole multiples of a step. Two quantizers share them: one has the even multiples, the
other the odd ones and zero. A weight is coded by its place k in one of them, and a machine of eight
states, driven by the parities of the places before it, says by which. So each weight is coded as if
steps were twice as wide, and a row as a whole still comes nearly as close as with the finer ones.
(Marcellin & Fischer, IEEE Trans. Communications, 1990; with zero in both quantizers as in the
video standard H.266, Schwarz et al., Data Compression Conference, 2019.)

Numbers are [R, D]: rows are independent of one another, and begin in state 0.
"""

import numpy as np

FOLLOWING = np.array(
    [[0, 2], [5, 7], [1, 3], [6, 4], [2, 0], [4, 6], [3, 1], [7, 5]], dtype=np.uint8
)
"""[8, 2] The state after an even and after an odd place. States of odd number have the quantizer of
odd multiples."""
QUANTIZERS = np.arange(8, dtype=np.uint8) % 2
"""[8] The quantizer of each state: 0 has even multiples, 1 odd ones."""
MAX_PLACE = 127
"""Largest magnitude of a place: multiples up to 254, 509 levels."""


def symbols_of_places(places: np.ndarray) -> np.ndarray:
    """uint8: zero is 0, then 1, -1, 2, -2 and so on."""
    return (2 * np.abs(places) - (places > 0)).astype(np.uint8)


def magnitudes(symbols: np.ndarray) -> np.ndarray:
    """uint8, those of the places that symbols stand for."""
    return (symbols + np.uint8(1)) // np.uint8(2)


def to_places(multiples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(places, int16; the quantizer of each, uint8), both [R, D].

    Args:
        multiples: [R, D] whole numbers.

    Raises:
        ValueError: a row has a multiple that the quantizer there does not have.
    """
    places = np.empty(multiples.shape, dtype=np.int16)
    quantizers = np.empty(multiples.shape, dtype=np.uint8)
    state = np.zeros(len(multiples), dtype=np.uint8)
    for column, own in enumerate(multiples.T.astype(np.int16)):
        quantizer = QUANTIZERS[state]
        shifted = own + quantizer * np.sign(own)
        if (shifted & 1).any():
            row = int(np.flatnonzero(shifted & 1)[0])
            raise ValueError(f"row {row}, weight {column}: {own[row]} is not on the trellis")
        places[:, column], quantizers[:, column] = shifted // 2, quantizer
        state = FOLLOWING[state, (shifted // 2) & 1]
    return places, quantizers


def to_multiples(symbols: np.ndarray) -> np.ndarray:
    """[R, D] int16 multiples of what `symbols_of_places` made, the inverse of `to_places`."""
    sizes = magnitudes(symbols).astype(np.int16)
    signs = np.where(symbols & 1, 1, -1).astype(np.int16)
    multiples = np.empty(symbols.shape, dtype=np.int16)
    state = np.zeros(len(symbols), dtype=np.uint8)
    for column, own in enumerate(sizes.T):
        odd = QUANTIZERS[state] & (own > 0)
        multiples[:, column] = (2 * own - odd) * signs[:, column]
        state = FOLLOWING[state, own & 1]
    return multiples
