"""Training on a city of the revisited protocol, whose queries' images are not in the database."""

from dataclasses import replace

import numpy as np
import pytest
from networks import random_network
from training_cities import SETTINGS, training_images

from pocketvlad.data.dataset import index_dataset
from pocketvlad.data.ground_truth import QueryLists
from pocketvlad.data.images import ImageError
from pocketvlad.data.landmarks import landmarks
from pocketvlad.retrieval.evaluation import database_pictures, evaluate, query_pictures
from pocketvlad.training.checkpoint import Checkpoint
from pocketvlad.training.fine_tuning import fine_tune
from pocketvlad.training.triplet_objective import TripletObjective, epoch_tuples, tuple_batches
from pocketvlad.training.validation import validate, validation_queries

BOX = (5.0, 5.0, 75.0, 65.0)
PROTOCOL = {
    "image_size": 67,
    "interpolation": "bilinear",
    "decoder_scaling": False,
    "query_crop": True,
    "box_growth": 0,
    "scales": [1],
}


@pytest.fixture
def revisited(photograph):
    """Three landmarks: a query's image each, outside; easy 0 and 1, hard 2, junk 3. Four others."""
    sizes = {}
    for number, letter in enumerate("abcx"):
        for k in range(4):
            path = photograph(f"city/{letter}_{k}.jpg", 90, 80, seed=number if letter != "x" else k)
            sizes[path.stem] = (90, 80)
    lists = []
    for number, letter in enumerate("abc"):
        path = photograph(f"city/query_{letter}.jpg", 80, 70, seed=number)
        sizes[path.stem] = (80, 70)
        lists.append(
            QueryLists(
                path.stem,
                letter,
                path.stem,
                BOX,
                (f"{letter}_0", f"{letter}_1"),
                (f"{letter}_2",),
                (f"{letter}_3",),
            )
        )
    dataset = index_dataset("city", sizes, lists, protocol="revisited")
    return training_images(dataset, path.parent)


def test_a_landmark_is_easy_and_hard_and_its_query_no_negative(revisited):
    for mark, letter in zip(landmarks(revisited.dataset), "abc", strict=True):
        assert mark.positives == (f"{letter}_0", f"{letter}_1", f"{letter}_2")
        assert mark.shown == {*mark.positives, f"{letter}_3", f"query_{letter}"}
        assert mark.queries == ((f"query_{letter}", BOX),)
    split = revisited.split
    assert [len(mark.queries) for mark in (*split.training, *split.validation)] == [1, 1, 1]
    assert set(split.background) == {"x_0", "x_1", "x_2", "x_3"}


def test_queries_outside_the_database_are_anchors(revisited):
    """Cropped to their boxes, never a positive, never a negative of their own landmark."""
    network, generator = random_network(), np.random.default_rng(0)
    found = [
        each
        for _ in range(5)
        for each in epoch_tuples(network, revisited, SETTINGS, generator)
        if each.landmark is not None
    ]
    cropped = [each for each in found if each.box is not None]
    assert cropped
    assert len(cropped) < len(found)
    for each in found:
        own = each.landmark.name
        assert each.box == (BOX if each.anchor == f"query_{own}" else None)
        assert each.positive in {f"{own}_0", f"{own}_1", f"{own}_2"}
        assert not set(each.negatives) & each.landmark.shown
    batches = tuple_batches(cropped, revisited, SETTINGS, generator)
    assert sum(len(step) for step, _ in batches) == len(cropped)


def test_queries_outside_the_database_validate(revisited):
    (held,) = revisited.split.validation
    queries, pictures = validation_queries([held], revisited, 20, min_side=1)
    by_image = {
        query.image: (query, picture) for query, picture in zip(queries, pictures, strict=True)
    }
    query, picture = by_image.pop(f"query_{held.name}")
    assert (query.box, picture.box, picture.size) == (BOX, BOX, (80, 70))
    assert set(query.good) == set(held.positives)
    assert set(by_image) == set(held.positives)
    assert 0 < validate(random_network(), revisited) <= 1


def test_a_photograph_of_two_landmarks_is_cropped_to_the_box_of_each(revisited):
    (held,) = revisited.split.validation
    [(image, _)] = held.queries
    elsewhere = (1, 2, 31, 42)
    other = replace(held, name="other", queries=((image, elsewhere),))
    queries, pictures = validation_queries([held, other], revisited, 20, min_side=1)
    found = {
        query.landmark: picture.box
        for query, picture in zip(queries, pictures, strict=True)
        if query.image == image
    }
    assert found == {held.name: BOX, "other": elsewhere}


def test_validation_crops_are_large_enough_for_the_network(photograph):
    """Half of a small image's side would be too little for AlexNet."""
    sizes = {}
    for letter in "abcx":
        for k in range(4):
            path = photograph(f"small/{letter}_{k}.jpg", 44, 37, seed=ord(letter) + k)
            sizes[path.stem] = (44, 37)
    lists = [
        QueryLists(f"{a}_1", a, f"{a}_0", (0, 0, 40, 36), (f"{a}_0", f"{a}_1"), (f"{a}_2",), ())
        for a in "abc"
    ]
    images = training_images(index_dataset("small", sizes, lists), path.parent)
    network = random_network("alexnet", width=0.05)
    (held,) = images.split.validation
    _, pictures = validation_queries([held], images, 20, network.min_side)
    assert len(pictures) == 3
    assert all(min(picture.shape(images.sizing)) >= 35 for picture in pictures)
    assert 0 < validate(network, images) <= 1


def test_training_and_evaluation_run(revisited, tmp_path):
    network = random_network()
    history = fine_tune(
        network,
        SETTINGS,
        3,
        Checkpoint(tmp_path / "c.pt", "x"),
        objective=TripletObjective(revisited, SETTINGS),
        select=True,
    )
    assert [record.epoch for record in history] == [0, 1, 2]
    dataset, folder = revisited.dataset, revisited.folder
    assert [p.path.stem for p in database_pictures(dataset, folder)] == dataset.images
    assert [p.path.stem for p in query_pictures(dataset, folder, True)] == [
        "query_a",
        "query_b",
        "query_c",
    ]
    scores = evaluate(network, dataset, folder, PROTOCOL, revisited.preprocessing).scores
    assert set(scores) == {"easy", "medium", "hard"}
    assert all(len(each.average_precision) == 3 for each in scores.values())


def test_images_and_boxes_too_small_for_the_network_are_named(revisited):
    """67 pixels on the longest side leave 60 of 90 x 80, and 57 of the box."""
    network = random_network()
    words = (revisited.dataset, revisited.folder, PROTOCOL, revisited.preprocessing, 16)
    evaluate(network, *words, min_side=57)
    with pytest.raises(ImageError) as failure:
        evaluate(network, *words, min_side=58)
    message = str(failure.value)
    assert "3 of 19 images or boxes are too small" in message
    assert "query_a.jpg: 67 x 57 pixels are left of it at 67 on the longest side" in message
    assert "the network needs 58 on either" in message
    assert "image_size" in message
    assert "`leave_out`" in message


def test_a_box_too_small_to_validate_with_is_named(revisited):
    """Whatever the protocol does with boxes: held-out landmarks are asked for by theirs."""
    dataset = revisited.dataset
    queries = tuple(replace(query, box=(0.0, 0.0, 8.0, 9.0)) for query in dataset.queries)
    city = training_images(replace(dataset, queries=queries), revisited.folder)
    with pytest.raises(ImageError, match=r"1 of .*\n.*query_[abc]\.jpg: 8 x 9 pixels are left"):
        validate(random_network(), city)
