"""Which code a job of a study runs: what its script imports, and what the config names.

Parts of networks, losses, protocols and map codes are found by the names that a config has for
them. No import shows which of them a job uses. The config does, so a new one reruns no job.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pocketvlad.data import protocols
from pocketvlad.format.roles import Part
from pocketvlad.maps import map_code
from pocketvlad.networks import declared
from pocketvlad.networks.declared import part_class
from pocketvlad.study.map_codes import code_declarations
from pocketvlad.study.roles import data_sets
from pocketvlad.training import declared as losses
from pocketvlad.training.settings import TrainingSettings
from pocketvlad.util.code_digest import package_modules
from pocketvlad.util.settings import default_of


def _file(module: str, root: Path) -> Path:
    return root.joinpath(*module.split(".")).with_suffix(".py")


def _named(
    config: Mapping, model: str | None, role: str | None, imported: set[Path], root: Path
) -> Iterator[Path]:
    models = [model] if model in config["models"] else []
    if models and _file(losses.__name__, root) in imported:
        loss = losses.LOSSES.of(
            config["training"].get("loss", default_of(TrainingSettings, "loss"))
        )
        yield _file(type(loss).__module__, root)
        models += loss.asks
    if models and _file(declared.__name__, root) in imported:
        for each in models:
            for part in Part:
                found = part_class(part, config["models"][each][str(part)]["type"])
                yield _file(found.__module__, root)
    if _file(map_code.__name__, root) in imported:
        for code in code_declarations(config, models[:1] or config["models"]):
            yield _file(code.__module__, root)
    if root.joinpath(*protocols.__name__.split("."), "__init__.py") in imported:
        found = data_sets(config)
        for each in dict.fromkeys([*config["cities"], *filter(found.get, [role])]):
            name = config["datasets"][found[each]].get("protocol", "original")
            yield _file(f"{protocols.__name__}.{name}", root)


def job_modules(
    scripts: Sequence[Path],
    config: Mapping,
    model: str | None,
    root: Path,
    role: str | None = None,
) -> list[Path]:
    """Every file of the package that a job runs, sorted.

    Args:
        scripts: the job's script, and modules that it runs in other processes.
        config: a checked one.
        model: the name of the model that the job is about, if it is about one.
        root: the repository.
        role: of the data set that the job is about, if it is about one; jobs on the two cities
            depend on nothing of a test set.
    """
    imported = set(package_modules(scripts, root))
    return package_modules([*scripts, *_named(config, model, role, imported, root)], root)
