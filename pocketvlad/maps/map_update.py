"""What becomes of a map when the photographs of its folder have changed, or of none."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from pocketvlad.data.positions import some
from pocketvlad.format.map_layout import STAMP_BYTES, STAMPS
from pocketvlad.maps.described_photographs import (
    Describer,
    describe_into,
    keys_of,
)
from pocketvlad.maps.fitted_code import FittedCode, fit
from pocketvlad.maps.journal import Journal, Key
from pocketvlad.maps.map_code import Code
from pocketvlad.maps.map_positions import ADVICE, Position, PositionWish
from pocketvlad.maps.place_map import MapError, PlaceMap
from pocketvlad.retrieval.picture import Picture
from pocketvlad.util.counted import counted

_ROWS = 4096  # descriptors that are encoded at a time
_MOST_TRAINING = 1 << 16  # descriptors that a code is learnt from


@dataclass(frozen=True)
class Wishes:
    """What a map is to be like.

    code: of a new map.  training: photographs that this is learnt from; None: those of the map.
    lists: see `write_places`; None: as in the map that is there.  positions: unless told, those of
    the map that is there.  seed: of what is drawn at random.
    """

    code: Code
    training: Sequence[Picture] | None = None
    lists: int | None = None
    positions: PositionWish = field(default_factory=PositionWish)
    seed: int = 0


class MapUpdate:
    """Of the map `old`, or of none, to the photographs of a folder.

    Attributes:
        keys: of the photographs that are left, by name.
        faults: what is wrong with the others.
        described: how many are described now.
    """

    def __init__(
        self, old: PlaceMap | None, pictures: Mapping[str, Picture], describer: Describer
    ) -> None:
        """See what there is, and what of it the old map has.

        Args:
            pictures: by their paths within the folder, with `/` between folders.
        """
        self._old = old
        self._describer = describer
        self._pictures = pictures
        self.keys, self.faults = keys_of(pictures)
        self._at: Mapping[str, Position] | None = None
        self._moved = False
        self._old_names: list[str] = []
        self._known: dict[str, int] = {}  # places of the old map that stay
        if old is not None:
            self._old_names = list(old.file.all_names())
            stamps = old.file.whole(STAMPS) if old.stamped else None
            for place, name in enumerate(self._old_names):
                key = self.keys.get(name)
                if key and stamps is not None and stamps[place].tobytes().hex() == key[1]:
                    self._known[name] = place

    @property
    def described(self) -> int:
        return len(self.keys) - len(self._known)

    @property
    def removed(self) -> int:
        """Places of the old map that are photographs no more."""
        return sum(name not in self.keys for name in self._old_names)

    def locate(self, path: Path, wish: PositionWish) -> None:
        """See where the photographs were taken, before any is described.

        Args:
            path: of the map, for messages.

        Raises:
            MapError: some of them have no position.
        """
        stored = self._old.file.positions_by_name() if self._old else None
        at = wish.beside(stored)
        if at is None:
            self._moved = stored is not None
            return
        names = list(self.keys)
        if missing := [name for name in names if name not in at]:
            raise MapError(
                f"{path}: {len(missing)} of {len(names)} photographs have no position: "
                f"{some(missing)}; give those of all with --positions{ADVICE}"
            )
        self._at = {name: tuple(map(float, at[name])) for name in names}
        self._moved = stored is None or any(stored.get(name) != self._at[name] for name in names)

    def require_lists(self, path: Path, wishes: Wishes) -> None:
        """Raises MapError, naming the map `path`, where more lists are to be made than there are
        photographs."""
        had = self._old.lists if self._old else 0
        if wishes.lists not in (None, had) and wishes.lists > len(self.keys):
            raise MapError(
                f"{path}: {counted(len(self.keys), 'photograph')} cannot be put into "
                f"{wishes.lists} lists; ask for fewer, or for none (--lists 0)"
            )

    def describe(self, journal: Journal) -> None:
        """What the old map lacks, into the journal. Afterwards `keys` are those that are left."""
        wanted = {
            key: self._pictures[name] for name, key in self.keys.items() if name not in self._known
        }
        faults = describe_into(journal, wanted, self._describer)
        self.faults += faults.values()
        self.keys = {name: key for name, key in self.keys.items() if key not in faults}

    def content(self, path: Path, journal: Journal, wishes: Wishes) -> dict[str, object] | None:
        """What `write_places` is to be given for the new map; None where the old one is the same.

        Args:
            path: of the map, for messages.

        Raises:
            MapError: there are too few photographs for the code.
        """
        old = self._old
        had = old.lists if old else 0
        lists = had if wishes.lists is None else wishes.lists
        if old and lists == had and not (self.described or self.removed or self._moved):
            return None
        names = sorted(self.keys)
        code = old.code if old else self._learnt(names, path, journal, wishes)
        stamps = b"".join(bytes.fromhex(self.keys[name][1]) for name in names)
        return {
            "names": names,
            "codes": self._codes(names, journal, code),
            "code": code,
            "made_with": self._describer.made_with,
            "stamps": np.frombuffer(stamps, np.uint8).reshape(-1, STAMP_BYTES),
            "positions": None if self._at is None else np.array([self._at[name] for name in names]),
            "lists": lists,
            "centres": old.centres if lists == had and old else None,
            "seed": wishes.seed,
        }

    def _codes(self, names: Sequence[str], journal: Journal, code: FittedCode) -> np.ndarray:
        """[N, B] Those of the old map where it has them; all others are encoded."""
        found = np.empty((len(names), code.bytes_per_row), np.uint8)
        stay = [row for row, name in enumerate(names) if name in self._known]
        if stay:
            found[stay] = self._old.codes([self._known[names[row]] for row in stay])
        new = [row for row, name in enumerate(names) if name not in self._known]
        for start in range(0, len(new), _ROWS):
            part = new[start : start + _ROWS]
            found[part] = code.encode(journal.rows([self.keys[names[row]] for row in part]))
        return found

    def _learnt(
        self, names: Sequence[str], path: Path, journal: Journal, wishes: Wishes
    ) -> FittedCode:
        keys = [self.keys[name] for name in names]
        if wishes.training is not None:
            keys = self._described_training(wishes.training, journal)
        if len(keys) > _MOST_TRAINING:
            generator = np.random.default_rng(wishes.seed)
            chosen = generator.choice(len(keys), _MOST_TRAINING, replace=False)
            keys = [keys[number] for number in np.sort(chosen)]
        try:
            return fit(wishes.code, journal.rows(keys), wishes.seed)
        except ValueError as error:
            raise MapError(
                f"{path}: map code {wishes.code.short}: {error}; or name a folder of more "
                "photographs to learn the code from (--training)"
            ) from None

    def _described_training(self, training: Sequence[Picture], journal: Journal) -> list[Key]:
        pictures = {str(each.path.absolute()): each for each in training}
        keys, faults = keys_of(pictures, name_of=str)
        wanted = {key: pictures[name] for name, key in keys.items()}
        bad = describe_into(journal, wanted, self._describer)
        self.faults += [*faults, *bad.values()]
        return [key for key in keys.values() if key not in bad]
