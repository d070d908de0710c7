"""Pretrain one backbone on rendered buildings and write its weights in half precision."""

import sys
from pathlib import Path

from pocketvlad.data.images import CENTRED
from pocketvlad.format.roles import Part
from pocketvlad.networks.declared import declared_part
from pocketvlad.networks.weights.buildings_file import write_backbone
from pocketvlad.study.job import logged
from pocketvlad.study.job_checkpoint import job_checkpoint
from pocketvlad.training.pretraining import PretrainingSettings, labelled_pictures, pretrain
from pocketvlad.util.seeds import derive_seed

with logged(*snakemake.log):
    params, seed = snakemake.params, derive_seed(snakemake.params.seed)
    backbone = declared_part(Part.BACKBONE, params.model["backbone"])
    pictures = labelled_pictures(Path(snakemake.input.pictures))
    checkpoint = job_checkpoint(snakemake)
    if checkpoint.restored(snakemake.output, params):
        sys.exit()
    settings = PretrainingSettings(**params.settings)
    trained = pretrain(backbone, pictures, settings, CENTRED, seed, checkpoint)
    origin = {"pretraining": params.settings, "seed": seed}
    write_backbone(Path(snakemake.output[0]), trained, backbone, CENTRED, origin)
    checkpoint.complete(snakemake.output, params)
