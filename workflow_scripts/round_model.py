"""Round a base model by rate and distortion, and write it as one compressed file."""

import copy
from dataclasses import replace
from pathlib import Path

from pocketvlad.compressed_file import write_compressed
from pocketvlad.device import run_on
from pocketvlad.distillation import DistillationObjective
from pocketvlad.grid import rounded_cell
from pocketvlad.job import logged
from pocketvlad.model_file import read_model, to_tensors
from pocketvlad.objectives import compression_crops
from pocketvlad.rd.quantize import RoundingSettings, round_network
from pocketvlad.seeds import derive_seed
from pocketvlad.training import TrainingSettings
from pocketvlad.training_job import job_city

with logged(snakemake.log[0]):
    params = snakemake.params
    seed, cell = derive_seed(params.seed), rounded_cell(snakemake.wildcards.distortion)
    base = read_model(Path(snakemake.input.model))
    teacher = run_on(base.network, **params.compute)
    model = replace(base, network=copy.deepcopy(teacher))
    city = job_city(snakemake, base.preprocessing)
    settings = dict(params.rounding)
    crops = replace(
        compression_crops(params.recovery, TrainingSettings(**params.training)),
        image_size=settings.pop("image_size"),
    )
    quantized = round_network(
        model.network,
        teacher,
        city,
        crops,
        float(cell.threshold),
        RoundingSettings(**settings),
        seed,
    )
    distance = -DistillationObjective(city, crops, teacher).validate(model.network)
    tensors, header = to_tensors(model)
    dials = {**params.rounding, "recovery": params.recovery, "seed": seed}
    header["compression"] = {**cell.as_dict(), "rounding": dials, "distance": distance}
    size = write_compressed(Path(snakemake.output[0]), tensors, quantized, header, params.small)
    print(f"{size:,} bytes; squared distance on crops of the training city {distance:.4f}")
