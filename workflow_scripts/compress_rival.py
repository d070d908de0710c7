"""Write a rival's file, fitted to photographs if the rival is; decode it, and say what both took.
What it decodes to is to be scored."""

import json
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np

from pocketvlad.baselines.rivals.layers_file import read_layers, write_layers
from pocketvlad.baselines.rivals.process import NNCODEC, RivalError, run_step
from pocketvlad.baselines.rivals.source import decoded_layers, our_settings, read_source
from pocketvlad.format.contents import Contents, write_contents
from pocketvlad.study.job import logged
from pocketvlad.util.atomic import replacing
from pocketvlad.util.json_file import write_json
from pocketvlad.util.whole_file import write_text

with logged(*snakemake.log):
    rival, wildcards = snakemake.params.rival, snakemake.wildcards
    coder, file = rival["coder"], Path(snakemake.output.file)
    source = read_source(Path(snakemake.input.model), rival["of_cell"])
    settings = our_settings(source) if coder == "pvlad" else rival["settings"]
    python = NNCODEC if coder == "nncodec" else sys.executable
    with tempfile.TemporaryDirectory() as folder:
        given, found = Path(folder) / "given.npz", Path(folder) / "found.npz"
        coded = Path(folder) / "coded.bin"  # a coder may outlive a job that is killed
        if rival["fitted"]:
            step, given = "fit", Path(folder) / "given.json"
            write_json(given, {**snakemake.params.calibration, **dict(snakemake.input.items())})
        else:
            step = "encode"
            write_layers(given, source.layers, source.roles)
        encoding = run_step(step, coder, settings, given, coded, python)
        decoding = run_step("decode", coder, settings, coded, found, python)
        decoded, _ = read_layers(found)
        with replacing(file) as unfinished:
            shutil.copyfile(coded, unfinished)
    expected = decoded_layers(source.layers)
    for name, tensor in expected.items():
        if name not in decoded or decoded[name].shape != tensor.shape:
            raise RivalError(f"{coder}: {name} has not come back from {file} as it was")
        if rival["of_cell"] and not np.array_equal(decoded[name], tensor):
            raise RivalError(f"{coder}: {name} in {file} is not that of {snakemake.input.model}")
    if not rival["of_cell"]:
        tensors = {name: decoded[name].astype(np.float32) for name in expected}
        contents = Contents(tensors, source.labels, source.header)
        write_contents(Path(snakemake.output.decoded), contents)
    row = {
        "model": wildcards.model,
        "train_city": wildcards.city,
        "test_city": snakemake.params.test_city,
        **rival,
        "parameters": sum(tensor.size for tensor in expected.values()),
        "file_bytes": file.stat().st_size,
        "encode_seconds": encoding["seconds"],
        "decode_seconds": decoding["seconds"],
        "encode_memory_mb": encoding["peak_memory_mb"],
        "decode_memory_mb": decoding["peak_memory_mb"],
    }
    write_text(snakemake.output.measured, json.dumps(row, indent=1))
    print(f"{rival['label']}: {row['file_bytes']:,} bytes")
