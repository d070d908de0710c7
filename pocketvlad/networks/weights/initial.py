"""From a source's name to a network filled with its weights."""

from pathlib import Path

from pocketvlad.data.images import CENTRED, Preprocessing
from pocketvlad.networks.network import RetrievalNetwork, initialise_randomly
from pocketvlad.networks.weights.buildings_file import load_backbone
from pocketvlad.networks.weights.error import WeightsError
from pocketvlad.networks.weights.forms import BACKBONES, WHOLE
from pocketvlad.networks.weights.published import load_alexnet_caffe, load_netvlad_pitts30k
from pocketvlad.networks.weights.recognised import seems_to_be
from pocketvlad.networks.weights.sources import SOURCES
from pocketvlad.networks.weights.state_dict_file import load_convolutions, read_state_dict


def _load(network: RetrievalNetwork, source: str, path: Path) -> Preprocessing:
    if source in WHOLE:
        return WHOLE[source](network, path)
    match source:
        case "buildings":
            return load_backbone(network.backbone, path)
        case "netvlad-pitts30k":
            return load_netvlad_pitts30k(network, path)
        case "alexnet-caffe":
            return load_alexnet_caffe(network, path)
    form, declared = BACKBONES[source], network.architecture.backbone
    load_convolutions(form, declared, network.backbone, read_state_dict(path), path)
    return form.preprocessing


def load_initial_weights(
    network: RetrievalNetwork, source: str, path: Path | None, seed: int, stand_in: bool = False
) -> Preprocessing:
    """Fill what `source` has (see `sources.SOURCES`), the convolutions at least.

    Args:
        path: the weights file; None for random weights.
        seed: of random weights.
        stand_in: the file has the form of the source's, and may have another width.

    Returns:
        the preprocessing that belongs to the weights.

    Raises:
        WeightsError: no file, an unreadable one, or one that does not fit; names file, layer and
            remedy.
    """
    if source == "random":
        initialise_randomly(network.backbone, seed)
        return CENTRED
    kind = SOURCES[source]
    for key, fault in kind.faults(source, network.architecture, stand_in):
        raise WeightsError(f"{key}: {fault}")
    if path is None:
        raise WeightsError(f"weights {source!r} need a file; add `weights.file` to the model")
    try:
        return _load(network, source, path)
    except WeightsError as error:
        if kind.file is None:
            raise
        seems = seems_to_be(path, source, network.architecture.backbone)
        raise WeightsError(
            f"{error}{seems}; `weights.source: {source}` reads {kind.file}: get it again, or "
            "correct `weights.file`"
        ) from None
