"""Round a base model by rate and distortion, and write it as one compressed file."""

import sys
from pathlib import Path

from pocketvlad.compression.rd.calibration import write_rounded
from pocketvlad.compression.rd.sections import settled, study_calibration
from pocketvlad.networks.device import run_on
from pocketvlad.networks.model import read_model
from pocketvlad.study.job import logged
from pocketvlad.study.job_checkpoint import job_checkpoint
from pocketvlad.study.training_city import training_city
from pocketvlad.util.allocator import keep_small_blocks
from pocketvlad.util.seeds import derive_seed

with logged(*snakemake.log):
    keep_small_blocks()
    params = snakemake.params
    base = read_model(Path(snakemake.input.model))
    run_on(base.network, **params.compute)
    city = training_city(snakemake, base.preprocessing)
    calibration = study_calibration(
        base,
        city.crop_source,
        rounding=settled(params.rounding, snakemake.input.settings),
        recovery=params.recovery,
        training=params.training,
        small=params.small,
        seed=derive_seed(params.seed),
    )
    checkpoint = job_checkpoint(snakemake)
    if checkpoint.restored(snakemake.output, params):
        sys.exit()
    distortion = float(snakemake.wildcards.distortion)
    write_rounded(Path(snakemake.output[0]), calibration, distortion, checkpoint)
    checkpoint.complete(snakemake.output, params)
