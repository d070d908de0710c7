"""Draw the ordinary buildings that the narrow backbones are pretrained on."""

from pathlib import Path

from embedded_cities.buildings import BuildingsSpec, write_buildings
from pocketvlad.study.job import logged
from pocketvlad.util.progress import progress_over
from pocketvlad.util.whole_folder import replacing_folder

with logged(*snakemake.log), replacing_folder(Path(snakemake.output[0]).absolute()) as folder:
    write_buildings(
        BuildingsSpec(**snakemake.params.spec),
        folder,
        progress_over("buildings", "building"),
    )
