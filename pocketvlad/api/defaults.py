"""What is done unless something else is asked for, in Python and on the command line."""

from dataclasses import dataclass

from pocketvlad.compression.rd.settings import RoundingSettings, SearchSettings
from pocketvlad.networks.settings import BACKENDS
from pocketvlad.scoring.recall_settings import RecallSettings
from pocketvlad.util.seeds import LARGEST_SEED
from pocketvlad.util.settings import default_of, setting


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options that are no settings of a study."""

    top: int = setting("how many answers", 5, minimum=1)
    seed: int = setting("the same seed, the same file", 1, minimum=0, maximum=LARGEST_SEED)
    lists: int | None = setting(
        "lists of like places, of which a search compares a part; 0: a search compares all places. "
        "Unless told, those of the map that is there, else 0",
        None,
        minimum=0,
    )
    backend: str = setting(
        "what computes the network of a model's file: torch, or onnxruntime on the CPU; both give "
        "the same descriptors within 0.00001",
        BACKENDS[0],
        choices=BACKENDS,
    )
    probes: int = setting(
        "lists that are searched of a map that has some; more miss less", 64, minimum=1
    )


ANSWERS = default_of(Options, "top")
SEED = default_of(Options, "seed")
PROBES = default_of(Options, "probes")
BACKEND = default_of(Options, "backend")
CODE = "int8"
"""Of a new map: four times smaller than the descriptors, and next to nothing is lost."""
CROPS = default_of(RoundingSettings, "crops")
PROJECTION_CROPS = default_of(RoundingSettings, "projection_crops")
RADIUS = default_of(RecallSettings, "positive_dist_threshold")
RECALL_VALUES = default_of(RecallSettings, "recall_values")
TRIALS = default_of(SearchSettings, "trials")
