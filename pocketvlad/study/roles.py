"""Which data sets play which role in a study: its two cities, and test sets beyond them."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from pocketvlad.data.declarations import data_folder, local_file
from pocketvlad.report.names import TAKEN


def declared_test_sets(config: Mapping) -> dict[str, str]:
    """The data sets by role that models of both cities are tested on and nothing is trained on."""
    return config.get("test_sets", {})


def data_sets(config: Mapping) -> dict[str, str]:
    """All data sets of a study by their roles, the two cities first."""
    return {**config["cities"], **declared_test_sets(config)}


def is_listed(dataset: Mapping) -> bool:
    """Whether a data set has a ground truth; else positions alone say what is to be found."""
    return bool({"ground_truth", "render"} & dataset.keys())


def _folders_share(one: Mapping, other: Mapping, start: Path) -> bool:
    """Whether folders of two data sets are one, however it is written and whatever links lead to
    it; or one lies in the other, and neither data set leaves images out."""
    if not ("folder" in one and "folder" in other):
        return False
    first, second = (local_file(each["folder"], start).resolve() for each in (one, other))
    if first == second:
        return True
    nested = first.is_relative_to(second) or second.is_relative_to(first)
    return nested and not any("leave_out" in each for each in (one, other))


def _shared_images(one: Mapping, other: Mapping, start: Path) -> str | None:
    """Where two data sets both have images from, as the config has it; None: nowhere.

    Args:
        start: what relative paths start from.
    """
    if "render" in one and one["render"] == other.get("render"):
        return repr(sorted(one["render"].items()))
    if _folders_share(one, other, start):
        return one["folder"]
    return min({*one.get("images", [])} & {*other.get("images", [])}, default=None)


def unfit_cities(config: Mapping) -> Iterator[str]:
    """The fault of two cities of the same images: models would be tested on what they have seen.
    Data sets that leave images out may be the halves of one folder."""
    names = [name for name in config["cities"].values() if name in config["datasets"]]
    both = [config["datasets"][name] for name in names]
    if len(set(names)) < 2 or any("leave_out" in dataset for dataset in both):
        return
    if shared := _shared_images(*both, data_folder(config)):
        yield (
            f"cities: {names[0]!r} has images of {names[1]!r} ({shared}), and a model is "
            "tested on other images than those that it is trained on; name a data set of others, "
            "or have each leave out (leave_out) what the other has"
        )


def unfit_test_sets(config: Mapping) -> Iterator[str]:
    """A line for each fault of the section `test_sets`."""
    if not declared_test_sets(config):
        return
    cities, datasets, start = config["cities"], config["datasets"], data_folder(config)
    seen: dict[str, str] = {}
    for role, name in declared_test_sets(config).items():
        key = f"test_sets.{role}"
        if role in cities:
            yield f"{key}: {role} is the role of a city already; give the test set another name"
        if role in TAKEN:
            yield f"{key}: tables call {TAKEN[role]} so; give the test set another name"
        if name not in datasets:
            yield f"{key}: no data set is called {name!r}; choose among {', '.join(datasets)}"
            continue
        if name in seen:
            yield f"{key}: {name!r} is the test set {seen[name]} already; remove one of the two"
        seen.setdefault(name, role)
        for city, other in cities.items():
            if name == other:
                yield (
                    f"{key}: {name!r} is the city {city} already; remove it, since models of the "
                    "other city are tested there anyway"
                )
            elif shared := _shared_images(datasets[name], datasets.get(other, {}), start):
                yield (
                    f"{key}: {name!r} has images of {other!r} ({shared}), which models of "
                    f"{city} are trained on; name a data set of other images"
                )
