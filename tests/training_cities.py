"""Settings and helpers of the tests that train."""

import copy

import torch

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


def weights_of(network):
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


def assert_same(first, second):
    for name in first:
        torch.testing.assert_close(first[name], second[name], rtol=0, atol=0)


class Killed(Exception):  # noqa: N818
    pass


def copy_of(network):
    return copy.deepcopy(network)
