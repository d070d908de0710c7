"""The transform of kernels against scipy's."""

import numpy as np
import pytest
from scipy.fft import dctn

from pocketvlad.format.kernel_transform import cosine_basis, to_kernels


@pytest.mark.parametrize("shape", [(3, 3), (1, 1), (11, 11), (2, 5)])
def test_kernels_come_back_from_their_coefficients(shape):
    kernels = np.random.default_rng(0).normal(size=(4, 2, *shape)).astype(np.float32)
    coefficients = dctn(kernels.astype(np.float64), axes=(2, 3), norm="ortho")
    basis = cosine_basis(*shape)
    np.testing.assert_allclose(
        kernels.reshape(8, -1) @ basis.T, coefficients.reshape(8, -1), atol=1e-6
    )
    np.testing.assert_allclose(basis @ basis.T, np.eye(len(basis)), atol=1e-12)
    found = to_kernels(coefficients.astype(np.float32))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, kernels, atol=1e-6)
