"""The probability of each symbol of a layer, given the magnitudes of its row, input and tap.

Some outputs, some inputs and some taps of a kernel have larger symbols than others; that is most of
what one symbol says about another. So a layer has a few models, from small symbols to large ones.
The sizes of a symbol's row, input and tap choose its model; these sizes are stored (classification
of coefficients by their variance; Chen & Smith, IEEE Trans. Communications, 1977). Sizes are half
octaves of mean magnitudes: as logarithms they add up.

Codes are [R, C, K] here: rows, the outputs of a layer; inputs; taps of a kernel, one
in a layer without any.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pocketvlad.format import trellis
from pocketvlad.format.quantized_tensor import QuantizedTensor
from pocketvlad.util.compiled import compiled

FREQUENCIES = 1 << 16
"""What the frequencies of a model sum to."""
MAX_MODELS = 64
MAX_SIZE = 24
_STEPS = 2  # an octave
_TAIL = 1 / 256  # of all symbols: what is smaller or larger than the rest shares its model
_ZERO_BITS = 1  # that storing a frequency of zero takes, once deflated


@dataclass(frozen=True)
class SymbolModel:
    """Symbol (r, c, k) is coded by model rows[r] + inputs[c] + taps[k] - low, or by the nearest
    of models 0 to M - 1.

    rows: [R], inputs: [C], taps: [K] uint8.  low: 0 to 255.  models: M, 1 to `MAX_MODELS`.
    """

    rows: np.ndarray
    inputs: np.ndarray
    taps: np.ndarray
    low: int
    models: int

    @property
    def columns(self) -> np.ndarray:
        """[C K] int16 What to add to a row's size, inputs first: the model before it is limited."""
        columns = np.add.outer(self.inputs.astype(np.int16), self.taps.astype(np.int16)).ravel()
        columns -= np.int16(self.low)
        return columns

    def numbers(self) -> np.ndarray:
        """[R, C K] The model of each symbol."""
        sums = np.add.outer(self.rows.astype(np.int64), self.columns)
        return sums.clip(0, self.models - 1)

    def counts(self, codes: np.ndarray, levels: int) -> np.ndarray:
        """[M, levels] How often each of the `codes` [R, C, K] is coded by each model."""
        counts = np.zeros((self.models, levels), dtype=np.int64)
        _count(codes.reshape(len(codes), -1), self.rows.astype(np.int64), self.columns, counts)
        return counts


def entropy_bits(counts: np.ndarray) -> float:
    """Shannon's bound for symbols that occur so often, [M, L], each model's by its own shares."""
    counts = counts.astype(np.float64)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    return float(-(counts * np.log2(shares, where=counts > 0, out=np.zeros_like(shares))).sum())


@compiled
def _count(codes, rows, columns, counts):
    last = len(counts) - 1
    for row in range(len(codes)):
        for column in range(len(columns)):
            number = min(max(rows[row] + columns[column], 0), last)
            counts[number, codes[row, column]] += 1


@compiled
def _count_by_sizes(codes, rows, inputs, taps, counts):
    for row in range(codes.shape[0]):
        for channel in range(codes.shape[1]):
            for tap in range(codes.shape[2]):
                code = codes[row, channel, tap]
                counts[rows[row], inputs[channel], taps[tap], code] += 1


def _sizes(means: np.ndarray) -> np.ndarray:
    """Half octaves above the smallest, of those within `MAX_SIZE` of the largest."""
    octaves = np.round(_STEPS * np.log2(means / means.max()))
    sizes = np.maximum(octaves, -MAX_SIZE)
    return (sizes - sizes.min()).astype(np.uint8)


def _range(sums: np.ndarray, symbols: np.ndarray) -> tuple[int, int]:
    """(lowest, highest) sum of sizes with a model of its own.

    Args:
        sums, symbols: of each combination of sizes, and how many symbols are of it.
    """
    of_sum = np.bincount(sums, weights=symbols)
    total = of_sum.sum()
    low = int(np.argmax(np.cumsum(of_sum) > _TAIL * total))
    high = len(of_sum) - 1 - int(np.argmax(np.cumsum(of_sum[::-1]) > _TAIL * total))
    return low, min(high, low + MAX_MODELS - 1)


def _storage_bits(sizes: Sequence[np.ndarray], counts: np.ndarray) -> float:
    """What sizes and frequencies take in a file, about: they are deflated.

    Args:
        counts: [M, L].
    """
    total = counts.sum(axis=1, keepdims=True)
    frequencies = np.ceil(counts * (FREQUENCIES / np.maximum(total, 1)))
    written = 8 + 8 * (frequencies >= 1 << 7) + 8 * (frequencies >= 1 << 14)
    stored = float(np.where(frequencies > 0, written, _ZERO_BITS).sum())
    for each in sizes:
        # A length code of deflate stands for runs; where there are none, a size has its own code.
        stored += max(entropy_bits(np.bincount(each)[None]), len(each) if each.any() else 0)
    return stored


def fit_model(codes: np.ndarray, magnitudes: np.ndarray, sets: int = 1) -> SymbolModel:
    """Models by the sizes of mean magnitudes, of those axes whose sizes pay.

    Of the eight choices of axes it is the one by which symbols and, by an estimate, what a file
    must hold of the model take the fewest bits.

    Args:
        codes: [R, C, K] uint8.
        magnitudes: [L] float32, of what each code stands for.
        sets: see `Alphabet`.
    """
    levels = len(magnitudes)
    values = magnitudes.astype(np.float32)[codes]
    # One more symbol of half the common size each: none is zero alone.
    least = max(float(values.mean(dtype=np.float64)) / 2, np.finfo(np.float32).tiny)
    axes = []
    for axis in range(3):
        others = tuple(each for each in range(3) if each != axis)
        sums = values.sum(axis=others, dtype=np.float64)
        axes.append(_sizes((sums + least) / (codes.size / codes.shape[axis] + 1)))
    counts = np.zeros((*(int(axis.max()) + 1 for axis in axes), levels), dtype=np.int64)
    _count_by_sizes(codes, *(axis.astype(np.int64) for axis in axes), counts)
    best, least_bits = None, math.inf
    for kept in itertools.product((True, False), repeat=3):
        sizes = [
            axis if keep else np.zeros_like(axis) for axis, keep in zip(axes, kept, strict=True)
        ]
        left = counts.sum(axis=tuple(i for i, keep in enumerate(kept) if not keep), keepdims=True)
        sums = sum(np.ogrid[tuple(slice(n) for n in left.shape[:3])]).ravel()
        left = left.reshape(len(sums), levels)
        low, high = _range(sums, left.sum(axis=1))
        numbers = np.clip(sums - low, 0, high - low)
        merged = np.stack([left[numbers == n].sum(axis=0) for n in range(high - low + 1)])
        merged = merged.reshape(-1, levels // sets)
        bits = entropy_bits(merged) + _storage_bits(sizes, merged)
        if bits < least_bits:
            best, least_bits = SymbolModel(*sizes, low, high - low + 1), bits
    return best


@dataclass(frozen=True)
class Alphabet:
    """What models count of a layer. On a trellis these are magnitudes of places, apart for each
    quantizer: signs are as likely as one another.

    codes: [R, C, K] uint8.  magnitudes: [L] float32, of what each code stands for.  sets: a model
    is one of so many equal shares of the codes, the first L / sets first.
    """

    codes: np.ndarray
    magnitudes: np.ndarray
    sets: int = 1

    @classmethod
    def of(cls, tensor: QuantizedTensor) -> "Alphabet":
        """That of a layer."""
        if not tensor.on_trellis:
            return cls(tensor.by_axes(), np.abs(tensor.codebook))
        places, quantizers = trellis.to_places(tensor.multiples())
        most = len(tensor.codebook) // 4
        return cls.of_places(places, quantizers, tensor.by_axes().shape, most)

    @classmethod
    def of_places(
        cls, places: np.ndarray, quantizers: np.ndarray, axes: Sequence[int], most: int
    ) -> "Alphabet":
        """That of places on a trellis, see `trellis.to_places`.

        Args:
            axes: R, C, K.
            most: the largest magnitude of a place that there may be.
        """
        codes = np.abs(places).astype(np.uint8) + quantizers * np.uint8(most + 1)
        sizes = np.arange(most + 1, dtype=np.float32)
        return cls(codes.reshape(axes), np.tile(sizes, 2), 2)

    def model(self) -> SymbolModel:
        """What the codes are coded by."""
        return fit_model(self.codes, self.magnitudes, self.sets)

    def counts(self, model: SymbolModel) -> np.ndarray:
        """[sets M, L / sets] How often each code is coded by each model, a set after the other."""
        counts = model.counts(self.codes, len(self.magnitudes))
        by_set = counts.reshape(model.models, self.sets, -1).swapaxes(0, 1)
        return by_set.reshape(self.sets * model.models, -1)


def model_of(tensor: QuantizedTensor) -> SymbolModel:
    """What the codes of a layer are coded by."""
    return Alphabet.of(tensor).model()


def coded_bits(tensor: QuantizedTensor) -> float:
    """Shannon's bound on the size of the codes of a layer, coded one by one by its model."""
    alphabet = Alphabet.of(tensor)
    signs = np.count_nonzero(tensor.codes) if tensor.on_trellis else 0
    return entropy_bits(alphabet.counts(alphabet.model())) + signs
