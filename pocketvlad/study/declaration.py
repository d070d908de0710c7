"""The whole of a study's config: which sections it has, and the dataclass that declares each."""

from dataclasses import dataclass

from pocketvlad.baselines.rivals.settings import RivalsSection
from pocketvlad.compression.rd.settings import DISTORTION, RateDistortionSection
from pocketvlad.compression.settings import (
    SEEDS,
    GridBlock,
    PruningSection,
    QuantizationSection,
    RecoverySection,
)
from pocketvlad.data.sections import DatasetSection, SourceSection
from pocketvlad.maps.map_settings import CODE, MapSection
from pocketvlad.networks.settings import ComputeSettings, ModelSection
from pocketvlad.retrieval.protocol import Protocol
from pocketvlad.scoring.recall_settings import RecallSettings
from pocketvlad.training.settings import (
    InitialisationSettings,
    PretrainingSection,
    TrainingSettings,
    ValidationSettings,
)
from pocketvlad.util.settings import Value, setting

_NAME = Value(form="lower-case letters and digits", pattern="^[a-z0-9]+$")
_STUDY = {
    "form": "lower-case letters, digits, - and _, a letter or a digit first",
    "pattern": "^[a-z0-9][a-z0-9_-]*$",
}


@dataclass(frozen=True, kw_only=True)
class FiguresSection:
    """What the figures show."""

    layers: tuple[str, ...] | None = setting(
        "layers whose weights are shown as histograms; the first and the last convolution and the "
        "projection unless told, and of a model that has none of these layers",
        None,
        shortest=1,
        items=Value(form="the beginning of a module's path, such as pooling or backbone.conv5"),
    )
    studies: tuple[str, ...] | None = setting(
        "other studies on the same cities, for the figure `studies`, which shows this study's "
        "models and theirs; those that have not run are left out",
        None,
        shortest=1,
        distinct=True,
        items=Value(**_STUDY),
    )


_BLOCK = Value(
    "a block: {thresholds: [...], l1: [...], quantizers: [...], bits: [...], codebooks: [...], "
    "seeds: [...]}"
)


@dataclass(frozen=True, kw_only=True)
class StudyModel(ModelSection):
    """A model, and what the study does with it in another way than with the others."""

    epochs: int | None = setting(
        "epochs of its training in place of training.epochs; 0 keeps the initial network",
        None,
        minimum=0,
    )
    grid: tuple[GridBlock, ...] | None = setting(
        "its cells in place of those of the study's grid, as blocks", None, shortest=1, items=_BLOCK
    )
    distortions: tuple[str, ...] | None = setting(
        "its distortions in place of rd.distortions", None, shortest=1, items=DISTORTION
    )
    codes: tuple[str, ...] | None = setting(
        "its map codes in place of map.codes; [] for no map", None, distinct=True, items=CODE
    )
    packed: bool | None = setting(
        "whether `snakemake city` may pack it (docs/city.md); where no model says true, all may "
        "be packed. Of several, the one with the smallest file at no drop is packed",
        None,
    )


@dataclass(frozen=True, kw_only=True)
class Study:
    """A study's config."""

    study: str = setting(
        "the study's name; everything it writes lies under `results/<study>`", **_STUDY
    )
    seeds: tuple[int, ...] = setting(
        "every base model is trained once with each, and compressed after each; the same seeds "
        "give the same table on the same machine; what is made once is made with the first",
        **SEEDS,
    )
    data_folder: str | None = setting(
        "where files of `sources` are looked for before they are downloaded, and that relative "
        "paths start from; `data` unless told; the environment variable POCKETVLAD_DATA goes "
        "before it",
        None,
        form="the path of a folder",
    )
    cities: dict[str, str] = setting(
        "two roles, each with the name of a data set; the roles name the table's columns",
        shortest=2,
        longest=2,
        keys=_NAME,
        items=Value(form="a data set's name"),
    )
    test_sets: dict[str, str] | None = setting(
        "test sets beyond the two cities: roles, each with the name of a data set of any protocol. "
        "Models of both cities are tested there, and nothing is trained there; the roles name "
        "further columns of the table; see docs/own-city.md",
        None,
        keys=_NAME,
        items=Value(form="a data set's name"),
    )
    sources: dict[str, SourceSection] = setting(
        "files from elsewhere by their names; pocketvlad/data/official/sources.yaml has those of "
        "the official data sets",
        keys=Value(
            form="a file name of letters, digits, dots, - and _ that begins with none of the last "
            "three",
            pattern="^[A-Za-z0-9][A-Za-z0-9._-]*$",
        ),
        items=Value(
            'a file from elsewhere: {urls: [...], checksum: "sha256:...", size: 8174, licence: ...}'
        ),
    )
    datasets: dict[str, DatasetSection] = setting(
        "data sets by name; pocketvlad/data/official/datasets.yaml has the official ones",
        items=Value(
            "one of images (archives), folder (your own images, where they lie) and render (drawn "
            "by the workflow), and what goes with it; see docs/data.md"
        ),
    )
    models: dict[str, StudyModel] = setting(
        "models by name; each is trained on either city", shortest=1, keys=_NAME
    )
    protocol: Protocol = setting("how images are resized and queries cropped")
    recall: RecallSettings = setting(
        "what counts as found in cities whose images have positions", RecallSettings()
    )
    initialise: InitialisationSettings = setting(
        "what the cluster centres and the PCA whitening are learnt from"
    )
    training: TrainingSettings = setting("fine-tuning of the base model")
    validation: ValidationSettings = setting(
        "the landmarks of the training city that pick the epoch"
    )
    pruning: PruningSection = setting("iterative magnitude pruning")
    recovery: RecoverySection = setting(
        "what compressed networks are fine-tuned for, between rounds of pruning and in the "
        "training of codebooks"
    )
    quantization: QuantizationSection = setting(
        "how the surviving weights are quantized and stored", QuantizationSection()
    )
    grid: tuple[GridBlock, ...] = setting(
        "the cells to run, as blocks; every combination in a block is a cell; [] where `rd` makes "
        "all models",
        (),
        items=_BLOCK,
    )
    figures: FiguresSection | None = setting("what the figures show", None)
    rivals: RivalsSection | None = setting(
        "other coders on the same models, for `snakemake rivals`. float16 and "
        "int8 per channel are always among them; see docs/rivals.md",
        None,
    )
    rd: RateDistortionSection | None = setting(
        "the recipe `rd`, which rounds by rate and distortion: distortions, targets, or both; "
        "without this section it makes no models; see docs/compression.md",
        None,
    )
    map: MapSection | None = setting(
        "codes of the descriptors that a map keeps, and what model and map weigh together; without "
        "this section no map is made; see docs/map.md",
        None,
    )
    pretraining: PretrainingSection | None = setting(
        "how the embedded weights of the narrow backbones are made; needed by `snakemake pretrain` "
        "alone",
        None,
    )
    compute: ComputeSettings = setting("what networks run on", ComputeSettings())
