"""What jobs ask a cluster for: every rule asks, and for no less than jobs have taken."""

import re

import pandas as pd
import pytest
import torch
import yaml
from workflow_runs import ROOT, load_config

from pocketvlad.format.roles import Part
from pocketvlad.networks.declared import declared_part, part_types
from pocketvlad.study.config import with_defaults
from pocketvlad.study.files import StudyFiles
from pocketvlad.study.requests import INHERITED, NEEDS, Job, Need, usual_seconds

CONFIGS = {
    "mini": ROOT / "config.yaml",
    **{name: ROOT / "config" / f"{name}.yaml" for name in ("subset", "phone", "paper")},
}
# Of benchmark files of complete runs on two cores: by rule and model the longest and the largest
# job. Snakemake looks at memory twice a second, and less often in long jobs.
MEASURED = pd.read_csv(ROOT / "tests" / "expected" / "measured_jobs.csv").fillna("")


def rules() -> dict[str, str]:
    """By name the text of every rule that has a script of its own."""
    texts = [path.read_text() for path in sorted((ROOT / "rules").glob("*.smk"))]
    parts = [part for text in texts for part in re.split(r"(?m)^(?=(?:use )?rule )", text)]
    named = {match[1]: part for part in parts if (match := re.match(r"rule (\w+):", part))}
    return {name: text for name, text in named.items() if "    script:\n" in text}


def job(study: str, model: str = "", **changed: dict) -> Job:
    """changed: keys of sections, in place of the study's own."""
    config = load_config(CONFIGS[study])
    for section, keys in changed.items():
        config[section].update(keys)
    config = with_defaults(config)
    return Job(config, StudyFiles(config, "results"), model or None, tuple(config["cities"]))


@pytest.mark.parametrize("name", rules())
def test_every_rule_asks_for_memory_and_time(name):
    [need] = re.findall(r'\*\*requests\("(\w+)"\)', rules()[name])
    assert need in NEEDS
    assert need == name or name.startswith(
        ("tabulate_", "plot_", "draw_", "answer_", "show_", "write_", "tell_")
    )


def test_rules_made_from_another_one_need_what_it_needs():
    text = "".join(path.read_text() for path in sorted((ROOT / "rules").glob("*.smk")))
    made = {new: old for old, new in re.findall(r"(?m)^use rule (\w+) as (\w+) with:", text)}
    needed = {name: made.get(old, old) for name, old in made.items()}
    assert {name: old for name, old in needed.items() if old in NEEDS} == INHERITED
    one = job("subset", "vgg16")
    assert usual_seconds("evaluate_test_set", one) == usual_seconds("evaluate_model", one)


def test_the_profile_for_slurm_groups_rules_that_there_are():
    profile = yaml.safe_load((ROOT / "profiles" / "slurm" / "config.yaml").read_text())
    grouped = dict(each.split("=") for each in profile["groups"])
    inherited = {"evaluate_test_set", "compress_symbols"}
    assert grouped.keys() <= rules().keys() | inherited
    assert {each.split("=")[0] for each in profile["group-components"]} <= set(grouped.values())
    # Long jobs stay alone.
    assert not grouped.keys() & {"prune_model", "round_model", "train_codebook", "search_budgets"}


def test_a_rule_that_asks_for_a_gpu_runs_a_network():
    asking = {name for name, text in rules().items() if "gpu=" in text}
    # Its script is told on which device.
    told = r"\b(COMPUTE|DESCRIBE|SCORING|calibration_of)\b|\[\"device\"\]"
    running = {name for name, text in rules().items() if re.search(told, text)}
    assert asking == running
    assert {"train_model", "measure_backend", "pack_city"} < running


@pytest.mark.parametrize(
    "row", list(MEASURED.itertuples()), ids=lambda row: f"{row[1]}-{row[2]}-{row[3]}"
)
def test_requests_cover_what_was_measured(row):
    need = NEEDS[INHERITED.get(row.rule, row.rule)](job(row.study, row.model))
    megabytes, minutes = need.asked(1)
    assert megabytes >= row.max_rss_mb * 2**20 / 1e6  # Snakemake counts in 2^20 bytes
    assert minutes * 60 >= row.seconds


def test_requests_of_large_jobs_are_no_more_than_three_times_what_they_take():
    large = MEASURED[MEASURED["max_rss_mb"] > 1500]
    assert len(large) >= 10
    for row in large.itertuples():
        megabytes, _ = NEEDS[INHERITED.get(row.rule, row.rule)](job(row.study, row.model)).asked(1)
        assert megabytes <= 3 * row.max_rss_mb, row


def test_a_second_attempt_asks_for_twice_as_much():
    assert Need(1000, 3000).asked(1) == (1200, 100)
    assert Need(1000, 3000).asked(2) == (2400, 200)


def test_a_larger_network_on_larger_photographs_asks_for_more():
    asked = {
        (study, model): NEEDS["evaluate_model"](job(study, model)).asked(1)
        for study, model in (("mini", "vgg16"), ("subset", "vgg16"), ("paper", "vgg16"))
    }
    assert sorted(asked.values()) == list(asked.values())
    assert len({megabytes for megabytes, _ in asked.values()}) == 3


@pytest.mark.parametrize("rule", ["evaluate_model", "describe_cities", "measure_speed"])
def test_what_is_described_at_several_scales_asks_for_each(rule):
    def need(*scales: float) -> Need:
        return NEEDS[rule](job("subset", "vgg16", protocol={"scales": list(scales)}))

    one = need(1)
    fixed = need(1e-6)  # what no photograph takes
    assert one.memory > fixed.memory
    assert one.work > fixed.work
    assert need(1, 0.5).memory == one.memory
    assert need(1, 0.5).work - fixed.work == pytest.approx(1.25 * (one.work - fixed.work))
    assert need(0.5, 2).memory - fixed.memory == pytest.approx(4 * (one.memory - fixed.memory))


def test_a_histogram_is_counted_at_each_scale():
    one, three = (
        NEEDS["evaluate_histogram"](job("subset", protocol={"scales": scales}))
        for scales in ([1], [0.7, 1, 1.4])
    )
    assert three.work == pytest.approx(3 * one.work)


def minutes(need: str, *study: str, **changed: dict) -> int:
    return NEEDS[need](job(*study, **changed)).asked(1)[1]


def test_tuning_is_asked_for():
    """Of a thousand steps, docs/compression.md estimates an hour and a half on a CPU."""
    plain, one = {"trellis": False}, {"distortions": ["0.1"], "targets": [{"drop": 1.0}]}
    tuned = {"trellis": False, "tuning": {}}
    phone = ("phone", "lite0")
    before = minutes("round_model", *phone, rd=plain)
    assert minutes("round_model", *phone, rd=tuned) >= before + 90
    half = minutes("round_model", *phone, rd=tuned | {"tuning": {"steps": 500}})
    assert before + 45 <= half < minutes("round_model", *phone, rd=tuned)
    trials = minutes("search_budgets", *phone, rd=tuned | one | {"trials": 4})
    assert trials >= 4 * minutes("round_model", *phone, rd=tuned)
    # Rivals have the crops of `rd`, and tune nothing.
    rival = minutes("compress_rival", *phone, rd=tuned)
    assert rival == minutes("compress_rival", *phone, rd=plain)


def test_a_pretraining_asks_for_no_gpus_speed():
    """It computes on the processor: its rule asks for no GPU."""
    assert "gpu=" not in rules()["pretrain_backbone"]
    found = {
        device: NEEDS["pretrain_backbone"](job("mini", "vgg16", compute={"device": device}))
        for device in ("cpu", "auto")
    }
    assert found["cpu"] == found["auto"]


def test_a_training_asks_for_what_its_loss_shows():
    def need(kind: str, **loss: object) -> Need:
        given = {"loss": {"type": kind, **loss}}
        return NEEDS["train_model"](job("mini", "vgg16", training=given))

    for kind in ("contrastive", "distillation"):
        assert need(kind, batches=1200).work > 20 * need(kind).work
    assert need("contrastive", views=32).memory > 2 * need("contrastive").memory
    # A teacher takes the more memory the larger the largest photographs are.
    assert need("distillation", scales=[4.0]).memory > need("distillation").memory


def test_what_is_mined_and_validated_has_the_protocols_size():
    def need(side: int, **training: int) -> Need:
        given = {"image_size": 64, "tuples": 2, **training}
        return NEEDS["train_model"](
            job("mini", "vgg16", protocol={"image_size": side}, training=given)
        )

    one, two = need(512), need(1024)
    assert two.work == pytest.approx(4 * one.work, rel=0.05)
    assert two.memory > 2 * one.memory
    network, more = job("mini", "vgg16").network, 1000
    epochs = job("mini", "vgg16").config["training"]["epochs"]
    pool = job("mini", "vgg16").config["training"]["pool"]
    # Images of landmarks, and as many of the background.
    mined = network.describing(512, 2 * more * epochs) / job("mini", "vgg16").speed
    assert need(512, pool=pool + more).work - one.work == pytest.approx(mined)


@pytest.mark.parametrize("epochs", [0, 3])
def test_teachers_are_asked_for(epochs):
    """They describe the training city, whether or not there is an epoch."""

    def need(**loss: object) -> Need:
        given = {"epochs": epochs, "loss": {"type": "distillation", **loss}}
        return NEEDS["train_model"](job("paper", "alexnet", training=given))

    one = job("paper", "alexnet")
    look = one.network.describing(one.side, 1000) / one.speed
    sizes = 0.7**2 + 1 + 1.4**2
    least = need(scales=[1.0], photographs=2)
    alone = need()
    assert alone.work - least.work == pytest.approx(sizes * look, rel=0.01)
    assert need(mirrored=True).work - least.work == pytest.approx(2 * sizes * look, rel=0.01)
    two = need(models=["vgg16"])
    other = job("paper", "vgg16").network
    more = sizes * other.describing(one.side, 1000) / one.speed
    assert two.work - alone.work == pytest.approx(more)
    assert two.memory - alone.memory >= other.megabytes
    # Of a model that is its own teacher anyway, there is one.
    assert need(models=["alexnet"]) == alone


@pytest.mark.parametrize("name", part_types(Part.BACKBONE))
@pytest.mark.parametrize("width", [1.0, 0.5])
def test_a_backbone_is_as_large_as_it_says(name, width):
    declared = declared_part(Part.BACKBONE, {"type": name, "width": width})
    largest = 0.0
    with torch.device("meta"):
        backbone = declared.build()
        images = torch.empty(1, 3, 512, 512)

    def look(module, given, made):
        nonlocal largest
        largest = max(largest, made.numel() / 512**2)

    for module in backbone.modules():
        if not list(module.children()):
            module.register_forward_hook(look)
    backbone.eval()(images)
    said = declared.map_numbers * declared.relative_width
    assert 0.8 * said <= largest <= 1.01 * said  # a padding adds a pixel
    weights = sum(each.numel() for each in backbone.parameters()) / 1e6
    said = declared.million_weights * declared.relative_width**2
    assert 0.6 * said <= weights <= said * (1 if width == 1 else 1.1)
