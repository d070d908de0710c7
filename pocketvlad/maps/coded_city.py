"""How well a map code keeps the descriptors of a city, and what it takes."""

from collections.abc import Callable, Iterator
from statistics import median
from time import perf_counter

import numpy as np

from pocketvlad.data.dataset import Dataset
from pocketvlad.maps.city_descriptors import CityDescriptors
from pocketvlad.maps.coded_ranking import coded_rankings
from pocketvlad.maps.fitted_code import fit
from pocketvlad.maps.map_code import Code
from pocketvlad.scoring.place_recall import ranked_place_recall
from pocketvlad.scoring.recall_settings import RecallSettings
from pocketvlad.scoring.scored import scored

_TIMED = 20  # searches; their median is reported


def coded_scores(
    declared: Code,
    city: CityDescriptors,
    dataset: Dataset,
    seed: int,
    recall: RecallSettings | None = None,
) -> dict[str, object]:
    """What the code weighs, takes and finds on the test city: a part of a JSON row.

    Args:
        dataset: the test city.
        seed: of the code's random draws.
        recall: what counts as found by its position, where these are known; None: no Recall@N.

    Raises:
        ValueError: the code cannot be learnt from these descriptors; names it.
    """
    try:
        code = fit(declared, city.training, seed)
    except ValueError as error:
        raise ValueError(f"map code {declared.short}: {error}") from None
    started = perf_counter()
    codes = code.encode(city.database)
    taken = perf_counter() - started

    def ranked(rows: np.ndarray) -> Iterator[list[str]]:
        return coded_rankings(code, rows, dataset.images, codes)

    places = None
    if recall is not None and dataset.positions is not None:
        places = ranked_place_recall(dataset, city.database, ranked, recall)
    found = scored(dataset, city.queries, city.database, ranked, places)
    # Without lists queries are among the images.
    queries = city.queries if len(city.queries) else city.database
    asked = queries[np.arange(_TIMED) % len(queries)]
    return {
        "code": declared.short,
        "places": len(codes),
        "place_bytes": code.bytes_per_row,
        "parameter_bytes": code.parameter_bytes,
        "encode_ms": 1000 * taken / len(codes),
        "search_ms": 1000 * _time_of(asked, lambda row: list(ranked(row))),
        **found.row(dataset),
    }


def _time_of(asked: np.ndarray, search: Callable[[np.ndarray], object]) -> float:
    """The median of the seconds of one search at a time; what is compiled was compiled before."""
    times = []
    for row in asked:
        started = perf_counter()
        search(row[None])
        times.append(perf_counter() - started)
    return median(times)
