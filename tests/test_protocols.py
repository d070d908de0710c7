"""Original and revisited protocol: by hand, and against a second implementation of the latter."""

import pickle
from dataclasses import replace

import numpy as np
import pytest

from pocketvlad.data.dataset import index_dataset, read_dataset, write_dataset
from pocketvlad.data.ground_truth import GroundTruthError
from pocketvlad.data.plain_pickle import read_plain_pickle
from pocketvlad.data.protocols import protocol_named
from pocketvlad.data.query import Query
from pocketvlad.data.revisited import read_revisited
from pocketvlad.scoring.scores import RANKS, score_rankings, score_row

QUERY = Query("q_1", "q", "q", (0, 0, 1, 1), good=("e",), ok=("h",), junk=("j",))


def scores_of(ranking, query=QUERY):
    found = score_rankings([query], [list(ranking)], "revisited")
    return {name: each.average_precision["q_1"] for name, each in found.items()}


def test_each_difficulty_by_hand():
    # x h j e: easy skips h and j (x, e); medium skips j (x, h, e); hard skips e and j (x, h).
    expected_medium = (0 + 1 / 2) / 2 / 2 + (1 / 2 + 2 / 3) / 2 / 2
    assert scores_of("xhje") == {
        "easy": pytest.approx(0.25),
        "medium": pytest.approx(expected_medium),
        "hard": pytest.approx(0.25),
    }
    assert scores_of("ehjx") == {"easy": 1, "medium": 1, "hard": 1}


def test_the_original_rule_is_good_and_ok_and_positives_are_never_junk():
    query = Query("q_1", "q", "q", (0, 0, 1, 1), ("a",), ("b",), ("b", "j"))
    judgement = protocol_named("original").difficulties["all"](query)
    assert judgement.positives == {"a", "b"}
    assert judgement.ignored == {"j"}


def test_a_query_without_positives_is_left_out_of_the_mean():
    without_hard = Query("p_1", "p", "p", (0, 0, 1, 1), ("e",), (), ())
    found = score_rankings([QUERY, without_hard], [list("xeh"), list("ehx")], "revisited")
    assert set(found["hard"].average_precision) == {"q_1"}
    assert set(found["easy"].average_precision) == {"q_1", "p_1"}
    assert found["hard"].summary()["queries"] == 1
    # Hard, e left out: x h. Easy, h left out: x e and e x.
    assert found["hard"].summary()["map"] == pytest.approx(0.25)
    assert found["easy"].summary()["map"] == pytest.approx((0.25 + 1) / 2)
    row = score_row(found, "revisited")
    assert row["map"] == pytest.approx(np.mean(list(row["average_precision"].values())))
    assert row["average_precision"] == found["medium"].average_precision
    assert set(row["difficulties"]) == {"easy", "medium", "hard"}
    # One's own lists may have nothing hard.
    found = score_rankings([without_hard], [list("ehx")], "revisited")
    assert set(score_row(found, "revisited")["difficulties"]) == {"easy", "medium"}
    with pytest.raises(ValueError, match="no query has a positive at difficulty 'medium'"):
        score_rankings([replace(without_hard, good=())], [list("ehx")], "revisited")


def reference(ranking, positives, ignored, ranks):
    """A second implementation, by positions: (average precision, precision at each of `ranks`).

    The published evaluation works on zero-based places of the positives, junk taken out.
    """
    kept = np.array([name for name in ranking if name not in ignored])
    places = np.flatnonzero(np.isin(kept, list(positives)))
    found = np.arange(len(places))
    before = np.where(places == 0, 1.0, found / np.maximum(places, 1))
    at = (found + 1) / (places + 1)
    cut = [min(places.max() + 1, k) for k in ranks]
    return (
        ((before + at) / 2).sum() / len(positives),
        [np.count_nonzero(places + 1 <= k) / k for k in cut],
    )


def test_random_rankings_score_as_by_positions():
    generator = np.random.default_rng(0)
    names = [f"i{number}" for number in range(60)]
    for _ in range(200):
        order = generator.permutation(names).tolist()
        labels = generator.choice(["easy", "hard", "junk", ""], size=60, p=[0.1, 0.1, 0.2, 0.6])
        of = {kind: [n for n, label in zip(names, labels, strict=True) if label == kind]
              for kind in ("easy", "hard", "junk")}  # fmt: skip
        if not (of["easy"] and of["hard"]):
            continue
        query = Query("q_1", "q", "q", (0, 0, 1, 1), *(tuple(of[kind]) for kind in of))
        found = score_rankings([query], [order], "revisited")
        rules = {
            "easy": (of["easy"], of["hard"] + of["junk"]),
            "medium": (of["easy"] + of["hard"], of["junk"]),
            "hard": (of["hard"], of["easy"] + of["junk"]),
        }
        assert set(found) == set(rules) == set(protocol_named("revisited").difficulties)
        for difficulty, (positives, ignored) in rules.items():
            ap, at = reference(order, positives, ignored, RANKS)
            assert found[difficulty].average_precision["q_1"] == pytest.approx(ap)
            assert [found[difficulty].precision[k]["q_1"] for k in RANKS] == pytest.approx(at)


def ground_truth():
    """As the published files are: positions in `imlist`, as lists or arrays."""
    return {
        "imlist": ["hall_000001", "hall_000002", "tower_000001", "else_000001"],
        "qimlist": ["tower_000009", "hall_000009"],
        "gnd": [
            {"bbx": [1.0, 2.0, 30.5, 40.0], "easy": [2], "hard": [], "junk": [0]},
            {
                "bbx": np.array([0.0, 0.0, 9.0, 9.0]),
                "easy": np.array([0]),
                "hard": np.array([1]),
                "junk": np.array([], dtype=np.float64),
            },
        ],
    }


@pytest.mark.parametrize("protocol", [2, 4])
def test_the_published_pickles_are_read(tmp_path, protocol):
    path = tmp_path / "gnd_roxford5k.pkl"
    path.write_bytes(pickle.dumps(ground_truth(), protocol=protocol))
    hall, tower = read_revisited(path)
    assert (hall.name, hall.landmark, hall.image) == ("hall_000009", "hall", "hall_000009")
    assert (hall.good, hall.ok, hall.junk) == (("hall_000001",), ("hall_000002",), ())
    assert tower.box == (1.0, 2.0, 30.5, 40.0)
    assert tower.junk == ("hall_000001",)


class Absurd:
    def __reduce__(self):
        return (bytes, (2**62,))


class Evil:
    def __reduce__(self):
        return (print, ("this code ran",))


def broken(change):
    raw = ground_truth()
    change(raw)
    return pickle.dumps(raw)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (pickle.dumps(Evil()), "asks for builtins.print"),
        (pickle.dumps(Absurd()), "not a ground truth"),
        (b"not a pickle", "not a ground truth"),
        (b"", "not a ground truth"),
        (pickle.dumps([1, 2]), "not a ground truth"),
        (broken(lambda raw: raw.pop("qimlist")), "qimlist"),
        (broken(lambda raw: raw["gnd"].pop()), "not a ground truth"),
        (broken(lambda raw: raw["gnd"][0].update(easy=[4])), "points past the 4 images"),
        (broken(lambda raw: raw["gnd"][0].update(easy=[-1])), "points past the 4 images"),
        (broken(lambda raw: raw["gnd"][0].update(bbx=[5, 5, 5, 9])), "empty box"),
        (broken(lambda raw: raw["imlist"].append("hall_000001")), "names an image twice"),
    ],
)
def test_other_files_are_refused_and_run_nothing(tmp_path, capfd, data, message):
    path = tmp_path / "gnd.pkl"
    path.write_bytes(data)
    with pytest.raises(GroundTruthError, match=rf"gnd\.pkl.*{message}"):
        read_revisited(path)
    assert "this code ran" not in capfd.readouterr().out


def of_python_2(array):
    """The opcodes of an array [N] as Python 2 pickles it: its numbers are a text."""

    def text(content):
        return b"U" + bytes([len(content)]) + content

    kind, order = array.dtype.str[1:].encode(), array.dtype.str[:1].encode()
    dtype = b"cnumpy\ndtype\n(" + text(kind) + b"I0\nI1\ntR"
    dtype += b"(I3\n" + text(order) + b"NNNI-1\nI-1\nI0\ntb"
    made = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\nt" + text(b"b") + b"tR"
    return made + b"(I1\n(I%d\nt" % len(array) + dtype + b"I00\n" + text(array.tobytes()) + b"tb"


@pytest.mark.parametrize("numbers", [np.int64([1, 200]), np.float32([0.5, 255]), np.int64([])])
def test_arrays_of_python_2_are_read(tmp_path, numbers):
    path = tmp_path / "gnd.pkl"
    path.write_bytes(b"\x80\x02" + of_python_2(numbers) + b".")
    assert np.array_equal(pickle.loads(path.read_bytes(), encoding="latin1"), numbers)
    found = read_plain_pickle(path).values
    assert found.dtype == numbers.dtype
    assert found.tolist() == numbers.tolist()


def test_revisited_queries_are_not_in_the_database(tmp_path):
    path = tmp_path / "gnd.pkl"
    path.write_bytes(pickle.dumps(ground_truth()))
    raw = ground_truth()
    sizes = dict.fromkeys(raw["imlist"] + raw["qimlist"], (20, 10))
    dataset = index_dataset(
        "r",
        sizes,
        read_revisited(path),
        protocol="revisited",
        expected_images=6,
        expected_queries=2,
    )
    assert dataset.images == sorted(raw["imlist"])
    assert dataset.size_of("hall_000009") == (20, 10)
    assert dataset.counts() == {
        "images": 4, "expected_images": 4, "queries": 2, "expected_queries": 2
    }  # fmt: skip
    write_dataset(tmp_path / "d.json", dataset)
    assert read_dataset(tmp_path / "d.json") == dataset
