"""Descriptors of fewer components: the first of the training city's PCA."""

import numpy as np

from pocketvlad.maps.unit_rows import unit_rows
from pocketvlad.util.counted import counted
from pocketvlad.util.told_axes import told_axes


def principal_axes(rows: np.ndarray, length: int) -> np.ndarray:
    """[length, D] float16, the directions in which `rows` [M, D] vary most, of unit length.

    They are found about the mean of the rows, in double precision. In half precision they take half
    the place, and each component is off by at most 1/2048 of itself: less than any code is. Each
    axis points where its largest component is positive, so that it is the same on every machine.

    Raises:
        ValueError: more axes are asked for than the rows tell.
    """
    count, components = rows.shape
    if length > components:
        raise ValueError(
            f"a code of {length} components is longer than the descriptor, which has "
            f"{components}; ask for at most {components}"
        )
    if length >= count:
        raise ValueError(
            f"of {counted(count, 'descriptor')} at most {counted(count - 1, 'axis', 'axes')} of a "
            f"PCA can be told, not {length}; ask for fewer components, or learn from more "
            "photographs"
        )
    centred = rows.astype(np.float64)
    centred -= centred.mean(axis=0)
    # The smaller of both products has the same eigenvalues.
    wide = components > count
    found, places = np.linalg.eigh(centred @ centred.T if wide else centred.T @ centred)
    told = told_axes(rows, found / (count - 1))
    if length > told:
        raise ValueError(
            f"{count} descriptors, some of which are alike or depend on others, tell "
            f"{counted(told, 'axis', 'axes')} of a PCA, not {length}; ask for fewer components, or "
            "learn from more photographs"
        )
    axes = places.T[-length:] @ centred if wide else places.T
    axes = axes[::-1][:length]
    axes /= np.maximum(np.linalg.norm(axes, axis=1, keepdims=True), np.finfo(np.float64).tiny)
    largest = np.abs(axes).argmax(axis=1)
    return (axes * np.sign(axes[np.arange(length), largest])[:, None]).astype(np.float16)


def shortened(rows: np.ndarray, axes: np.ndarray) -> np.ndarray:
    """[N, L] float32 of unit length: rows [N, D] along axes [L, D].

    As from a network whose last layer had been shorter. Without unit length a place with much of
    itself outside of the axes would be found more rarely than others. A row that is wholly
    outside stays zero.
    """
    return unit_rows(rows.astype(np.float32, copy=False) @ axes.T.astype(np.float32))
