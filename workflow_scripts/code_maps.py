"""Code the descriptors of a model and of its cells, and score the test city by each code.

Descriptors of a test set beyond the cities are without those of the training city: of these there
is another file."""

import json
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path

from pocketvlad.data.dataset import read_dataset
from pocketvlad.maps.city_descriptors import CityDescriptors
from pocketvlad.maps.coded_city import coded_scores
from pocketvlad.maps.map_code import code_named
from pocketvlad.scoring.recall_settings import RecallSettings
from pocketvlad.scoring.scored import headline
from pocketvlad.study.job import logged
from pocketvlad.util.seeds import derive_seed
from pocketvlad.util.settings import read_settings
from pocketvlad.util.whole_file import write_text

with logged(*snakemake.log):
    inputs, params, wildcards = snakemake.input, snakemake.params, snakemake.wildcards
    dataset, rows = read_dataset(Path(inputs.dataset)), []
    recall = params.recall and read_settings(RecallSettings, params.recall)
    for version, model, path, trained in zip_longest(
        params.versions, inputs.models, inputs.descriptors, inputs.training
    ):
        city = CityDescriptors.read(Path(path))
        if trained:
            city = replace(city, training=CityDescriptors.read(Path(trained)).training)
        for text in params.codes:
            row = {
                "model": wildcards.model,
                "version": version,
                "seed": int(wildcards.seed),
                "train_city": wildcards.city,
                "test_city": params.test_city,
                "test_dataset": dataset.identity(),
                "file_bytes": Path(model).stat().st_size,
                "computed_on": city.computed_on,
                **coded_scores(code_named(text), city, dataset, derive_seed(params.seed), recall),
            }
            rows.append(row)
            print(f"{version}, {text}: {row['place_bytes']} bytes, {headline(row)}")
    write_text(snakemake.output[0], json.dumps(rows, indent=1))
