"""The config's section `rivals`. Free of torch, for the check of the config."""

from dataclasses import dataclass
from typing import ClassVar

from pocketvlad.util.settings import Value, setting

_PARAMETERS = {"shortest": 1, "distinct": True, "items": Value(minimum=-75, maximum=20)}


@dataclass(frozen=True, kw_only=True)
class DeepCompressionSection:
    """Pruned models stored as Deep Compression does."""

    thresholds: tuple[str, ...] = setting(
        "names of thresholds that the grid has without an L1 penalty",
        shortest=1,
        distinct=True,
        items=Value(form="a quoted threshold of pruning.thresholds"),
    )


@dataclass(frozen=True, kw_only=True)
class NncodecSection:
    """Quantization parameters of the standard's reference coder; four more double the step."""

    RULES: ClassVar = {"minProperties": 1}

    qp: tuple[int, ...] | None = setting("of tensors as they are", None, **_PARAMETERS)
    row_qp: tuple[int, ...] | None = setting(
        "of tensors whose rows are divided by their root mean square", None, **_PARAMETERS
    )


_STEPS_OF = "the step of a layer, in standard deviations of its weights"
_STEPS = {"shortest": 1, "distinct": True, "items": Value(above=0)}


@dataclass(frozen=True, kw_only=True)
class OptqSection:
    """Second-order rounding without a price for bits."""

    RULES: ClassVar = {"minProperties": 1}

    steps: tuple[float, ...] | None = setting(_STEPS_OF, None, **_STEPS)
    row_steps: tuple[float, ...] | None = setting(
        "the step of a layer whose rows are first divided by their root mean squares, in standard "
        "deviations of the result",
        None,
        **_STEPS,
    )


@dataclass(frozen=True, kw_only=True)
class CerwuSection:
    """Second-order rounding by error and bits: every combination is a rival."""

    steps: tuple[float, ...] = setting(_STEPS_OF, **_STEPS)
    multipliers: tuple[float, ...] = setting(
        "the Lagrangian multiplier: the error, in shares of the variance of a layer's outputs, "
        "that a bit for each weight of the model is worth",
        shortest=1,
        distinct=True,
        items=Value(above=0),
    )


@dataclass(frozen=True, kw_only=True)
class ProductSection:
    """One product quantization of the base model."""

    kernel_weights: int = setting(
        "weights in a block of a convolution: whole kernels (9 and 18 for kernels of 3 x 3), or an "
        "equal part of one",
        minimum=1,
    )
    columns: int = setting(
        "weights in a block of the projection, and of convolutions of 1 x 1", minimum=1
    )
    centres: int = setting(
        "entries of a layer's codebook; a quarter of its blocks at most", minimum=2, maximum=65536
    )
    training_crops: int = setting(
        "crops that codebooks are fine-tuned on, each once; 0: they are not", minimum=0
    )


@dataclass(frozen=True, kw_only=True)
class RivalsSection:
    """Other coders on the same models. float16 and int8 per channel are always among them."""

    deep_compression: DeepCompressionSection | None = setting(
        'pruned models stored as Deep Compression does: {thresholds: ["0.005"]}', None
    )
    nncodec: NncodecSection | None = setting(
        "the standard's reference coder, in an environment of its own (`make nncodec`), at "
        "quantization parameters of which four more double the step: {qp: [...], row_qp: [...]}",
        None,
    )
    optq: OptqSection | None = setting(
        "second-order rounding without a price for bits (OPTQ), entropy-coded by our format; "
        "fitted to the crops that `rd` rounds on: {steps: [...], row_steps: [...]}",
        None,
    )
    cerwu: CerwuSection | None = setting(
        "second-order rounding by error and bits (CERWU), likewise: {steps: [...], multipliers: "
        "[...]}",
        None,
    )
    product_quantization: tuple[ProductSection, ...] | None = setting(
        "base models product-quantized and fine-tuned on crops of the training city",
        None,
        shortest=1,
        distinct=True,
    )
    cells: tuple[str, ...] | None = setting(
        "cells whose symbols zstd -19 and xz code in place of our format",
        None,
        shortest=1,
        distinct=True,
        items=Value(form='a cell of the study by its path, "0.005/l1-0/kmeans-5-fixed"'),
    )
