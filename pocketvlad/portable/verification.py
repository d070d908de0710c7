"""Whether a graph computes what torch computes."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image

from pocketvlad.data.images import to_batch
from pocketvlad.data.settings import Sizing
from pocketvlad.networks.labels import labelled_tensors
from pocketvlad.networks.model import Model
from pocketvlad.networks.network import RetrievalNetwork
from pocketvlad.portable.session import Session
from pocketvlad.portable.settings import TOLERANCE

_IMAGES = 2  # of each size
_COARSE = 12  # pixels that a colour of a test picture covers, about


class VerificationError(ValueError):
    """A graph does not compute what torch computes."""


@dataclass(frozen=True)
class Verified:
    """What was seen.

    sizes: (height, width) of the images.  error: the largest difference of a component from torch
    with the weights that the file has.  change: the largest from torch with the model's own, which
    rounding them has made.
    """

    sizes: list[tuple[int, int]]
    error: float
    change: float


def sizes_to_compare(sizing: Sizing, min_side: int) -> list[tuple[int, int]]:
    """Three of (height, width): lying and standing as the protocol has them, and a small one; even
    and odd. Where the protocol squeezes images, the first is what it squeezes them to.

    >>> sizes_to_compare(Sizing(320), 1)
    [(240, 320), (320, 213), (161, 107)]
    >>> sizes_to_compare(Sizing(320).squeezed((320, 256)), 1)
    [(320, 256), (320, 213), (161, 107)]
    """
    side = max(sizing.image_size, min_side)
    sizes = [
        sizing.squeeze or (round(side * 3 / 4), side),
        (side, round(side * 2 / 3)),
        (side // 2 | 1, side // 3 | 1),
    ]
    return [(max(height, min_side), max(width, min_side)) for height, width in sizes]


def _pictures(sizes: Sequence[tuple[int, int]]) -> Iterator[np.ndarray]:
    """[N, H, W, 3] uint8 of each size: smooth, seeded noise."""
    generator = np.random.default_rng(0)
    for height, width in sizes:
        coarse = (_IMAGES, height // _COARSE + 2, width // _COARSE + 2, 3)
        small = generator.integers(0, 256, coarse, dtype=np.uint8)
        yield np.stack(
            [
                np.asarray(Image.fromarray(each).resize((width, height), Image.Resampling.BICUBIC))
                for each in small
            ]
        )


def _with_weights(network: RetrievalNetwork, values: Mapping[str, np.ndarray]) -> RetrievalNetwork:
    """A copy on the CPU with other weights."""
    other = copy.deepcopy(network).cpu().eval()
    other.mixed = False
    with torch.no_grad():
        for name, tensor, _ in labelled_tensors(other):
            if name in values:
                tensor.copy_(torch.from_numpy(values[name]))
    return other


def _has(network: RetrievalNetwork, values: Mapping[str, np.ndarray]) -> bool:
    """Whether these are its weights."""
    return all(
        np.array_equal(values[name], tensor.detach().numpy())
        for name, tensor, _ in labelled_tensors(network)
        if name in values
    )


def verify(
    session: Session, model: Model, sizing: Sizing, values: Mapping[str, np.ndarray]
) -> Verified:
    """Compare a graph with torch at three sizes.

    Args:
        values: the weights that the graph has.

    Raises:
        VerificationError: a component differs by more than `TOLERANCE`; says by how much, at which
            size.
    """
    own = _with_weights(model.network, {})
    held = own if _has(own, values) else _with_weights(model.network, values)
    sizes = sizes_to_compare(sizing, model.network.min_side)
    error = change = 0.0
    for size, pixels in zip(sizes, _pictures(sizes), strict=True):
        found = session.describe(pixels)
        batch = to_batch(list(pixels), model.preprocessing)
        with torch.inference_mode():
            expected = held(batch).numpy()
            before = expected if held is own else own(batch).numpy()
        if found.shape != expected.shape:
            raise VerificationError(
                f"the graph gives {found.shape} numbers for images of {size[0]} x {size[1]} "
                f"pixels, torch {expected.shape}"
            )
        here = float(np.abs(found - expected).max())
        if not here <= TOLERANCE:  # also where it is no number
            raise VerificationError(
                f"the graph's descriptors differ from torch's by {here:.2g} at {size[0]} x "
                f"{size[1]} pixels; {TOLERANCE:g} is allowed. A step of the network depends on "
                "the size of images in a way that ONNX does not repeat"
            )
        error = max(error, here)
        change = max(change, float(np.abs(found - before).max()))
    return Verified(sizes, error, change)
