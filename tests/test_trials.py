"""Trials of a tiny model: found again after a kill, and by a search for another target."""

from dataclasses import replace

import pytest
from networks import random_network
from training_cities import Killed

from pocketvlad.compression.rd import trials as module
from pocketvlad.compression.rd.budget import START, Target, best
from pocketvlad.compression.rd.calibration import Calibration
from pocketvlad.compression.rd.settings import RoundingSettings
from pocketvlad.compression.rd.trials import Trials
from pocketvlad.data.settings import CropSettings
from pocketvlad.format.compressed_file import open_compressed
from pocketvlad.networks.model import Model, read_model
from pocketvlad.retrieval.self_retrieval import self_retrieval
from pocketvlad.training.initialise import fit_pooling, fit_projection
from pocketvlad.training.settings import InitialisationSettings

SETTINGS = RoundingSettings(
    crops=4,
    patches=200,
    damping=0.01,
    projection_crops=8,
    ridge=0.3,
    pooled=0.7,
    cluster_bits=6,
    multiplier=4.0,
    sweeps=2,
)
LEARNT = InitialisationSettings(cluster_images=16, locals_per_image=20, projection_samples=24)
COMPUTE = {"device": "cpu", "precision": "float32"}


@pytest.fixture
def trials(city, tmp_path):
    network = random_network("alexnet", 0.25, 4, 16)
    for fit in (fit_pooling, fit_projection):  # else all images are alike to it
        pictures = city.pictures(city.dataset.images)
        fit(network, pictures, city.sizing, city.preprocessing, LEARNT, 3)
    crops = CropSettings(crops=4, batch=4, image_size=67, crop=0.8, colour=0.2)
    base = Model(network, city.preprocessing)
    return Trials(
        tmp_path / "trials",
        Calibration(base, city.crop_source, crops, SETTINGS, "float16", 3),
        self_retrieval(
            city.pictures(city.dataset.images[:2]), city.pictures(city.dataset.images[2:]), 67, 1
        ),
        city.sizing,
        COMPUTE,
        "this computation",
    )


@pytest.fixture
def rounded(monkeypatch):
    """The distortions that were rounded to, and the power to stop."""
    made, most = [], [99]

    def counting(path, calibration, distortion, checkpoint):
        if len(made) == most[0]:
            raise Killed
        made.append(distortion)
        return write(path, calibration, distortion, checkpoint)

    write = module.write_rounded
    monkeypatch.setattr(module, "write_rounded", counting)
    return made, most


def test_a_search_goes_on_after_a_kill(trials, rounded):
    made, most = rounded
    size = trials.at(START).bytes / 1e6
    target = Target("megabytes", 0.5 * size)
    most[0] = 2
    with pytest.raises(Killed):
        trials.search([target], 6)
    most[0] = 99
    tried = trials.search([target], 6)
    found = best(target, tried)
    assert found.bytes <= 0.5e6 * size
    assert found.bytes == trials.file(found.distortion).stat().st_size
    assert made[0] == START
    assert sorted(made) == [trial.distortion for trial in tried]
    assert trials.search([target], 6) == tried
    assert len(made) == len(tried)
    # Another computation finds nothing, and starts anew.
    replace(trials, computation="another").at(START)
    assert made[len(tried) :] == [START]


def test_what_is_searched_does_not_depend_on_what_was(trials, rounded, tmp_path):
    """Neither on a kill in the midst of a later target, nor on searches for other ones."""
    made, most = rounded
    size = trials.at(START).bytes / 1e6
    targets = [Target("megabytes", 0.8 * size), Target("megabytes", 0.5 * size)]
    fresh = replace(trials, folder=tmp_path / "fresh")
    expected = fresh.search(targets, 2)
    assert len(expected) > 2
    fewer = fresh.search(targets[:1], 2)
    assert [trial for trial in expected if trial in fewer] == fewer
    made.clear()
    most[0] = len(expected) - 2  # the last of the second target, without the first of all
    with pytest.raises(Killed):
        trials.search(targets, 2)
    most[0] = 99
    trials.at(7.0)
    assert trials.search(targets, 2) == expected
    assert trials.search(targets[:1], 2) == fewer


def test_trials_of_another_version_are_made_again(trials, rounded, monkeypatch):
    made, _ = rounded
    trials.at(START)
    trials.at(START)
    assert made == [START]
    monkeypatch.setattr(module, "_code", lambda: "another version")
    trials.at(START)
    assert made == [START, START]


def test_a_model_of_another_computation_is_no_trial(trials, rounded, monkeypatch):
    """Another search in the same folder was killed when it had replaced a model."""
    made, _ = rounded
    trial, other = trials.at(START), replace(trials, computation="another")
    content = trials.file(START).read_bytes()

    def killed(*_):
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(module, "read_model", killed)
        with pytest.raises(Killed):
            other.at(START)
    changed = bytes(len(content))  # of the same size, too
    trials.file(START).write_bytes(changed)
    assert trials.at(START) == trial
    assert made == [START] * 3
    assert trials.file(START).read_bytes() == content


def test_a_trial_whose_model_is_gone_is_made_again(trials, rounded):
    made, _ = rounded
    trial = trials.at(START)
    trials.file(START).unlink()
    assert trials.at(START) == trial
    assert made == [START] * 2


@pytest.mark.parametrize("text", ["[1, 2]", "null", '"text"', "{}", "[" * 100_000])
def test_files_of_others_in_the_folder_are_no_trials(trials, rounded, text):
    trials.folder.mkdir()
    for name in ("base.json", "0.1.json"):
        (trials.folder / name).write_text(text)
    trials.at(START)
    assert rounded[0] == [START]


def test_a_trial_is_what_its_file_decodes_to(trials, rounded):
    trial = trials.at(0.3)
    with open_compressed(trials.file(0.3)) as model:
        described = model.header["compression"]
    assert described["distortion"] == 0.3
    assert described["recipe"] == "rounded"
    assert described["rounding"] == trials.calibration.identity()
    decoded = read_model(trials.file(0.3)).network
    base = trials._base_scores()
    scores = module.self_retrieval_scores(
        decoded, trials.task, trials.sizing, trials.calibration.base.preprocessing
    )
    assert trial.drop == pytest.approx(
        100 * sum(max(base[query] - scores[query], 0) for query in base) / len(base), abs=1e-9
    )
    trials.folder.joinpath("0.3.json").write_text("{")  # as a full disk might leave it
    assert trials.at(0.3) == trial
    assert rounded[0] == [0.3, 0.3]
