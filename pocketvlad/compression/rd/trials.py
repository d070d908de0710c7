"""Trials of distortions: each is a whole model, rounded, written, decoded and scored on a task."""

import csv
import json
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from functools import cache
from pathlib import Path

from pocketvlad.compression.rd.budget import Target, Trial, next_distortion
from pocketvlad.compression.rd.calibration import Calibration, write_rounded
from pocketvlad.data.settings import Sizing
from pocketvlad.networks.device import run_on
from pocketvlad.networks.model import read_model
from pocketvlad.retrieval.self_retrieval import (
    SelfRetrieval,
    self_retrieval_loss,
    self_retrieval_scores,
)
from pocketvlad.training.checkpoint import Checkpoint, fingerprint
from pocketvlad.util.atomic import replacing
from pocketvlad.util.code_digest import digest, package_modules
from pocketvlad.util.json_file import write_json
from pocketvlad.util.size import MEGABYTE


@cache
def _code() -> str:
    """A digest of the modules that make a trial. Trials of another version are not reused."""
    own = Path(__file__)
    return digest(package_modules([own], own.parents[3]))


_WRITTEN = re.compile(r"base\.json|[\d.e-]+\.(json|pvlad|pt)")


def remove_trials(folder: Path) -> None:
    """Remove what searches have written into a folder, and the folder if nothing else is there."""
    for path in folder.iterdir():
        if _WRITTEN.fullmatch(path.name):
            path.unlink()
    with suppress(OSError):  # somebody else's files
        folder.rmdir()


class TrialsError(ValueError):
    """A search would replace and remove a file that it reads; the message names it."""


def require_no_trial(file: Path, folder: Path) -> None:
    """Make sure that a model that is read is none of the files that searches write into a folder.

    Raises:
        TrialsError: it is one of them, or a link from or to one.
    """
    for path in (file.resolve(), file.parent.resolve() / file.name):
        if path.parent == folder.resolve() and _WRITTEN.fullmatch(path.name):
            raise TrialsError(
                f"{file} is a trial in {folder}, which this search would replace and remove; copy "
                "it elsewhere and give the copy"
            )


@dataclass(frozen=True)
class Trials:
    """Those of one base model. Trials are kept in a folder: a search that resumes, or one for
    another target, does not make them again.

    folder: for these trials only.  task: what scores models.  sizing: how large its images are.
    compute: see `device.run_on`.  computation: a fingerprint of all that a trial depends on, but
    the code; results with another one are done again.
    """

    folder: Path
    calibration: Calibration
    task: SelfRetrieval
    sizing: Sizing
    compute: Mapping[str, str]
    computation: str

    def file(self, distortion: float) -> Path:
        """Where the model of a trial lies."""
        return self.folder / f"{distortion:g}.pvlad"

    def _kept(self, name: str) -> dict | None:
        """What an earlier search found, if it is of the same computation."""
        try:
            found = json.loads((self.folder / name).read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            return None
        if not isinstance(found, dict):  # somebody else's
            return None
        known = [found.get("computation"), found.get("code")]
        return found["result"] if known == [self.computation, _code()] else None

    def _kept_trial(self, name: str) -> Trial | None:
        """A trial that an earlier search has made, if its model is still there."""
        if not (found := self._kept(name)):
            return None
        trial = Trial(**found)
        file = self.file(trial.distortion)
        return trial if file.is_file() and file.stat().st_size == trial.bytes else None

    def _keep(self, name: str, result: object) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        content = {"computation": self.computation, "code": _code(), "result": result}
        write_json(self.folder / name, content)

    def _base_scores(self) -> dict[str, float]:
        if found := self._kept("base.json"):
            return found
        base = self.calibration.base
        scores = self_retrieval_scores(base.network, self.task, self.sizing, base.preprocessing)
        self._keep("base.json", scores)
        return scores

    def at(self, distortion: float) -> Trial:
        """The trial of one distortion."""
        name = f"{distortion:g}.json"
        if found := self._kept_trial(name):
            return found
        # Before its model is replaced: what another computation says of it holds no longer.
        (self.folder / name).unlink(missing_ok=True)
        base = self._base_scores()
        file = self.file(distortion)
        known = fingerprint([self.computation, _code(), distortion])
        checkpoint = Checkpoint(self.folder / f"{distortion:g}.pt", known)
        size = write_rounded(file, self.calibration, distortion, checkpoint)
        model = read_model(file)
        run_on(model.network, **self.compute)
        scores = self_retrieval_scores(model.network, self.task, self.sizing, model.preprocessing)
        trial = Trial(distortion, size, self_retrieval_loss(base, scores))
        self._keep(name, asdict(trial))
        checkpoint.delete()
        return trial

    def search(self, targets: Iterable[Target], limit: int) -> list[Trial]:
        """Trials for each target in turn, by distortion. Those for earlier targets help with later.

        What is tried follows from the targets alone: a trial that is kept from before is taken
        where it comes up, and is not known before. So a search that was killed, and one that is
        repeated, find what a search in an empty folder finds.

        Args:
            limit: how many trials there may be for a target.
        """
        found: dict[float, Trial] = {}
        for target in targets:
            for number in range(1, limit + 1):
                distortion = next_distortion(target, found.values())
                if distortion is None or distortion in found:
                    break
                print(
                    f"{target.name}: trial {number} of {limit} at most, distortion {distortion:g}"
                )
                trial = found[distortion] = self.at(distortion)
                print(
                    f"{target.name}: {trial.bytes / MEGABYTE:.2f} MB, self-retrieval loses "
                    f"{trial.drop:.2f} points"
                )
        return sorted(found.values(), key=lambda trial: trial.distortion)


def write_trials(path: Path | str, trials: Iterable[Trial]) -> None:
    """A line a trial, as CSV."""
    with (
        replacing(Path(path)) as unfinished,
        open(unfinished, "w", encoding="utf-8", newline="") as file,
    ):
        writer = csv.DictWriter(file, [field.name for field in fields(Trial)])
        writer.writeheader()
        writer.writerows(map(asdict, trials))
