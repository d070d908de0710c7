"""Both tables of a study with several seeds, against arithmetic by hand, and what they refuse."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from study_rows import BASE, CITIES, PRUNED, ROUNDED, study_row, study_rows

from pocketvlad.report.best_cells import chosen_cells
from pocketvlad.report.rows import of_seed, read_table, results_tables
from pocketvlad.util.whole_file import write_csv

GOLDEN = Path(__file__).parent / "golden" / "table_of_one_seed.csv"
UNLIKE = {BASE: [3, 1, 2], PRUNED: [3, 1, 2], ROUNDED: [1]}


def as_texts(table, path):
    """As the workflow writes it."""
    table.to_csv(path, index=False, float_format="%.6g")
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def differences(prefix, city, version, seed):
    """Of each query, in points, by its landmark and name."""
    base, other = study_row(city, BASE, seed), study_row(city, version, seed)
    key = f"{prefix}average_precision"
    return {
        (mark, name): 100 * (base[key][name] - other[key][name])
        for name, mark in base[f"{prefix}landmarks"].items()
    }


@pytest.fixture(scope="module")
def unlike():
    return results_tables(study_rows(UNLIKE), CITIES)


def test_a_study_of_one_seed_has_the_table_that_it_always_had(tmp_path):
    """The golden table was written before studies had several seeds."""
    rows = study_rows({BASE: [3], PRUNED: [3], ROUNDED: [3]})
    means, by_seed = (
        as_texts(table, tmp_path / "table.csv") for table in results_tables(rows, CITIES)
    )
    golden = pd.read_csv(GOLDEN, dtype=str, keep_default_na=False)
    pd.testing.assert_frame_equal(by_seed[list(golden)], golden)
    later = [f"length_{city}" for city in CITIES]
    assert sorted(set(by_seed) - set(golden)) == later
    new = [name for name in means if name not in [*golden, *later]]
    assert all(name.endswith("_spread") for name in new if name != "seeds")
    assert (means[[name for name in new if name != "seeds"]] == "").all(axis=None)
    pd.testing.assert_frame_equal(means.rename(columns={"seeds": "seed"})[list(golden)], golden)


def test_the_line_of_a_seed_is_that_of_a_study_with_it_alone(unlike, tmp_path):
    """The best cells are marked among its own lines, too."""
    by_seed = as_texts(unlike[1], tmp_path / "seeds.csv")
    for seed in (3, 1, 2):
        versions = {version: [seed] for version, seeds in UNLIKE.items() if seed in seeds}
        alone = as_texts(results_tables(study_rows(versions), CITIES)[1], tmp_path / "one.csv")
        found = by_seed[by_seed["seed"] == str(seed)].reset_index(drop=True)
        pd.testing.assert_frame_equal(found, alone)
    assert list(by_seed["seed"]) == ["3", "1", "2"] * 2 + ["1"]


def test_a_cell_is_the_mean_over_its_seeds(unlike):
    table, by_seed = (each.set_index("version") for each in unlike)
    assert list(table["seeds"]) == ["3 1 2", "3 1 2", "1"]
    line, lines = table.loc[PRUNED], by_seed.loc[PRUNED]
    for prefix in ("", "dense_"):
        drops = {}
        for city in CITIES:
            rows = [study_row(city, PRUNED, seed) for seed in UNLIKE[PRUNED]]
            scores = [100 * np.mean(list(r[f"{prefix}average_precision"].values())) for r in rows]
            assert line[f"{prefix}map_{city}"] == pytest.approx(np.mean(scores))
            assert line[f"{prefix}map_{city}_spread"] == pytest.approx(np.std(scores, ddof=1))
            drops[city] = [
                np.mean(list(differences(prefix, city, PRUNED, seed).values()))
                for seed in UNLIKE[PRUNED]
            ]
        drops["mean"] = np.mean(list(drops.values()), axis=0)
        for name, each in drops.items():
            assert line[f"{prefix}drop_{name}"] == pytest.approx(np.mean(each))
            assert line[f"{prefix}drop_{name}_spread"] == pytest.approx(np.std(each, ddof=1))
    sizes = np.array([[study_row(c, PRUNED, s)["file_bytes"] for s in (3, 1, 2)] for c in CITIES])
    ratios = 4e6 / sizes.mean(axis=0)
    assert line["ratio"] == pytest.approx(ratios.mean())
    assert line["ratio_spread"] == pytest.approx(ratios.std(ddof=1))
    assert line["file_mb"] == pytest.approx(sizes.mean() / 1e6)
    assert [line[f"file_bytes_{city}"] for city in CITIES] == list(sizes.mean(axis=1).round())
    for name in ("pruned_percent", "paper_memory_mb", "paper_ratio", "projection_bytes_percent"):
        assert line[name] == pytest.approx(lines[name].mean())
    assert line["parameters"] == 1_000_000


def test_a_cell_of_fewer_seeds_is_compared_with_the_base_of_its_own(unlike):
    table = unlike[0].set_index("version")
    for city in CITIES:
        own = np.mean(list(differences("dense_", city, ROUNDED, 1).values()))
        assert table.loc[ROUNDED, f"dense_drop_{city}"] == pytest.approx(own)
        # The base model's line is the mean of three, so that its mAP is another.
        between = table.loc[BASE, f"dense_map_{city}"] - table.loc[ROUNDED, f"dense_map_{city}"]
        assert abs(between - own) > 0.1
    spreads = [name for name in table if name.endswith("_spread")]
    assert len(spreads) == 11
    assert table.loc[ROUNDED, spreads].isna().all()
    assert table.loc[[BASE, PRUNED], spreads].notna().all(axis=None)
    assert table.loc[BASE, "dense_drop_mean_spread"] == 0


def test_the_interval_over_seeds_by_hand(unlike):
    """Of the mean drop of the dense queries: landmarks and trainings, each with its own Student's
    quantile, from the definitions in docs/intervals.md."""
    line = unlike[0].set_index("version").loc[PRUNED]
    landmarks = trainings = alone = 0.0
    numbers = []
    for city in CITIES:
        each = [differences("dense_", city, PRUNED, seed) for seed in UNLIKE[PRUNED]]
        values = np.array([[scores[key] for key in each[0]] for scores in each])  # [3, N]
        marks = np.array([mark for mark, _ in each[0]])
        names = sorted(set(marks))

        def jackknife(row, marks=marks, names=names):
            without = np.array([row[marks != name].mean() for name in names])
            return (len(names) - 1) / len(names) * np.sum((without - row.mean()) ** 2)

        landmarks += jackknife(values.mean(axis=0))
        counted = sum(map(jackknife, values - values.mean(axis=0))) / 2
        alone += values.mean(axis=1).var(ddof=1) / 3
        trainings += (values.mean(axis=1).var(ddof=1) - counted) / 3
        counts = np.array([np.sum(marks == name) for name in names])
        numbers.append(counts.sum() ** 2 / np.sum(counts**2))
    # Of two cities the quantile of the mixture, by simulation.
    generator = np.random.default_rng(0)

    def quantile(numbers):
        shares = np.array([1 / number for number in numbers])
        drawn = sum(
            share * generator.chisquare(number - 1, 400_000) / (number - 1)
            for share, number in zip(shares / shares.sum(), numbers, strict=True)
        )
        return np.quantile(np.abs(generator.normal(size=400_000)) / np.sqrt(drawn), 0.95)

    assert quantile([11]) == pytest.approx(stats.t.ppf(0.975, 10), rel=0.01)
    square = landmarks * quantile(numbers) ** 2 + max(0.0, trainings) * quantile([3, 3]) ** 2
    square = max(square, alone * quantile(numbers) ** 2)
    assert trainings > 0  # else this tests nothing of trainings
    width = line["dense_drop_mean_high"] - line["dense_drop_mean_low"]
    assert width == pytest.approx(np.sqrt(square), rel=0.02)  # two halves, of a mean of two cities
    assert line["dense_visible_drop"] == pytest.approx(width / 2)


def test_tables_are_read_as_they_were_written(unlike, tmp_path):
    for table, path in zip(unlike, (tmp_path / "table.csv", tmp_path / "seeds.csv"), strict=True):
        table.to_csv(path, index=False, float_format="%.6g")
    table = read_table(tmp_path / "table.csv").set_index("version")
    assert list(table["seeds"]) == ["3 1 2", "3 1 2", "1"]
    assert np.isnan(table.loc[ROUNDED, "drop_mean_spread"])
    assert table.loc[PRUNED, "file_bytes_oxford"] == unlike[0].loc[1, "file_bytes_oxford"]
    by_seed = read_table(tmp_path / "seeds.csv")
    first = of_seed(by_seed, 3)
    assert list(first["version"]) == [BASE, PRUNED]
    assert set(first["seeds"]) == {"3"}
    with pytest.raises(ValueError, match="no row of seed 4, only of 3, 1, 2"):
        of_seed(by_seed, 4)


@pytest.mark.parametrize("name", ["50", "007", "1e5", "true", "nan"])
def test_names_of_models_and_data_sets_are_texts(tmp_path, name):
    rows = [row | {"model": name} for row in study_rows({BASE: [1], PRUNED: [1]})]
    for row in rows:
        row["test_dataset"] = row["test_dataset"] | {"name": name}
    for table in results_tables(rows, CITIES):
        write_csv(tmp_path / "table.csv", table)
        read = read_table(tmp_path / "table.csv")
        assert (read[["model", "dataset_oxford", "dataset_paris"]] == name).all(axis=None)
        assert chosen_cells(read, name, 1)[0].version == PRUNED


@pytest.mark.parametrize(
    ("seeds", "message"),
    [
        ({BASE: [1], PRUNED: [1, 2]}, r"fixed', 2\): no row for its base"),
        ({BASE: [1], PRUNED: [1, 1]}, r"two rows for .*fixed', 1\) tested on oxford"),
    ],
)
def test_seeds_without_a_base_or_twice_are_refused(seeds, message):
    with pytest.raises(ValueError, match=message):
        results_tables(study_rows(seeds), CITIES)


def test_one_direction_is_not_enough():
    rows = study_rows({BASE: [1, 2], PRUNED: [1, 2]})
    with pytest.raises(ValueError, match=r"fixed', 2\): no row for \['paris'\]"):
        results_tables(rows[:-1], CITIES)


def test_what_seeds_must_share_is_compared():
    rows = study_rows({BASE: [1, 2]})
    for row in rows[2:]:
        row["protocol"] = row["protocol"] | {"image_size": 97}
    with pytest.raises(ValueError, match=r"protocol_image_size differs .*1: 96, 2: 97.*delete"):
        results_tables(rows, CITIES)


def test_seeds_may_have_run_on_other_machines():
    rows = study_rows({BASE: [1, 2]})
    for row in rows[2:]:
        row["computed_on"] = "a GPU"
    assert results_tables(rows, CITIES)[0]["computed_on"].item() == "a GPU; cpu"
