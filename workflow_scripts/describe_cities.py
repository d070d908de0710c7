"""Describe the images of both cities, and the queries of the test city, by one model file.

Of a test set beyond the cities: without those of the training city."""

from pathlib import Path

from pocketvlad.data.dataset import read_dataset
from pocketvlad.maps.city_descriptors import CityDescriptors
from pocketvlad.networks.model import read_model
from pocketvlad.networks.network import kept_length
from pocketvlad.portable.backend import describing
from pocketvlad.retrieval.backend_choice import with_choice
from pocketvlad.retrieval.evaluation import city_rows
from pocketvlad.study.job import logged
from pocketvlad.util.allocator import keep_freed_memory

with logged(*snakemake.log):
    keep_freed_memory()
    inputs, params = snakemake.input, snakemake.params
    model = read_model(Path(inputs.model))
    by = describing(model.network, **with_choice(params.compute, inputs.backend))

    # All other components are zero: no map has to keep them.
    length = kept_length(model.network)

    def described(dataset, images, asked):
        found = city_rows(
            by.function,
            dataset,
            Path(images),
            params.protocol,
            model.preprocessing,
            params.batch_size,
            model.network.min_side,
            asked,
        )
        return [rows[:, :length] for rows in found]

    tested = read_dataset(Path(inputs.dataset))
    database, queries = described(tested, inputs.images, asked=tested.listed)
    training = database[:0]
    if inputs.training_dataset:
        trained_on = read_dataset(Path(inputs.training_dataset))
        training, _ = described(trained_on, inputs.training_images, asked=False)
    made = CityDescriptors(training, database, queries, by.computed_on)
    made.write(Path(snakemake.output[0]))
    print(f"{len(training)} + {len(database)} + {len(queries)} descriptors")
