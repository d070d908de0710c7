"""The cells of a study: what is compressed how. Free of torch, for the workflow's own use."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from itertools import product


@dataclass(frozen=True)
class Cell:
    """One way to compress a model; texts as the config writes them.

    threshold, l1: of pruning and its fine-tuning.  quantizer, bits: of the survivors.  codebook:
    "fixed", as the quantizer made it, or "trained".
    """

    threshold: str
    l1: str
    quantizer: str
    bits: int
    codebook: str

    @property
    def pruning(self) -> str:
        """The part of a path that names the pruned model."""
        return f"{self.threshold}/l1-{self.l1}"

    @property
    def version(self) -> str:
        """The part of a path that names the cell."""
        return f"{self.pruning}/{self.quantizer}-{self.bits}-{self.codebook}"

    @classmethod
    def of(cls, line: Mapping[str, object]) -> "Cell":
        """The cell that a line of the results table is about."""
        texts = (str(line[key]) for key in ("threshold", "l1", "quantizer"))
        return cls(*texts, int(line["bits"]), str(line["codebook"]))

    def as_dict(self) -> dict[str, object]:
        return asdict(self)


def grid_cells(blocks: Iterable[Mapping[str, Iterable]]) -> list[Cell]:
    """The cells of the config's section `grid`: every combination in each block, once."""
    cells = (
        Cell(*each)
        for block in blocks
        for each in product(
            block["thresholds"],
            block["l1"],
            block["quantizers"],
            block["bits"],
            block["codebooks"],
        )
    )
    return list(dict.fromkeys(cells))


RATE_DISTORTION = "rd"


def rounded_cell(dial: str) -> Cell:
    """The cell of the quantizer `rd`, which prunes as it rounds: its dial takes the threshold's
    place. Codes have 8 bits before they are entropy-coded.

    Args:
        dial: a distortion, "0.2", or the name of a target, "drop-0.5" (see `rd.budget`).
    """
    return Cell(dial, "0", RATE_DISTORTION, 8, "fixed")


def target_name(target: Mapping[str, float]) -> str:
    """{"drop": 0.5}, as the config has it -> "drop-0.5"."""
    ((kind, limit),) = target.items()
    return f"{kind}-{limit:g}"


def rounded_cells(config: Mapping) -> list[Cell]:
    """The cells that the distortions of the config's section `rd` are rounded to."""
    return [rounded_cell(each) for each in config.get("rd", {}).get("distortions", [])]


def budget_cells(config: Mapping) -> list[Cell]:
    """The cells that the targets of the config's section `rd` are rounded to."""
    targets = config.get("rd", {}).get("targets", [])
    return [rounded_cell(target_name(target)) for target in targets]


def parse_version(version: str) -> dict[str, object]:
    """What a version of a model is: "base" or "0.005/l1-0/kmeans-8-fixed" -> its cell's keys.

    Float32 versions have 32 bits, and "none" for what they lack.
    """
    threshold, _, rest = version.partition("/")
    if not rest:
        nothing = dict.fromkeys(("threshold", "l1", "quantizer", "codebook"), "none")
        return {"version": version, **nothing, "bits": 32}
    l1, name = rest.removeprefix("l1-").split("/")
    quantizer, bits, codebook = name.rsplit("-", 2)  # a quantizer may have a dash of its own
    cell = Cell(threshold, l1, quantizer, int(bits), codebook)
    return {"version": "quantized", **cell.as_dict()}
