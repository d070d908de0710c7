"""Choose a base model's settings on its own training city, and record the choice."""

from pathlib import Path

from pocketvlad.compression.rd.choices import write_choices
from pocketvlad.compression.rd.length_choice import (
    length_choice,
    length_curve,
    shortest_within,
    write_queries,
)
from pocketvlad.compression.rd.training_task import study_task
from pocketvlad.networks.device import run_on
from pocketvlad.networks.model import read_model
from pocketvlad.retrieval.evaluation import sizing_of
from pocketvlad.study.job import logged
from pocketvlad.study.training_city import training_city
from pocketvlad.util.allocator import keep_freed_memory
from pocketvlad.util.seeds import derive_seed

with logged(*snakemake.log):
    keep_freed_memory()
    params, output = snakemake.params, snakemake.output
    base = read_model(Path(snakemake.input.model))
    run_on(base.network, **params.compute)
    city = training_city(snakemake, base.preprocessing)
    task = study_task(city, base.network.min_side, derive_seed(params.seed))
    curve = length_curve(base, task, sizing_of(params.protocol), params.lengths)
    chosen = shortest_within(curve, params.drop)
    record = length_choice(curve, chosen, params.drop, city.dataset.name, task)
    write_queries(output.queries, curve, task)
    write_choices(Path(output.settings), record)
    for each in curve:
        print(f"{each.length} components: mAP {each.map:.2f}, loss {each.loss:.2f} points")
    print(f"rd.length {chosen}: {record['rule']}")
