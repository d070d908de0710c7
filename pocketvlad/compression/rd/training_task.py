"""Self-retrieval on the city that a model was trained on, and what is rounded on beside it."""

from dataclasses import replace

from pocketvlad.data.city_crops import CropSource
from pocketvlad.retrieval.self_retrieval import SelfRetrieval, held_out, self_retrieval
from pocketvlad.training.training_city import TrainingImages


def study_task(city: TrainingImages, min_side: int, seed: int) -> SelfRetrieval:
    """Self-retrieval on a training city: parts of the photographs that are held out are searched
    among all of its photographs."""
    held = held_out(city.dataset.images)
    others = sorted(set(city.dataset.images) - set(held))
    return self_retrieval(city.pictures(held), city.pictures(others), min_side, seed)


def without_held_out(source: CropSource) -> tuple[CropSource, CropSource]:
    """(the photographs that `held_out` leaves, those that it takes)"""
    held = set(held_out(list(source.paths)))
    kept = {name: path for name, path in source.paths.items() if name not in held}
    taken = {name: path for name, path in source.paths.items() if name in held}
    return replace(source, paths=kept), replace(source, paths=taken)


def source_beside_task(city: TrainingImages) -> CropSource:
    """The photographs of a training city that `study_task` does not hold out."""
    return without_held_out(city.crop_source)[0]
