"""Round a base model to each target: trials on the training city alone."""

import csv
import shutil
from dataclasses import asdict, replace
from pathlib import Path

from pocketvlad.compression.rd.budget import Target
from pocketvlad.compression.rd.job import job_base, job_calibration
from pocketvlad.compression.rd.trials import Trials
from pocketvlad.retrieval.evaluation import sizing_of
from pocketvlad.retrieval.self_retrieval import held_out, self_retrieval
from pocketvlad.study.job import logged
from pocketvlad.training.checkpoint import fingerprint
from pocketvlad.training.training_job import job_city

with logged(snakemake.log[0]):
    params = snakemake.params
    base = job_base(snakemake)
    city = job_city(snakemake, base.preprocessing)
    held = held_out(city.dataset.images)
    others = sorted(set(city.dataset.images) - set(held))
    source = city.crop_source
    source = replace(source, paths={name: source.paths[name] for name in others})
    calibration = job_calibration(snakemake, base, source)
    files = [Path(path) for path in (snakemake.input.model, snakemake.input.dataset)]
    trials = Trials(
        folder=Path(params.checkpoint),
        calibration=calibration,
        task=self_retrieval(
            city.pictures(held),
            city.pictures(others),
            base.network.least_side,
            calibration.seed,
        ),
        sizing=sizing_of(params.protocol),
        compute=params.compute,
        cell={},
        computation=fingerprint([calibration.identity(), params.protocol, params.compute], files),
    )
    for section, output in zip(params.targets, snakemake.output.models, strict=True):
        target = Target.of(section)
        found = trials.search(target, params.trials)
        partial = Path(f"{output}.part")
        shutil.copyfile(trials.file(found.distortion), partial)
        partial.replace(output)
    with open(snakemake.output.trials, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ["distortion", "bytes", "drop"])
        writer.writeheader()
        writer.writerows(map(asdict, trials.known()))
    shutil.rmtree(trials.folder)
