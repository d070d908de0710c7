"""Round a base model to each target: trials on the training city alone."""

import shutil
import sys
from pathlib import Path

from pocketvlad.compression.rd.budget import Target, best
from pocketvlad.compression.rd.sections import settled, study_calibration
from pocketvlad.compression.rd.training_task import source_beside_task, study_task
from pocketvlad.compression.rd.trials import Trials, write_trials
from pocketvlad.networks.device import run_on
from pocketvlad.networks.model import read_model
from pocketvlad.retrieval.evaluation import sizing_of
from pocketvlad.study.job import logged
from pocketvlad.study.job_checkpoint import job_checkpoint
from pocketvlad.study.training_city import training_city
from pocketvlad.util.allocator import keep_small_blocks
from pocketvlad.util.atomic import replacing
from pocketvlad.util.seeds import derive_seed

with logged(*snakemake.log):
    keep_small_blocks()
    params = snakemake.params
    base = read_model(Path(snakemake.input.model))
    run_on(base.network, **params.compute)
    city = training_city(snakemake, base.preprocessing)
    calibration = study_calibration(
        base,
        source_beside_task(city),
        rounding=settled(params.rounding, snakemake.input.settings),
        recovery=params.recovery,
        training=params.training,
        small=params.small,
        seed=derive_seed(params.seed),
    )
    # A search for other targets does not make these trials again.
    checkpoint = job_checkpoint(snakemake, targets=None, trials=None)
    if checkpoint.restored(snakemake.output, params):
        sys.exit()
    trials = Trials(
        folder=checkpoint.path,
        calibration=calibration,
        task=study_task(city, base.network.min_side, calibration.seed),
        sizing=sizing_of(params.protocol),
        compute=params.compute,
        computation=checkpoint.computation,
    )
    targets = [Target.of(section) for section in params.targets]
    made = trials.search(targets, params.trials)
    # A trial for one target may be the best for another, as the table will say.
    for target, output in zip(targets, snakemake.output.models, strict=True):
        found = best(target, made)
        with replacing(Path(output)) as unfinished:
            shutil.copyfile(trials.file(found.distortion), unfinished)
    write_trials(snakemake.output.trials, made)
    checkpoint.complete(snakemake.output, params)
