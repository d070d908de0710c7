"""Settings that a small study left open: chosen from what is recorded, and used."""

import json

import pandas as pd
import pytest

from pocketvlad.format.compressed_file import open_compressed
from pocketvlad.report.rows import read_table


@pytest.mark.parametrize(("trained", "tested"), [("oxford", "paris"), ("paris", "oxford")])
def test_the_length_follows_from_the_recorded_queries(small_study, trained, tested):
    folder, _ = small_study
    results = folder / "results" / "small"
    models = results / "models" / "vgg16" / trained / "seed-1"
    record = json.loads((models / "settings.json").read_text())["rd.length"]
    queries = pd.read_csv(models / "settings.csv")
    scores = queries.filter(like="average_precision_")
    scores.columns = [int(name.rsplit("_", 1)[1]) for name in scores]
    assert [each["length"] for each in record["curve"]] == list(scores.columns) == [16, 12, 8]
    losses = scores.rsub(scores[16], axis=0).clip(lower=0).mean() * 100
    for each in record["curve"]:
        assert each["loss"] == pytest.approx(losses[each["length"]], abs=1e-3)
        assert each["map"] == pytest.approx(100 * scores[each["length"]].mean(), abs=1e-3)
    assert record["chosen"] == losses[losses <= 15].index.min()
    # Every fifth photograph of the city that the model was trained on, and of no other.
    index = json.loads((results / "data" / trained / "dataset.json").read_text())
    assert record["city"] == f"mini-{trained}"
    assert sorted(set(queries["photograph"])) == sorted(index["sizes"])[::5]
    assert len(queries) == record["queries"]
    # And that is what was rounded, and what the table says.
    with open_compressed(models / "rd" / "0.2.pvlad") as model:
        used = model.header["compression"]["rounding"]["settings"]["length"]
    table = read_table(results / "table.csv").set_index("version")
    assert table.loc["rd/0.2", f"length_{tested}"] == used == record["chosen"]
    assert table.loc["base", f"length_{tested}"] == 16
