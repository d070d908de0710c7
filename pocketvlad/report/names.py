"""What tables call what is no city and no model: no city and no model may have these names."""

MEAN = "mean"  # in place of a city: the mean of all
HISTOGRAM = "histogram"  # in place of a model: the colour histogram, the baseline
