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


def source_beside_task(city: TrainingImages) -> CropSource:
    """The photographs of a training city that `study_task` does not hold out."""
    source, held = city.crop_source, set(held_out(city.dataset.images))
    return replace(
        source, paths={name: path for name, path in source.paths.items() if name not in held}
    )
