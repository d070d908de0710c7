"""Measure which backend describes pictures faster by a model, and keep the choice for all jobs."""

from pathlib import Path

import torch

from pocketvlad.data.dataset import read_dataset
from pocketvlad.networks.model import read_model
from pocketvlad.retrieval.backend_choice import drawn_pictures, measured_choice
from pocketvlad.retrieval.evaluation import database_pictures, sizing_of, versions
from pocketvlad.study.job import logged
from pocketvlad.util.json_file import write_json
from pocketvlad.util.processor import processor
from pocketvlad.util.seeds import derive_seed

with logged(*snakemake.log):
    inputs, params = snakemake.input, snakemake.params
    torch.set_num_threads(1)
    model, dataset = read_model(Path(inputs.model)), read_dataset(Path(inputs.dataset))
    pictures = drawn_pictures(
        database_pictures(dataset, Path(inputs.images)), derive_seed(params.seed)
    )
    choice = measured_choice(
        model, pictures, sizing_of(params.protocol), params.device, params.batch_size
    )
    found = {
        "model": snakemake.wildcards.model,
        **choice.as_dict(),
        "pictures": [picture.path.stem for picture in pictures],
        "threads": torch.get_num_threads(),
        "processor": processor(),
        "versions": versions(("torch", "onnxruntime")),
    }
    write_json(Path(snakemake.output[0]), found)
    print(f"{choice.backend}: {choice.why} ({choice.milliseconds} ms a picture)")
