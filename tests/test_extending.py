"""docs/extending.md: its boxes are written into a copy of the repository, and used there.

What is used runs in processes of their own, which import the copy.
"""

import json
import re
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import torch
import yaml
from PIL import Image
from study_tables import study_table
from workflow_runs import ROOT, copy_workflow, job_counts, snakemake

import pocketvlad

DOCUMENT = (ROOT / "docs" / "extending.md").read_text()
BOX = re.compile(r"^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.M | re.S)
NAMED = re.compile(r"`([^`\n]+)`:\n\n\Z")  # the line above a box may end in a file's name


def boxes(language):
    """(the file that is named above it, the text) of every box of that kind; "" for no file."""
    for found in BOX.finditer(DOCUMENT):
        if found["language"] == language:
            name = NAMED.search(DOCUMENT, 0, found.start())
            yield name[1] if name else "", found["text"]


def study():
    """A copy of config.yaml with the document's sections, as the document says."""
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    for _, text in boxes("yaml"):
        config |= yaml.safe_load(text)
    return config


@pytest.fixture(scope="module")
def extended(tmp_path_factory):
    """The copy, with the document's files, a study of all that they add, and a city for it."""
    folder = copy_workflow(tmp_path_factory.mktemp("extended") / "clone")
    for language in ("python", "rst"):
        for name, text in boxes(language):
            assert not (folder / name).exists(), name
            (folder / name).write_text(text)
    [(name, rule)] = boxes("snakemake")
    [(_, change)] = boxes("diff")
    before, after = (line[1:] for line in change.splitlines())
    rules = (folder / name).read_text()
    assert rules.count(before) == 1
    (folder / name).write_text(rules.replace(before, after) + f"\n\n{rule}")
    (folder / "york.yaml").write_text(yaml.safe_dump(study()))
    photographs = folder / "photographs" / "york"
    photographs.mkdir(parents=True)
    for number in range(3):
        Image.new("RGB", (80, 60), (number, 0, 0)).save(photographs / f"{number}.jpg")
    (folder / "photographs" / "york.csv").write_text(
        "query,x1,y1,x2,y2,image,label\n0.jpg,0,0,40,40,1.jpg,good\n0.jpg,0,0,40,40,2.jpg,ok\n"
    )
    return folder


def run(folder, code, *arguments):
    """What lines of Python print last, as JSON; they import what is in `folder`."""
    command = [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def planned(extended):
    """The dry run of everything that the study makes, rivals among it."""
    return snakemake(extended, "-n", "all", "rivals", "--configfile", "york.yaml")


def test_what_the_document_adds_passes_the_linter(extended):
    files = [name for name, _ in boxes("python")]
    for step in (["format", "--check"], ["check"]):
        command = [sys.executable, "-m", "ruff", *step, "--config", ROOT / "pyproject.toml", *files]
        done = subprocess.run(command, cwd=extended, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_study_is_planned(planned):
    """A city, a backbone, a pooling, a quantizer, a protocol, a rival and a figure."""
    counts = job_counts(planned)
    expected = {
        "link_images": 1,  # york; paris6k is five archives and their extraction
        "index_dataset": 2,
        "tabulate_layers": 1,
        "train_model": 2,
        "prune_model": 2,
        "quantize_model": 4,  # by layers and by rows
        "compress_rival": 6,  # beside float16 and int8
        "code_maps": 2,
        "plot_drops": 1,
    }
    assert {name: counts[name] for name in expected} == expected
    for file in (
        "models/mobile/york/seed-1/0.005/l1-0/quantiles-5-fixed.pvlad",
        "models/mobile/york/seed-1/0.005/l1-0/quantiles-row-5-fixed.pvlad",
        "scores/mobile/paris/seed-1/0.005/l1-0/quantiles-row-5-fixed.json",
        "rivals/mobile/paris/seed-1/bfloat16.bin",
        "rivals/mobile/paris/seed-1/bfloat16.scores.json",
        "plots/drops.svg",
        "plots/drops.png",
    ):
        assert f"results/mini/{file}" in planned


def test_a_map_code(extended):
    code = """
        import json
        import numpy as np
        from pocketvlad.maps.fitted_code import fit, from_parameters
        from pocketvlad.maps.map_code import code_named
        rows = np.random.default_rng(0).normal(size=(40, 7)).astype(np.float32)
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        code = fit(code_named("four-bits+int8"), rows, 0)
        again = from_parameters(code.declared, code.parameters())
        off = np.abs(again.decode(code.encode(rows)) - rows).max()
        short = fit(code_named("four-bits-5"), rows, 0)
        print(json.dumps([code.bytes_per_row, float(off), short.bytes_per_row]))
    """
    size, off, short = run(extended, code)
    assert (size, short) == (4 + 7, 3)
    assert 0.05 < off <= 1 / 16 + 1e-6


def test_the_configs_manual_has_all_of_it(extended):
    page = run(extended, "import json; from pocketvlad.study.manual import manual as m;"
               "print(json.dumps(m()))")  # fmt: skip
    assert "## `models.<name>.backbone` of type `mobile`\n\nLinear bottlenecks." in page
    assert "| `expansion` | a whole number, 1 or more | `4` |" in page
    assert "## `models.<name>.pooling` of type `root-mean-square`" in page
    assert "kmeans, quantiles, uniform, kmeans-row, quantiles-row or uniform-row" in page
    assert "original, revisited or strict" in page
    assert "## `training.loss` of type `softmax`" in page


def test_the_check_of_a_config_knows_new_parts(extended):
    code = """
        import json, yaml
        from pocketvlad.study.config import check_config
        from pocketvlad.study.faults import ConfigError
        config = yaml.safe_load(open("york.yaml"))
        config["datasets"]["paris6k"]["folder"] = "paris"
        config["datasets"]["paris6k"]["ground_truth"] = "paris.csv"
        config["sources"] = {}
        check_config(config)
        config["models"]["mobile"]["backbone"] = {"type": "mobile", "width": 2, "depth": 3}
        try:
            check_config(config)
        except ConfigError as error:
            print(json.dumps(str(error)))
    """
    told = run(extended, code)
    assert "unknown key in models.mobile.backbone: depth" in told
    assert "models.mobile.backbone.width: 2" in told


PARTS = """
    import json, sys, yaml
    from pathlib import Path

    import numpy as np
    import torch

    from pocketvlad.compression.prune import cutoffs, prune_below, pruned_percent
    from pocketvlad.compression.quantize import quantize_contents
    from pocketvlad.data.images import CENTRED
    from pocketvlad.format.compressed_file import write_compressed
    from pocketvlad.networks.architecture import Architecture
    from pocketvlad.networks.graph import Graph, weighted_steps
    from pocketvlad.networks.layer_table import network_costs
    from pocketvlad.networks.model import Model, read_model, to_contents
    from pocketvlad.networks.network import RetrievalNetwork, initialise_randomly

    folder = Path(sys.argv[1])
    torch.manual_seed(0)
    declared = Architecture.of(yaml.safe_load(open("york.yaml"))["models"]["mobile"])
    network = RetrievalNetwork(declared).eval()
    initialise_randomly(network.backbone, 1)
    images = torch.randn(2, 3, 40, 48)
    with torch.inference_mode():
        local, pooled, rows = network.features(images), network.pooled(images), network(images)
    graph = Graph.of(network.backbone)
    steps = [step.target for step, _ in weighted_steps(network.backbone, graph)]
    prune_below(network, cutoffs(network, "relative", 0.01, 0.65))
    pruned = pruned_percent(network)
    contents = to_contents(Model(network, CENTRED, {"city": "none"}))
    quantized = quantize_contents(contents, "quantiles", 5)
    write_compressed(folder / "m.pvlad", contents, quantized)
    again = read_model(folder / "m.pvlad").network
    with torch.inference_mode():
        decoded = again(images)
    np.savez(folder / "seen.npz", local=local, pooled=pooled, rows=rows, decoded=decoded)
    costs = [(row.name, row.part, row.weights, row.multiply_adds)
             for row in network_costs(declared, 40, 48)]
    print(json.dumps({
        "architecture": again.architecture.as_dict(),
        "channels": declared.backbone.channels,
        "costs": costs,
        "steps": steps,
        "alive": max(map(len, graph.alive_after())),
        "pruned": pruned,
        "quantized": sorted(quantized),
        "zeros": {name: float((layer.codes == 0).mean()) for name, layer in quantized.items()},
    }))
"""
WEIGHTED = [
    # channels in and out, side of the kernels, groups, places of the output of a 40 x 48 image
    (3, 8, 3, 1, 20 * 24),
    *[(8, 32, 1, 1, 20 * 24), (32, 32, 3, 32, 20 * 24), (32, 8, 1, 1, 20 * 24)],
    *[(8, 32, 1, 1, 20 * 24), (32, 32, 3, 32, 10 * 12), (32, 12, 1, 1, 10 * 12)],
    *[(12, 48, 1, 1, 10 * 12), (48, 48, 3, 48, 10 * 12), (48, 12, 1, 1, 10 * 12)],
    *[(12, 48, 1, 1, 10 * 12), (48, 48, 3, 48, 5 * 6), (48, 20, 1, 1, 5 * 6)],
    *[(20, 80, 1, 1, 5 * 6), (80, 80, 3, 80, 5 * 6), (80, 20, 1, 1, 5 * 6)],
    (20, 64, 1, 1, 5 * 6),
]
"""The backbone's convolutions at width 0.5 and expansion 4, in order."""


def test_a_backbone_and_a_pooling(extended, tmp_path):
    """A network of them is described, pruned, quantized, written, read and listed."""
    found = run(extended, PARTS, tmp_path)
    assert found["architecture"] == {
        "backbone": {"type": "mobile", "width": 0.5, "expansion": 4},
        "pooling": {"type": "root-mean-square"},
        "projection": {"type": "pca-whitening", "length": 32},
    }
    seen = np.load(tmp_path / "seen.npz")
    assert seen["local"].shape == (2, found["channels"], 5, 6) == (2, 64, 5, 6)
    powers = np.sqrt((seen["local"].astype(np.float64) ** 2).mean(axis=(2, 3)))
    expected = powers / np.linalg.norm(powers, axis=1, keepdims=True)
    np.testing.assert_allclose(seen["pooled"], expected, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(seen["rows"], axis=1), 1, atol=1e-6)
    assert not np.allclose(seen["rows"][0], seen["rows"][1], atol=1e-3)
    # Half of the weights gone and 31 levels for the rest: another descriptor, near to the old one.
    assert (seen["rows"] * seen["decoded"]).sum(axis=1).min() > 0.5

    costs = [tuple(each) for each in found["costs"]]
    listed = [(weights, adds) for _, part, weights, adds in costs if part == "backbone" and weights]
    by_hand = [(o * i // g * s * s, o * i // g * s * s * n) for i, o, s, g, n in WEIGHTED]
    assert listed == by_hand
    # Refitting and rounding take them in the same order, and see what a skip connection keeps.
    assert [name for name, part, weights, _ in costs if part == "backbone" and weights] == (
        found["steps"]
    )
    assert found["alive"] == 2
    assert costs[-1] == ("projection", "projection", 32 * 64, 32 * 64)
    assert "pooling" not in {part for _, part, _, _ in costs}  # it has no parameters

    assert len(found["quantized"]) == len(WEIGHTED) + 1
    assert "projection.weight" in found["quantized"]
    assert all(name.endswith(".weight") for name in found["quantized"])
    for name, zeros in found["zeros"].items():
        assert 100 * zeros == pytest.approx(found["pruned"][name])
    assert 40 < found["pruned"]["backbone"] < 60


def test_a_loss(extended, tmp_path):
    rows = np.random.default_rng(0).normal(size=(5, 3))
    np.save(tmp_path / "rows.npy", rows)
    labels = np.array([0, 0, 0, 1, 1])
    code = """
        import json, sys, yaml
        import numpy as np
        import torch
        from pocketvlad.training.declared import LOSSES
        loss = LOSSES.of(yaml.safe_load(open("york.yaml"))["training"]["loss"])
        rows, labels = torch.from_numpy(np.load(sys.argv[1])), torch.tensor([0, 0, 0, 1, 1])
        same = (labels[:, None] == labels) & ~torch.eye(5, dtype=bool)
        different = labels[:, None] != labels
        print(json.dumps([loss.as_dict(), loss.of(rows, same, different).item()]))
    """
    declared, found = run(extended, code, tmp_path / "rows.npy")
    assert declared == {
        "type": "softmax",
        "temperature": 0.05,
        "batches": 12,
        "landmarks": 4,
        "views": 4,
        "instances": 2,
    }
    expected = []
    for i in range(5):
        others = [j for j in range(5) if j != i]
        logits = {j: rows[i] @ rows[j] / 0.05 for j in others}
        for j in others:
            if labels[i] == labels[j]:
                expected.append(np.log(np.exp(list(logits.values())).sum()) - logits[j])
    assert found == pytest.approx(np.mean(expected))


def test_a_quantizer(extended, tmp_path):
    weights = np.random.default_rng(0).normal(size=(31 * 8 + 40)).astype(np.float32)
    weights[:40] = 0
    np.save(tmp_path / "weights.npy", weights.reshape(12, -1))
    code = """
        import json, sys
        import numpy as np
        from pocketvlad.compression.quantize import quantize_tensor
        weights = np.load(sys.argv[1])
        found = quantize_tensor(weights, "quantiles", 5)
        rows = quantize_tensor(weights, "quantiles-row", 5)
        print(json.dumps([found.codebook.tolist(), found.codes.tolist(), rows.scales.tolist()]))
    """
    codebook, codes, scales = run(extended, code, tmp_path / "weights.npy")
    shares = np.array_split(np.sort(weights[40:]), 31)
    levels = np.array([0, *map(np.median, shares)])
    np.testing.assert_allclose(codebook, levels, rtol=1e-6)
    expected = 1 + np.abs(weights[:, None] - levels[None, 1:]).argmin(axis=1)
    expected[:40] = 0
    assert np.ravel(codes).tolist() == expected.tolist()
    assert max(scales) == 1


def test_a_protocol(extended):
    code = """
        import json
        from pathlib import PurePath
        from pocketvlad.data.protocols import protocols_of_file
        from pocketvlad.data.query import Query
        from pocketvlad.scoring.scores import score_rankings, score_row
        query = Query("q_1", "q", "q", (0, 0, 1, 1), good=("g", "h"), ok=("o",), junk=("j",))
        scores = score_rankings([query], [list("jogxh")], "strict")
        files = [PurePath(name) for name in ("york.csv", "lists", "gnd.PKL")]
        print(json.dumps([score_row(scores, "strict"), list(map(protocols_of_file, files))]))
    """
    row, fitting = run(extended, code)
    # j and o are skipped: g x h.
    by_hand = 1 / 2 * (1 + 1) / 2 + 1 / 2 * (1 / 2 + 2 / 3) / 2
    assert row["map"] == pytest.approx(by_hand)
    assert list(row["difficulties"]) == ["good"]
    assert fitting == [
        ["original", "revisited", "strict"],
        ["original", "strict"],
        ["revisited"],
    ]


def test_a_rival(extended, tmp_path):
    generator = np.random.default_rng(0)
    tensors = {
        "weight": generator.normal(size=(40, 7)).astype(np.float32) ** 5,
        "bias": np.float32([0, -0.0, 1, 1 + 2**-8, 1 + 3 * 2**-8, 1e-40, -3e38]),  # two are ties
    }
    np.savez(tmp_path / "tensors.npz", **tensors)
    code = """
        import json, sys
        import numpy as np
        from pocketvlad.baselines.rivals.coders import bfloat16
        from pocketvlad.baselines.rivals.declared import declared_rivals
        from pocketvlad.format.error import FormatError
        with np.load(sys.argv[1]) as file:
            tensors = dict(file)
        data = bfloat16.encode(tensors, {})
        np.savez(sys.argv[2], **bfloat16.decode(data))
        try:
            bfloat16.decode(data[:-1])
        except FormatError:
            print(json.dumps([[r.label for r in declared_rivals({"grid": [], "rivals": {}})],
                              len(data)]))
    """
    labels, size = run(extended, code, tmp_path / "tensors.npz", tmp_path / "decoded.npz")
    assert labels == ["bfloat16", "float16", "int8 per channel"]
    assert 0 < size - 2 * sum(map(np.size, tensors.values())) < 300
    decoded = np.load(tmp_path / "decoded.npz")
    for name, tensor in tensors.items():
        expected = torch.from_numpy(tensor).bfloat16().float().numpy()
        np.testing.assert_array_equal(decoded[name], expected)


def test_a_figure(extended, tmp_path):
    """The script draws it as Snakemake would have it drawn."""
    study_table().to_csv(tmp_path / "table.csv", index=False)
    code = """
        import json, runpy, sys
        from pathlib import Path
        from types import SimpleNamespace
        folder = Path(sys.argv[1])
        figure = [str(folder / f"drops.{suffix}") for suffix in ("svg", "png")]
        job = SimpleNamespace(
            input=SimpleNamespace(table=folder / "table.csv"),
            output=SimpleNamespace(figure=figure),
            log=[folder / "log"],
        )
        runpy.run_path("workflow_scripts/plot_drops.py", {"snakemake": job})

        import matplotlib.pyplot as plt
        from pocketvlad.report.figures.drops import drops_figure
        from pocketvlad.report.rows import read_table
        axes = drops_figure(read_table(folder / "table.csv")).axes
        points = [[line.get_xydata().tolist() for line in each.lines[1:]] for each in axes]
        bars = [[s.tolist() for s in each.collections[0].get_segments()] for each in axes]
        print(json.dumps([points, bars]))
    """
    points, bars = run(extended, code, tmp_path)
    assert (tmp_path / "drops.svg").read_text().startswith("<?xml")
    with Image.open(tmp_path / "drops.png") as picture:
        assert picture.width > 500
    table = study_table()
    cells = table[table["version"] != "base"]
    for number, (_, some) in enumerate(cells.groupby("model", sort=False)):
        [drawn] = points[number]
        np.testing.assert_allclose(drawn, some[["file_mb", "drop_mean"]])
        ends = np.array(bars[number])[:, :, 1]
        np.testing.assert_allclose(
            ends, some[["drop_mean_landmarks_low", "drop_mean_landmarks_high"]]
        )


def test_a_verb(extended, few_files):
    code = """
        import json, sys
        from pocketvlad.cli.main import main
        print(json.dumps([main(words) for words in json.loads(sys.argv[1])]))
    """

    def call(*lines):
        words = json.dumps([list(map(str, line)) for line in lines])
        command = [sys.executable, "-c", textwrap.dedent(code), words]
        return subprocess.run(command, cwd=extended, capture_output=True, text=True)

    told = " ".join(call(["--help"]).stdout.split())
    assert "compare Print how far two models' descriptors of the same photographs are apart" in told
    models = [few_files / "base.safetensors", few_files / "small.pvlad"]
    images = [few_files / "a.jpg", few_files / "b.jpg"]
    done = call(["compare", *models, *images], ["compare", *models, few_files / "none.jpg"])
    *lines, statuses = done.stdout.splitlines()
    assert json.loads(statuses) == [0, 1]
    assert re.search(r"^pocketvlad compare: .*none\.jpg.*$", done.stderr, re.M)
    rows = [pocketvlad.load(model).describe(images) for model in models]
    expected = np.sqrt(2 - 2 * (rows[0] * rows[1]).sum(axis=1))
    lines = [line.split() for line in lines]
    found = [float(line[0]) for line in lines]
    np.testing.assert_allclose(found, [*expected, expected.mean()], atol=6e-4)
    assert [line[1] for line in lines] == [*map(str, images), "mean"]
    assert min(found) > 0.005
