"""A study's config, once YAML was read: Snakemake reads it before we do."""

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random

import yaml

from fuzz.mutations import Change, tree_changed
from pocketvlad.study.config import check_config, with_defaults
from pocketvlad.study.faults import ConfigError
from pocketvlad.study.local_data import used_settings

SUFFIX = ".yaml"
_ROOT = Path(__file__).parents[3]
_OFFICIAL = [
    _ROOT / "pocketvlad" / "data" / "official" / f"{each}.yaml" for each in ("sources", "datasets")
]


class _YamlError(ValueError):
    """What Snakemake tells."""


ERRORS = (ConfigError, _YamlError)


def read(path: Path) -> None:
    try:
        config = yaml.safe_load(path.read_bytes())
    except Exception as error:
        raise _YamlError(f"{path}: {error}") from None
    if not isinstance(config, dict):
        raise _YamlError(f"{path}: no mapping")
    try:
        check_config(config)
    except ConfigError as error:
        raise ConfigError([f"{path}: {error}"]) from None
    used_settings(with_defaults(config))


def changed(data: bytes, random: Random, change: Change) -> bytes:
    if random.random() < 0.1:
        return change(data)
    return json.dumps(tree_changed(yaml.safe_load(data), random)).encode()


def seeds() -> Iterator[bytes]:
    for name in ("config.yaml", "config/phone.yaml"):
        config = yaml.safe_load((_ROOT / name).read_bytes())
        for path in _OFFICIAL:  # as the Snakefile joins them
            for key, section in yaml.safe_load(path.read_bytes()).items():
                config.setdefault(key, section)
        yield json.dumps(used_settings(config), separators=(",", ":")).encode()
