"""`pocketvlad evaluate`: anybody's descriptors, scored by the official rules."""

import pickle
import re
import tarfile

import numpy as np
import pandas as pd
import pytest
from few_files import NAMES, ROWS, write_lists

from pocketvlad.cli.main import main

# Of good (1, 2) and ok (3): 1, 2 at once, 3 after one wrong: 2/3 + 1/3 * (2/3 + 3/4) / 2.
EXPECTED = 100 * (2 / 3 + 1 / 3 * (2 / 3 + 3 / 4) / 2)


@pytest.fixture
def lists(tmp_path):
    folder = tmp_path / "gt"
    write_lists(folder)
    return folder


@pytest.fixture
def descriptors(tmp_path):
    path = tmp_path / "d.npz"
    np.savez(path, names=[f"photos/{name}.jpg" for name in NAMES], descriptors=ROWS)
    return path


def run(*words):
    return main(["evaluate", *map(str, words)])


def printed(capsys):
    """The mAP of all queries in what was printed."""
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("all"))
    return float(line.split()[-1])


def test_a_query_is_its_images_own_row(lists, descriptors, tmp_path, capsys):
    output = tmp_path / "scores.csv"
    assert run("--ground-truth", lists, "--descriptors", descriptors, "-o", output) == 0
    assert printed(capsys) == pytest.approx(EXPECTED, abs=0.01)
    table = pd.read_csv(output)
    assert table["query"].tolist() == ["hall_1"]
    assert 100 * table["average_precision"][0] == pytest.approx(EXPECTED, abs=1e-3)
    assert table["precision_at_1"][0] == 1
    assert table["precision_at_5"][0] == pytest.approx(3 / 4)


def test_that_boxes_have_no_part_is_told(lists, descriptors, tmp_path, capsys):
    words = ["--ground-truth", lists, "--descriptors", descriptors]
    told = "gt: 5 images, 1 query\nqueries are whole images: without query descriptors their boxes"
    assert run(*words) == 0
    assert capsys.readouterr().out.startswith(told)
    np.savez(tmp_path / "q.npz", names=["hall_1"], descriptors=ROWS[:1])
    assert run(*words, "--query-descriptors", tmp_path / "q.npz") == 0
    out = capsys.readouterr().out
    assert "whole images" not in out
    assert out.startswith("gt: 5 images, 1 query\n\nlandmark")


def test_an_archive_of_lists_gives_the_same(lists, descriptors, tmp_path, capsys):
    archive = tmp_path / "gt.tgz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(lists, arcname="lists")
    assert run("--ground-truth", archive, "--descriptors", descriptors) == 0
    assert printed(capsys) == pytest.approx(EXPECTED, abs=0.01)


@pytest.mark.parametrize("query", [[0.05, 2.0], [2.8, 1.0], [3.2, 1.9], [-1.0, -3.0]])
def test_query_descriptors_and_metrics(lists, descriptors, tmp_path, query):
    """Whether the first answer is right depends on the metric as it must."""
    path, output = tmp_path / "q.npz", tmp_path / "scores.csv"
    np.savez(path, names=["hall_1"], descriptors=np.array([query]))
    words = ["--ground-truth", lists, "--descriptors", descriptors, "--query-descriptors", path]
    for metric in ("cosine", "l1", "l2"):
        assert run(*words, "--metric", metric, "-o", output) == 0
        measured = {
            "cosine": -(ROWS @ query) / np.linalg.norm(ROWS, axis=1),
            "l1": np.abs(ROWS - query).sum(axis=1),
            "l2": np.square(ROWS - query).sum(axis=1),
        }[metric]
        right = NAMES[int(measured.argmin())].startswith("hall")
        assert pd.read_csv(output)["precision_at_1"][0] == right


def test_the_revisited_protocol(descriptors, tmp_path, capsys):
    path = tmp_path / "gnd.pkl"
    database = [name for name in NAMES if name != "hall_000001"]
    gnd = [{"bbx": [0, 0, 9, 9], "easy": [1], "hard": [2], "junk": [3]}]
    path.write_bytes(pickle.dumps({"imlist": database, "qimlist": ["hall_000001"], "gnd": gnd}))
    output = tmp_path / "scores.csv"
    words = ["--ground-truth", path, "--descriptors", descriptors, "--protocol", "revisited"]
    assert run(*words, "-o", output) == 0
    table = pd.read_csv(output).set_index("difficulty")["average_precision"]
    # 2, other (junk), 3, gate: nothing wrong stands before a positive.
    assert table.to_dict() == {"easy": 1, "medium": 1, "hard": 1}
    assert "mP@10" in capsys.readouterr().out
    # Easy and hard are no good and ok: in the original protocol the query would find itself first.
    assert run("--ground-truth", path, "--descriptors", descriptors) == 1
    assert "gnd.pkl is for the revisited protocol" in capsys.readouterr().err
    assert run("--dataset", "oxford5k", *words) == 1
    assert "5 images found, 5063 expected" in capsys.readouterr().err
    assert run("--dataset", "roxford5k", *words[:-2]) == 1
    assert "5 images found, 5063 expected" in capsys.readouterr().err
    assert run("--dataset", "roxford5k", *words[:-2], "--partial", "-o", output) == 0
    assert pd.read_csv(output)["difficulty"].tolist() == ["easy", "medium", "hard"]


def test_queries_without_easy_images_are_told(descriptors, tmp_path, capsys):
    """They are in the number of queries beside a mean that they are not in."""
    table = tmp_path / "mine.csv"
    lines = ["hall_000001,0,0,9,9,hall_000002,good", "gate_000001,0,0,9,9,hall_000003,ok"]
    table.write_text("\n".join(["query,x1,y1,x2,y2,image,label", *lines]))
    words = ["--ground-truth", table, "--descriptors", descriptors, "--protocol", "revisited"]
    assert run(*words) == 0
    *_, easy, hard = capsys.readouterr().out.splitlines()
    assert easy == "easy: 1 of 2 queries have images to be found; the others do not count"
    assert hard == "hard: 1 of 2 queries have images to be found; the others do not count"


def test_official_lists_are_not_for_the_revisited_protocol(lists, descriptors, capsys):
    words = ["--ground-truth", lists, "--descriptors", descriptors, "--protocol", "revisited"]
    assert run(*words) == 1
    assert "gt is for the original protocol, not for the revisited" in capsys.readouterr().err


def test_a_csv_of_ones_own(descriptors, tmp_path, capsys):
    path = tmp_path / "mine.csv"
    rows = ["hall_000001,good", "hall_000002,good", "hall_000003,ok"]
    lines = [f"hall_000001,0,0,9,9,{row}" for row in rows]
    path.write_text("\n".join(["query,x1,y1,x2,y2,image,label", *lines]))
    assert run("--ground-truth", path, "--descriptors", descriptors) == 0
    assert printed(capsys) == pytest.approx(EXPECTED, abs=0.01)


def test_queries_of_one_photograph_have_rows_of_their_own(descriptors, tmp_path, capsys):
    """By their names, whose ends would be those of other photographs' queries."""
    path = tmp_path / "mine.csv"
    asked = ["hall_000001,0,0,9,9", "hall_000001,9,9,20,20", "gate_000001,0,0,9,9"]
    asked += ["gate_000001,9,9,20,20"]
    lines = [f"{query},hall_000002,good" for query in asked]
    path.write_text("\n".join(["query,x1,y1,x2,y2,image,label", *lines]))
    names = [f"{image}_000001/{number}" for image in ("hall", "gate") for number in (1, 2)]
    # That of hall_000002 but for the second one: gate's, from which it is the fourth.
    np.savez(tmp_path / "asked.npz", names=names, descriptors=ROWS[[2, 0, 2, 2]])
    words = ["--ground-truth", path, "--descriptors", descriptors]
    assert run(*words, "--query-descriptors", tmp_path / "asked.npz") == 0
    # One positive at rank 4 is worth (0 + 1 / 4) / 2 by the trapezium rule.
    assert printed(capsys) == pytest.approx(100 * (1 + 0.125 + 1 + 1) / 4, abs=0.01)


def test_a_part_must_be_allowed(lists, tmp_path, capsys):
    path = tmp_path / "part.npz"
    np.savez(path, names=NAMES[:3], descriptors=ROWS[:3])
    words = ["--ground-truth", lists, "--descriptors", path]
    assert run(*words) == 1
    assert "hall_000003" in capsys.readouterr().err
    assert run(*words, "--partial") == 0
    assert printed(capsys) == 100


@pytest.mark.parametrize("protocol", ["original", "revisited"])
def test_a_part_of_the_queries_must_be_allowed(descriptors, tmp_path, capsys, protocol):
    table, asked = tmp_path / "queries.csv", tmp_path / "asked.npz"
    lines = [f"{query}_000001,0,0,9,9,hall_000002,good" for query in ("hall", "gate")]
    table.write_text("\n".join(["query,x1,y1,x2,y2,image,label", *lines]))
    words = ["--ground-truth", table, "--protocol", protocol, "--descriptors", descriptors]
    words += ["--query-descriptors", asked]
    np.savez(asked, names=["hall_000001"], descriptors=ROWS[1:2])
    assert run(*words) == 1
    assert "asked.npz lacks 1 descriptor, that of 'gate_000001'" in capsys.readouterr().err
    assert run(*words, "--partial") == 0
    assert "1 of 2 queries" in capsys.readouterr().out
    np.savez(asked, names=["street"], descriptors=ROWS[1:2])
    assert run(*words, "--partial") == 1
    assert "asked.npz has no query of queries, such as" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"names": NAMES}, "descriptors"),
        ({"names": NAMES, "descriptors": ROWS[:4]}, "5 names for 4 descriptors"),
        ({"names": NAMES[:4] + NAMES[:1], "descriptors": ROWS}, "'gate_000001' is there more"),
        ({"names": NAMES, "descriptors": ROWS[:, 0]}, r"is float64 \(5,\); give an array \[N, D\]"),
        (
            {"names": NAMES, "descriptors": np.where(ROWS == 5, np.nan, ROWS)},
            "gate_000001: its descriptor is not",
        ),
        ({"names": NAMES, "descriptors": ROWS * (ROWS < 4.5)[:, 1:] * [1, 0]}, "gate_000001.*zero"),
        ({"names": list(range(5)), "descriptors": ROWS}, "not text"),
        ({"names": np.array(NAMES, dtype=object), "descriptors": ROWS}, "pickle|Object arrays"),
    ],
)
def test_wrong_files_are_named(lists, tmp_path, capsys, arrays, message):
    path = tmp_path / "wrong.npz"
    np.savez(path, **arrays)
    assert run("--ground-truth", lists, "--descriptors", path) == 1
    assert re.search(rf"wrong\.npz.*({message})", capsys.readouterr().err)


def test_other_faults_are_told_in_a_line(lists, descriptors, tmp_path, capsys):
    def error(*words):
        assert run(*words) == 1
        return capsys.readouterr().err

    files = ["--descriptors", descriptors]
    assert "none.npz" in error("--ground-truth", lists, "--descriptors", tmp_path / "none.npz")
    assert "gone is missing" in error("--ground-truth", tmp_path / "gone", *files)
    text = tmp_path / "note.txt"
    text.write_text("no lists")
    assert "no ground truth" in error("--ground-truth", text, *files)
    assert "choose among oxford5k" in error("--dataset", "rome", "--ground-truth", lists, *files)
    # Oxford's query files have a prefix; Paris's have none, but its images are 6,392.
    assert "lacks the prefix 'oxc1_'" in error(
        "--dataset", "oxford5k", "--ground-truth", lists, *files
    )
    assert "5 images found, 6392 expected" in error(
        "--dataset", "paris6k", "--ground-truth", lists, *files
    )
    query = tmp_path / "q.npz"
    np.savez(query, names=["hall_2"], descriptors=np.ones((1, 2)))
    assert "'hall_1'" in error("--ground-truth", lists, *files, "--query-descriptors", query)
    np.savez(query, names=["hall_1"], descriptors=np.ones((1, 3)))
    assert "3 numbers a row" in error("--ground-truth", lists, *files, "--query-descriptors", query)
    size = '{"sizing": {"image_size": %d}}'
    for of_all, of_query, said in (
        ("one", "other", "q.npz was made with other, "),
        (size % 96, size % 80, "q.npz was made from images of another size than "),
        (size % 96, size % 80, " (image_size 80, there 96): describe both with one model"),
    ):
        for path, made in ((descriptors, of_all), (query, of_query)):
            with np.load(path) as file:
                arrays = {**file, "provenance": np.array(made)}
            arrays["descriptors"] = arrays["descriptors"][:, :2]
            np.savez(path, **arrays)
        assert said in error("--ground-truth", lists, *files, "--query-descriptors", query)
