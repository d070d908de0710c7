"""What a job asks a cluster for: memory and time, from the study's config.

The requests cover what jobs of the studies `mini`, `subset` and `phone` have taken, which
tests/expected/measured_jobs.csv lists; `docs/cluster.md` says what they rest on. A job that
asked for too little is killed by the cluster and tried again with more. Free of torch: Snakemake
reads this at start.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import ceil

from pocketvlad.data.image_files import find_images
from pocketvlad.data.sections import STYLES
from pocketvlad.networks.architecture import Architecture
from pocketvlad.study.config import training_of
from pocketvlad.study.files import StudyFiles
from pocketvlad.training.declared import LOSSES

MEMORY_MARGIN, TIME_MARGIN = 1.2, 2.0
"""By which a request exceeds the formulas: other machines, other versions of libraries."""
LEAST_MINUTES = 10
_START, _COVERED = 1.0, 8.0
_ROUND = 100  # megabytes
# Megabytes of a process that has imported what a job imports, before it has done anything.
_PLAIN, _TABLES, _TORCH = 250, 700, 800
# What it has for itself, beside the libraries' files that processes share, while it waits.
_WAITING = 300
# What the libraries of a GPU take beside it: an estimate, not measured.
_CUDA = 4000
# Seconds until a job that runs a network begins, on a slow disk; those that three processes of
# `measure_speed` take to begin, and those of a table or figure.
_STARTED, _TIMED, _DRAWN = 60.0, 30.0, 15.0
_FLOAT = 4 / 1e6  # megabytes of a float32
# Seconds of a core for a megapixel, per number of a backbone's map; the slowest has been VGG16.
_SECONDS = 0.12
# Seconds of a core that a step of tuning takes for a million weights, beside its crops.
_TUNED = 0.1
# Photographs that are described at a time where they are learnt from, whatever the config says.
_LEARNT_AT_ONCE = 16
# Crops whose maps are kept at a time while layers are fitted.
_KEPT_CROPS = 64


@dataclass(frozen=True)
class Need:
    """What the formulas say that a job takes: megabytes of memory, seconds of time.

    work: of the time, what grows with the study.  allowance: what is asked for beside it.
    """

    memory: float
    work: float = 0.0
    allowance: float = 0.0

    @property
    def seconds(self) -> float:
        return self.work + self.allowance

    @property
    def usual(self) -> float:
        """Seconds that a job takes rather than at most: a guess, to compare jobs with each other.
        The formulas cover the longest jobs; of most they are two to eight times the time."""
        return _START + self.work / _COVERED

    def asked(self, attempt: int) -> tuple[int, int]:
        """(megabytes, minutes) to ask for; at the second attempt twice as much as at the first."""
        megabytes = ceil(self.memory * MEMORY_MARGIN / _ROUND) * _ROUND
        minutes = max(LEAST_MINUTES, ceil(self.seconds * TIME_MARGIN / 60))
        return megabytes * attempt, minutes * attempt


@dataclass(frozen=True)
class Model:
    """A model of a study, as far as its size is concerned.

    declared: its section of the config.
    """

    declared: Mapping

    @cached_property
    def _parts(self) -> Architecture:
        return Architecture.of(self.declared)

    @property
    def pooled(self) -> int:
        """Numbers of a pooled vector."""
        return self._parts.pooled

    @property
    def length(self) -> int:
        """Numbers of a descriptor."""
        return self._parts.length

    @cached_property
    def million_weights(self) -> float:
        backbone = self._parts.backbone
        own = backbone.million_weights * backbone.relative_width**2
        return own + self._parts.projection.weights(self.pooled) / 1e6

    @property
    def megabytes(self) -> float:
        """Its weights in float32."""
        return 4 * self.million_weights

    @property
    def map_numbers(self) -> float:
        """Numbers of its largest map, for each pixel."""
        return self._parts.backbone.map_numbers * self._parts.backbone.relative_width

    def maps(self, side: int, images: int) -> float:
        """Megabytes of the largest maps of square images."""
        return self.map_numbers * side**2 * images * _FLOAT

    def patches(self, count: int) -> float:
        """Megabytes of what a convolution of 3 pixels sees at so many places."""
        return 9 * self._parts.backbone.channels * count * _FLOAT

    def describing(self, side: int, images: int) -> float:
        """Seconds that one core takes to describe square images."""
        return _SECONDS * self.map_numbers * side**2 / 1e6 * images


@dataclass(frozen=True)
class Job:
    """What a request may depend on.

    config: a checked one with all defaults.  model: the name of the model that the job is about,
    None for one about all.  roles: of the data sets whose images it reads.
    """

    config: Mapping
    files: StudyFiles
    model: str | None
    roles: tuple[str, ...]

    @cached_property
    def network(self) -> Model:
        """The largest one for a job about all."""
        models = self.config["models"]
        named = [self.model] if self.model in models else models
        return max((Model(models[name]) for name in named), key=lambda each: each.megabytes)

    @cached_property
    def photographs(self) -> int:
        """Of all its data sets."""
        return sum(map(self._photographs, self.roles))

    def _photographs(self, role: str) -> int:
        declared = self.files.dataset(role)
        if "expected_images" in declared:
            # How large a part is, nobody knows before it is unpacked.
            return declared["expected_images"] // (4 if declared.get("partial") else 1)
        return len(find_images(self.files.images(role)))

    @property
    def gpu(self) -> bool:
        return self.config["compute"]["device"] != "cpu"

    @property
    def speed(self) -> int:
        """Of describing, in cores. A GPU counts as five times the cores that it has beside it: a
        fourth of what was measured of a large one."""
        return self.config["compute"]["threads"] * (5 if self.gpu else 1)

    @property
    def started(self) -> float:
        """Megabytes of a process that has imported torch, and with a GPU its libraries."""
        return _TORCH + (_CUDA if self.gpu else 0)

    def maps(self, side: int, images: int) -> float:
        """Megabytes of the largest maps of square images; none with a GPU, which has them."""
        return 0.0 if self.gpu else self.network.maps(side, images)

    @property
    def batch(self) -> int:
        return self.config["compute"]["batch_size"]

    @property
    def side(self) -> int:
        """Of photographs as they are described, at a scale of 1."""
        return self.config["protocol"]["image_size"]

    @property
    def scales(self) -> list[float]:
        """At which photographs are described that are scored."""
        return self.config["protocol"]["scales"]


def _reads_archives(job: Job) -> Need:
    return Need(_TABLES, 0.1 * job.photographs)


def _counts_colours(job: Job) -> Need:
    """Photographs are read anew at each scale."""
    return Need(_TABLES, 0.1 * job.photographs * len(job.scales))


def _downloads(job: Job) -> Need:
    return Need(_PLAIN, allowance=6 * 3600)


def _draws_cities(job: Job) -> Need:
    return Need(_PLAIN, 0.5 * job.photographs)


def _draws_buildings(job: Job) -> Need:
    drawn = job.config["pretraining"]["buildings"]
    return Need(_PLAIN, 0.1 * len(STYLES) * drawn["buildings"] * drawn["views"])


def _describing_at_once(job: Job, batch: int, largest: float = 1) -> float:
    """Megabytes of a job while it describes so many photographs, beside their descriptors."""
    seen = 8 * largest * job.maps(job.side, batch)
    return job.started + 3 * job.network.megabytes + seen


def _described(job: Job, times: float = 1, largest: float = 1, batch: int | None = None) -> Need:
    """Photographs described, and half as many queries.

    Args:
        times: what that takes, in photographs of the protocol's size.
        largest: what the largest of these shows, likewise.
        batch: of them at a time; None: as many as the config says.
    """
    network = job.network
    memory = _describing_at_once(job, batch or job.batch, largest)
    memory += 2 * job.photographs * network.length * _FLOAT
    seconds = 1.5 * times * network.describing(job.side, job.photographs) / job.speed
    return Need(memory, seconds, _STARTED)


def _scored(job: Job) -> Need:
    """The same at each scale of the protocol."""
    sizes = [scale**2 for scale in job.scales]
    return _described(job, sum(sizes), max(sizes))


def _learning(job: Job, times: float = 1) -> Need:
    """Photographs described by a job that learns from them."""
    return _described(job, times, batch=_LEARNT_AT_ONCE)


def _initialises(job: Job) -> Need:
    network, settings = job.network, job.config["initialise"]
    samples = settings["projection_samples"]
    images = settings["cluster_images"] + samples
    memory = _learning(job).memory + 4 * samples * network.pooled * _FLOAT
    return Need(memory, network.describing(job.side, images) / job.speed, _STARTED)


def _stepping(job: Job, side: int, shown: int) -> float:
    """Megabytes of a job whose gradient steps are shown so many square images."""
    return job.started + 6 * job.network.megabytes + 16 * job.maps(side, shown)


def _validated(job: Job, epochs: int) -> int:
    """Photographs of the protocol's size that all validations of so many epochs describe."""
    validation = job.config["validation"]
    return (epochs + 1) * (validation["images"] + validation["queries"])


def _trains(job: Job) -> Need:
    network, settings = job.network, training_of(job.config, job.model)
    loss = LOSSES.of(settings["loss"])
    shown, side, epochs = loss.shown(settings), settings["image_size"], settings["epochs"]
    # The teachers, if there are some, describe photographs whether or not there is an epoch.
    others = [Model(job.config["models"][name]) for name in loss.asks if name != job.model]
    held = sum(3 * each.megabytes for each in others)
    taught = min(shown.taught, job.photographs)
    seconds = memory = 0.0
    for teacher in [network, *others] if taught else []:
        seconds += teacher.describing(job.side, taught * shown.looks)
        held += 2 * taught * teacher.length * _FLOAT
        seen = 0.0 if job.gpu else 8 * teacher.maps(job.side, shown.at_once)
        memory = max(memory, job.started + 3 * network.megabytes + seen)
    if epochs:
        # Forwards and backwards; what is mined, and the validation, before the first epoch, too.
        seconds += network.describing(side, 3 * epochs * shown.epoch)
        seconds += network.describing(job.side, epochs * shown.mined + _validated(job, epochs))
        seen = _describing_at_once(job, _LEARNT_AT_ONCE)
        memory = max(memory, seen, _stepping(job, side, shown.step))
    memory = max(memory, job.started + 3 * network.megabytes)
    return Need(memory + held, seconds / job.speed, _STARTED)


def _fitting(job: Job, side: int, crops: int, patches: int, projection: int) -> float:
    """Megabytes of a job that fits layers on crops."""
    network = job.network
    return (
        job.started
        + 6 * network.megabytes
        + 4 * job.maps(side, min(crops, _KEPT_CROPS))
        + job.maps(side, crops) / 8  # of all crops the images, or later maps that are smaller
        + 2 * network.patches(patches)
        + 2 * projection * network.pooled * _FLOAT
    )


def _recovers(job: Job) -> Need:
    """Pruning, or the training of codebooks: layers fitted, networks trained, by turns."""
    network, config = job.network, job.config
    recovery, pruning = config["recovery"], config["pruning"]
    fitted, side = recovery["reconstruction"], recovery["image_size"]
    memory = _fitting(job, side, fitted["crops"], fitted["patches"], fitted["projection_crops"])
    epochs = max(pruning["epochs_per_round"], config["quantization"]["training"]["epochs"])
    round_ = network.describing(side, 2 * fitted["crops"] + fitted["projection_crops"])
    round_ += _least_squares(network, fitted["patches"])
    if recovery["objective"] == "triplet":
        training = training_of(config, job.model) | {"tuples": recovery["tuples"]}
        shown = LOSSES.of({"type": "triplet"}).shown(training)
        stepping = _stepping(job, training["image_size"], shown.step)
        memory = max(memory, stepping, _describing_at_once(job, _LEARNT_AT_ONCE))
        round_ += network.describing(training["image_size"], 3 * epochs * shown.epoch)
        round_ += network.describing(job.side, epochs * shown.mined + _validated(job, epochs))
    else:
        memory = max(memory, _stepping(job, side, recovery["crops_per_step"]))
        round_ += network.describing(side, 6 * recovery["crops"] * epochs)
    return Need(memory, pruning["rounds"] * round_ / job.speed, _STARTED)


def _least_squares(network: Model, patches: int) -> float:
    """Seconds of a core that fits all weights to so many patches."""
    return 3e-4 * patches * network.million_weights


def _fits(job: Job) -> Need:
    """Layers rounded on crops; rivals that are fitted do the same."""
    network, settings = job.network, job.config["rd"]
    side, crops = settings["image_size"], settings["crops"]
    memory = _fitting(job, side, crops, settings["patches"], settings["projection_crops"])
    passes = 24 * crops + settings["projection_crops"]
    seconds = network.describing(side, passes) + 3 * _least_squares(network, settings["patches"])
    return Need(memory, seconds / job.speed, _STARTED)


def _rounds(job: Job) -> Need:
    settings = job.config["rd"]
    return _tuned(job, settings["tuning"]) if "tuning" in settings else _fits(job)


def _tuned(job: Job, tuning: Mapping) -> Need:
    """Rounded, and tuned after that: twice the networks of a training are there, since the best of
    several is kept. The projection is rounded anew."""
    network, settings, rounded = job.network, job.config["rd"], _fits(job)
    side, steps = settings["image_size"], tuning["steps"]
    at_once = min(job.config["recovery"]["crops_per_step"], tuning["crops_per_step"])
    memory = _stepping(job, side, at_once) + 6 * network.megabytes
    # The base model's look at each crop, and the tuned one's, forwards and backwards.
    passes = 4 * steps * tuning["crops_per_step"]
    passes += 2 * (settings["crops"] + settings["projection_crops"])
    seconds = network.describing(side, passes) + _TUNED * steps * network.million_weights
    work = rounded.work + seconds / job.speed
    return Need(max(memory, rounded.memory), work, rounded.allowance)


def _searches(job: Job) -> Need:
    settings = job.config["rd"]
    times = settings["trials"] * len(settings.get("targets", []))
    one, scored = _rounds(job), _learning(job, times)
    memory = one.memory + scored.memory - job.started
    return Need(memory, times * one.work + scored.work, one.allowance + scored.allowance)


def _chooses(job: Job) -> Need:
    settings = job.config["rd"]
    known = _learning(job, 2)
    memory = known.memory + 2 * settings["projection_crops"] * job.network.pooled * _FLOAT
    return Need(memory, known.work, known.allowance)


def _codes_weights(job: Job) -> Need:
    """Quantizers and our coder: numba, without torch's buffers."""
    return Need(_PLAIN + 4 * job.network.megabytes, job.network.million_weights, _STARTED)


def _rivals(job: Job) -> Need:
    """Any of them; those that are fitted to crops take what rounding takes, and the decoded model.
    None of them tunes."""
    fitted = _fits(job) if "rd" in job.config else _described(job)
    memory = fitted.memory + job.network.megabytes
    return Need(memory, fitted.work, 1200 + fitted.allowance)


def _codes_maps(job: Job) -> Need:
    rows = 8 * job.photographs * job.network.length * _FLOAT
    return Need(_PLAIN + rows, allowance=300)


def _times_one(job: Job) -> Need:
    """One photograph at a time, on one thread, by each version of a model. Those of the two kinds
    of recipes wait meanwhile."""
    network, sizes = job.network, [scale**2 for scale in job.scales]
    seen = 8 * max(sizes) * network.maps(job.side, 1)
    memory = _TORCH + 2 * _WAITING + 3 * network.megabytes + seen
    work = _TIMED + 200 * network.describing(job.side, 1) * sum(sizes)
    return Need(memory, work, _STARTED)


def _compares_backends(job: Job) -> Need:
    """A few batches by torch and by a graph, which has the weights again."""
    network = job.network
    memory = _described(job).memory + 2 * network.megabytes
    return Need(memory, 40 * network.describing(job.side, job.batch), 120)


def _pretrains(job: Job) -> Need:
    """On the processor, whatever the study's device."""
    network, drawn = job.network, job.config["pretraining"]["buildings"]
    settings = job.config["pretraining"]["classifier"]
    memory = _TORCH + 6 * network.megabytes
    memory += 16 * network.maps(settings["image_size"], settings["batch"])
    images = 3 * settings["epochs"] * len(STYLES) * drawn["buildings"] * drawn["views"]
    seconds = network.describing(settings["image_size"], images)
    return Need(memory, seconds / job.config["compute"]["threads"], _STARTED)


def _packs(job: Job) -> Need:
    known = _described(job)
    memory = known.memory + 4 * job.network.megabytes
    return Need(memory, known.work, 600 + known.allowance)


def _tabulates(job: Job) -> Need:
    return Need(_TABLES, _DRAWN, 600)


def _draws(job: Job) -> Need:
    """A figure, of the table or of all weights of a model."""
    return Need(_TABLES + 4 * job.network.megabytes, _DRAWN, 600)


NEEDS: dict[str, Callable[[Job], Need]] = {
    "render_city": _draws_cities,
    "download_source": _downloads,
    "extract_archives": _reads_archives,
    "link_images": _reads_archives,
    "index_dataset": _reads_archives,
    "evaluate_histogram": _counts_colours,
    "render_buildings": _draws_buildings,
    "pretrain_backbone": _pretrains,
    "initialise_model": _initialises,
    "train_model": _trains,
    "prune_model": _recovers,
    "train_codebook": _recovers,
    "quantize_model": _codes_weights,
    "choose_settings": _chooses,
    "round_model": _rounds,
    "search_budgets": _searches,
    "evaluate_model": _scored,
    "describe_cities": _scored,
    "measure_backend": _compares_backends,
    "code_maps": _codes_maps,
    "measure_speed": _times_one,
    "compress_rival": _rivals,
    "pack_city": _packs,
    "tabulate": _tabulates,
    "draw": _draws,
}
"""By rule what its jobs need; `tabulate` and `draw` stand for all that make tables and figures."""
INHERITED = {
    "evaluate_test_set": "evaluate_model",
    "evaluate_rival": "evaluate_model",
    "evaluate_rival_test_set": "evaluate_model",
    "describe_test_set": "describe_cities",
    "code_test_maps": "code_maps",
    "compress_symbols": "compress_rival",
}
"""Rules that are made from another one, and need what it needs."""


def usual_seconds(rule: str, job: Job) -> float:
    """A guess at how long a job of a rule takes; as long as a table where nothing is known."""
    return NEEDS.get(INHERITED.get(rule, rule), _tabulates)(job).usual
