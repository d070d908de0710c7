"""Hold a data set's ground truth against its images and write the index that all else reads."""

from pathlib import Path

from pocketvlad.data.csv_positions import read_csv_positions
from pocketvlad.data.dataset import (
    describe_absent,
    describe_counts,
    describe_outside,
    index_dataset,
    index_located,
    require_boxes_inside,
    write_dataset,
)
from pocketvlad.data.ground_truth_files import read_any_ground_truth
from pocketvlad.data.image_folder import below, originals
from pocketvlad.data.image_names import bare_name
from pocketvlad.data.image_sizes import image_sizes
from pocketvlad.data.positions import positions_of_files
from pocketvlad.data.sources import verify_declared
from pocketvlad.study.job import logged, note
from pocketvlad.util.progress import progress_over
from pocketvlad.util.unchanged import unchanged

with logged(*snakemake.log), unchanged(snakemake.input):
    params, counted = snakemake.params, dict(snakemake.params.counted)
    verify_declared(params.declared)
    lists = params.ground_truth and read_any_ground_truth(
        Path(params.ground_truth), params.protocol, params.query_prefix
    )
    left_out = {bare_name(name) for name in counted["leave_out"]}
    found = originals(Path(snakemake.input.images))
    files = {name: path for name, path in found.items() if name not in left_out}
    sizes, faults = image_sizes(files, progress_over("images", "image"), counted["upright"])
    for fault in faults.values():
        note(f"left out: {fault}")
    positions = None
    if params.located:
        tables = [read_csv_positions(Path(path)) for path in snakemake.input.positions]
        table = next(iter(tables), None)
        if table and table.note:
            note(table.note)
        partial = counted["partial"] or bool(left_out)
        positions = positions_of_files(files, table, f"data set {params.name}", partial=partial)
    counted |= {"leave_out": left_out, "faults": faults}
    if lists:
        dataset = index_dataset(
            params.name,
            sizes,
            lists,
            protocol=params.protocol,
            positions=positions,
            **counted,
        )
    else:
        asked = params.queries and below(found, Path(params.queries))
        dataset = index_located(params.name, sizes, asked, positions, **counted)
    require_boxes_inside(dataset)
    write_dataset(Path(snakemake.output[0]), dataset)
    print(f"{dataset.name}: {describe_counts(dataset.counts())}")
    note(describe_absent(dataset))
    note(describe_outside(dataset))
