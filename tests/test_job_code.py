"""Which modules a job depends on: what its script imports, and what the config names."""

import pytest
import yaml
from workflow_runs import ROOT

from pocketvlad.study.code import job_modules

CONFIG = yaml.safe_load((ROOT / "config.yaml").read_text())
OTHER = {
    "backbone": {"type": "alexnet-torchvision", "width": 0.1},
    "pooling": {"type": "gem", "exponent": 3.0},
    "projection": {"type": "none"},
}
PLACES = (
    "networks/backbones",
    "networks/poolings",
    "networks/projections",
    "data/protocols",
    "training/losses",
    "maps/codes",
)


def found(script, model=None, protocol="original", loss=None):
    """The names of the modules that are found by name, and of all others, of a script's jobs."""
    datasets = {
        name: dataset | {"protocol": protocol} for name, dataset in CONFIG["datasets"].items()
    }
    config = CONFIG | {"models": CONFIG["models"] | {"other": OTHER}, "datasets": datasets}
    config["training"] = config["training"] | ({"loss": loss} if loss else {})
    paths = job_modules([ROOT / "workflow_scripts" / f"{script}.py"], config, model, ROOT)
    names = [str(path.relative_to(ROOT / "pocketvlad")) for path in paths]
    named = {name for name in names if name.startswith(PLACES) and "__init__" not in name}
    return named, set(names) - named


@pytest.mark.parametrize("script", ["tabulate_layers", "pretrain_backbone"])
def test_a_job_on_a_model_depends_on_the_models_parts(script):
    parts, others = found(script, "vgg16")
    assert parts == {
        "networks/backbones/vgg16.py",
        "networks/poolings/netvlad.py",
        "networks/projections/pca_whitening.py",
    }
    # And on what these import.
    assert {"networks/modules/netvlad.py", "networks/modules/linear_map.py"} <= others
    parts, others = found(script, "other")
    assert parts == {
        "networks/backbones/alexnet_torchvision.py",
        "networks/poolings/gem.py",
        "networks/projections/none.py",
    }
    assert "networks/modules/netvlad.py" not in others


@pytest.mark.parametrize("protocol", ["original", "revisited"])
def test_a_job_on_queries_depends_on_their_protocol(protocol):
    # Whatever the protocol, dense queries are scored by the rules of the original.
    for script, always in (("index_dataset", []), ("evaluate_histogram", ["original"])):
        named, others = found(script, protocol=protocol)
        assert named == {f"data/protocols/{name}.py" for name in [protocol, *always]}
        assert "data/protocols/__init__.py" in others


def test_a_job_depends_on_the_protocol_of_its_test_set_alone():
    """So that a test set which is added runs no job on the cities again."""
    datasets = CONFIG["datasets"] | {"other": {"protocol": "revisited"}}
    with_set = CONFIG | {"datasets": datasets, "test_sets": {"home": "other"}}
    script = [ROOT / "workflow_scripts" / "evaluate_model.py"]

    def protocols(config, role):
        modules = job_modules(script, config, "vgg16", ROOT, role)
        return {path.stem for path in modules if path.parent.name == "protocols"} - {"__init__"}

    assert protocols(with_set, "home") == {"original", "revisited"}
    assert protocols(with_set, "oxford") == protocols(with_set, None) == {"original"}
    assert job_modules(script, with_set, "vgg16", ROOT, "oxford") == job_modules(
        script, CONFIG, "vgg16", ROOT
    )


def test_a_training_depends_on_its_loss_and_on_the_networks_that_this_asks():
    def losses(named):
        return {name for name in named if name.startswith("training/losses")}

    usual, others = found("train_model", "vgg16")
    assert "training/triplet_objective.py" in others
    assert "training/pair_objective.py" not in others
    assert losses(usual) == {"training/losses/triplet.py"}
    assert "networks/poolings/gem.py" not in usual
    named, others = found("train_model", "vgg16", loss={"type": "contrastive"})
    assert losses(named) == {"training/losses/contrastive.py"}
    assert "training/triplet_objective.py" not in others
    asking = {"type": "distillation", "models": ["other"]}
    named, _ = found("train_model", "vgg16", loss=asking)
    assert losses(named) == {"training/losses/distillation.py"}
    assert named >= {"networks/poolings/netvlad.py", "networks/poolings/gem.py"}
    assert not losses(found("initialise_model", "vgg16", loss=asking)[0])


def test_a_job_on_maps_depends_on_the_codes_of_its_model():
    """Or of all, where it is about none."""
    named, others = found("code_maps", "alexnet")
    kinds = ("bits", "int8", "product_quantization", "rotated_bits", "float32")
    assert named == {
        "data/protocols/original.py",
        *(f"maps/codes/{kind}.py" for kind in kinds),
    }
    assert {"maps/parts.py", "maps/steps.py"} <= others
    assert found("code_maps", "vgg16")[0] == {"data/protocols/original.py"}  # no map
    assert found("pack_city")[0] >= {f"maps/codes/{kind}.py" for kind in kinds}
    # Neither do those that describe.
    assert not [name for name in found("describe_cities", "alexnet")[0] if "codes" in name]


def test_all_other_jobs_depend_on_neither():
    for script, model in (("plot_run_time", None), ("quantize_model", "vgg16")):
        assert not found(script, model)[0]
