"""Small networks for the tests, and how their weights are compared."""

import copy

import torch
from graphs import with_statistics

from pocketvlad.format.roles import Part
from pocketvlad.networks.architecture import Architecture
from pocketvlad.networks.declared import declared_part
from pocketvlad.networks.network import RetrievalNetwork, initialise_randomly

PUBLISHED = ("alexnet", "alexnet-torchvision", "vgg16")
"""Backbones of the study, each with a width."""


def backbone(name="vgg16", width=1.0):
    return declared_part(Part.BACKBONE, {"type": name, "width": width})


def architecture(backbone="vgg16", width=0.06, clusters=3, length=8):
    """The study's kind of network: NetVLAD, PCA whitening."""
    return Architecture.of(
        {
            "backbone": {"type": backbone, "width": width},
            "pooling": {"type": "netvlad", "clusters": clusters},
            "projection": {"type": "pca-whitening", "length": length},
        }
    )


def random_network(backbone="vgg16", width=0.06, clusters=3, descriptor=8):
    """A narrow network of seeded random weights, the same at every call."""
    torch.manual_seed(0)
    network = RetrievalNetwork(architecture(backbone, width, clusters, descriptor)).eval()
    initialise_randomly(network.backbone, 0)
    return network


def network_behind(backbone, pooling="abs-mean", projection="none"):
    """A declared backbone with weights of noise, to be evaluated; parts by name or as sections."""
    parts = [
        declared_part(part, section if isinstance(section, dict) else {"type": section})
        for part, section in ((Part.POOLING, pooling), (Part.PROJECTION, projection))
    ]
    torch.manual_seed(0)
    network = RetrievalNetwork(Architecture(backbone, *parts)).eval()
    with_statistics(network.backbone)
    return network


def copy_of(network):
    return copy.deepcopy(network)


def weights_of(network):
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


def assert_same(first, second):
    for name in first:
        torch.testing.assert_close(first[name], second[name], rtol=0, atol=0)
