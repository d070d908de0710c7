"""The study's config: checked before anything runs, with errors that say what to do."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any

from pocketvlad.compression.rd.settings import CHOOSE
from pocketvlad.compression.settings import GridBlock
from pocketvlad.data.declarations import is_table, source_names
from pocketvlad.data.protocols import protocol_named, protocols_of_file
from pocketvlad.data.sections import QUERIES
from pocketvlad.format.roles import Part
from pocketvlad.networks.architecture import Architecture
from pocketvlad.networks.weights.sources import SOURCES
from pocketvlad.report.names import HISTOGRAM, TAKEN
from pocketvlad.study.declaration import Study
from pocketvlad.study.empty_keys import drop_empty_keys, unknown_empty_keys
from pocketvlad.study.faults import ConfigError, unfit_section
from pocketvlad.study.map_codes import unfit_map
from pocketvlad.study.parts import completed_loss, completed_parts, unfit_loss, unfit_parts
from pocketvlad.study.roles import is_listed, unfit_cities, unfit_test_sets
from pocketvlad.training.settings import TrainingSettings
from pocketvlad.util.settings import completed

_MOST_VALUES, _DEEPEST = 100_000, 50
OFFICIAL_LISTS = PurePath("lists")  # a folder of *_query.txt, *_good.txt, ...
EMBEDDED_WEIGHTS = Path(__file__).parents[1] / "networks" / "weights" / "buildings"


def _unfit_weights(key: str, model: Mapping) -> Iterator[str]:
    """Faults of a model that does not fit its initial weights."""
    weights = model["weights"]
    name, source = weights["source"], SOURCES[weights["source"]]
    if source.file is None and "file" in weights:
        yield f"{key}.weights.file: {name} needs none; remove it"
    if source.file is not None and "file" not in weights:
        yield f"{key}.weights.file: missing; {name} weights need a file: {source.file}"
    stand_in = weights.get("stand_in", False)
    if source.file is None and stand_in:
        yield f"{key}.weights.stand_in: {name} needs no file that one could stand in for; remove it"
    for place, fault in source.faults(name, Architecture.of(model), stand_in):
        yield f"{key}.{place}: {fault}"


def _image_sides(config: Mapping) -> Iterator[tuple[str, int]]:
    """(key, pixels) of all images that a network is shown."""
    for place in ("protocol", "training", "recovery", "rd", "pretraining.classifier"):
        section: Any = config
        for name in place.split("."):
            section = section.get(name, {})
        if "image_size" in section:
            yield f"{place}.image_size", section["image_size"]
        for number, side in enumerate(section.get("squeeze", ())):
            yield f"{place}.squeeze.{number}", side


def _too_small(config: Mapping) -> Iterator[str]:
    """Images that are smaller than a backbone of the study needs."""
    needs = {
        name: Architecture.of(model).backbone.min_side for name, model in config["models"].items()
    }
    most = max(needs, key=needs.__getitem__)
    for key, side in _image_sides(config):
        if side < needs[most]:
            yield (
                f"{key}: {side} is less than the {needs[most]} pixels that the backbone of "
                f"models.{most} needs; write {needs[most]} or more"
            )


def _unfit_ground_truth(key: str, dataset: Mapping) -> Iterator[str]:
    """Faults of a data set whose ground truth does not fit its other keys."""
    files = dataset.get("ground_truth", [])
    protocol = dataset.get("protocol", "original")
    if "positions" in dataset and "render" in dataset:
        yield f"{key}.positions: {dataset['positions']!r}, but what is drawn has its own; remove it"
    elif "positions" in dataset and protocol_named(protocol).outside:
        yield (
            f"{key}.positions: {dataset['positions']!r}, but the {protocol} protocol has no "
            "database in which queries could be found by their positions; remove it"
        )
    if "render" in dataset and protocol not in protocols_of_file(OFFICIAL_LISTS):
        yield f"{key}.protocol: {protocol!r}, but what is drawn has official lists; remove it"
    for file in [files] if isinstance(files, str) else files:
        fitting = protocols_of_file(PurePath(file))
        if protocol not in fitting:
            known = " or ".join(fitting)
            yield (
                f"{key}.ground_truth: {file} is for the {known} protocol; write `protocol: "
                f"{known}`, or name another ground truth"
            )
    tables = [file for file in source_names(dataset, "ground_truth") if is_table(file)]
    if tables and len(files) > 1:
        yield f"{key}.ground_truth: {tables[0]} is one of {len(files)}; write it alone"


def _unfit_queries(key: str, dataset: Mapping) -> Iterator[str]:
    """Faults of a data set that has lists where it needs none, or nothing to be scored by."""
    if is_listed(dataset):
        if QUERIES in dataset:
            yield (
                f"{key}.queries: {dataset[QUERIES]!r} has no effect, since its ground truth says "
                "what is asked; remove one of the two"
            )
    elif "positions" not in dataset:
        yield (
            f"{key}: neither ground_truth nor positions, so that nothing says what a query is to "
            "find; add ground_truth, or, for a test set that is scored by Recall@N alone, positions"
        )
    else:
        for name in ("protocol", "query_prefix"):
            if name in dataset:
                yield (
                    f"{key}.{name}: {dataset[name]!r} has no effect without a ground truth; add "
                    "one, or remove it"
                )


def _one_seed(config: Mapping) -> Iterator[str]:
    """The fault of a study that has one seed, as studies once had, in place of a list."""
    if "seed" in config:
        yield (
            f"seed: {config['seed']} stands alone, and a study has a list of seeds; "
            f"write seeds: [{config['seed']}]"
        )


def _laid_over_nothing(config: Mapping) -> Iterator[str]:
    """What a file lacks that is meant to be laid over another study, and was named alone."""
    most = ("cities", "models", "training")
    if "study" in config and not config.keys() & most:
        yield (
            f"missing key: {', '.join(most)} and more; add them, or, if the file is to be laid "
            "over another study, name that one before it: --configfile STUDY.yaml THIS.yaml"
        )


def _unfit_negatives(training: Mapping) -> Iterator[str]:
    """The fault of tuples with more negatives than they are chosen from."""
    candidates = completed(TrainingSettings, training)["negative_candidates"]
    if training["negatives"] > candidates:
        yield (
            f"training.negatives: {training['negatives']} is more than the {candidates} candidates "
            f"they are chosen from; write {candidates} or less, or raise "
            "training.negative_candidates"
        )


def _unfit_seeds(key: str, section: Mapping, seeds: Sequence[int]) -> Iterator[str]:
    """Faults of a section's own seeds, beside those of the study."""
    own, known = section.get("seeds", seeds), ", ".join(map(str, seeds))
    for each in own:
        if each not in seeds:
            yield f"{key}.seeds: {each} is none of the study's; add it to seeds, which has {known}"
    if seeds[0] not in own:
        yield (
            f"{key}.seeds: {list(own)} lacks {seeds[0]}, the study's first, whose models the "
            f"figures show; add it, or put another first in seeds, which has {known}"
        )


def _unknown_distortions(config: Mapping) -> Iterator[str]:
    """Faults of distortions that are made with one seed, and of which nothing is made."""
    rounding = config.get("rd", {})
    sections = [rounding, *config["models"].values()]
    known = {each for section in sections for each in section.get("distortions", ())}
    for each in rounding.get("first_seed", ()):
        if each not in known:
            yield (
                f"rd.first_seed: {each!r} is no distortion of this study; add it to "
                "rd.distortions, or remove it"
            )


def _grid_blocks(config: Mapping) -> dict[str, Mapping]:
    """The blocks of the study's grid, and of those that models have of their own, by their keys,
    with the defaults of what they leave out."""
    grids = {"grid": config.get("grid", [])}
    grids |= {f"models.{name}.grid": own.get("grid", []) for name, own in config["models"].items()}
    return {
        f"{key}.{n}": completed(GridBlock, block)
        for key, grid in grids.items()
        for n, block in enumerate(grid)
    }


def _contradictions(config: Mapping) -> Iterator[str]:
    """Faults that no schema can find: keys that must agree with each other."""
    for role, name in config["cities"].items():
        if name not in config["datasets"]:
            yield (
                f"cities.{role}: no data set is called {name!r}; "
                f"choose among {', '.join(config['datasets'])}"
            )
        elif not is_listed(config["datasets"][name]):
            yield (
                f"cities.{role}: {name!r} has no ground_truth, which a city that models are "
                "trained on needs; add it, or write the data set under test_sets"
            )
    for role in config["cities"]:
        if role in TAKEN:
            yield f"cities.{role}: tables call {TAKEN[role]} so; give it another name"
    if HISTOGRAM in config["models"]:
        yield (
            f"models.{HISTOGRAM}: tables call the baseline without a network so; give the model "
            "another name"
        )
    if len(set(config["cities"].values())) != len(config["cities"]):
        yield "cities: both roles have the same data set; a model is tested on another city"
    yield from unfit_cities(config)
    yield from unfit_test_sets(config)
    for name, dataset in config["datasets"].items():
        for kind in ("images", "ground_truth"):
            for number, source in enumerate(source_names(dataset, kind)):
                if source not in config["sources"]:
                    yield (
                        f"datasets.{name}.{kind}.{number}: no source is called {source!r}; add it "
                        f"to sources, which has {', '.join(config['sources']) or 'none'}"
                    )
        yield from _unfit_ground_truth(f"datasets.{name}", dataset)
        yield from _unfit_queries(f"datasets.{name}", dataset)
    protocols = {
        role: config["datasets"][name].get("protocol", "original")
        for role, name in config["cities"].items()
        if name in config["datasets"]
    }
    if len(set(protocols.values())) > 1:
        yield (
            "cities: "
            + ", ".join(f"{role} has the {found} protocol" for role, found in protocols.items())
            + "; their figures cannot stand in one table: choose two data sets of one protocol"
        )
    if config["study"] in config.get("figures", {}).get("studies", []):
        yield f"figures.studies: {config['study']} is this study itself; remove it"
    protocol = config["protocol"]
    if "squeeze" in protocol and max(protocol["squeeze"]) != protocol["image_size"]:
        longest = max(protocol["squeeze"])
        yield (
            f"protocol.image_size: {protocol['image_size']}, but protocol.squeeze has {longest} as "
            f"its larger side; write {longest}, or remove squeeze"
        )
    yield from _unfit_negatives(config["training"])
    yield from _unfit_seeds("rd", config.get("rd", {}), config["seeds"])
    yield from _unknown_distortions(config)
    for key, block in _grid_blocks(config).items():
        yield from _unfit_seeds(key, block, config["seeds"])
        if not config["pruning"]["epochs_per_round"] and any(l1 != "0" for l1 in block["l1"]):
            yield (
                f"{key}.l1: {block['l1']} has no effect where nothing is fine-tuned; "
                'raise pruning.epochs_per_round, or write ["0"]'
            )
        for name in block["thresholds"]:
            if name not in config["pruning"]["thresholds"]:
                yield (
                    f"{key}.thresholds: {name!r} has no cutoff; add it to "
                    f"pruning.thresholds, which has {', '.join(config['pruning']['thresholds'])}"
                )
    for name, own in config["models"].items():
        if "distortions" in own and "rd" not in config:
            yield (
                f"models.{name}.distortions: {own['distortions']} has no effect without a section "
                "rd; add it, or remove them"
            )
    rounding = config.get("rd", {})
    for name, own in config["models"].items():
        cells = own.get("grid", config.get("grid")), own.get("distortions")
        if not any((*cells, rounding.get("distortions"))):
            yield (
                f"grid: no cell compresses {name}; write blocks of cells, or distortions in a "
                "section rd"
            )
    if "lengths" in rounding and rounding.get("length") != CHOOSE:
        yield (
            f"rd.lengths: {rounding['lengths']} has no effect where nothing is chosen; write "
            f"`length: {CHOOSE}`, or remove it"
        )
    if rounding.get("trellis") and "tuning" in rounding:
        yield (
            "rd.tuning: layers on the trellis are not tuned; remove it, or write `trellis: false`"
        )
    if "loss" in config["training"]:
        yield from unfit_loss(config["training"]["loss"], config["models"])
    # What a network of wrong parts needs is not known.
    unfit = [
        fault
        for name, model in config["models"].items()
        for fault in unfit_parts(f"models.{name}", model)
    ]
    yield from unfit or _unfit_models(config)


def _unfit_lengths(key: str, whole: int, rounding: Mapping) -> Iterator[str]:
    """Lengths of descriptors that are more than the model `key` has."""
    given = {"rd.length": rounding.get("length")}
    given |= {f"rd.lengths.{n}": each for n, each in enumerate(rounding.get("lengths", []))}
    for place, length in given.items():
        if isinstance(length, int) and length > whole:
            yield (
                f"{place}: {length} is more than the {whole} components that descriptors of {key} "
                f"have; write {whole} or less"
            )


def _unfit_models(config: Mapping) -> Iterator[str]:
    """Faults of a study that does not fit its models, once their parts are valid."""
    yield from _too_small(config)
    for name, model in config["models"].items():
        key = f"models.{name}"
        yield from _unfit_weights(key, model)
        yield from _unfit_lengths(key, Architecture.of(model).length, config.get("rd", {}))
    yield from unfit_map(config)


def embedded_weights(*backbone: object) -> Path:
    """Where the package holds, or would hold, the pretrained weights of a narrow backbone.

    Args:
        backbone: its type, and the values of its settings.
    """
    words = (f"{each:g}" if isinstance(each, int | float) else str(each) for each in backbone)
    return EMBEDDED_WEIGHTS / f"{'-'.join(words)}.safetensors"


def _too_many(config: Mapping) -> Iterator[str]:
    """The fault of a config whose aliases hold themselves, or one another again and again, or that
    is nested deeper than any."""
    left, count = [(config, 0)], 0
    while left:
        node, depth = left.pop()
        inside = list(node.values() if isinstance(node, Mapping) else node)
        count += len(inside)
        if count > _MOST_VALUES or depth > _DEEPEST:
            yield (
                f"more than {_MOST_VALUES:,} values or {_DEEPEST} levels, where YAML's aliases "
                "(*name) are followed; write values out, and only those that are needed"
            )
            return
        left += [(each, depth + 1) for each in inside if isinstance(each, Mapping | list)]


def leave_out_empty(config: dict[str, Any]) -> None:
    """Take the keys without a value out of `config` and its sections, in place. So a file that is
    laid over another study says `map:` to have no map.

    Raises:
        ConfigError: nothing is called so, with one line for each section.

    >>> config = {"study": "own", "map": None}
    >>> leave_out_empty(config)
    >>> config
    {'study': 'own'}
    """
    if faults := list(_too_many(config)) or list(unknown_empty_keys(config)):
        raise ConfigError(faults)
    drop_empty_keys(config)


def check_config(config: Mapping) -> None:
    """Check `config` against its declaration, and its keys against each other.

    Raises:
        ConfigError: with one line for each fault.
    """
    faults = (
        list(_too_many(config))
        or list(_one_seed(config))
        or list(_laid_over_nothing(config))
        or unfit_section(Study, config)
        or list(_contradictions(config))
    )
    if faults:
        raise ConfigError(faults)


def with_defaults(config: Mapping) -> dict[str, Any]:
    """`config`, a checked one, with the defaults of what it leaves out."""
    full = completed(Study, config)
    for model in full["models"].values():
        model.update(completed_parts(model))
    full["training"]["loss"] = completed_loss(full["training"]["loss"])
    return full


def training_of(config: Mapping, model: str) -> dict[str, Any]:
    """The section `training` as it is for one model."""
    own = config["models"][model]
    return config["training"] | ({"epochs": own["epochs"]} if "epochs" in own else {})


def network_of(config: Mapping, model: str) -> dict[str, Any]:
    """The parts of a model and its weights, without what the study does with it."""
    return {key: config["models"][model][key] for key in (*map(str, Part), "weights")}
