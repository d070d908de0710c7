"""What tables call what is no city and no model: no city and no model may have these names."""

from pocketvlad.format.roles import Part

MEAN = "mean"  # in place of a city: the mean of all
HISTOGRAM = "histogram"  # in place of a model: the colour histogram, the baseline
TAKEN = {
    MEAN: "the mean of both cities",
    **dict.fromkeys(map(str, Part), "a part of the network"),
    "spread": "the standard deviation over seeds",
    "mb": "a size in megabytes",
}
"""By name what columns mean by it. A role of this name would have such a column for its own, as
`pruned_percent_backbone`, `ratio_spread` and `map_mb`, and one figure would replace the other."""
