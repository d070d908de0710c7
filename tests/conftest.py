"""What several tests need: small pictures, small cities, the real subset where it is present."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def photograph(tmp_path):
    """A function that writes a JPEG of smooth random colours and returns its path."""

    def write(name: str = "picture.jpg", width: int = 200, height: int = 150, seed: int = 0):
        coarse = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC).save(
            path, quality=95
        )
        return path

    return write


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder with the real subset; the test is skipped where it is absent."""
    folder = Path(os.environ.get("POCKETVLAD_DATA", ROOT.parent / "shared" / "real"))
    if not (folder / "oxford_images.tar").is_file():
        pytest.skip(f"the real subset is not in {folder}; set POCKETVLAD_DATA to its folder")
    return folder
