"""Build a network: initial convolutions, clustered centres, PCA whitening."""

from pathlib import Path

from pocketvlad.dataset import read_dataset
from pocketvlad.evaluation import database_pictures, sizing_of
from pocketvlad.initialise import (
    InitialisationSettings,
    fit_netvlad,
    fit_whitening,
)
from pocketvlad.job import logged
from pocketvlad.model import Architecture, PlaceNet
from pocketvlad.model_file import Model, write_model
from pocketvlad.seeds import derive_seed
from pocketvlad.sources import verify_declared
from pocketvlad.weights import load_initial_weights


def main(
    dataset_file: Path,
    images: Path,
    weights_file: Path | None,
    output: Path,
    model: dict,
    initialise: dict,
    protocol: dict,
    seed: int,
) -> None:
    weights = model["weights"]
    architecture = {key: value for key, value in model.items() if key != "weights"}
    network = PlaceNet(Architecture(**architecture)).eval()
    preprocessing = load_initial_weights(network, weights["source"], weights_file, seed)
    dataset = read_dataset(dataset_file)
    pictures = database_pictures(dataset, images)
    data = (pictures, sizing_of(protocol), preprocessing, InitialisationSettings(**initialise))
    fit_netvlad(network, *data, seed)
    fit_whitening(network, *data, seed)
    origin = {
        "city": dataset.name,
        "weights": weights,
        "initialise": initialise,
        "protocol": protocol,
        "seed": seed,
    }
    write_model(output, Model(network, preprocessing, origin))


with logged(snakemake.log[0]):
    verify_declared(snakemake.params.declared)
    main(
        Path(snakemake.input.dataset),
        Path(snakemake.input.images),
        Path(snakemake.input.weights[0]) if snakemake.input.weights else None,
        Path(snakemake.output[0]),
        snakemake.params.model,
        snakemake.params.initialise,
        snakemake.params.protocol,
        derive_seed(snakemake.params.seed),
    )
