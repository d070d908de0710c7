"""Quantize a pruned model, let its codebooks learn, and write it as one compressed file."""

from dataclasses import asdict
from pathlib import Path

from pocketvlad.compression.codebook_training import CodebookSettings, train_codebooks
from pocketvlad.compression.objectives import compression_objective
from pocketvlad.compression.quantize import quantize_tensors
from pocketvlad.format.compressed_file import write_compressed
from pocketvlad.format.tensor_file import read_tensors
from pocketvlad.networks.device import run_on
from pocketvlad.networks.model_file import read_model
from pocketvlad.study.job import logged
from pocketvlad.training.checkpoint import Checkpoint, fingerprint
from pocketvlad.training.epoch import TrainingSettings
from pocketvlad.training.sections import study_city
from pocketvlad.util.allocator import keep_freed_memory
from pocketvlad.util.seeds import derive_seed

with logged(snakemake.log[0]):
    keep_freed_memory()
    params, recipe = snakemake.params, snakemake.params.recipe
    seed = derive_seed(params.seed)
    path = Path(snakemake.input.model)
    tensors, header = read_tensors(path)
    model, teacher = read_model(path), read_model(Path(snakemake.input.teacher))
    for each in (model, teacher):
        run_on(each.network, **params.compute)
    city = study_city(
        snakemake.input.dataset,
        snakemake.input.images,
        model.preprocessing,
        protocol=params.protocol,
        validation=params.validation,
        split_seed=params.split_seed,
    )
    training = TrainingSettings(**params.training)
    learning = params.quantization["training"]
    known = [params.training, params.recovery, learning, recipe]
    known += [params.validation, params.protocol, params.seed]
    checkpoint = Checkpoint(
        Path(params.checkpoint), fingerprint(known, [path, Path(snakemake.input.dataset)])
    )
    quantized, history = train_codebooks(
        model.network,
        quantize_tensors(tensors, recipe["quantizer"], recipe["bits"]),
        training,
        CodebookSettings(**learning),
        compression_objective(params.recovery, city, training, teacher.network),
        seed,
        checkpoint,
    )
    biases = {n: p for n, p in model.network.named_parameters() if n in tensors.keys() - quantized}
    tensors |= {name: bias.detach().cpu().numpy() for name, bias in biases.items()}
    header["compression"] = {
        **recipe,
        "training": {**learning, "recovery": params.recovery, "seed": seed},
        "history": [asdict(record) for record in history],
    }
    output = Path(snakemake.output[0])
    size = write_compressed(
        output, tensors, quantized, header, params.quantization["small_tensors"]
    )
    print(f"{size:,} bytes")
    checkpoint.delete()
