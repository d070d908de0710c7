"""What a descriptor was made with: it goes with descriptors wherever they are kept."""

import hashlib
import json
from pathlib import Path

from pocketvlad.images import Preprocessing, Sizing


def provenance(model_file: Path, preprocessing: Preprocessing, sizing: Sizing) -> str:
    """The model file's SHA-256, the preprocessing and the size of images, as JSON.

    Descriptors can be compared where these texts are equal.
    """
    with open(model_file, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return json.dumps(
        {
            "model_sha256": digest,
            "preprocessing": preprocessing.as_dict(),
            "sizing": sizing.as_dict(),
        },
        sort_keys=True,
    )
