"""Prune a base model to one threshold: raise the cutoff in rounds, fine-tune the survivors."""

import sys
from pathlib import Path

import pandas as pd

from pocketvlad.compression.iterative_pruning import PruningSettings, prune_iteratively
from pocketvlad.compression.objectives import compression_objective, refit_by_reconstruction
from pocketvlad.compression.prune import pruned_percent
from pocketvlad.compression.sparsity import histogram_edges, weight_histograms
from pocketvlad.networks.device import run_on
from pocketvlad.networks.model import read_model, write_model
from pocketvlad.study.job import logged
from pocketvlad.study.job_checkpoint import job_checkpoint
from pocketvlad.study.training_city import training_city
from pocketvlad.training.history import write_history
from pocketvlad.training.settings import TrainingSettings
from pocketvlad.util.allocator import keep_freed_memory
from pocketvlad.util.seeds import derive_seed
from pocketvlad.util.whole_file import write_csv

with logged(*snakemake.log):
    keep_freed_memory()
    params, wildcards = snakemake.params, snakemake.wildcards
    seed = derive_seed(params.seed)
    base, model = (read_model(Path(snakemake.input.model)) for _ in range(2))
    for each in (base, model):
        run_on(each.network, **params.compute)
    city = training_city(snakemake, model.preprocessing)
    training = TrainingSettings(**params.training)
    checkpoint = job_checkpoint(snakemake)
    if checkpoint.restored(snakemake.output, params):
        sys.exit()
    history = prune_iteratively(
        model.network,
        training,
        PruningSettings(**params.pruning),
        compression_objective(params.recovery, city, training, base.network),
        float(wildcards.threshold),
        params.cutoff,
        float(wildcards.l1),
        seed,
        checkpoint,
        refit_by_reconstruction(params.recovery, city, training, base.network),
    )
    print(f"{pruned_percent(model.network)['total']:.2f} % of the weights are zero")
    edges = histogram_edges(base.network)
    stages = {"base": base.network, "pruned": model.network}
    tables = [t for stage, net in stages.items() for t in weight_histograms(net, edges, stage)]
    write_csv(snakemake.output.weights, pd.concat(tables))
    write_history(snakemake.output.history, history)
    model.origin["pruning"] = {
        **params.pruning,
        "recovery": params.recovery,
        "threshold": wildcards.threshold,
        "cutoff": params.cutoff,
        "l1": wildcards.l1,
        "seed": seed,
    }
    write_model(Path(snakemake.output.model), model)
    checkpoint.complete(snakemake.output, params)
