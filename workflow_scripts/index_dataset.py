"""Hold a data set's ground truth against its images and write the index that all else reads."""

from pathlib import Path

from pocketvlad.dataset import describe_counts, index_dataset, write_dataset
from pocketvlad.ground_truth import read_ground_truth
from pocketvlad.image_sizes import image_sizes
from pocketvlad.job import logged
from pocketvlad.progress import progress_over

with logged(snakemake.log[0]):
    params = snakemake.params
    files = sorted(Path(snakemake.input.images).glob("*.jpg"))
    files = [path for path in files if path.stem not in params.leave_out]
    dataset = index_dataset(
        params.name,
        image_sizes(files, progress_over("images", "image")),
        read_ground_truth(Path(snakemake.input.ground_truth), params.query_prefix),
        expected_images=params.expected_images,
        expected_queries=params.expected_queries,
        leave_out=params.leave_out,
        partial=params.partial,
    )
    write_dataset(Path(snakemake.output[0]), dataset)
    print(f"{dataset.name}: {describe_counts(dataset.counts())}")
