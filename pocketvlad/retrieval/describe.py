"""Describing many images: decoding in the background, batches of equal shape."""

from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor

from pocketvlad.data.images import ImageError, Preprocessing, load_image, to_batch
from pocketvlad.data.settings import Sizing
from pocketvlad.networks.settings import ComputeSettings
from pocketvlad.retrieval.coinciding import require_finite
from pocketvlad.retrieval.picture import Picture, too_small
from pocketvlad.util.progress import progress
from pocketvlad.util.read_ahead import decoding_threads
from pocketvlad.util.settings import default_of

_BATCH_SIZE = default_of(ComputeSettings, "batch_size")
_BATCHES_AHEAD = 3  # decoded and waiting: enough to hide a slow file, little enough in memory


def require_sides(pictures: Sequence[Picture], sizing: Sizing, min_side: int) -> None:
    """Raises ImageError where pictures of a data set are too small for a network; names all."""
    faults = [fault for each in pictures if (fault := too_small(each, sizing, min_side))]
    if faults:
        raise ImageError(
            f"{len(faults)} of {len(pictures)} images or boxes are too small or too narrow:\n  "
            + "\n  ".join(faults)
            + "\nraise protocol.image_size, enlarge the boxes, or name the images under "
            "`leave_out` of the data set"
        )


def batches_by_shape(
    pictures: Sequence[Picture], sizing: Sizing, batch_size: int
) -> list[list[int]]:
    """Numbers of pictures, grouped so that a group's pictures have one shape."""
    by_shape: dict[tuple[int, int], list[int]] = defaultdict(list)
    for index, picture in enumerate(pictures):
        by_shape[picture.shape(sizing)].append(index)
    return [
        group[start : start + batch_size]
        for _, group in sorted(by_shape.items())
        for start in range(0, len(group), batch_size)
    ]


def decoded_batches(
    pictures: Sequence[Picture],
    sizing: Sizing,
    preprocessing: Preprocessing,
    batch_size: int,
) -> Iterator[tuple[list[int], Tensor]]:
    """(picture numbers, preprocessed [n, 3, H, W]) a batch, decoded in threads ahead of use."""

    def load(index: int) -> np.ndarray:
        picture = pictures[index]
        pixels = load_image(picture.path, sizing, picture.box, picture.upright)
        if pixels.shape[1::-1] != picture.shape(sizing):
            raise ImageError(f"{picture.path} has been changed meanwhile; start again")
        return pixels

    waiting: deque[tuple[list[int], list[Future[np.ndarray]]]] = deque()
    with ThreadPoolExecutor(decoding_threads()) as pool:

        def take() -> tuple[list[int], Tensor]:
            group, futures = waiting.popleft()
            return group, to_batch([future.result() for future in futures], preprocessing)

        for group in batches_by_shape(pictures, sizing, batch_size):
            waiting.append((group, [pool.submit(load, index) for index in group]))
            if len(waiting) > _BATCHES_AHEAD:
                yield take()
        while waiting:
            yield take()


@torch.inference_mode()
def described(
    function: Callable[[Tensor], Tensor],
    pictures: Sequence[Picture],
    sizing: Sizing,
    preprocessing: Preprocessing,
    batch_size: int = _BATCH_SIZE,
) -> Iterator[tuple[list[int], np.ndarray]]:
    """(picture numbers, rows [n, D] float32) a batch: `function` ([n, 3, H, W] -> [n, D]) applied.

    Raises:
        ImageError: a file cannot be decoded; names it.
        ValueError: a descriptor is not finite; names the file.
    """
    for group, batch in decoded_batches(pictures, sizing, preprocessing, batch_size):
        rows = function(batch).float().cpu().numpy()
        require_finite(rows, [pictures[index].path for index in group])
        yield group, rows


def describe(
    function: Callable[[Tensor], Tensor],
    pictures: Sequence[Picture],
    sizing: Sizing,
    preprocessing: Preprocessing,
    batch_size: int = _BATCH_SIZE,
    label: str = "describe",
) -> np.ndarray:
    """`described` of every picture, with a progress bar.

    Returns:
        [N, D] float32, in the order of `pictures`.

    Raises:
        ImageError, ValueError: see `described`.
    """
    rows: np.ndarray | None = None
    with progress(total=len(pictures), label=label, unit="image") as bar:
        for group, result in described(function, pictures, sizing, preprocessing, batch_size):
            if rows is None:
                rows = np.empty((len(pictures), result.shape[1]), dtype=np.float32)
            rows[group] = result
            bar.update(len(group))
    if rows is None:
        raise ValueError("there are no pictures to describe")
    return rows
