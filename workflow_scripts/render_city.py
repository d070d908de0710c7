"""Draw an embedded city and pack it like the official archives."""

from pathlib import Path

from embedded_cities.city import CitySpec, write_city
from pocketvlad.study.job import logged
from pocketvlad.util.progress import progress_over

with logged(*snakemake.log):
    write_city(
        CitySpec(**snakemake.params.spec),
        Path(snakemake.output.images),
        Path(snakemake.output.ground_truth),
        progress_over("pictures", "picture"),
        Path(snakemake.output.positions),
    )
