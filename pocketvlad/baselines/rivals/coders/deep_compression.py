"""A pruned model as Deep Compression stores it (Han, Mao & Dally, ICLR 2016).

Survivors are the numbers of k-means centres, positions the zeros between them; both are
Huffman-coded on their own. Convolutions and clusters have 8 bits for a number and 8 for a gap,
linear maps, which are fully connected layers, 5 and 5: the paper's bits. A longer gap needs a
filler, a zero that is stored.

Two things differ from the paper. A layer has 2^b - 1 centres, because number 0 is for fillers. And
centres are not trained, as in our cells with fixed codebooks.
"""

import math
from collections.abc import Mapping

import numpy as np

from pocketvlad.baselines.rivals.container import pack, unpack
from pocketvlad.baselines.rivals.half import half
from pocketvlad.baselines.rivals.huffman import huffman, unhuffman
from pocketvlad.baselines.rivals.rival import Made, Rival, asked
from pocketvlad.compression.quantize import quantize_tensor
from pocketvlad.format.error import FormatError
from pocketvlad.format.roles import Role

BITS = {Role.CONVOLUTION: 8, Role.CLUSTER: 8, Role.LINEAR: 5}
"""Of a centre's number and of a gap, by what a layer does."""
_CODES, _GAPS, _CENTRES = "/codes", "/gaps", "/centres"


def rivals(section: Mapping, made: Made) -> list[Rival]:
    """One a threshold of `rivals.deep_compression`, of the model that is pruned to it."""
    thresholds = asked(
        "deep_compression.thresholds",
        section.get("deep_compression", {}).get("thresholds", []),
        made.pruned,
        "the grid does not prune it without an L1 penalty",
    )
    return [
        Rival(
            f"deep-compression_{each}",
            f"Deep Compression, {each}",
            "deep_compression",
            made.pruned[each],
        )
        for each in thresholds
    ]


def to_gaps(codes: np.ndarray, bits: int) -> tuple[np.ndarray, np.ndarray]:
    """(codes, gaps) of non-zero codes and of fillers.

    Args:
        codes: uint8 [N]; 0 is a zero.
        bits: of a gap, at most 8.

    Returns:
        uint8 [M] each: how many zeros stand before an entry, below 2^bits, and its code; 0 for a
        filler. Zeros after the last entry are not stored.
    """
    longest = 1 << bits
    places = np.flatnonzero(codes)
    zeros = np.diff(places, prepend=-1) - 1
    entries = np.cumsum(zeros // longest + 1)
    gaps = np.full(entries[-1] if len(entries) else 0, longest - 1, dtype=np.uint8)
    kept = np.zeros_like(gaps)
    gaps[entries - 1] = zeros % longest
    kept[entries - 1] = codes[places]
    return kept, gaps


def from_gaps(kept: np.ndarray, gaps: np.ndarray, size: int) -> np.ndarray:
    """The inverse of `to_gaps`: uint8 [size].

    Raises:
        FormatError: the entries need another number of places.
    """
    if len(kept) != len(gaps):
        raise FormatError(f"{len(kept)} codes, but {len(gaps)} gaps")
    places = np.cumsum(gaps.astype(np.int64) + 1) - 1
    if len(places) and places[-1] >= size:
        raise FormatError(f"the gaps lead to place {places[-1]} of {size}")
    codes = np.zeros(size, dtype=np.uint8)
    codes[places] = kept
    return codes


def encode(tensors: Mapping[str, np.ndarray], roles: Mapping[str, Role]) -> bytes:
    """The float32 `tensors` of a pruned model as a file; biases in half precision."""
    arrays, shapes = {}, {}
    for name, tensor in tensors.items():
        if not roles[name].compressed:
            arrays[name] = half(tensor)
            continue
        bits = BITS[roles[name]]
        quantized = quantize_tensor(tensor, "kmeans", bits)
        kept, gaps = to_gaps(quantized.codes.reshape(-1), bits)
        shapes[name] = tensor.shape
        arrays[name + _CENTRES] = quantized.codebook
        arrays[name + _CODES], arrays[name + _GAPS] = huffman(kept), huffman(gaps)
    return pack(arrays, names=list(tensors), shapes=shapes)


def decode(data: bytes) -> dict[str, np.ndarray]:
    """The float32 tensors that the file stands for.

    Raises:
        FormatError: the file is damaged; names the layer.
    """
    arrays, header = unpack(data)
    tensors = {}
    for name in header["names"]:
        if name not in header["shapes"]:
            tensors[name] = arrays[name].astype(np.float32)
            continue
        shape = header["shapes"][name]
        try:
            kept, gaps = (unhuffman(arrays[name + part]) for part in (_CODES, _GAPS))
            codes = from_gaps(kept, gaps, math.prod(shape))
        except FormatError as error:
            raise FormatError(f"layer {name}: {error}") from None
        tensors[name] = arrays[name + _CENTRES][codes].reshape(shape)
    return tensors
