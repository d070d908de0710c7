"""Settings of the quantizer `rd`. Free of torch, for the check of the config."""

from dataclasses import asdict, dataclass
from typing import ClassVar

from pocketvlad.compression.settings import DECIMAL, MAX_BITS, seeds_setting
from pocketvlad.data.settings import LARGEST_SIDE
from pocketvlad.util.settings import Value, setting

PATCHES_A_CROP = 125
"""Places of a crop that a convolution is rounded on: enough on photographs of 224 pixels."""
_CROPS = 256
CROP_KEYS = ("crops", "crops_per_step")
"""Of the section `recovery`: on how many crops distances are measured, and how many are computed at
a time. The side of crops is the section `rd`'s own."""
CHOOSE = "choose"
"""In place of a length: the workflow chooses one for each model."""
DISTORTION = Value(
    form='a quoted decimal below 1 without needless zeros ("0.1")', pattern=f"^{DECIMAL}$"
)
"""As paths have it."""


@dataclass(frozen=True, kw_only=True)
class TuningSettings:
    """How rounded weights are tuned straight through, on crops that are cut anew for every step."""

    steps: int = setting(
        "steps of Adam: a thousand, with a GPU, saved 1.5 to 3.3 % of VGG16's bytes at equal "
        "distance, the projection rounded anew; a hundred of 8 crops, what a CPU has time for, "
        "saved nothing of EfficientNet-Lite0's",
        1000,
        minimum=1,
    )
    crops_per_step: int = setting(
        "crops per step; they are computed recovery.crops_per_step at a time, or fewer, so that "
        "memory does not grow with them",
        32,
        minimum=1,
    )
    learning_rate: float = setting(
        "the learning rate of Adam, in steps of the weights, which falls to 0 along a cosine; more "
        "where there are fewer steps, since a weight must move half a step before it changes",
        0.01,
        above=0,
    )


@dataclass(frozen=True, kw_only=True)
class RoundingSettings:
    """How layers are rounded, whatever the distortion."""

    crops: int = setting("crops that convolutions are rounded on", _CROPS, minimum=1)
    patches: int = setting(
        "places of the crops that each convolution is rounded on",
        PATCHES_A_CROP * _CROPS,
        minimum=1,
    )
    damping: float = setting(
        "added to the second moments of a convolution's inputs, in shares of their mean",
        0.01,
        above=0,
    )
    projection_crops: int = setting(
        "crops that the projection is rounded on, those of the convolutions among them, and so at "
        "least as many",
        600,
        minimum=1,
    )
    ridge: float = setting(
        "added to the second moments of the projection's inputs, in shares of their mean; more "
        "where crops are fewer",
        1.0,
        above=0,
    )
    pooled: float = setting(
        "the share of the ridge that is the moments of the residuals pooled over all clusters; the "
        "rest is the same in all directions",
        0.7,
        minimum=0,
        below=1,
    )
    cluster_bits: int = setting(
        "bits a weight of the pooling's clusters (NetVLAD's assignment and centres), before they "
        "are coded; rotated clusters get so many more that their steps are as fine",
        6,
        minimum=1,
        maximum=MAX_BITS,
    )
    multiplier: float = setting(
        "the Lagrangian multiplier of coordinate descent: what a bit is worth, in errors that "
        "rounding one weight may cause; 1.4 is the multiplier at fine steps, 0 ignores bits; the "
        "projection's steps follow from it, by 1.4 at least",
        4.0,
        minimum=0,
    )
    sweeps: int = setting("sweeps of coordinate descent over a layer", 5, minimum=0)
    trellis: bool = setting(
        "whether convolutions of 32 weights an output or more are coded on a trellis, which takes "
        "fewer bytes; older programs do not read such files; not together with `tuning`",
        False,
    )
    length: int | None = setting(
        "components of the descriptor that are kept: the first ones, of the largest variance; all "
        "unless told",
        None,
        minimum=2,
    )
    tuning: TuningSettings | None = setting(
        "convolutions, once rounded, are tuned straight through towards the base model's "
        "descriptors; {} for the defaults. Not done unless told: minutes of a GPU, hours of a CPU; "
        "see docs/compression.md",
        None,
    )

    @property
    def seen_by_projection(self) -> int:
        """The number of crops that the projection is rounded on."""
        return max(self.projection_crops, self.crops)

    def as_dict(self) -> dict[str, object]:
        """What is done. `tuning` and `trellis` only where there is one: files from before there
        was any say the same."""
        found = asdict(self) | {"projection_crops": self.seen_by_projection}
        for name in ("tuning", "trellis"):
            if not found[name]:
                del found[name]
        return found


@dataclass(frozen=True, kw_only=True)
class LengthChoiceSettings:
    """How the length is chosen for each model, on the city that it was trained on."""

    lengths: tuple[int, ...] | None = setting(
        "with `length: choose`, the lengths that are tried beside the whole descriptor; each "
        "eighth of it unless told",
        None,
        shortest=1,
        distinct=True,
        items=Value(minimum=2),
    )
    length_drop: float = setting(
        "with `length: choose`, percentage points that queries of self-retrieval on the training "
        "city may lose on their mean, gains not set against it; the shortest length within it is "
        "chosen",
        0.5,
        minimum=0,
    )


@dataclass(frozen=True, kw_only=True)
class SearchSettings:
    """How long the search for a target goes on."""

    trials: int = setting("models that the search for one target may try", 6, minimum=1)


@dataclass(frozen=True, kw_only=True)
class TargetSection:
    """The largest drop, or the largest size, that a model may have."""

    RULES: ClassVar = {"minProperties": 1, "maxProperties": 1}

    drop: float | None = setting(
        "percentage points that queries of self-retrieval on the training city lose on their "
        "mean, gains not set against it",
        None,
        above=0,
    )
    megabytes: float | None = setting("the size of the file, in 10^6 bytes", None, above=0)


@dataclass(frozen=True, kw_only=True)
class RateDistortionSection(LengthChoiceSettings, RoundingSettings, SearchSettings):
    """The config's section `rd`."""

    RULES: ClassVar = {"anyOf": [{"required": ["distortions"]}, {"required": ["targets"]}]}

    distortions: tuple[str, ...] | None = setting(
        "squared distances between the descriptors of the base model and of the rounded one that "
        "rounding is predicted to cause, in the components that are kept; 0 is no change, 2 is the "
        "distance of unrelated descriptors",
        None,
        shortest=1,
        items=DISTORTION,
    )
    targets: tuple[TargetSection, ...] | None = setting(
        "the largest drop or size of models, for `snakemake budgets`",
        None,
        shortest=1,
        distinct=True,
        items=Value("{drop: 0.5} or {megabytes: 4}, one key with a number above 0"),
    )
    seeds: tuple[int, ...] | None = seeds_setting("models of these distortions are")
    first_seed: tuple[str, ...] = setting(
        "the distortions of which models are made from the study's first training alone",
        (),
        distinct=True,
        items=DISTORTION,
    )
    length: int | str | None = setting(
        "components of the descriptor that are kept: the first ones, of the largest variance; all "
        "unless told; with `choose`, the workflow chooses for each model",
        None,
        form=f"a whole number, 2 or more, or {CHOOSE}",
        minimum=2,
        pattern=f"^{CHOOSE}$",
    )
    image_size: int = setting(
        "the side of the square crops; near that of the protocol's images",
        unit="pixels",
        minimum=1,
        maximum=LARGEST_SIDE,
    )
