"""Pretrain one backbone on rendered buildings and write its weights in half precision."""

from pathlib import Path

from pocketvlad.data.images import CENTRED
from pocketvlad.format.roles import Part
from pocketvlad.networks.declared import declared_part
from pocketvlad.networks.weights.buildings_file import write_backbone
from pocketvlad.study.job import logged
from pocketvlad.training.checkpoint import Checkpoint, fingerprint
from pocketvlad.training.pretraining import PretrainingSettings, labelled_pictures, pretrain
from pocketvlad.util.seeds import derive_seed


def main(
    pictures: Path, output: Path, checkpoint_file: Path, model: dict, settings: dict, seed: int
) -> None:
    backbone = declared_part(Part.BACKBONE, model["backbone"])
    labelled = labelled_pictures(pictures)
    # The number of epochs shapes the learning rate of all of them, so it is part of the identity.
    identity = fingerprint([backbone.as_dict(), settings, CENTRED.as_dict(), seed], labelled.paths)
    checkpoint = Checkpoint(checkpoint_file, identity)
    trained = pretrain(
        backbone, labelled, PretrainingSettings(**settings), CENTRED, seed, checkpoint
    )
    origin = {"pretraining": settings, "seed": seed}
    write_backbone(output, trained, backbone, CENTRED, origin)
    checkpoint.delete()


with logged(*snakemake.log):
    main(
        Path(snakemake.input.pictures),
        Path(snakemake.output[0]),
        Path(snakemake.params.checkpoint),
        snakemake.params.model,
        snakemake.params.settings,
        derive_seed(snakemake.params.seed),
    )
