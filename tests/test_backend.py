"""Networks that onnxruntime computes in a study: torch's descriptors, and rows that say so."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnxruntime
import pytest
import torch
from networks import network_behind, random_network
from test_poolings import SMALL

import pocketvlad
from pocketvlad.cli.main import main
from pocketvlad.data.settings import Sizing
from pocketvlad.format.map_layout import CODES
from pocketvlad.format.roles import Part
from pocketvlad.maps.place_map import PlaceMap
from pocketvlad.networks.declared import declared_part
from pocketvlad.networks.device import DeviceError
from pocketvlad.networks.settings import BACKENDS
from pocketvlad.portable import backend
from pocketvlad.portable.backend import Describing, describing
from pocketvlad.portable.session import Session
from pocketvlad.portable.verification import VerificationError
from pocketvlad.retrieval import backend_choice
from pocketvlad.retrieval.backend_choice import (
    BackendChoice,
    drawn_pictures,
    measured_choice,
    with_choice,
)
from pocketvlad.retrieval.picture import Picture
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


def choice_of(monkeypatch, milliseconds, off=0.0, error=None):
    """Of stand-ins that take these times, by torch and by onnxruntime, and differ by `off`."""
    rows = {"torch": torch.zeros(2, 4), "onnxruntime": torch.zeros(2, 4) + off}
    clock = [0.0]

    def stand_in(network, device, precision, backend):
        if error and backend == "onnxruntime":
            raise error

        def function(images):
            clock[0] += milliseconds[BACKENDS.index(backend)] / 1000
            return rows[backend]

        return Describing(function, "")

    monkeypatch.setattr(backend_choice, "describing", stand_in)
    monkeypatch.setattr(backend_choice, "time", SimpleNamespace(process_time=lambda: clock[0]))
    model = pocketvlad.load("small.pvlad").stored
    pictures = [Picture(Path(f"holiday/{number}.jpg"), (160, 120)) for number in (1, 2)]
    return measured_choice(model, pictures, Sizing(96, "bilinear"), "cpu", 16)


@pytest.mark.parametrize(
    ("milliseconds", "off", "expected"),
    [
        ((30, 10), 0, "onnxruntime"),
        ((10, 30), 0, "torch"),
        ((20, 19.9), 0, "torch"),  # chance
        ((30, 10), 2e-5, "torch"),
        ((30, 10), 0.9e-5, "onnxruntime"),
        ((30, 10), float("nan"), "torch"),
    ],
)
def test_the_faster_one_is_chosen_if_it_computes_the_same(
    few_files, monkeypatch, milliseconds, off, expected
):
    found = choice_of(monkeypatch, milliseconds, off)
    assert found.backend == expected
    of_one = dict(zip(BACKENDS, np.array(milliseconds) / 2, strict=True))  # of two pictures
    assert found.milliseconds == pytest.approx(of_one, abs=1e-3)
    if expected == "torch" and not off <= 1e-5:
        assert "descriptors differ by" in found.why


def test_what_onnxruntime_cannot_compute_is_left_to_torch(few_files, monkeypatch):
    found = choice_of(monkeypatch, (30, 10), error=VerificationError("they differ by 1"))
    assert found == BackendChoice("torch", "they differ by 1")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert measured_choice(None, [], Sizing(96), "auto", 16).backend == "torch"


def test_the_same_pictures_are_drawn_for_the_same_seed():
    pictures = [Picture(Path(f"{number}.jpg"), (160, 120)) for number in range(50)]
    drawn = {tuple(each.path.stem for each in drawn_pictures(pictures, seed)) for seed in range(8)}
    assert len(drawn) == 8
    assert all(len(set(each)) == 4 for each in drawn)
    assert drawn_pictures(pictures, 3) == drawn_pictures(pictures, 3)
    assert drawn_pictures(pictures[:2], 3) == pictures[:2]


def test_jobs_follow_the_choice(tmp_path):
    compute, file = {"device": "cpu", "backend": "measured"}, tmp_path / "vgg16.json"
    for name in BACKENDS:
        file.write_text(json.dumps({"backend": name, "why": "measured"}))
        assert with_choice(compute, [str(file)]) == {"device": "cpu", "backend": name}
    assert with_choice({"device": "cpu"}, []) == {"device": "cpu"}
    file.write_text('{"backend": "measured"}')
    with pytest.raises(ValueError, match=r"vgg16\.json names no backend; delete it"):
        with_choice(compute, [str(file)])


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
