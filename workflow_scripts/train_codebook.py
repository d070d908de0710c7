"""Quantize a pruned model, let its codebooks learn, and write it as one compressed file."""

import sys
from dataclasses import asdict
from pathlib import Path

from pocketvlad.compression.codebook_training import CodebookSettings, train_codebooks
from pocketvlad.compression.objectives import compression_objective
from pocketvlad.compression.quantize import quantize_contents
from pocketvlad.format.compressed_file import write_compressed
from pocketvlad.format.contents import read_contents
from pocketvlad.networks.device import run_on
from pocketvlad.networks.model import read_model
from pocketvlad.study.job import logged
from pocketvlad.study.job_checkpoint import job_checkpoint
from pocketvlad.study.training_city import training_city
from pocketvlad.training.settings import TrainingSettings
from pocketvlad.util.allocator import keep_freed_memory
from pocketvlad.util.seeds import derive_seed

with logged(*snakemake.log):
    keep_freed_memory()
    params, recipe = snakemake.params, snakemake.params.recipe
    seed = derive_seed(params.seed)
    path = Path(snakemake.input.model)
    contents = read_contents(path)
    model, teacher = read_model(path), read_model(Path(snakemake.input.teacher))
    for each in (model, teacher):
        run_on(each.network, **params.compute)
    city = training_city(snakemake, model.preprocessing)
    training = TrainingSettings(**params.training)
    learning = params.quantization["training"]
    checkpoint = job_checkpoint(snakemake)
    if checkpoint.restored(snakemake.output, params):
        sys.exit()
    quantized, history = train_codebooks(
        model.network,
        quantize_contents(contents, recipe["quantizer"], recipe["bits"]),
        training,
        CodebookSettings(**learning),
        compression_objective(params.recovery, city, training, teacher.network),
        seed,
        checkpoint,
    )
    plain = contents.tensors.keys() - quantized
    learnt = {name: p for name, p in model.network.named_parameters() if name in plain}
    contents.tensors.update((name, p.detach().cpu().numpy()) for name, p in learnt.items())
    contents.header["compression"] = {
        **recipe,
        "training": {**learning, "recovery": params.recovery, "seed": seed},
        "history": [asdict(record) for record in history],
    }
    output = Path(snakemake.output[0])
    size = write_compressed(output, contents, quantized, params.quantization["small_tensors"])
    print(f"{size:,} bytes")
    checkpoint.complete(snakemake.output, params)
