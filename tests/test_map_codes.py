"""Map codes against arithmetic by hand, scikit-learn's PCA and faiss's own quantizers."""

import numpy as np
import pytest
from sklearn.decomposition import PCA

from pocketvlad.retrieval.coder import CodeError
from pocketvlad.retrieval.fitted_code import fit, from_parameters
from pocketvlad.retrieval.map_code import CODES, code_named, code_of

COMPONENTS = 24


def unit_rows(count, seed=0, length=COMPONENTS):
    """[count, length] float32 of unit length; components differ in spread and mean."""
    generator = np.random.default_rng(seed)
    rows = generator.normal(size=(count, length)) * np.geomspace(1, 0.1, length) + 0.05
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


TRAINING, PLACES, QUERIES = unit_rows(300), unit_rows(50, seed=1), unit_rows(7, seed=2)
SHORT = ["float32", "float16", "int8", "float32-5", "int8-5", "int8-5+float16"]


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


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("int9", "unknown; write float32"),
        ("int8-0", "unknown; write float32"),
        ("int8+", "code '' is unknown"),
        ("int8+int9", "'int9' is unknown"),
        ("int8+int8+int8", "re-rank with itself"),
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
@pytest.mark.parametrize("fault", ["missing", "type", "shape", "infinite", "more"])
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
            arrays[name].flat[-1] = np.inf
        else:
            continue
        with pytest.raises(CodeError, match=name.removeprefix("finer.")):
            from_parameters(code.declared, arrays)


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
    [("int8-25", 300, "longer than the descriptor"), ("int8-20", 20, "at most 19 axes")],
)
def test_a_code_longer_than_can_be_learnt_is_refused(text, count, message):
    with pytest.raises(ValueError, match=message):
        fit(code_named(text), TRAINING[:count], seed=0)


def test_rows_of_another_length_or_without_numbers_are_refused():
    code = fitted("int8")
    with pytest.raises(ValueError, match="rows of 24"):
        code.encode(PLACES[:, 1:])
    with pytest.raises(ValueError, match="not finite"):
        code.prepare(np.where(QUERIES > QUERIES.max() - 1e-9, np.nan, QUERIES))
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
    assert {"float32", "float16", "int8"} <= set(CODES.types)
