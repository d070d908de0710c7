"""A map of many places: built, opened and searched, beside plain numpy and plain faiss, in one run.

    python tests/benchmark_map.py [--places 1000000] [--components 256] [--lists 4096] [--code int8]

Places are synthetic: clusters of clusters, from a seed, made block by block. A query is drawn as
the places of a cluster are. The reference is float32, exact: what plain faiss finds. Every way is
timed for one query at a time and for 100 at once, medians of rounds that alternate, and is printed
as a ratio to plain numpy. Each way's memory is measured in a process of its own: what the process
holds beyond what it held before it opened the descriptors or the map. (File pages that are mapped
count while they are in memory; the system may drop them.) The map is built in a process of its own,
too, whose peak is printed; the synthetic centres are in it. Not collected by pytest.

1,000,000 places of 256 components need about 4 GB of memory and 1.5 GB of disk.
"""

import argparse
import json
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import faiss
import numpy as np
from threadpoolctl import threadpool_limits

from pocketvlad.maps.fitted_code import fit
from pocketvlad.maps.map_code import code_named
from pocketvlad.maps.place_map import PlaceMap, write_places
from pocketvlad.maps.unit_rows import unit_rows
from pocketvlad.util.memory import peak_memory_mb

TOP = 10
RECALL = 0.95
_BLOCK = 20_000
_TRAINING = 20_000
_MANY = 100
_APART = (
    1.2  # places of a street, where streets are 0.7 apart: no list has all of a query's answers
)
_MADE = json.dumps({"model_sha256": "00" * 32, "preprocessing": {}, "sizing": {}})


@dataclass(frozen=True)
class Synthetic:
    """Places about centres, which lie about fewer centres: towns and their streets.

    A street's places are apart by about as much as photographs of one place are. The spread falls
    with the component, as after a whitening that is not full.
    """

    places: int
    components: int

    def _spread(self, generator: np.random.Generator, count: int, share: float) -> np.ndarray:
        size = share / np.sqrt(1 + np.arange(self.components) / 32)
        return generator.normal(size=(count, self.components)).astype(np.float32) * size.astype(
            np.float32
        )

    def centres(self) -> np.ndarray:
        """[S, D], a street for twenty places."""
        generator = np.random.default_rng(0)
        streets = max(1, self.places // 20)
        towns = self._spread(generator, max(1, streets // 100), 1.0)
        return towns[generator.integers(0, len(towns), streets)] + self._spread(
            generator, streets, 0.7
        )

    def rows(self) -> Iterator[np.ndarray]:
        """[n, D] unit vectors, block by block; always the same."""
        centres = self.centres()
        for block, start in enumerate(range(0, self.places, _BLOCK)):
            generator = np.random.default_rng([1, block])
            count = min(_BLOCK, self.places - start)
            chosen = centres[generator.integers(0, len(centres), count)]
            yield unit_rows(chosen + self._spread(generator, count, _APART))

    def queries(self, count: int) -> np.ndarray:
        """[count, D] unit vectors: other views of places."""
        centres = self.centres()
        generator = np.random.default_rng(2)
        chosen = centres[generator.integers(0, len(centres), count)]
        return unit_rows(chosen + self._spread(generator, count, _APART))


def name(place: int) -> str:
    """As long as those of data sets are."""
    return f"database/@{place:010.2f}@{4180000 + place:010.2f}@10@S@.jpg"


def measure_building(sender, threads: int, *given: object) -> None:
    """In a process of its own: seconds of each step of `build`, and the peak of its memory."""
    threadpool_limits(threads)
    faiss.omp_set_num_threads(threads)
    sender.send((build(*given), peak_memory_mb()))


def build(data: Synthetic, path: Path, rows_file: Path, short: str, lists: int) -> dict[str, float]:
    """Write descriptors and map; seconds of each step. Making the descriptors is not counted."""
    training = next(data.rows())[:_TRAINING]
    start = time.perf_counter()
    code = fit(code_named(short), training, 0)
    taken = {"learn the code": time.perf_counter() - start, "encode": 0.0}
    codes = np.empty((data.places, code.bytes_per_row), np.uint8)
    at = 0
    with open(rows_file, "wb") as file:
        for rows in data.rows():
            rows.tofile(file)
            start = time.perf_counter()
            codes[at : at + len(rows)] = code.encode(rows)
            taken["encode"] += time.perf_counter() - start
            at += len(rows)
    start = time.perf_counter()
    names = [name(place) for place in range(data.places)]
    write_places(path, names=names, codes=codes, code=code, made_with=_MADE, lists=lists)
    taken["put into lists and write"] = time.perf_counter() - start
    return taken


def read_rows(file: Path, components: int) -> np.ndarray:
    return np.fromfile(file, np.float32).reshape(-1, components)


Search = Callable[[np.ndarray], np.ndarray]
"""Numbers of places [Q, TOP] of queries [Q, D]; a map's are those of its own order, and the number
of places where it has found fewer."""


def by_numpy(rows: np.ndarray) -> Search:
    def part(queries: np.ndarray) -> np.ndarray:
        distance = -(queries @ rows.T)
        best = np.argpartition(distance, TOP, axis=1)[:, :TOP]
        order = np.argsort(np.take_along_axis(distance, best, 1), axis=1)
        return np.take_along_axis(best, order, 1)

    # As many at once as leave the memory bounded.
    return lambda queries: np.concatenate(
        [part(queries[k : k + 20]) for k in range(0, len(queries), 20)]
    )


def by_faiss(rows: np.ndarray) -> Search:
    index = faiss.IndexFlatIP(rows.shape[1])
    index.add(rows)
    return lambda queries: index.search(queries, TOP)[1]


def by_map(places: PlaceMap, probes: int | None) -> Search:
    def search(queries: np.ndarray) -> np.ndarray:
        found = np.full((len(queries), TOP), places.places)  # of short lists fewer are found
        for row, own in zip(found, places.search(queries, TOP, probes), strict=True):
            row[: len(own.numbers)] = own.numbers
        return found

    return search


def resident() -> int:
    """Bytes of this process in memory."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return 1024 * int(line.split()[1])
    raise OSError("/proc/self/status does not say how much memory is in use")


def measure_memory(
    sender, way: str, path: Path, rows_file: Path, queries: np.ndarray, probes: int
) -> None:
    """In a process of its own: bytes that a way holds, and the seconds until its first answer."""
    before, start = resident(), time.perf_counter()
    if way == "numpy":
        search = by_numpy(read_rows(rows_file, queries.shape[1]))
    elif way == "faiss":
        search = by_faiss(read_rows(rows_file, queries.shape[1]))
    else:
        search = by_map(PlaceMap(path), probes if way == "map, lists" else None)
    opened = time.perf_counter() - start
    search(queries[:1])
    first = time.perf_counter() - start
    for row in queries[1:4]:
        search(row[None])
    sender.send((resident() - before, opened, first))


def measured(measure: Callable[..., None], *given: object) -> tuple:
    """What `measure` sends from a process of its own."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=measure, args=(sender, *given))
    process.start()
    sender.close()
    found = receiver.recv()
    process.join()
    return found


def recall(found: np.ndarray, expected: np.ndarray) -> float:
    """The share of the expected places that were found."""
    return float(
        np.mean([len(set(a) & set(b)) / TOP for a, b in zip(found, expected, strict=True)])
    )


def in_rows_order(places: PlaceMap, count: int) -> np.ndarray:
    """[N + 1] The row of each place of the map; -1 for none."""
    order = np.full(count + 1, -1)
    for place, text in enumerate(places.file.all_names()):
        order[place] = int(float(text.split("@")[2])) - 4180000
    return order


def rates(ways: dict[str, Search], queries: np.ndarray, rounds: int) -> dict[str, tuple]:
    """(queries a second one by one, at once) of each way, medians of alternating rounds."""
    single: dict[str, list[float]] = {way: [] for way in ways}
    many: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(rounds):
        for way, search in ways.items():
            start = time.perf_counter()
            for row in queries[:5]:
                search(row[None])
            middle = time.perf_counter()
            search(queries[:_MANY])
            single[way].append(5 / (middle - start))
            many[way].append(min(_MANY, len(queries)) / (time.perf_counter() - middle))
    return {way: (statistics.median(single[way]), statistics.median(many[way])) for way in ways}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--places", type=int, default=1_000_000)
    parser.add_argument("--components", type=int, default=256)
    parser.add_argument("--lists", type=int, help="[4 sqrt(places)]")
    parser.add_argument("--code", default="int8")
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--folder", type=Path, help="of the files [a temporary one]")
    options = parser.parse_args()
    threadpool_limits(options.threads)
    faiss.omp_set_num_threads(options.threads)
    data = Synthetic(options.places, options.components)
    lists = options.lists or round(4 * options.places**0.5)
    queries = data.queries(options.queries)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        path, rows_file = Path(folder) / "city.pvmap", Path(folder) / "rows.f32"
        given = data, path, rows_file, options.code, lists
        taken, peak = measured(measure_building, options.threads, *given)
        print(f"{options.places:,} places x {options.components}, {options.code}, {lists} lists, "
              f"{options.threads} threads")  # fmt: skip
        for step, seconds in taken.items():
            print(f"  {step:26} {seconds:9.1f} s")
        print(f"  {'built in':26} {sum(taken.values()):9.1f} s")
        print(f"  {'peak of its memory':26} {peak:9.1f} MB")
        print(f"  {'map':26} {path.stat().st_size / 1e6:9.1f} MB, of "
              f"{rows_file.stat().st_size / 1e6:.1f} MB of descriptors")  # fmt: skip

        rows = read_rows(rows_file, options.components)
        exact = by_faiss(rows)(queries)
        with PlaceMap(path) as places:
            order = in_rows_order(places, options.places)
            print(f"\nrecall@{TOP} against float32, exact, of {len(queries)} queries")
            print(f"  {'all places':26} {recall(order[by_map(places, None)(queries)], exact):9.3f}")
            probes = enough = 1
            while probes < lists:
                found = recall(order[by_map(places, probes)(queries)], exact)
                print(f"  {probes:5} of {lists:5} lists       {found:9.3f}")
                enough = probes
                if found >= RECALL:
                    break
                probes *= 2
            ways = {
                "numpy": by_numpy(rows),
                "faiss": by_faiss(rows),
                "map, all": by_map(places, None),
                "map, lists": by_map(places, enough),
            }
            speeds = rates(ways, queries, options.rounds)
        del rows, ways
        print(f"\n{'':12} queries/s one by one, ratio   {_MANY} at once, ratio   memory MB, "
              "ratio   opened s, first answer s")  # fmt: skip
        base, base_memory = speeds["numpy"], None
        for way, (single, many) in speeds.items():
            held, opened, first = measured(measure_memory, way, path, rows_file, queries, enough)
            base_memory = base_memory or held
            print(f"  {way:10} {single:14.2f} {single / base[0]:14.2f} {many:13.1f} "
                  f"{many / base[1]:8.2f} {held / 1e6:11.1f} {held / base_memory:8.2f} "
                  f"{opened:12.3f} {first:8.3f}")  # fmt: skip
        print(f"  lists: {enough} of {lists} are searched")


if __name__ == "__main__":
    main()
