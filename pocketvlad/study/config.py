"""The study's config: checked before anything runs, with errors that say what to do."""

import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePath
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from pocketvlad.data.declarations import (
    DATA_FOLDER_VARIABLE,
    data_folder,
    is_table,
    local_file,
    source_names,
)
from pocketvlad.data.protocols import protocols_of_file
from pocketvlad.networks.weights.sources import SOURCES
from pocketvlad.study.declaration import Study
from pocketvlad.study.parts import PARTS, least_side, unfit_parts
from pocketvlad.util.settings import completed, schema_of

EMBEDDED_WEIGHTS = Path(__file__).parents[1] / "networks" / "weights" / "buildings"


class ConfigError(ValueError):
    """The config is wrong; the message has a line for each key, its value and the remedy."""


def _is_whole(_: object, value: object) -> bool:
    return type(value) is int  # 8.0 is none: a count with a point is a slip


def _is_finite(_: object, value: object) -> bool:
    return type(value) in (int, float) and math.isfinite(value)


_Validator = extend(
    Draft202012Validator,
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine_many(
        {"integer": _is_whole, "number": _is_finite}
    ),
)


def _unreadable_names(node: object, key: str = "") -> Iterator[str]:
    """Names that YAML reads as something else than text."""
    if isinstance(node, Mapping):
        for name, child in node.items():
            place = f"{key}.{name}" if key else str(name)
            if isinstance(name, bool):
                words = "yes, on or true" if name else "no, off or false"
                yield f"{place}: YAML reads the name {words} as {name}; put it in quotes"
            elif not isinstance(name, str):
                yield f'{place}: the name {name} is no text to YAML; put it in quotes, "{name}"'
            yield from _unreadable_names(child, place)
    elif isinstance(node, list):
        for number, child in enumerate(node):
            yield from _unreadable_names(child, f"{key}.{number}")


def _as_number(text: str, whole: bool) -> str | None:
    """A text that was meant as a number, as YAML reads one; None for other texts."""
    try:
        value = float(text)
    except ValueError:
        return None
    if not math.isfinite(value):
        return None
    if value.is_integer() and (whole or text.strip().lstrip("+-").isdecimal()):
        return str(int(value))
    mantissa, _, exponent = text.strip().lower().partition("e")
    if not exponent:
        return mantissa
    return f"{mantissa if '.' in mantissa else mantissa + '.0'}e{int(exponent):+d}"


def _wrong_type(key: str, value: object, wanted: str | list[str], remedy: str) -> str:
    """One line on a value of another type than its key has."""
    if isinstance(value, float) and not math.isfinite(value) and wanted in ("integer", "number"):
        return f"{key}: {value} is not finite; write {remedy}"
    if wanted == "integer" and isinstance(value, float) and value.is_integer():
        return f"{key}: {value} has a decimal point; write {int(value)}, {remedy}"
    if wanted in ("integer", "number") and isinstance(value, str):
        number = _as_number(value, wanted == "integer")
        if number is not None:
            return f"{key}: {value!r} is text to YAML; write {number}, {remedy}"
    if wanted == "string" and not isinstance(value, Mapping | list):
        return f"{key}: {value!r} is no text to YAML; put it in quotes, or write {remedy}"
    return f"{key}: {value!r} does not fit; write {remedy}"


def _explain(error: ValidationError) -> str:
    """One line: which key, which value, what is wrong, what to write instead."""
    key = ".".join(str(part) for part in error.absolute_path)
    remedy = error.schema.get("description", "see docs/config.md")
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
    if error.validator == "type":
        return _wrong_type(key, error.instance, error.validator_value, remedy)
    return f"{key}: {error.instance!r} does not fit; write {remedy}"


def _explained(errors: Iterable[ValidationError]) -> list[str]:
    """A line for each error, by key. A value of a wrong type breaks other rules, too: one line."""
    found = sorted(errors, key=lambda each: list(map(str, each.path)))
    mistyped = [list(each.absolute_path) for each in found if each.validator == "type"]
    kept = (
        each
        for each in found
        if each.validator == "type" or list(each.absolute_path) not in mistyped
    )
    return list(dict.fromkeys(map(_explain, kept)))


def _unfit_weights(key: str, model: Mapping) -> Iterator[str]:
    """What of a model does not fit the weights that it starts from."""
    weights = model["weights"]
    name, source = weights["source"], SOURCES[weights["source"]]
    backbone, pooling, projection = (model[part] for part in PARTS)
    if source.file is None:
        if "file" in weights:
            yield f"{key}.weights.file: {name} needs none; remove it"
        return
    if "file" not in weights:
        yield f"{key}.weights.file: missing; {name} weights need a file: {source.file}"
    if source.backbone != backbone["type"]:
        yield (
            f"{key}.weights.source: {name!r} is for the backbone {source.backbone!r}, not "
            f"{backbone['type']!r}; change either"
        )
    if (width := backbone.get("width", 1)) != 1:
        yield (
            f"{key}.backbone.width: {width} does not fit {name} weights; write 1.0, or start from "
            "random weights"
        )
    if source.whole and (clusters := pooling.get("clusters")) != source.clusters:
        yield (
            f"{key}.pooling.clusters: {clusters} does not fit {name} weights, which have "
            f"{source.clusters}; write {source.clusters}"
        )
    if source.whole and (length := projection.get("length", 0)) > source.descriptor:
        yield (
            f"{key}.projection.length: {length} is more than {name} weights make; write "
            f"{source.descriptor} or less"
        )


def _image_sides(config: Mapping) -> Iterator[tuple[str, int]]:
    """(key, pixels) of all images that a network is shown."""
    for place in ("protocol", "training", "recovery", "rd", "pretraining.classifier"):
        section: Any = config
        for name in place.split("."):
            section = section.get(name, {})
        if "image_size" in section:
            yield f"{place}.image_size", section["image_size"]


def _too_small(config: Mapping) -> Iterator[str]:
    """Images that are smaller than a backbone of the study needs."""
    needs = {name: least_side(model) for name, model in config["models"].items()}
    most = max(needs, key=needs.__getitem__)
    for key, side in _image_sides(config):
        if side < needs[most]:
            yield (
                f"{key}: {side} is less than the {needs[most]} pixels that the backbone of "
                f"models.{most} needs; write {needs[most]} or more"
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
    # What a network of wrong parts needs is not known.
    unfit = [
        fault
        for name, model in config["models"].items()
        for fault in unfit_parts(f"models.{name}", model)
    ]
    yield from unfit or _unfit_models(config)


def _unfit_models(config: Mapping) -> Iterator[str]:
    """What of the study does not fit its models, whose parts fit."""
    yield from _too_small(config)
    for name, model in config["models"].items():
        key = f"models.{name}"
        yield from _unfit_weights(key, model)
        length = model["projection"].get("length")
        if length is not None and config.get("rd", {}).get("length", 0) > length:
            yield (
                f"rd.length: {config['rd']['length']} is more than the {length} components of "
                f"{key}.projection.length; write {length} or less"
            )


def embedded_weights(type: str, width: float = 1.0) -> Path:
    """Where the package holds, or would hold, the pretrained weights of a narrow backbone."""
    return EMBEDDED_WEIGHTS / f"{type}-{width:g}.safetensors"


def check_config(config: Mapping) -> None:
    """Hold `config` against its declaration and against itself.

    Raises:
        ConfigError: with one line for each fault.
    """
    faults = list(_unreadable_names(config))
    faults = faults or _explained(_Validator(schema_of(Study)).iter_errors(config))
    faults = faults or list(_contradictions(config))
    if faults:
        raise ConfigError("the config is wrong:\n  " + "\n  ".join(faults))


def with_defaults(config: Mapping) -> dict[str, Any]:
    """`config`, a checked one, with the defaults of what it leaves out."""
    return completed(Study, config)


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
