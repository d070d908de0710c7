"""One model file scored on a city: the part of its JSON row that is measured."""

from collections.abc import Mapping
from pathlib import Path

from pocketvlad.compression.prune import pruned_percent
from pocketvlad.data.dataset import read_dataset
from pocketvlad.format.stored import bytes_by_part
from pocketvlad.networks.model import read_model
from pocketvlad.networks.network import kept_length, parameter_count
from pocketvlad.portable.backend import describing
from pocketvlad.retrieval.evaluation import evaluate, versions
from pocketvlad.scoring.recall_settings import RecallSettings
from pocketvlad.util.settings import read_settings
from pocketvlad.util.size import float32_bytes, paper_megabytes


def model_row(
    file: Path,
    dataset_file: Path,
    images: Path,
    *,
    protocol: Mapping[str, object],
    compute: Mapping[str, str],
    batch_size: int,
    paper_bits: int | None,
    recall: Mapping[str, object],
) -> dict[str, object]:
    """Scores, sizes, and what they depend on. The network that is scored is the one that the file
    decodes to.

    Args:
        file: the model, compressed or in float32.
        dataset_file: the index of the city that it is tested on.
        images: the folder of that city's images.
        protocol: the config's section.
        compute: see `backend.describing`.
        paper_bits: by which the paper's way counts memory; None where it does not apply.
        recall: the config's section.
    """
    model = read_model(file)
    by = describing(model.network, **compute)
    dataset = read_dataset(dataset_file)
    found = evaluate(
        by.function,
        dataset,
        images,
        protocol,
        model.preprocessing,
        batch_size,
        model.network.min_side,
        read_settings(RecallSettings, recall),
    )
    parameters, pruned = parameter_count(model.network), pruned_percent(model.network)
    size = file.stat().st_size
    memory = paper_bits and paper_megabytes(parameters, pruned["total"], paper_bits)
    return {
        "architecture": model.network.architecture.as_dict(),
        "weights": model.origin["weights"],
        "initialise": model.origin["initialise"],
        "epochs": model.origin.get("training", {}).get("epochs", 0),
        "preprocessing": model.preprocessing.as_dict(),
        "protocol": protocol,
        "test_dataset": dataset.identity(),
        **found.row(dataset),
        "top": found.top,
        "pruned_percent": pruned,
        "parameters": parameters,
        "length": kept_length(model.network),
        "file_bytes": size,
        "bytes_by_part": bytes_by_part(file),
        "ratio": float32_bytes(parameters) / size,
        "paper_memory_mb": memory,
        "computed_on": by.computed_on,
        "versions": versions(),
    }
