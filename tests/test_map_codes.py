"""Map codes against arithmetic by hand, scikit-learn's PCA and faiss's own quantizers."""

import sys

import numpy as np
import pytest
from sklearn.decomposition import PCA

from pocketvlad.maps.coded_ranking import coded_rankings
from pocketvlad.maps.coder import CodeError
from pocketvlad.maps.fitted_code import fit, from_parameters
from pocketvlad.maps.map_code import CODES, code_named, code_of
from pocketvlad.maps.turning import random_signs, turned
from pocketvlad.scoring.ranking import rankings

COMPONENTS = 24


def unit_rows(count, seed=0, length=COMPONENTS):
    """[count, length] float32 of unit length; components differ in spread and mean."""
    generator = np.random.default_rng(seed)
    rows = generator.normal(size=(count, length)) * np.geomspace(1, 0.1, length) + 0.05
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


TRAINING, PLACES, QUERIES = unit_rows(300), unit_rows(50, seed=1), unit_rows(7, seed=2)
SHORT = [
    "float32",
    "float16",
    "int8",
    "bits",
    "rotated-bits",
    "pq8",
    "pq3x8",
    "float32-5",
    "int8-5",
    "rotated-bits-11",
    "pq2-10",
    "int8-5+float16",
    "pq8+int8-12",
]


def fitted(text):
    return fit(code_named(text), TRAINING, seed=3)


@pytest.mark.parametrize("text", SHORT)
def test_a_short_text_and_a_section_mean_the_same(text):
    code = code_named(text)
    assert code.short == text
    assert code_of(code.as_dict()) == code


def test_a_section_may_hold_a_section_to_rerank_with():
    section = {"type": "float16", "length": 128, "rerank": {"type": "int8", "length": 256}}
    assert code_of(section).short == "float16-128+int8-256"


def test_sections_in_sections_are_refused_however_many_they_are():
    section = {"type": "int8"}
    for _ in range(3 * sys.getrecursionlimit()):
        section = {"type": "int8", "rerank": section}
    with pytest.raises(ValueError, match="re-rank with itself"):
        code_of(section)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("int9", "unknown; write float32"),
        ("int8-0", "unknown; write float32"),
        ("int8+", "code '' is unknown"),
        ("int8+int9", "'int9' is unknown"),
        ("int8+int8+int8", "re-rank with itself"),
        ("+".join(["int8"] * 20_000), "re-rank with itself"),
        ("pq32x5", "unknown; write float32"),
        ("pq", "unknown; write float32"),
        ("pq9999", "from 1 to 4096"),
    ],
)
def test_a_text_that_means_no_code_is_refused(text, message):
    with pytest.raises(ValueError, match="map code") as caught:
        code_named(text)
    assert message in str(caught.value)


@pytest.mark.parametrize("text", SHORT)
def test_parameters_restore_a_code_exactly(text):
    code = fitted(text)
    again = from_parameters(code.declared, code.parameters())
    codes = code.encode(PLACES)
    assert codes.dtype == np.uint8
    assert codes.shape == (50, code.bytes_per_row)
    np.testing.assert_array_equal(again.encode(PLACES), codes)
    np.testing.assert_array_equal(again.decode(codes), code.decode(codes))
    np.testing.assert_array_equal(again.prepare(QUERIES), code.prepare(QUERIES))
    assert again.parameter_bytes == sum(each.nbytes for each in code.parameters().values())


@pytest.mark.parametrize("text", SHORT)
@pytest.mark.parametrize("fault", ["missing", "type", "shape", "infinite", "huge", "more"])
def test_parameters_that_do_not_fit_are_refused_by_name(text, fault):
    code = fitted(text)
    for name, array in code.parameters().items():
        arrays = code.parameters()
        if fault == "missing":
            del arrays[name]
        elif fault == "type":
            arrays[name] = array.astype(np.float64)
        elif fault == "shape":
            arrays[name] = np.concatenate([array, array])
        elif fault == "more":
            arrays["other"] = array
            name = "other"
        elif array.dtype.kind == "f":
            arrays[name] = array.copy()
            half = array.dtype == np.float16  # has no number as large
            arrays[name].flat[-1] = np.inf if fault == "infinite" or half else 1e30
        else:
            continue
        with pytest.raises(CodeError, match=name.removeprefix("finer.")):
            from_parameters(code.declared, arrays)


def test_a_code_longer_than_its_descriptors_is_not_restored():
    """However many axes a file has: what it decodes to would be of any length."""
    arrays = {"components": np.int32([3]), "axes": np.ones((40, 3), np.float16)}
    with pytest.raises(CodeError, match="bits-40 is longer than descriptors of 3"):
        from_parameters(code_named("bits-40"), arrays | {"levels": np.ones((2, 40), np.float32)})


def test_floats_are_the_numbers_themselves():
    code = fitted("float32")
    np.testing.assert_array_equal(code.encode(PLACES).tobytes(), PLACES.tobytes())
    np.testing.assert_array_equal(code.decode(code.encode(PLACES)), PLACES)
    half = fitted("float16")
    assert half.bytes_per_row == 2 * COMPONENTS
    np.testing.assert_array_equal(half.decode(half.encode(PLACES)), np.float32(np.float16(PLACES)))


def test_floats_that_are_none_are_refused():
    code = fitted("float16")
    codes = code.encode(PLACES)
    codes[4, :2] = 0xFF
    with pytest.raises(CodeError, match="row 4"):
        code.decode(codes)
    huge = np.ones((3, COMPONENTS), np.float32)
    huge[1, 2] = -3e38
    with pytest.raises(CodeError, match="row 1 is not finite, or beyond 1e"):
        fitted("float32").decode(huge.view(np.uint8))


@pytest.mark.parametrize("count", [1, 2, 3, 10, 50])
def test_int8_of_few_photographs_has_room_for_others(count):
    """A map may begin with the first photographs of an album; its code stays."""
    random = np.random.default_rng(count)
    rows = unit(random.normal(size=(500, 64)))
    rows[1] = unit(rows[:1] + 0.01 * rows[1:2])[0]  # the same view once more
    code = fit(code_named("int8"), rows[:count], seed=0)
    wrong = np.linalg.norm(code.decode(code.encode(rows)) - rows, axis=1)
    assert np.sqrt(np.mean(wrong**2)) < 0.05  # of a length of 1: of cosines, a hundredth


@pytest.mark.parametrize("text", ["bits", "rotated-bits"])
@pytest.mark.parametrize("count", [1, 5])
def test_bits_of_one_photograph_are_refused(text, count):
    with pytest.raises(ValueError, match=rf"the {count} descriptors .* all alike"):
        fit(code_named(text), np.repeat(TRAINING[:1], count, axis=0), seed=0)


def test_photographs_that_are_there_twice_tell_no_axis_twice():
    rows = unit(np.random.default_rng(0).normal(size=(5, 64)))
    rows = rows[np.arange(30) % 5]
    axes = fit(code_named("float32-4"), rows, seed=0).parameters()["axes"].astype(np.float64)
    np.testing.assert_allclose(axes @ axes.T, np.eye(4), atol=2e-3)
    with pytest.raises(ValueError, match=r"some of which are alike .* tell 4 axes .* not 5"):
        fit(code_named("float32-5"), rows, seed=0)


def test_more_photographs_than_components_tell_no_axis_either_that_is_not_there():
    rows = unit(np.random.default_rng(0).normal(size=(5, 8)))
    rows = rows[np.arange(30) % 5]
    fit(code_named("float32-4"), rows, seed=0)
    with pytest.raises(ValueError, match=r"depend on others, tell 4 axes .* not 5; ask for fewer"):
        fit(code_named("float32-5"), rows, seed=0)


def test_int8_is_half_a_step_off_at_most():
    code = fitted("int8")
    mean, spread = TRAINING.mean(axis=0), TRAINING.std(axis=0)
    half = np.maximum(np.abs(TRAINING - mean).max(axis=0), 4 * spread)
    inside = np.abs(PLACES - mean) < half
    assert inside.mean() > 0.99
    off = np.abs(code.decode(code.encode(PLACES)) - PLACES)
    step = 2 * half / 255
    assert (off <= 0.5001 * step)[inside].all()
    # Evenly so, as the choice of the steps assumes.
    assert np.mean((off / step)[inside] ** 2) == pytest.approx(1 / 12, rel=0.1)


def test_int8_has_the_bytes_of_faiss():
    import faiss

    code = fitted("int8")
    given = code.parameters()
    quantizer = faiss.ScalarQuantizer(COMPONENTS, faiss.ScalarQuantizer.QT_8bit)
    faiss.copy_array_to_vector(
        np.concatenate([given["low"], 255 * given["step"]]).astype(np.float32), quantizer.trained
    )
    # A number on the edge of two steps may fall to either.
    assert np.abs(code.encode(PLACES).astype(int) - quantizer.compute_codes(PLACES)).max() <= 1
    codes = code.encode(PLACES)
    np.testing.assert_allclose(code.decode(codes), quantizer.decode(codes), atol=1e-6)


def test_a_component_that_never_moved_has_a_step():
    rows = TRAINING.copy()
    rows[:, 3] = 0.25
    code = fit(code_named("int8"), rows, seed=0)
    other = PLACES.copy()
    other[:, 3] = 0.3
    assert np.abs(code.decode(code.encode(other))[:, 3] - 0.3).max() < 0.01


@pytest.mark.parametrize("count", [300, 20])  # more and fewer rows than components
def test_shortening_is_the_pca_of_scikit_learn(count):
    rows = TRAINING[:count]
    code = fit(code_named("float32-5"), rows, seed=0)
    axes = PCA(5, svd_solver="full").fit(rows.astype(np.float64)).components_
    short = PLACES @ axes.T
    short /= np.linalg.norm(short, axis=1, keepdims=True)
    found = code.decode(code.encode(PLACES))
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(
        found @ code.prepare(QUERIES).T,
        short @ ((QUERIES @ axes.T) / np.linalg.norm(QUERIES @ axes.T, axis=1, keepdims=True)).T,
        atol=2e-3,
    )
    assert code.parameters()["axes"].shape == (5, COMPONENTS)


@pytest.mark.parametrize(
    ("text", "count", "message"),
    [
        ("int8-25", 300, "longer than the descriptor"),
        ("int8-20", 20, "at most 19 axes"),
        ("pq25", 300, "longer than the descriptor.*at most 24 bytes"),
        ("pq13x4", 300, "longer than the descriptor.*at most 12 bytes"),
        ("pq12x8", 255, "256 centres .* from 255 descriptors"),
        ("pq12", 15, "16 centres .* from 15 descriptors; take more photographs"),
    ],
)
def test_a_code_longer_than_can_be_learnt_is_refused(text, count, message):
    with pytest.raises(ValueError, match=message):
        fit(code_named(text), TRAINING[:count], seed=0)


def test_rows_of_another_length_or_without_numbers_are_refused():
    code = fitted("int8")
    with pytest.raises(ValueError, match="rows of 24"):
        code.encode(PLACES[:, 1:])
    with pytest.raises(ValueError, match="not finite"):
        code.prepare(np.full_like(QUERIES, np.nan))
    with pytest.raises(CodeError, match=r"uint8 \[N, 24\]"):
        code.decode(code.encode(PLACES)[:, 1:])
    bad = TRAINING.copy()
    bad[0, 0] = np.inf
    with pytest.raises(ValueError, match="not finite"):
        fit(code_named("int8"), bad, seed=0)


def test_a_place_has_the_bytes_of_its_finer_code_too():
    code = fitted("int8-5+float16")
    codes = code.encode(PLACES)
    assert code.bytes_per_row == 5 + 2 * COMPONENTS
    finer = code.finer.decode(code.finer_codes(codes))
    np.testing.assert_array_equal(finer, np.float32(np.float16(PLACES)))
    np.testing.assert_array_equal(code.decode(codes), fitted("int8-5").decode(codes[:, :5]))


def test_every_kind_is_found_by_its_file():
    kinds = {"float32", "float16", "int8", "product-quantization", "bits", "rotated-bits"}
    assert kinds <= set(CODES.types)


def two_levels(column):
    """The two levels nearest to a column, by trying every split."""
    ordered = np.sort(column.astype(np.float64))
    splits = [(ordered[:at], ordered[at:]) for at in range(1, len(ordered))]
    errors = [sum(((each - each.mean()) ** 2).sum() for each in split) for split in splits]
    return [each.mean() for each in splits[int(np.argmin(errors))]]


def test_bits_choose_the_nearer_of_two_levels():
    code = fitted("bits")
    levels = code.parameters()["levels"]
    best = np.array([two_levels(column) for column in TRAINING.T]).T

    def error(pair):
        return np.minimum((TRAINING - pair[0]) ** 2, (TRAINING - pair[1]) ** 2).mean()

    assert error(levels) <= 1.01 * error(best)
    codes = code.encode(PLACES)
    bits = np.array(
        [[codes[n, j // 8] >> (j % 8) & 1 for j in range(COMPONENTS)] for n in range(50)]
    )
    nearer = np.abs(PLACES - levels[1]) < np.abs(PLACES - levels[0])
    np.testing.assert_array_equal(bits, nearer)
    decoded = unit(np.where(nearer, levels[1], levels[0]))
    np.testing.assert_allclose(code.decode(codes), decoded, atol=1e-6)


def cosine_transform(length):
    """The matrix of the orthonormal DCT-II; its rows are the waves."""
    k, n = np.arange(length)[:, None], np.arange(length)
    matrix = np.sqrt(2 / length) * np.cos(np.pi * k * (n + 0.5) / length)
    matrix[0] /= np.sqrt(2)
    return matrix


def turned_by_hand(rows, signs):
    for packed in signs:
        flips = [1 - 2 * (int(packed[j // 8]) >> (j % 8) & 1) for j in range(rows.shape[1])]
        rows = (rows * np.array(flips, float)) @ cosine_transform(rows.shape[1]).T
    return rows


@pytest.mark.parametrize("length", [24, 7])
def test_a_rotation_keeps_similarities_and_spreads_each_component(length):
    signs = random_signs(length, seed=4)
    axes = np.eye(length, dtype=np.float32)
    matrix = turned(axes, signs)
    assert matrix.dtype == np.float32
    np.testing.assert_allclose(matrix @ matrix.T, axes, atol=1e-6)
    np.testing.assert_allclose(matrix, turned_by_hand(axes, signs), atol=1e-6)
    assert np.abs(matrix).max() < 0.95
    assert (random_signs(length, seed=5) != signs).any()


def test_rotated_bits_are_bits_of_rotated_rows():
    code = fitted("rotated-bits")
    signs = code.parameters()["signs"]
    rows, levels = turned_by_hand(PLACES, signs), code.parameters()["levels"]
    np.testing.assert_allclose(code.prepare(QUERIES), turned_by_hand(QUERIES, signs), atol=1e-6)
    nearer = np.abs(rows - levels[1]) < np.abs(rows - levels[0])
    found = code.decode(code.encode(PLACES))
    np.testing.assert_allclose(found, unit(np.where(nearer, levels[1], levels[0])), atol=1e-6)


@pytest.mark.parametrize(
    ("text", "bits", "parts"), [("pq8", 4, 16), ("pq3x8", 8, 3), ("pq20", 8, 20)]
)
def test_product_quantization_looks_up_the_nearest_centres(text, bits, parts):
    code = fitted(text)
    centres, signs = code.parameters()["centres"], code.parameters()["signs"]
    assert centres.shape == (parts, 2**bits, -(-COMPONENTS // parts))
    rows = turned_by_hand(PLACES, signs)
    codes = code.encode(PLACES)
    numbers = codes if bits == 8 else np.stack([codes & 15, codes >> 4], axis=2).reshape(50, -1)
    expected, at = np.empty_like(rows), 0
    for part in range(parts):
        width = COMPONENTS // parts + (part < COMPONENTS % parts)
        own, candidates = rows[:, at : at + width], centres[part][:, :width].astype(float)
        distances = ((own[:, None] - candidates) ** 2).sum(axis=2)
        chosen = np.take_along_axis(distances, numbers[:, part, None].astype(int), axis=1)[:, 0]
        np.testing.assert_allclose(chosen, distances.min(axis=1), atol=1e-6)
        expected[:, at : at + width] = candidates[numbers[:, part]]
        at += width
    np.testing.assert_allclose(code.decode(codes), unit(expected), atol=1e-6)
    np.testing.assert_allclose(code.prepare(QUERIES), turned_by_hand(QUERIES, signs), atol=1e-6)


def test_product_quantization_is_better_than_one_centre_a_part():
    code = fitted("pq8")
    off = np.square(code.decode(code.encode(PLACES)) - code.prepare(PLACES)).sum(axis=1).mean()
    alone = np.square(PLACES - TRAINING.mean(axis=0)).sum(axis=1).mean()
    assert off < 0.1 * alone


def test_the_same_seed_gives_the_same_code_and_another_another():
    declared = code_named("pq8")
    codes = [fit(declared, TRAINING, seed).encode(PLACES) for seed in (3, 3, 4)]
    np.testing.assert_array_equal(codes[0], codes[1])
    assert (codes[0] != codes[2]).any()


def test_centres_of_another_number_of_bits_are_refused():
    code = fitted("pq3x8")
    arrays = code.parameters() | {"centres": fitted("pq3x4").parameters()["centres"]}
    with pytest.raises(CodeError, match=r"'centres'.*3 bytes of 8 bits"):
        from_parameters(code.declared, arrays)


def test_no_places_have_no_codes():
    for text in SHORT:
        code = fitted(text)
        codes = code.encode(PLACES[:0])
        assert codes.shape == (0, code.bytes_per_row)
        assert len(code.decode(codes)) == 0


NAMES = [f"{number:03}" for number in range(300)]


@pytest.mark.parametrize("text", ["bits", "pq8", "int8-5"])
def test_places_are_ranked_by_the_products_of_decoded_codes(text):
    code = fitted(text)
    codes = code.encode(TRAINING)
    products = code.prepare(QUERIES) @ code.decode(codes).T
    found = list(coded_rankings(code, QUERIES, NAMES, codes))
    for ranking, row in zip(found, products, strict=True):
        assert ranking == [NAMES[n] for n in sorted(range(300), key=lambda n: (-row[n], n))]


def test_the_first_hundred_are_ranked_again_and_the_others_keep_their_places():
    code = fitted("bits+float32")
    codes = code.encode(TRAINING)
    coarse = list(coded_rankings(fitted("bits"), QUERIES, NAMES, codes[:, :3]))
    found = list(coded_rankings(code, QUERIES, NAMES, codes))
    for ranking, before, query in zip(found, coarse, QUERIES, strict=True):
        assert ranking[100:] == before[100:]
        exact = TRAINING @ query
        assert ranking[:100] == sorted(before[:100], key=lambda name: -exact[int(name)])
    assert found != coarse


def test_float32_ranks_as_the_descriptors_do():
    code = fitted("float32")
    found = list(coded_rankings(code, QUERIES, NAMES, code.encode(TRAINING)))
    assert found == list(rankings(QUERIES, NAMES, TRAINING))
