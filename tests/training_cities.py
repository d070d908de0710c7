"""Settings and helpers of the tests that train."""

from pocketvlad.training import TrainingSettings

SETTINGS = TrainingSettings(
    layers=("all",),
    epochs=2,
    tuples=6,
    tuples_per_step=2,
    negatives=2,
    negative_candidates=10,
    nearest_positives=2,
    instance_share=0.3,
    margin=0.3,
    learning_rate=0.01,
    momentum=0.9,
    weight_decay=0.0,
    decay=0.9,
    gradient_norm=1.0,
    pool=4,
    image_size=67,
    crop=0.8,
    colour=0.2,
)


class Killed(Exception):  # noqa: N818
    pass
