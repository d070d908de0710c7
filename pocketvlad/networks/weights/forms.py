"""Which source's file is of which form."""

from pocketvlad.networks.staged import StagedBackbone
from pocketvlad.networks.weights.efficientnet_lite_file import EFFICIENTNET_LITE
from pocketvlad.networks.weights.place_recognition_file import trunk_form
from pocketvlad.networks.weights.state_dict_file import Form
from pocketvlad.networks.weights.torchvision_file import CAFFE_FEATURES, FEATURES, RESIDUAL

BACKBONES: dict[str, Form] = {
    "vgg16-caffe": CAFFE_FEATURES,
    "vgg16-torchvision": FEATURES,
    "alexnet-torchvision": FEATURES,
    **{f"efficientnet-lite{number}": EFFICIENTNET_LITE for number in range(3)},
    **{f"resnet{depth}-torchvision": RESIDUAL for depth in (18, 34, 50, 101)},
}
"""State dicts that fill a backbone alone."""

WHOLE = ("cosplace", "eigenplaces")
"""State dicts that fill a whole network."""


def form_of(source: str, declared: StagedBackbone) -> Form | None:
    """How the file of a source names the tensors of a backbone; None where it is no state dict."""
    return trunk_form(declared) if source in WHOLE else BACKBONES.get(source)
