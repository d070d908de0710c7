"""The model that training starts from: initial weights; parts without any are learnt from
images."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from pocketvlad.data.settings import Sizing
from pocketvlad.format.roles import Part
from pocketvlad.networks.architecture import Architecture
from pocketvlad.networks.device import run_on
from pocketvlad.networks.model import Model
from pocketvlad.networks.network import RetrievalNetwork
from pocketvlad.networks.weights.initial import load_initial_weights
from pocketvlad.networks.weights.sources import SOURCES
from pocketvlad.retrieval.picture import Picture
from pocketvlad.training.initialise import fit_pooling, fit_projection
from pocketvlad.training.settings import InitialisationSettings


def _built(architecture: Architecture, seed: int) -> RetrievalNetwork:
    """The network; layers that nothing fills later have weights of this seed, too.

    When they are built, torch draws them from its own generator, which is left as it was.
    """
    with torch.random.fork_rng(devices=[]):  # they are built on the CPU
        torch.default_generator.manual_seed(seed)
        return RetrievalNetwork(architecture).eval()


def initial_model(
    architecture: Architecture,
    weights: Mapping[str, object],
    file: Path | None,
    pictures: Sequence[Picture],
    sizing: Sizing,
    compute: Mapping[str, str],
    settings: InitialisationSettings,
    seed: int,
) -> Model:
    """Published weights where there are some; else pooling and projection are learnt.

    Args:
        weights: the config's section of that name.
        file: the weights file, if the source has one.
        compute: device and precision, see `device.run_on`.
        pictures: the training city; described only where something is learnt.

    Returns:
        the model; its origin says where each part is from.

    Raises:
        WeightsError: the weights cannot be read or do not fit.
        ValueError: too few pictures to learn from.
    """
    network = _built(architecture, seed)
    source = weights["source"]
    stand_in = weights.get("stand_in", False)
    preprocessing = load_initial_weights(network, source, file, seed, stand_in)
    run_on(network, **compute)
    learnt: dict[str, object] = {}
    for part, fit in ((Part.POOLING, fit_pooling), (Part.PROJECTION, fit_projection)):
        if part in SOURCES[source].parts:
            learnt[part] = source
        elif learns_by := getattr(network, part).learns_by:
            fit(network, pictures, sizing, preprocessing, settings, seed)
            learnt |= {part: learns_by, **settings.as_dict()}
    origin = {"weights": dict(weights), "initialise": learnt, "seed": seed}
    return Model(network, preprocessing, origin)
