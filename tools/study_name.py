"""The study that configs make together, for the Makefile.

python tools/study_name.py CONFIG...
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import yaml


class StudyNameError(ValueError):
    """The configs name no study; the message names the last of them."""


def study_of(configs: Sequence[Path]) -> str:
    """The name of the study, which is that of its folder of results.

    Args:
        configs: a study's, and files that are laid over it: the last name counts.

    Raises:
        StudyNameError: there is none, a file is missing or no YAML, a name
            is no text, or none has the key `study`.
    """
    if not configs:
        raise StudyNameError("no config is named; give a study's config with CONFIG=...")
    name = None
    for path in configs:
        if not path.is_file():
            raise StudyNameError(f"{path} is missing; give a study's config with CONFIG=...")
        try:
            config = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise StudyNameError(f"{path} is no YAML: {error}") from None
        if isinstance(config, dict):
            name = config.get("study") or name
        if name is not None and not isinstance(name, str):
            raise StudyNameError(f"{path}: study is {name!r}, no text; write study: '...'")
    if name is None:
        raise StudyNameError(
            f"{configs[-1]} has no study: name the config that it is laid over before it, "
            f'CONFIG="config.yaml {configs[-1]}"'
        )
    return name


if __name__ == "__main__":
    try:
        print(study_of([Path(word) for word in sys.argv[1:]]))
    except StudyNameError as error:
        print(error, file=sys.stderr)
        sys.exit(1)
