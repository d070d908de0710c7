"""NetVLAD and whitening against loops written from the paper's equations and scikit-learn."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from networks import architecture
from sklearn.decomposition import PCA

from pocketvlad.networks.modules.linear_map import WhiteningMap, principal_components
from pocketvlad.networks.modules.netvlad import NetVLAD, cluster_centres
from pocketvlad.networks.network import RetrievalNetwork


def test_netvlad_is_equation_4():
    torch.manual_seed(0)
    layer = NetVLAD(clusters=3, channels=4)
    features = torch.randn(2, 4, 2, 3)
    result = layer(features)
    for n in range(2):
        local = [features[n, :, y, x] for y in range(2) for x in range(3)]
        vlad = torch.zeros(4, 3)
        for x in local:
            x = x / x.norm()
            shares = torch.exp(layer.assignment @ x)
            shares = shares / shares.sum()
            for k in range(3):
                vlad[:, k] += shares[k] * (x - layer.centres[k])
        vlad = vlad / vlad.norm(dim=0)
        torch.testing.assert_close(result[n], (vlad / vlad.norm()).flatten())


def test_initial_assignment_prefers_the_nearest_centre_100_to_1_on_average():
    generator = torch.Generator().manual_seed(1)
    local = F.normalize(torch.randn(500, 8, generator=generator), dim=1)
    centres = torch.from_numpy(cluster_centres(local.numpy(), 5, seed=0))
    layer = NetVLAD(5, 8)
    layer.initialise(centres, local)
    best = (local @ layer.assignment.t()).topk(2, dim=1).values
    assert (best[:, 0] - best[:, 1]).mean().exp().item() == pytest.approx(100, rel=1e-3)


def test_whitening_is_scikit_learns_up_to_one_scale():
    samples = np.random.default_rng(0).normal(size=(60, 10)).astype(np.float32) @ np.diag(
        np.linspace(1, 5, 10)
    ).astype(np.float32)
    layer = WhiteningMap(10, 4)
    layer.fit(torch.from_numpy(samples))
    with torch.no_grad():
        ours = layer(torch.from_numpy(samples)).numpy()
    theirs = PCA(4, whiten=True).fit_transform(samples)
    np.testing.assert_allclose(np.abs(ours) * np.sqrt(4), np.abs(theirs), rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(np.cov(ours.T) * 4, np.eye(4), atol=1e-3)
    with pytest.raises(ValueError, match="cannot give 60 principal components"):
        principal_components(samples, 60)


@pytest.mark.parametrize("offset", [0, 3])
def test_whitening_of_more_components_than_vectors_have_is_refused(offset):
    """Else rounding would be scaled to the size of all others."""
    few = np.random.default_rng(0).normal(offset, size=(20, 64)).astype(np.float32)
    rows = torch.from_numpy(few[np.arange(60) % 20])
    WhiteningMap(64, 19).fit(rows)
    with pytest.raises(ValueError, match=r"have 19 principal .* not 20; write 19 .* `length`"):
        WhiteningMap(64, 20).fit(rows)
    dead = rows.clone()
    dead[:, 10:] = 0
    with pytest.raises(ValueError, match="have 10 principal components, not 19; write 10 or less"):
        WhiteningMap(64, 19).fit(dead)
    with pytest.raises(ValueError, match=r"60 pooled vectors are all alike.*`weights`"):
        WhiteningMap(64, 2).fit(rows[:1].expand(60, -1).contiguous())


def test_too_few_local_descriptors_for_the_clusters():
    with pytest.raises(ValueError, match="cannot make 5 clusters"):
        cluster_centres(np.zeros((4, 2), dtype=np.float32), 5, 0)


def test_descriptors_have_unit_length_whatever_the_image_size():
    torch.manual_seed(0)
    network = RetrievalNetwork(architecture("vgg16", 0.125, 4, 7)).eval()
    with torch.inference_mode():
        for height, width in ((32, 48), (64, 32)):
            descriptors = network(torch.randn(2, 3, height, width))
            assert descriptors.shape == (2, 7)
            torch.testing.assert_close(descriptors.norm(dim=1), torch.ones(2))
