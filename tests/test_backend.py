"""Networks that onnxruntime computes in a study: torch's descriptors, and rows that say so."""

import onnxruntime
import pytest
import torch
from networks import network_behind, random_network
from test_poolings import SMALL

from pocketvlad.format.roles import Part
from pocketvlad.networks.declared import declared_part
from pocketvlad.networks.device import DeviceError
from pocketvlad.portable import backend
from pocketvlad.portable.backend import describing
from pocketvlad.portable.session import Session
from pocketvlad.portable.verification import VerificationError


def small(name):
    return declared_part(Part.BACKBONE, {"type": name, **SMALL[Part.BACKBONE][name]})


@pytest.mark.parametrize("name", ["alexnet", "efficientnet-lite0", "resnet18"])
def test_both_give_the_same_descriptors(name):
    network = network_behind(small(name), "gem", {"type": "pca-whitening", "length": 4})
    network.to(memory_format=torch.channels_last)
    by_runtime = describing(network, "cpu", "float32", "onnxruntime")
    by_torch = describing(network, "cpu", "float32")
    assert by_runtime.computed_on == f"cpu, onnxruntime {onnxruntime.__version__}"
    assert by_torch.computed_on == "cpu"
    generator = torch.Generator().manual_seed(1)
    for shape in ((3, 3, 67, 90), (1, 3, 81, 40)):
        images = torch.randn(shape, generator=generator)
        images = images.contiguous(memory_format=torch.channels_last)
        with torch.inference_mode():
            torch.testing.assert_close(
                by_runtime.function(images), by_torch.function(images), rtol=0, atol=1e-5
            )


def test_a_gpu_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    with pytest.raises(DeviceError, match="'onnxruntime' computes on the CPU"):
        describing(random_network(), "auto", "float32", "onnxruntime")


def test_a_difference_is_refused(monkeypatch):
    true = Session.describe
    monkeypatch.setattr(Session, "describe", lambda self, pixels: true(self, pixels) + 2e-5)
    with pytest.raises(VerificationError, match="differ from torch's by 2e-05"):
        describing(random_network(), "cpu", "float32", "onnxruntime")


def test_what_is_missing_is_named(monkeypatch):
    def missing():
        raise ImportError("No module named 'onnxruntime'")

    monkeypatch.setattr(backend, "require_onnxruntime", missing)
    with pytest.raises(ImportError, match="onnxruntime"):
        describing(random_network(), "cpu", "float32", "onnxruntime")
