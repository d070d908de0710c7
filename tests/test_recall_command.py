"""`pocketvlad evaluate` by positions: models and anybody's descriptors."""

import h5py
import numpy as np
import pandas as pd
import pytest
from few_files import ASKED, PLACES, SHOWN, place_name

from pocketvlad.cli.main import main

FOLDERS = (
    "--database-folder",
    "places/database",
    "--queries-folder",
    "places/queries",
)
MODEL = ("--model", "small.pvlad", *FOLDERS)
FILES = ("--descriptors", "places/database.npz", "--query-descriptors", "places/queries.npz")
LINE = "R@1: 50.0, R@5: 75.0, R@10: 75.0, R@20: 75.0"
SAID = f"6 images, 4 queries\n1 query has no image within 25 m and counts as not found\n{LINE}\n"


@pytest.fixture
def run(few_files, capsys):
    def call(*words):
        status = main(["evaluate", *map(str, words)])
        return status, *capsys.readouterr()

    return call


def test_a_model_is_scored_on_two_folders(run):
    output = "scores.csv"
    status, out, err = run(*MODEL, "-o", output)
    assert status == 0, err
    assert out == f"{SAID}\n{output}: 4 queries\n"
    table = pd.read_csv(output)
    names = [place_name(number, metres) for number, metres in enumerate(ASKED)]
    assert table["query"].tolist() == [f"places/queries/{name}" for name in sorted(names)]
    table = (
        table.set_index(table["query"].str.removeprefix("places/queries/"))
        .loc[names]
        .reset_index(drop=True)
    )
    assert table["positives"].tolist() == [1, 1, 3, 0]
    assert table["first_right"][:2].tolist() == [1, 1]
    assert 2 <= table["first_right"][2] <= 4
    assert np.isnan(table["first_right"][3])
    assert table["answer"].tolist() == [
        f"places/database/{place_name(number, PLACES[number])}" for number in SHOWN
    ]
    apart = np.linalg.norm(np.array(ASKED) - np.array(PLACES)[SHOWN], axis=1)
    assert table["answer_metres"].tolist() == pytest.approx(apart, rel=1e-5)
    assert table["recall_at_5"].tolist() == [1, 1, 1, 0]


def test_the_scores_have_all_metres_and_any_name(run, few_files):
    far = few_files / "places/queries" / place_name(3, ASKED[3])
    name = place_name(3, (9_001_234, 0)).replace("@.jpg", "caf\udce9@.jpg")  # no UTF-8
    far.rename(far.with_name(name))
    status, _, err = run(*MODEL, "-o", "scores.csv")
    assert status == 0, err
    [line] = [line for _, line in pd.read_csv("scores.csv").iterrows() if "caf" in line["query"]]
    assert line["query"].endswith("caf\\udce9@.jpg")
    [shown] = [place for n, place in enumerate(PLACES) if place_name(n, place) in line["answer"]]
    assert line["answer_metres"] == pytest.approx(np.hypot(9_001_234 - shown[0], shown[1]), abs=0.1)


def test_the_radius_and_the_values_are_choices(run):
    words = ("--positive-dist-threshold", 19.9, "--recall-values", 4, 3)
    assert run(*FILES, *words)[1].splitlines()[1:] == [
        "2 queries have no image within 19.9 m and count as not found",
        "R@4: 50.0, R@3: 25.0",
    ]


def test_descriptors_with_names_are_scored(run):
    assert run(*FILES) == (0, SAID, "")
    assert run(*FILES, *FOLDERS) == (0, SAID, "")


def test_a_pair_of_arrays_is_scored(run, few_files):
    """As VPR-methods-evaluation saves it: rows in the order of the sorted paths."""
    words = []
    for side, option in (("database", "--descriptors"), ("queries", "--query-descriptors")):
        content = np.load(f"places/{side}.npz")
        order = np.argsort(content["names"])
        assert order.tolist() != list(range(len(order)))
        np.save(f"{side}_descriptors.npy", content["descriptors"][order])
        words += [option, f"{side}_descriptors.npy"]
    assert run(*words, *FOLDERS) == (0, SAID, "")
    run(*words, *FOLDERS, "-o", "pair.csv")
    run(*FILES, *FOLDERS, "-o", "named.csv")
    assert (few_files / "pair.csv").read_text() == (few_files / "named.csv").read_text()
    status, _, err = run(*words)
    assert status == 1
    assert "database_descriptors.npy has no names of images; give --database-folder" in err


def test_one_file_of_hloc_holds_both(run, few_files):
    with h5py.File("all.h5", "w") as file:
        for side in ("database", "queries"):
            content = np.load(f"places/{side}.npz")
            for name, row in zip(content["names"], content["descriptors"], strict=True):
                file[f"{side}/{name}/global_descriptor"] = row.astype(np.float16)
    words = ("--descriptors", "all.h5", "--query-descriptors", "all.h5")
    assert run(*words, *FOLDERS) == (0, SAID, "")
    status, _, err = run(*words)
    assert status == 1
    assert "all.h5 is given twice, and each query would find itself" in err


def degrees(side, places):
    """The places around 37.77 north and 122.45 west, as rows of a table."""
    for number, (east, north) in enumerate(places):
        name = place_name(number, (east, north))
        latitude, longitude = 37.77 + north / 110990, -122.45 + east / 88080
        yield f"{side}/{name},{latitude:.8f},{longitude:.8f}"


def test_positions_are_in_a_table(run, few_files):
    rows = [*degrees("queries", ASKED), *degrees("database", PLACES)]
    head = "image,latitude,longitude"
    (few_files / "p.csv").write_text("\n".join([head, *rows]))
    note = "p.csv: converted to UTM zone 10N"
    expected = SAID.replace("4 queries\n", f"4 queries\n{note}\n")
    assert run(*FILES, *FOLDERS, "--positions", "p.csv") == (0, expected, "")
    (few_files / "p.csv").write_text("\n".join([head, *rows[1:]]))
    status, _, err = run(*MODEL, "--positions", "p.csv")
    assert status == 1
    assert "p.csv: 1 of 10 images of places/database and places/queries have no row: " in err


def test_images_that_cannot_be_described_are_an_error_or_left_out(run, few_files):
    whole = (few_files / "places" / "database" / place_name(5, PLACES[5])).read_bytes()
    (few_files / "places" / "database" / place_name(9, (0, 5))).write_bytes(whole[:2000])
    output = few_files / "scores.csv"
    output.write_text("as it was")
    status, out, err = run(*MODEL, "-o", output)
    assert (status, out, output.read_text()) == (1, "", "as it was")
    assert "1 of 7 images of places/database cannot be described: places/database/@54" in err
    assert err.count("\n") == 1
    status, out, err = run(*MODEL, "--partial")
    assert status == 0
    assert err.startswith("left out: places/database/@548000")
    note = "left out of places/database: 1 image that cannot be described"
    assert out == SAID.replace("4 queries\n", f"4 queries\n{note}\n")


def test_squeezing_is_a_choice(run, few_files):
    assert run(*MODEL, "--squeeze", 80, 96)[:2] == (0, SAID)
    status, _, err = run(*MODEL, "--squeeze", 80, 96, "--image-size", 96)
    assert status == 1
    assert "--image-size 96: squeeze (80, 96) has the size already; give one" in err
    assert "--squeeze 0 9: give height and width" in run(*MODEL, "--squeeze", 0, 9)[2]


def test_a_file_of_another_name_is_the_same_file(run, few_files):
    """Else each query would find itself."""
    link = few_files / "places" / "link.npz"
    link.symlink_to("database.npz")
    for other in (link, few_files / "places" / "database.npz"):
        words = ("--descriptors", "places/database.npz", "--query-descriptors", other)
        assert "is given twice, and each query would find itself" in run(*words)[2]
    link.unlink()


def test_whole_numbers_are_no_descriptors(run, few_files):
    np.save(few_files / "whole.npy", np.ones((6, 6), int))
    words = ("--descriptors", "whole.npy", "--database-folder", "places/database", *FILES[2:])
    assert "is int64 (6, 6); give an array [N, D] of floating-point" in run(*words)[2]
    (few_files / "whole.npy").unlink()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "give --ground-truth and --descriptors (mAP by lists), --model and two folders, or"),
        (("--partial",), "give --ground-truth and --descriptors (mAP by lists), --model and two"),
        (FILES[:2], "Recall@N of descriptors needs --query-descriptors"),
        (MODEL[:4], "Recall@N of --model needs --queries-folder"),
        ((*MODEL, *FILES), "--descriptors has no part in Recall@N of --model; leave it out"),
        (("--ground-truth", "ground_truth"), "mAP by --ground-truth needs --descriptors"),
        (
            ("--ground-truth", "ground_truth", *MODEL[:2]),
            "--model has no part in mAP by --ground-truth; describe its photographs first "
            "(pocketvlad describe small.pvlad PHOTOGRAPHS -o descriptors.npz), and give "
            "--descriptors descriptors.npz in place of --model",
        ),
        (
            ("--ground-truth", "ground_truth", "--model", "my model.pvlad"),
            "(pocketvlad describe 'my model.pvlad' PHOTOGRAPHS",
        ),
        ((*FILES, "--dataset", "oxford5k"), "--dataset is for mAP by lists: give --ground-truth,"),
        (("--protocol", "revisited"), "--protocol is for mAP by lists: give --ground-truth, too"),
        (
            (*MODEL, "--dataset", "oxford5k"),
            "give --ground-truth, too; describe its photographs first (pocketvlad describe small",
        ),
        ((*FILES, "--image-size", 9), "--image-size has no part in Recall@N of descriptors"),
        ((*FILES, "--partial"), "--partial has no part in Recall@N of descriptors"),
        ((*MODEL, "--metric", "l1"), "--metric has no part in Recall@N of --model"),
        ((*FILES, "--recall-values", 0), "--recall-values 0: give a list, each entry"),
        ((*FILES, "--positive-dist-threshold", "nan"), "--positive-dist-threshold nan: give a"),
        ((*FILES, "--positive-dist-threshold", 1e6), "all 6 images lie within 1e+06 m of every"),
        ((*FILES, "--positive-dist-threshold", 0), "no query has an image within 0 m (that near"),
        ((*MODEL[:4], "--queries-folder", "places"), "places/database and places overlap: 6 im"),
        ((*MODEL[:2], *FOLDERS[:2], *FOLDERS[2:3], "holiday"), "holiday: 12 of 12 names have no"),
        ((*FILES, "--positions", "gone.csv"), "gone.csv is missing"),
        ((*FILES[:3], "descriptors.npz"), "descriptors.npz has 2 numbers a row, places/database"),
        ((*FILES, "--database-folder", "holiday"), "npz: 12 of 12 images of holiday have no desc"),
    ],
)
def test_bad_input_is_told_in_one_line(run, words, message):
    status, out, err = run(*words)
    assert (status, out) == (1, "")
    assert message in err
    assert err.startswith("pocketvlad evaluate: ")
    assert err.count("\n") == 1
