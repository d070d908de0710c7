"""Checkpoints that a killed job resumes from. A fingerprint tells whose they are."""

import hashlib
import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import torch

from pocketvlad.training.complete_outputs import keep_outputs, restore_outputs
from pocketvlad.util.atomic import replacing


def fingerprint(settings: Mapping[str, object], files: Iterable[Path] = ()) -> str:
    """Fingerprint: a digest of all that a computation depends on, settings and contents of
    files."""
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for path in files:
        with open(path, "rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


class Checkpoint:
    """One file holding the newest state of one computation.

    It is written under a temporary name and renamed, so that a kill leaves the previous one. A file
    with another fingerprint, or one that cannot be read, is ignored.
    """

    def __init__(self, path: Path, computation: str) -> None:
        """`computation`: the fingerprint of what the state belongs to."""
        self.path = path
        self.computation = computation

    def load(self) -> dict[str, object] | None:
        """The newest state, or None."""
        try:
            stored = torch.load(self.path, map_location="cpu", weights_only=True)
        except FileNotFoundError:
            return None
        except OSError:
            raise
        except Exception:  # on other bytes torch raises whatever it stumbles on
            return None
        if not isinstance(stored, dict) or stored.get("computation") != self.computation:
            return None
        return stored.get("state")

    def save(self, state: Mapping[str, object]) -> None:
        """Replace the file. `state` holds tensors, numbers, strings, lists and dicts only."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(self.path) as unfinished:
            torch.save({"computation": self.computation, "state": dict(state)}, unfinished)

    def delete(self) -> None:
        """Remove the file, or the folder that a search has in its place (`rd.trials`): the
        computation is complete."""
        if self.path.is_dir():
            shutil.rmtree(self.path)
        else:
            self.path.unlink(missing_ok=True)

    def complete(self, outputs: Sequence[str | Path], settings: Mapping[str, object]) -> None:
        """`delete`, and keep the outputs as in `complete_outputs`.

        Args:
            settings: all of the job's, the state of its code among them. A checkpoint depends on
                less: a job with more epochs goes on from it.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        keep_outputs(self.path, outputs, self._job(settings))
        self.delete()

    def restored(self, outputs: Sequence[str | Path], settings: Mapping[str, object]) -> bool:
        """Whether the job was complete before, and its outputs are there again."""
        found = restore_outputs(self.path, outputs, self._job(settings))
        if found:
            self.delete()  # a kill came before that
        return found

    def _job(self, settings: Mapping[str, object]) -> str:
        return f"{self.computation} {fingerprint(dict(settings.items()))}"
