"""What is done unless something else is asked for, in Python and on the command line."""

ANSWERS = 5  # of a search
CROPS = 256  # to round convolutions on
PROJECTION_CROPS = 600  # to round the projection on
TRIALS = 6  # models that a search for a budget may make
SEED = 1
