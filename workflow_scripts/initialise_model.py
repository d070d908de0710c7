"""Build the network that training starts from: initial weights, clustering, PCA whitening."""

from pathlib import Path

from pocketvlad.data.dataset import read_dataset
from pocketvlad.data.sources import verify_declared
from pocketvlad.networks.architecture import Architecture
from pocketvlad.networks.model import write_model
from pocketvlad.retrieval.describe import require_sides
from pocketvlad.retrieval.evaluation import database_pictures, query_pictures, sizing_of
from pocketvlad.study.job import logged
from pocketvlad.training.initial_model import initial_model
from pocketvlad.training.initialise import InitialisationSettings
from pocketvlad.util.allocator import keep_freed_memory
from pocketvlad.util.seeds import derive_seed
from pocketvlad.util.unchanged import unchanged

with logged(*snakemake.log), unchanged(snakemake.input):
    keep_freed_memory()
    verify_declared(snakemake.params.declared)
    params, weights_files = snakemake.params, snakemake.input.weights
    dataset = read_dataset(Path(snakemake.input.dataset))
    architecture = Architecture.of(params.model)
    pictures = database_pictures(dataset, Path(snakemake.input.images))
    sizing = sizing_of(params.protocol)
    # Before anything is learnt: queries of this city are cropped in training, too.
    crop, growth = (params.protocol[key] for key in ("query_crop", "box_growth"))
    queries = query_pictures(dataset, Path(snakemake.input.images), crop, growth)
    require_sides(pictures + queries, sizing, architecture.backbone.min_side)
    model = initial_model(
        architecture,
        params.model["weights"],
        Path(weights_files[0]) if weights_files else None,
        pictures,
        sizing,
        params.compute,
        InitialisationSettings(**params.initialise),
        derive_seed(params.seed),
    )
    model.origin.update(city=dataset.name, protocol=params.protocol)
    write_model(Path(snakemake.output[0]), model)
