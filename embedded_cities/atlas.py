"""The textures in use by a city, drawn when first asked for."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from embedded_cities.bays import bay
from embedded_cities.texels import Texels, pool, pyramid


class Atlas:
    """Numbers textures.  What a texture looks like depends on its name and the seed alone."""

    def __init__(self, seed: int):
        self._seed = seed
        self._numbers: dict[str, int] = {}
        self._pyramids: list[list[np.ndarray]] = []
        self._pooled: Texels | None = None

    def number(self, name: str, draw: Callable[[np.random.Generator], np.ndarray]) -> int:
        """The id of the texture `name`, which draw(rng) makes if it is not there yet."""
        if name not in self._numbers:
            key = (self._seed, zlib.crc32(name.encode()))
            image = draw(np.random.default_rng(np.random.SeedSequence(key)))
            self._pyramids.append(pyramid(image))
            self._pooled = None
            self._numbers[name] = len(self._numbers)
        return self._numbers[name]

    def bay(self, kind: str, wall: str, trim: str) -> int:
        """The id of a facade bay; see bays.bay."""
        return self.number(f"{kind}/{wall}/{trim}", lambda rng: bay(kind, wall, trim, rng))

    def texels(self) -> Texels:
        """All textures so far, ready for sampling."""
        if self._pooled is None:
            self._pooled = pool(self._pyramids)
        return self._pooled


@dataclass(frozen=True)
class Kit:
    """The materials of one building, and through them its textures."""

    atlas: Atlas
    wall: str
    trim: str
    roof: str
    dome: str = "lead"

    def __call__(self, kind: str) -> int:
        """Texture id of a facade bay in this building's stone."""
        return self.atlas.bay(kind, self.wall, self.trim)

    def of(self, material: str, kind: str = "plain") -> int:
        """Texture id of a bay in another material."""
        return self.atlas.bay(kind, material, material)

    @property
    def tiles(self) -> int:
        """Texture id of the roof."""
        return self.of(self.roof)

    @property
    def shell(self) -> int:
        """Texture id of domes."""
        return self.of(self.dome)

    @property
    def stone(self) -> int:
        """Texture id of the dressed stone."""
        return self.of(self.trim)
