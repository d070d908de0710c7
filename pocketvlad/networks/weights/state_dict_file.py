"""State dicts, as torch saves them: tensors by the names that their program gave its layers."""

import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from pocketvlad.data.images import Preprocessing
from pocketvlad.networks.folding import folded
from pocketvlad.networks.staged import StagedBackbone
from pocketvlad.networks.weights.error import WeightsError
from pocketvlad.networks.weights.placing import convolutions, fitting, place

_STATISTICS = ("weight", "bias", "running_mean", "running_var")


class Names(NamedTuple):
    """What a layer is called: our path, theirs, and that of the normalisation after it, if any."""

    layer: str
    convolution: str
    norm: str | None = None

    def tensors(self) -> Iterator[str]:
        """All that is needed of it."""
        yield f"{self.convolution}.weight"
        if self.norm is None:
            yield f"{self.convolution}.bias"
        else:
            yield from (f"{self.norm}.{each}" for each in _STATISTICS)

    @property
    def count(self) -> str:
        """What a file may have beside these: how many batches a normalisation has seen."""
        return f"{self.norm}.num_batches_tracked"


@dataclass(frozen=True)
class Form:
    """How a program names the tensors of its networks.

    names: of the convolutions of a backbone of ours.  begin: what the names of a
    file's convolutions and normalisations begin with; others, such as a classifier's, are not used.
    preprocessing: that belongs to the weights.  epsilon: of the normalisations.
    """

    names: Callable[[nn.Module], Iterator[Names]]
    begin: tuple[str, ...]
    preprocessing: Preprocessing
    epsilon: float = 1e-5

    def misfits(self, declared: StagedBackbone, state: Mapping[str, Tensor]) -> Iterator[str]:
        """Tensors of all stages that are missing in a file, and those that are too many in it."""
        with torch.device("meta"):
            layers = list(self.names(declared.whole.build()))
        known = {name: None for each in layers for name in each.tensors()}
        yield from (f"it lacks {name}" for name in known if name not in state)
        known |= {each.count: None for each in layers}
        for name in state:
            if name.startswith(self.begin) and name not in known:
                yield f"it has {name}"


def numbered(prefix: str) -> Callable[[nn.Module], Iterator[Names]]:
    """Names after the number of a layer in a plain sequence, ReLUs and poolings counted."""

    def names(backbone: nn.Module) -> Iterator[Names]:
        for number, (layer, module) in enumerate(backbone.named_children()):
            if isinstance(module, nn.Conv2d):
                yield Names(layer, f"{prefix}{number}")

    return names


def _is_plain(value: Tensor) -> bool:
    """Whether a tensor's numbers are there, each in its place."""
    return (
        type(value) in (Tensor, nn.Parameter)
        and not vars(value)
        and not value.is_nested
        and not value.is_quantized
        and value.layout is torch.strided
        and value.device.type == "cpu"
        and value.numel() * value.element_size() <= value.untyped_storage().nbytes()
    )


def _require_stored(path: Path) -> None:
    """Raises ValueError where an archive unpacks to more than it is: torch compresses nothing."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
        if unpacked > (size := path.stat().st_size):
            raise ValueError(f"{size:,} bytes hold {unpacked:,}")


def _holds_tensors(value: object) -> bool:
    """Whether it is a dict that maps names to tensors."""
    # What a file sets as attributes of its dict or its tensors may hide their methods.
    return isinstance(value, dict) and all(
        isinstance(name, str) and isinstance(each, Tensor) for name, each in dict.items(value)
    )


def _kind(value: object) -> str:
    """What a file holds that is no state dict; where one is inside it, how to take it out."""
    if not isinstance(value, dict):
        return f"it holds a {type(value).__name__}"
    for name, each in dict.items(value):
        if isinstance(name, str) and _holds_tensors(each) and dict.__len__(each):
            key = name[:80]
            return (
                f"it has one under {key!r}; save that alone: "
                f"torch.save(torch.load(OLD, weights_only=True)[{key!r}], NEW)"
            )
    return "it must map names to tensors"


def read_state_dict(path: Path) -> dict[str, Tensor]:
    """A state dict saved by torch, read without executing anything in it.

    Raises:
        WeightsError: missing, damaged, or something else; names the file.
    """
    try:
        _require_stored(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise WeightsError(f"weights file {path} is missing") from None
    except Exception as error:  # on other bytes torch raises whatever it stumbles on
        raise WeightsError(
            f"{path} is not a torch state dict, or it is damaged ({type(error).__name__})"
        ) from None
    if not _holds_tensors(state):
        raise WeightsError(f"{path} is not a torch state dict: {_kind(state)}")
    for name, value in dict.items(state):
        if not _is_plain(value):
            raise WeightsError(
                f"{path}: {name[:80]} is no plain tensor, but sparse, nested, quantized, expanded, "
                "without numbers, or with attributes; save its numbers alone"
            )
    return dict(dict.items(state))


def _folded(
    each: Names, layer: nn.Conv2d, state: Mapping[str, Tensor], path: Path, epsilon: float
) -> tuple[Tensor, Tensor]:
    """(kernels, biases) of a convolution and of the normalisation after it."""

    def tensor(name: str, shape: tuple[int, ...]) -> Tensor:
        return fitting(state[name], shape, path, f"layer {each.layer}, {name}").double()

    kernels = tensor(f"{each.convolution}.weight", layer.weight.shape)
    channels = (layer.out_channels,)
    norm = [tensor(f"{each.norm}.{own}", channels) for own in _STATISTICS]
    return folded(kernels, 0.0, *norm, epsilon)


def load_tensors(
    targets: Mapping[str, tuple[str, nn.Parameter]], state: Mapping[str, Tensor], path: Path
) -> None:
    """Fill single tensors, as they are in the file.

    Args:
        targets: by their names in the file, our name of the layer, and what is filled.

    Raises:
        WeightsError: one is missing or does not fit; names file, layer and tensor.
    """
    for name, (layer, target) in targets.items():
        if name not in state:
            raise WeightsError(f"{path} lacks {name} for layer {layer}")
        place(target, state[name], path, f"layer {layer}, {name}")


def load_convolutions(
    form: Form,
    declared: StagedBackbone,
    backbone: nn.Module,
    state: Mapping[str, Tensor],
    path: Path,
) -> None:
    """Fill a backbone; what its stages that were cut off would need is in the file and not used.

    A normalisation becomes part of the convolution before it.

    Args:
        declared: what `backbone` was built from.

    Raises:
        WeightsError: another network; names file, layer and the first tensor that does not fit.
    """
    layers = dict(convolutions(backbone))
    for each in form.names(backbone):
        name, layer = each.layer, layers[each.layer]
        for tensor in each.tensors():
            if tensor not in state:
                raise WeightsError(f"{path} lacks {tensor} for layer {name}")
        kernels, biases = f"{each.convolution}.weight", f"{each.convolution}.bias"
        if each.norm is None:
            place(layer.weight, state[kernels], path, f"layer {name}, {kernels}")
            place(layer.bias, state[biases], path, f"layer {name}, {biases}")
        else:
            made = _folded(each, layer, state, path, form.epsilon)
            place(layer.weight, made[0], path, f"layer {name}, {kernels}, {each.norm} folded")
            place(layer.bias, made[1], path, f"layer {name}, {each.norm} folded")
    for misfit in form.misfits(declared, state):
        raise WeightsError(f"{path} is not {declared.type}: {misfit}")
