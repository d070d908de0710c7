"""Link the images of a folder of one's own to where the study looks for them."""

from pathlib import Path

from pocketvlad.data.image_folder import link_images
from pocketvlad.study.job import logged, note
from pocketvlad.util.counted import counted

with logged(*snakemake.log):
    found = link_images(Path(snakemake.params.folder), Path(snakemake.output[0]))
    for line in found.passed_over:
        note(line)
    print(f"{counted(len(found.images), 'image')} of {snakemake.params.folder}")
