"""The layers of a backbone in two networks at once: the one that is compressed, and the teacher.

Layers come in the order of execution. Each comes with its inputs in the compressed network, after
the changes of the layers before it, and with its outputs in the teacher, which is not changed.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from torch import Tensor, fx, nn

from pocketvlad.networks.graph import Graph, Values, module_of, weighted_steps
from pocketvlad.networks.labels import compressible, is_plain_convolution
from pocketvlad.networks.network import RetrievalNetwork
from pocketvlad.util.progress import progress


@dataclass(frozen=True)
class PairedConvolution:
    """A convolution in both networks. Each sequence holds [n, C, H, W] by batch.

    name: of its weight.  layer, original: in the compressed network, and in the teacher.  given:
    the inputs of `layer`.  wanted: the outputs of `original`.  Both are emptied when the next
    convolution is asked for.
    """

    name: str
    layer: nn.Conv2d
    original: nn.Conv2d
    given: list[Tensor]
    wanted: list[Tensor]


_PLACES, _APART = 256, 72  # of an image: more of them, or nearer ones, look much alike


def _shapes_by_step(backbone: nn.Module, graph: Graph, image: Tensor) -> dict[fx.Node, list[int]]:
    """What each step makes of one image, [C, h, w] for a map; [] for what is no tensor."""
    values, found = graph.start(image), {graph.source: [*image.shape[1:]]}
    for step in graph.steps:
        graph.advance(backbone, step, values)
        made = values[step]
        found[step] = [*made.shape[1:]] if isinstance(made, Tensor) else []
    return found


def _places(shape: list[int]) -> int:
    """Places of a map; 1 for anything else."""
    return math.prod(shape[1:]) if len(shape) == 3 else 1


def _stages(
    graph: Graph, weighted: Iterable[fx.Node], places: dict[fx.Node, int]
) -> list[list[fx.Node]]:
    """The steps in stages. A stage ends where only one value is needed later and maps have become
    smaller, so that few and small maps are held between stages. Each stage but the last has a layer
    to be fitted."""
    weighted, alive = set(weighted), graph.alive_after()
    stages: list[list[fx.Node]] = [[]]
    begin = places[graph.source]
    for step, living in zip(graph.steps, alive, strict=True):
        stages[-1].append(step)
        smaller = len(living) == 1 and places[step] < begin
        if smaller and step not in weighted and weighted.intersection(stages[-1]):
            stages.append([])
            begin = places[step]
    return [stage for stage in stages if stage]


def _batches_for(patches: int, places: int, batches: Sequence[Tensor]) -> int:
    """How many of `batches` have so many patches, `places` to an image.

    `_PLACES` an image, and more where no more than one in `_APART` are taken: the fewer of the
    largest maps are held, the better.
    """
    each = min(places, max(_PLACES, places // _APART))
    return min(len(batches), math.ceil(patches / each / len(batches[0])))


def fitted_steps(backbone: nn.Module, graph: Graph) -> Iterator[tuple[fx.Node, nn.Conv2d]]:
    """(step, layer) of every step of a backbone whose layer is to be fitted, in order.

    Raises:
        ValueError: one of them is no plain convolution; names it. And as `weighted_steps`.
    """
    for step, layer in weighted_steps(backbone, graph):
        if not is_plain_convolution(layer):
            raise ValueError(
                f"layer {step.target} of the backbone is a {type(layer).__name__}; only plain "
                "convolutions can be fitted there; leave it uncompressed by "
                "`networks.modules.kept.kept`"
            )
        yield step, layer


class _Walk:
    """Batches on their way through the backbones of two networks, step by step.

    A batch that a stage does not need waits. It waits where the values that are held of it are
    fewest: in the first layers maps become smaller, but have so many more channels that the images
    take less memory. Every batch takes every step once, after the layers before it have changed.
    """

    def __init__(
        self, network: RetrievalNetwork, teacher: RetrievalNetwork, batches: list[Tensor]
    ) -> None:
        self.own, self.teacher = network.backbone, teacher.backbone
        self.graph = Graph.of(self.own)
        self.weighted = dict(fitted_steps(self.own, self.graph))
        shapes = _shapes_by_step(self.teacher, self.graph, batches[0][:1])
        self.places = {step: _places(shape) for step, shape in shapes.items()}
        self._numbers = {step: math.prod(shape) for step, shape in shapes.items()}
        self.given = [self.graph.start(batch) for batch in batches]
        self.wanted = [self.graph.start(batch) for batch in batches]
        self._missed: list[list[fx.Node]] = [[] for _ in batches]
        self.names = {parameter: name for name, parameter in compressible(network)}

    def stages(self) -> list[list[fx.Node]]:
        return _stages(self.graph, self.weighted, self.places)

    def _advance(self, module: nn.Module, step: fx.Node, all_values: Sequence[Values]) -> None:
        for values in all_values:
            self.graph.advance(module, step, values)

    def catch_up(self, numbers: Iterable[int]) -> None:
        """Run what batches have missed, one batch after the other: the large maps of only one are
        held."""
        for number in numbers:
            for module, all_values in ((self.own, self.given), (self.teacher, self.wanted)):
                for step in self._missed[number]:
                    self.graph.advance(module, step, all_values[number])
            self._missed[number] = []

    def end(self, stage: Sequence[fx.Node], count: int) -> None:
        """The first `count` batches have taken the steps of a stage; let the others wait."""
        for number, held in enumerate(self.given[count:], start=count):
            self._missed[number] += stage
            if self._numbers[stage[-1]] < sum(self._numbers[value] for value in held):
                self.catch_up([number])

    def pair(self, step: fx.Node, count: int) -> Iterator[PairedConvolution]:
        """The convolution of a step, with the first `count` batches; then both networks run the
        step."""
        layer, original = self.weighted[step], module_of(self.teacher, step)
        [source] = step.all_input_nodes
        self._advance(self.teacher, step, self.wanted[:count])
        pair = PairedConvolution(
            self.names[layer.weight],
            layer,
            original,
            [values[source] for values in self.given[:count]],
            [values[step] for values in self.wanted[:count]],
        )
        yield pair
        for held in (pair.given, pair.wanted):
            held.clear()  # the next step needs none of it
        self._advance(self.own, step, self.given[:count])

    def advance_both(self, step: fx.Node, count: int) -> None:
        """Run a step that has nothing to be fitted on the first `count` batches."""
        self._advance(self.teacher, step, self.wanted[:count])
        self._advance(self.own, step, self.given[:count])


def paired_convolutions(
    network: RetrievalNetwork,
    teacher: RetrievalNetwork,
    batches: list[Tensor],
    patches: int,
    label: str,
    features: list[tuple[Tensor, Tensor]] | None = None,
) -> Iterator[PairedConvolution]:
    """The backbone's convolutions in the order of execution. The caller may change the `layer` of
    each; the next ones see the outputs of the changed one.

    Args:
        batches: of images.
        patches: how many places a convolution should be shown. Where images have many, as in the
            first layers, that takes fewer images, and their large maps need not all be held.
        features: takes, after the last convolution, what the backbones of `network` and of
            `teacher` make of each batch.
    """
    walk = _Walk(network, teacher, batches)
    with progress(len(walk.graph.steps), label, "layer") as bar:
        for stage in walk.stages():
            first = next((step for step in stage if step in walk.weighted), None)
            count = 0 if first is None else _batches_for(patches, walk.places[first], batches)
            walk.catch_up(range(count))
            for step in stage:
                if count and step in walk.weighted:
                    yield from walk.pair(step, count)
                elif count:
                    walk.advance_both(step, count)
                bar.update()
            walk.end(stage, count)
    if features is not None:
        walk.catch_up(range(len(batches)))
        result = walk.graph.result
        pairs = zip(walk.given, walk.wanted, strict=True)
        features += [(own[result], original[result]) for own, original in pairs]


def paired_features(
    network: RetrievalNetwork, teacher: RetrievalNetwork, batches: Iterable[Tensor]
) -> Iterator[tuple[Tensor, Tensor]]:
    """What the backbones of both make of each batch of images."""
    for batch in batches:
        yield network.features(batch), teacher.features(batch)
