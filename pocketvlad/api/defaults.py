"""What is done unless something else is asked for, in Python and on the command line."""

from dataclasses import dataclass

from pocketvlad.compression.rd.settings import RoundingSettings, SearchSettings
from pocketvlad.retrieval.recall_settings import RecallSettings
from pocketvlad.util.settings import default_of, setting


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options that are no settings of a study."""

    top: int = setting("how many answers", 5, minimum=1)
    seed: int = setting("the same seed, the same file", 1, minimum=0)


ANSWERS = default_of(Options, "top")
SEED = default_of(Options, "seed")
CROPS = default_of(RoundingSettings, "crops")
PROJECTION_CROPS = default_of(RoundingSettings, "projection_crops")
RADIUS = default_of(RecallSettings, "positive_dist_threshold")
RECALL_VALUES = default_of(RecallSettings, "recall_values")
TRIALS = default_of(SearchSettings, "trials")
