"""The two ways to count a compressed model's size."""

MEBIBYTE = 2**20
MEGABYTE = 10**6
FLOAT32_BYTES = 4
FLOAT32_BITS = 8 * FLOAT32_BYTES


def float32_bytes(parameters: int) -> int:
    """The uncompressed size that every ratio refers to."""
    return FLOAT32_BYTES * parameters


def paper_megabytes(parameters: int, pruned_percent: float, bits: int) -> float:
    """The size as the paper seems to count it, in MiB: kept weights times bits.

    Nothing is counted for the positions of the kept weights; the paper's published sizes fit this
    (see docs/method.md). It is not the size of a file.
    """
    return parameters * (1 - pruned_percent / 100) * bits / 8 / MEBIBYTE
