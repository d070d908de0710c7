"""Fine-tune a base model on its training city."""

import sys
from pathlib import Path

from pocketvlad.networks.device import run_on
from pocketvlad.networks.model import read_model, write_model
from pocketvlad.study.job import logged
from pocketvlad.study.job_checkpoint import job_checkpoint
from pocketvlad.study.training_city import training_city
from pocketvlad.training.declared import LOSSES
from pocketvlad.training.fine_tuning import fine_tune
from pocketvlad.training.history import write_history
from pocketvlad.training.settings import TrainingSettings
from pocketvlad.util.allocator import keep_freed_memory
from pocketvlad.util.seeds import derive_seed

with logged(*snakemake.log):
    keep_freed_memory()
    params, training = snakemake.params, snakemake.params.training
    seed = derive_seed(params.seed)
    model = read_model(Path(snakemake.input.model))
    run_on(model.network, **params.compute)
    city = training_city(snakemake, model.preprocessing)
    settings = TrainingSettings(**training)
    # Whatever the number of epochs: a longer training goes on from a shorter.
    lasting = {key: value for key, value in training.items() if key != "epochs"}
    checkpoint = job_checkpoint(snakemake, training=lasting)
    if checkpoint.restored(snakemake.output, params):
        sys.exit()
    others = [read_model(Path(path)) for path in snakemake.input.asked]
    for other in others:
        run_on(other.network, **params.compute)
    objective = LOSSES.of(settings.loss).objective(city, settings, [model, *others])
    history = fine_tune(model.network, settings, seed, checkpoint, objective=objective, select=True)
    write_history(snakemake.output.history, history)
    model.origin["training"] = {**training, "seed": seed}
    write_model(Path(snakemake.output.model), model)
    checkpoint.complete(snakemake.output, params)
