"""Which source's file is of which form."""

from collections.abc import Callable
from pathlib import Path

from pocketvlad.data.images import Preprocessing
from pocketvlad.networks.network import RetrievalNetwork
from pocketvlad.networks.staged import StagedBackbone
from pocketvlad.networks.weights.efficientnet_lite_file import (
    EFFICIENTNET_LITE,
    load_lite_classifier,
)
from pocketvlad.networks.weights.place_recognition_file import load_place_recognition, trunk_form
from pocketvlad.networks.weights.sources import LITES
from pocketvlad.networks.weights.state_dict_file import Form
from pocketvlad.networks.weights.torchvision_file import CAFFE_FEATURES, FEATURES, RESIDUAL

_PLACES = ("cosplace", "eigenplaces")

BACKBONES: dict[str, Form] = {
    "vgg16-caffe": CAFFE_FEATURES,
    "vgg16-torchvision": FEATURES,
    "alexnet-torchvision": FEATURES,
    **dict.fromkeys(LITES, EFFICIENTNET_LITE),
    **{f"resnet{depth}-torchvision": RESIDUAL for depth in (18, 34, 50, 101)},
}
"""State dicts that fill a backbone alone."""

WHOLE: dict[str, Callable[[RetrievalNetwork, Path], Preprocessing]] = {
    **dict.fromkeys(_PLACES, load_place_recognition),
    **{f"{name}-classifier": load_lite_classifier for name in LITES},
}
"""Readers of state dicts that fill a whole network."""


def form_of(source: str, declared: StagedBackbone) -> Form | None:
    """How the file of a source names the tensors of a backbone. None where it is no state dict, or
    where another source of the same file says it."""
    return trunk_form(declared) if source in _PLACES else BACKBONES.get(source)
