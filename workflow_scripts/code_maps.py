"""Code the descriptors of a model and of its cells, and score the test city by each code."""

from pocketvlad.study.forked import hand_over

hand_over()

import json
from pathlib import Path

from pocketvlad.data.dataset import read_dataset
from pocketvlad.maps.city_descriptors import CityDescriptors
from pocketvlad.maps.coded_city import coded_scores
from pocketvlad.maps.map_code import code_named
from pocketvlad.study.job import logged
from pocketvlad.util.seeds import derive_seed

with logged(*snakemake.log):
    inputs, params, wildcards = snakemake.input, snakemake.params, snakemake.wildcards
    dataset, rows = read_dataset(Path(inputs.dataset)), []
    for version, model, path in zip(
        params.versions, inputs.models, inputs.descriptors, strict=True
    ):
        city = CityDescriptors.read(Path(path))
        for text in params.codes:
            row = {
                "model": wildcards.model,
                "version": version,
                "seed": int(wildcards.seed),
                "train_city": wildcards.city,
                "test_city": params.test_city,
                "file_bytes": Path(model).stat().st_size,
                **coded_scores(code_named(text), city, dataset, derive_seed(params.seed)),
            }
            rows.append(row)
            print(f"{version}, {text}: {row['place_bytes']} bytes, mAP {100 * row['map']:.2f} %")
    Path(snakemake.output[0]).write_text(json.dumps(rows, indent=1), encoding="utf-8")
