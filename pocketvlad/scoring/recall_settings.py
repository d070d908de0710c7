"""What counts as found by its position. Free of numpy, for the check of the config and for help."""

from dataclasses import dataclass

from pocketvlad.util.settings import Value, setting


@dataclass(frozen=True, kw_only=True)
class RecallSettings:
    """What counts as found."""

    positive_dist_threshold: float = setting(
        "how far from a query an image may be that is to be found", 25.0, unit="metres", minimum=0
    )
    recall_values: tuple[int, ...] = setting(
        "the N of Recall@N", (1, 5, 10, 20), shortest=1, items=Value(minimum=1)
    )
