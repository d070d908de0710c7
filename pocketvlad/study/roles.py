"""Which data sets play which role in a study: its two cities, and test sets beyond them."""

from collections.abc import Iterator, Mapping

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


def _images_of(dataset: Mapping) -> set[str]:
    """Where the images of a data set come from, as texts that can be compared."""
    if "render" in dataset:
        return {repr(sorted(dataset["render"].items()))}
    return set(dataset.get("images", [])) | {dataset.get("folder")} - {None}


def unfit_cities(config: Mapping) -> Iterator[str]:
    """The fault of two cities of the same images: models would be tested on what they have seen.
    Data sets that leave images out may be the halves of one folder."""
    names = [name for name in config["cities"].values() if name in config["datasets"]]
    both = [config["datasets"][name] for name in names]
    if len(set(names)) < 2 or any("leave_out" in dataset for dataset in both):
        return
    if shared := _images_of(both[0]) & _images_of(both[1]):
        yield (
            f"cities: {names[0]!r} has images of {names[1]!r} ({min(shared)}), and a model is "
            "tested on other images than those that it is trained on; name a data set of others, "
            "or have each leave out (leave_out) what the other has"
        )


def unfit_test_sets(config: Mapping) -> Iterator[str]:
    """A line for each fault of the section `test_sets`."""
    if not declared_test_sets(config):
        return
    cities, datasets = config["cities"], config["datasets"]
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
            elif shared := _images_of(datasets[name]) & _images_of(datasets.get(other, {})):
                yield (
                    f"{key}: {name!r} has images of {other!r} ({min(shared)}), which models of "
                    f"{city} are trained on; name a data set of other images"
                )
