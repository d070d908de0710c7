"""A module a reader; see `trial.reader`."""
