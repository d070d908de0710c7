"""Write what the report says of the study's city, or how to make one."""

from pathlib import Path

from pocketvlad.report.city_note import city_note
from pocketvlad.study.job import logged
from pocketvlad.util.whole_file import write_text

with logged(*snakemake.log):
    note = Path(snakemake.output[0])
    write_text(note, city_note(note.parent))
