"""What is done unless something else is asked for, in Python and on the command line."""

from pocketvlad.compression.rd.settings import RoundingSettings, SearchSettings
from pocketvlad.util.settings import default_of

ANSWERS = 5  # of a search
CROPS = default_of(RoundingSettings, "crops")
PROJECTION_CROPS = default_of(RoundingSettings, "projection_crops")
TRIALS = default_of(SearchSettings, "trials")
SEED = 1
