"""Settings of pruning, of quantizing and of the grid. Free of torch, for the config's check."""

from dataclasses import dataclass
from typing import Any

from pocketvlad.compression.quantizer_names import QUANTIZERS
from pocketvlad.data.settings import LARGEST_SIDE, CropSettings
from pocketvlad.util.seeds import LARGEST_SEED
from pocketvlad.util.settings import Value, default_of, setting

THRESHOLD_MODES = ("relative", "relative-row", "absolute")
CODEBOOKS = ("fixed", "trained")
MAX_BITS = 8  # codes are stored in bytes
DECIMAL = r"0\.[0-9]*[1-9]"
"""A decimal between 0 and 1 as a path has it: there is one way to write it."""

_THRESHOLD = Value(form="a quoted threshold of pruning.thresholds")

SEEDS = {
    "form": f"a list of whole numbers, from 0 to {LARGEST_SEED}, none of them twice",
    "shortest": 1,
    "distinct": True,
    "items": Value(minimum=0, maximum=LARGEST_SEED),
}
"""Rules of a list of seeds: of a study's, and of some of its sections."""


def seeds_setting(what: str) -> Any:
    """The field `seeds` of a section that may do with some of the study's trainings.

    Args:
        what: is made from the trainings, in words.
    """
    return setting(
        f"seeds of the trainings that {what} made from: some of the study's, its first among "
        "them; all of them unless told",
        None,
        **SEEDS,
    )


@dataclass(frozen=True, kw_only=True)
class PruningSettings:
    """How magnitude pruning proceeds."""

    threshold_mode: str = setting(
        "what a cutoff is relative to: the standard deviation of the layer's weights, that of each "
        "output's weights, or nothing",
        "relative",
        choices=THRESHOLD_MODES,
    )
    rounds: int = setting("how often the cutoff is raised on its way to the final one", minimum=1)
    epochs_per_round: int = setting("epochs of fine-tuning after each raise", minimum=0)
    learning_rate: float = setting("the learning rate of SGD", 0.01, above=0)


@dataclass(frozen=True, kw_only=True)
class PruningSection(PruningSettings):
    """The config's section `pruning`."""

    thresholds: dict[str, float] = setting(
        'the paper\'s thresholds, quoted ("0.001"), each with its relative cutoff',
        shortest=1,
        keys=Value(
            form="a decimal between 0 and 1 without needless zeros (0.001, not 1e-3 or 0.0010)",
            pattern=f"^{DECIMAL}$",
        ),
        items=Value(unit="standard deviations", above=0),
    )


@dataclass(frozen=True, kw_only=True)
class ReconstructionSettings:
    """How much data layers are refitted on after each round of pruning, and how long."""

    crops: int = setting("crops for the convolutions; 0: they are not refitted", minimum=0)
    patches: int = setting("places of the crops that each convolution is fitted on", minimum=1)
    iterations: int = setting("steps of conjugate gradients for a convolution", 30, minimum=1)
    projection_crops: int = setting(
        "crops for the projection, one equation each; 0: it is not refitted", minimum=0
    )
    projection_iterations: int = setting(
        "steps of conjugate gradients for the projection; few, for the equations are fewer than "
        "the weights",
        10,
        minimum=1,
    )


@dataclass(frozen=True, kw_only=True)
class RecoverySection:
    """What compressed networks are fine-tuned for: the config's section `recovery`."""

    objective: str = setting(
        "triplet: the paper's loss. distillation: the base model's descriptors of crops of the "
        "training city",
        "distillation",
        choices=("triplet", "distillation"),
    )
    tuples: int = setting("triplet: training tuples per epoch", 48, minimum=1)
    crops: int = setting(
        "distillation: crops per epoch", default_of(CropSettings, "crops"), minimum=1
    )
    crops_per_step: int = setting(
        "distillation: crops per gradient step", default_of(CropSettings, "batch"), minimum=1
    )
    image_size: int = setting(
        "distillation and reconstruction: the side of the square crops",
        unit="pixels",
        minimum=1,
        maximum=LARGEST_SIDE,
    )
    reconstruction: ReconstructionSettings = setting(
        "after each round of pruning, before the fine-tuning, every convolution and the projection "
        "are refitted to the outputs that they have in the base model"
    )


@dataclass(frozen=True, kw_only=True)
class CodebookSettings:
    """How trained codebooks learn."""

    epochs: int = setting("epochs of training", 1, minimum=1)
    learning_rate: float = setting("the learning rate of SGD", 0.0001, above=0)
    recluster_steps: int = setting(
        "weights are assigned to the nearest centre again after every so many steps of an epoch; "
        "0: never",
        0,
        minimum=0,
    )


@dataclass(frozen=True, kw_only=True)
class QuantizationSection:
    """The config's section `quantization`."""

    small_tensors: str = setting(
        "the precision of what is not quantized (biases)",
        "float16",
        choices=("float16", "float32"),
    )
    training: CodebookSettings = setting("how trained codebooks learn", CodebookSettings())


@dataclass(frozen=True, kw_only=True)
class GridBlock:
    """A block of the config's `grid`: every combination is a cell."""

    thresholds: tuple[str, ...] = setting("thresholds to prune at", shortest=1, items=_THRESHOLD)
    l1: tuple[str, ...] = setting(
        "values of the L1 penalty's lambda",
        ("0",),
        shortest=1,
        items=Value(
            form='"0" (no penalty), or a quoted decimal below 1 without needless zeros '
            '("0.00001", not "1e-5")',
            pattern=f"^(0|{DECIMAL})$",
        ),
    )
    quantizers: tuple[str, ...] = setting(
        "quantizers; those that end in -row have a scale per row",
        shortest=1,
        items=Value(choices=QUANTIZERS),
    )
    bits: tuple[int, ...] = setting(
        "bit widths", shortest=1, items=Value(minimum=1, maximum=MAX_BITS)
    )
    codebooks: tuple[str, ...] = setting(
        "codebooks as the quantizer made them, or trained after it",
        ("fixed",),
        shortest=1,
        items=Value(choices=CODEBOOKS),
    )
    seeds: tuple[int, ...] | None = seeds_setting("these cells are")
