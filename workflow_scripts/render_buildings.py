"""Draw the ordinary buildings that the narrow backbones are pretrained on."""

from pocketvlad.study.forked import hand_over

hand_over()

from pathlib import Path

from embedded_cities.buildings import BuildingsSpec, write_buildings
from pocketvlad.study.job import logged
from pocketvlad.util.progress import progress_over

with logged(*snakemake.log):
    write_buildings(
        BuildingsSpec(**snakemake.params.spec),
        Path(snakemake.output[0]),
        progress_over("buildings", "building"),
    )
