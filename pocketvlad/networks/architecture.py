"""Which parts a network consists of. Free of torch."""

from collections.abc import Mapping
from dataclasses import dataclass

from pocketvlad.format.roles import Part
from pocketvlad.networks.declared import Backbone, Pooling, Projection, declared_part


@dataclass(frozen=True)
class Architecture:
    """All that must be known to build a network before its weights are loaded."""

    backbone: Backbone
    pooling: Pooling
    projection: Projection

    @classmethod
    def of(cls, section: Mapping[str, object]) -> "Architecture":
        """What a model's section of the config, or a file's header, declares; other keys of the
        section are not looked at.

        >>> Architecture.of(
        ...     {
        ...         "backbone": {"type": "vgg16", "width": 1.0},
        ...         "pooling": {"type": "netvlad", "clusters": 64},
        ...         "projection": {"type": "pca-whitening", "length": 512},
        ...     }
        ... ).length
        512

        Raises:
            ValueError: a part is missing or wrong; the message says which and what to write.
        """
        if not isinstance(section, Mapping):
            raise ValueError(f"architecture {str(section)[:80]!r} is no section of three parts")
        return cls(**{str(part): declared_part(part, section.get(str(part))) for part in Part})

    def as_dict(self) -> dict[str, dict[str, object]]:
        """As a config writes it."""
        return {str(part): getattr(self, part).as_dict() for part in Part}

    def __str__(self) -> str:
        """In words: "vgg16 (width 1.0), netvlad (clusters 64), pca-whitening (length 512)"."""
        return ", ".join(str(getattr(self, part)) for part in Part)

    @property
    def pooled(self) -> int:
        """Numbers of a pooled vector."""
        return self.pooling.length(self.backbone.channels)

    @property
    def length(self) -> int:
        """Numbers of a descriptor."""
        return self.projection.size(self.pooled)
