"""The study's config: checked before anything runs, with errors that say what to do."""

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePath

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from pocketvlad.data.declarations import (
    DATA_FOLDER_VARIABLE,
    data_folder,
    is_table,
    local_file,
    source_names,
)
from pocketvlad.data.protocols import protocols_of_file
from pocketvlad.networks.weights.sources import SOURCES

EMBEDDED_WEIGHTS = Path(__file__).parents[1] / "networks" / "weights" / "buildings"


class ConfigError(ValueError):
    """The config is wrong; the message has a line for each key, its value and the remedy."""


def _explain(error: ValidationError) -> str:
    """One line: which key, which value, what is wrong, what to write instead."""
    key = ".".join(str(part) for part in error.absolute_path)
    remedy = error.schema.get("description", "see config/schema.yaml")
    if error.validator == "additionalProperties":
        allowed = error.schema.get("properties", {})
        unknown = [name for name in error.instance if name not in allowed]
        place = f" in {key}" if key else ""
        return (
            f"unknown key{place}: {', '.join(map(str, unknown))}; "
            f"known are {', '.join(allowed)}; remove it or correct its spelling"
        )
    if error.validator == "required":
        missing = [name for name in error.validator_value if name not in error.instance]
        return f"missing key{f' in {key}' if key else ''}: {', '.join(missing)}; add it"
    if error.validator == "dependentRequired":
        pairs = [
            f"{needed} ({name} needs it)"
            for name, group in error.validator_value.items()
            for needed in group
            if name in error.instance and needed not in error.instance
        ]
        return f"missing key in {key}: {', '.join(pairs)}; add it"
    if error.validator == "propertyNames" or "propertyNames" in error.absolute_schema_path:
        return f"{key}: the name {error.instance!r} does not fit; write {remedy}"
    return f"{key}: {error.instance!r} does not fit; write {remedy}"


def _unfit_weights(key: str, model: Mapping) -> Iterator[str]:
    """What of a model does not fit the weights that it starts from."""
    weights = model["weights"]
    name, source = weights["source"], SOURCES[weights["source"]]
    if source.file is None:
        if "file" in weights:
            yield f"{key}.weights.file: {name} needs none; remove it"
        return
    if "file" not in weights:
        yield f"{key}.weights.file: missing; {name} weights need a file: {source.file}"
    if source.backbone != model["backbone"]:
        yield (
            f"{key}.weights.source: {name!r} is for the backbone {source.backbone!r}, not "
            f"{model['backbone']!r}; change either"
        )
    if model["width"] != 1:
        yield (
            f"{key}.width: {model['width']} does not fit {name} weights; write 1.0, or start from "
            "random weights"
        )
    if source.whole and model["clusters"] != source.clusters:
        yield (
            f"{key}.clusters: {model['clusters']} does not fit {name} weights, which have "
            f"{source.clusters}; write {source.clusters}"
        )
    if source.whole and model["descriptor"] > source.descriptor:
        yield (
            f"{key}.descriptor: {model['descriptor']} is more than {name} weights make; write "
            f"{source.descriptor} or less"
        )


def _unfit_ground_truth(key: str, dataset: Mapping) -> Iterator[str]:
    """What of a data set's ground truth does not fit the rest of it."""
    files = dataset.get("ground_truth", [])
    protocol = dataset.get("protocol", "original")
    if "render" in dataset and protocol != "original":
        yield f"{key}.protocol: {protocol!r}, but what is drawn has official lists; remove it"
    for file in [files] if isinstance(files, str) else files:
        fitting = protocols_of_file(PurePath(file))
        if protocol not in fitting:
            yield (
                f"{key}.ground_truth: {file} is for the {fitting[0]} protocol; write `protocol: "
                f"{fitting[0]}`, or name another ground truth"
            )
    tables = [file for file in source_names(dataset, "ground_truth") if is_table(file)]
    if tables and len(files) > 1:
        yield f"{key}.ground_truth: {tables[0]} is one of {len(files)}; write it alone"


def _contradictions(config: Mapping) -> Iterator[str]:
    """What no schema can say: keys that must agree with each other."""
    for role, name in config["cities"].items():
        if name not in config["datasets"]:
            yield (
                f"cities.{role}: no data set is called {name!r}; "
                f"choose among {', '.join(config['datasets'])}"
            )
    if len(set(config["cities"].values())) != len(config["cities"]):
        yield "cities: both roles have the same data set; a model is tested on another city"
    for name, dataset in config["datasets"].items():
        for kind in ("images", "ground_truth"):
            for number, source in enumerate(source_names(dataset, kind)):
                if source not in config["sources"]:
                    yield (
                        f"datasets.{name}.{kind}.{number}: no source is called {source!r}; add it "
                        f"to sources, which has {', '.join(config['sources']) or 'none'}"
                    )
        yield from _unfit_ground_truth(f"datasets.{name}", dataset)
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
    for number, block in enumerate(config["grid"]):
        if not config["pruning"]["epochs_per_round"] and any(l1 != "0" for l1 in block["l1"]):
            yield (
                f"grid.{number}.l1: {block['l1']} has no effect where nothing is fine-tuned; "
                'raise pruning.epochs_per_round, or write ["0"]'
            )
        for name in block["thresholds"]:
            if name not in config["pruning"]["thresholds"]:
                yield (
                    f"grid.{number}.thresholds: {name!r} has no cutoff; add it to "
                    f"pruning.thresholds, which has {', '.join(config['pruning']['thresholds'])}"
                )
    for name, model in config["models"].items():
        yield from _unfit_weights(f"models.{name}", model)
        if config.get("rd", {}).get("length", 0) > model["descriptor"]:
            yield (
                f"rd.length: {config['rd']['length']} is more than the {model['descriptor']} "
                f"components of models.{name}.descriptor; write {model['descriptor']} or less"
            )


def embedded_weights(backbone: str, width: float) -> Path:
    """Where the package holds, or would hold, the pretrained weights of a narrow backbone."""
    return EMBEDDED_WEIGHTS / f"{backbone}-{width:g}.safetensors"


def check_config(config: Mapping, schema: Path) -> None:
    """Hold `config` against the schema file and against itself.

    Raises:
        ConfigError: with one line for each fault.
    """
    validator = Draft202012Validator(yaml.safe_load(schema.read_text(encoding="utf-8")))
    faults = [
        _explain(error)
        for error in sorted(validator.iter_errors(config), key=lambda e: list(map(str, e.path)))
    ]
    faults = faults or list(_contradictions(config))
    if faults:
        raise ConfigError("the config is wrong:\n  " + "\n  ".join(faults))


def require_local_data(config: Mapping) -> None:
    """Look whether the cities' folders and local ground truths are there.

    Raises:
        ConfigError: with one line for each that is not.
    """
    start = data_folder(config)
    remedy = f"correct it, `data_folder` ({start}) or {DATA_FOLDER_VARIABLE}"
    faults = []
    for name in config["cities"].values():
        dataset = config["datasets"][name]
        if "folder" in dataset and not (path := local_file(dataset["folder"], start)).is_dir():
            fault = "is not a folder" if path.exists() else "is missing"
            faults.append(f"datasets.{name}.folder: {path} {fault}; {remedy}")
        file = dataset.get("ground_truth")
        if isinstance(file, str) and not (path := local_file(file, start)).exists():
            faults.append(f"datasets.{name}.ground_truth: {path} is missing; {remedy}")
    if faults:
        raise ConfigError("data are missing:\n  " + "\n  ".join(faults))


def used_settings(config: Mapping) -> dict[str, object]:
    """`config` without the data sets and sources that the study does not use.

    Args:
        config: a checked one.
    """
    datasets = {name: config["datasets"][name] for name in config["cities"].values()}
    wanted = [
        *(
            name
            for data in datasets.values()
            for kind in ("images", "ground_truth")
            for name in source_names(data, kind)
        ),
        *(model["weights"].get("file") for model in config["models"].values()),
    ]
    sources = {name: config["sources"][name] for name in wanted if name in config["sources"]}
    rest = {key: value for key, value in config.items() if key not in ("datasets", "sources")}
    return {**rest, "datasets": datasets, "sources": sources}
