"""Round a base model by rate and distortion, and write it as one compressed file."""

from pathlib import Path

from pocketvlad.compression.grid import rounded_cell
from pocketvlad.compression.rd.calibration import write_rounded
from pocketvlad.compression.rd.job import job_base, job_calibration
from pocketvlad.study.job import logged
from pocketvlad.training.training_job import job_city

with logged(snakemake.log[0]):
    cell = rounded_cell(snakemake.wildcards.distortion)
    base = job_base(snakemake)
    city = job_city(snakemake, base.preprocessing)
    calibration = job_calibration(snakemake, base, city.crop_source)
    distortion = float(cell.threshold)
    write_rounded(Path(snakemake.output[0]), calibration, distortion, cell.as_dict())
