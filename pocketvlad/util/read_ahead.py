"""Decodes the pictures of one training step while the step before is computed."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import numpy as np
import torch

Item = TypeVar("Item")


def decoding_threads() -> int:
    """How many threads decode pictures: as many as the job has cores, but two at least, since
    one of them waits for the disk while the network computes."""
    return max(2, torch.get_num_threads())


def read_ahead(
    steps: Sequence[Sequence[Item]],
    load: Callable[[Item, np.random.Generator], np.ndarray],
    generator: np.random.Generator,
) -> Iterator[list[np.ndarray]]:
    """The results of `load` for the items of each step, loaded by threads one step ahead.

    Each item draws from a generator of its own, spawned in order, so that the result does not
    depend on which thread is faster.
    """
    with ThreadPoolExecutor(decoding_threads()) as pool:

        def submit(step: Sequence[Item]) -> list[Future[np.ndarray]]:
            draws = generator.spawn(len(step))
            return [pool.submit(load, *each) for each in zip(step, draws, strict=True)]

        ahead: list[Future[np.ndarray]] = []
        for index, step in enumerate(steps):
            current = ahead if index else submit(step)
            ahead = submit(steps[index + 1]) if index + 1 < len(steps) else []
            yield [future.result() for future in current]
