"""Networks that onnxruntime computes in a study: torch's descriptors, and rows that say so."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from networks import network_behind, random_network
from test_poolings import SMALL

import pocketvlad
from pocketvlad.cli.main import main
from pocketvlad.format.map_layout import CODES
from pocketvlad.format.roles import Part
from pocketvlad.maps.place_map import PlaceMap
from pocketvlad.networks.declared import declared_part
from pocketvlad.networks.device import DeviceError
from pocketvlad.networks.settings import BACKENDS
from pocketvlad.portable import backend
from pocketvlad.portable.backend import describing
from pocketvlad.portable.session import Session
from pocketvlad.portable.verification import VerificationError
from pocketvlad.util.option_error import OptionError


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


def rows_of(file):
    with np.load(file) as held:
        return held["descriptors"]


def test_the_command_describes_by_either(few_files, capsys):
    """The same to 1e-5: as a file of descriptors, as a map, as answers, as Recall@N."""
    found = {}
    for name in BACKENDS:
        option = ["--backend", name]
        assert main(["describe", "small.pvlad", "holiday", "-o", f"{name}.npz", *option]) == 0
        made = ["-o", f"{name}.pvmap", "--code", "float32"]
        assert main(["index", "small.pvlad", "--database", "holiday", *made, *option]) == 0
        capsys.readouterr()
        asked = ["a.jpg", "--database", f"{BACKENDS[0]}.pvmap", "--box", "10", "5", "120", "90"]
        assert main(["search", "small.pvlad", *asked, *option]) == 0
        folders = ["--database-folder", "places/database", "--queries-folder", "places/queries"]
        assert main(["evaluate", "--model", "small.pvlad", *folders, *option]) == 0
        found[name] = capsys.readouterr().out
    assert found["torch"] == found["onnxruntime"]
    first, second = (rows_of(f"{name}.npz") for name in BACKENDS)
    assert not np.array_equal(first, second)  # one of them was not computed by the other
    np.testing.assert_allclose(first, second, rtol=0, atol=1e-5)
    with PlaceMap(Path("torch.pvmap")) as one, PlaceMap(Path("onnxruntime.pvmap")) as other:
        first, second = (
            each.code.decode(each.file.rows(CODES, 0, each.places)) for each in (one, other)
        )
        np.testing.assert_allclose(first, second, rtol=0, atol=1e-5)


def test_wrong_backends_are_told(few_files, capsys):
    asked = ["describe", "small.pvlad", "a.jpg", "-o", "a.npz", "--backend", "tensorflow"]
    assert main(asked) == 1
    assert "--backend tensorflow: " in capsys.readouterr().err
    with pytest.raises(OptionError, match="computes on the CPU alone"):
        pocketvlad.load("small.pvlad", device="cuda", backend="onnxruntime")
    lists = ["--descriptors", "descriptors.npz", "--ground-truth", "ground_truth"]
    assert main(["evaluate", *lists, "--backend", "onnxruntime"]) == 1
    assert "--backend has no part in mAP" in capsys.readouterr().err
