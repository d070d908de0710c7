"""What a descriptor was made with: it goes with descriptors wherever they are kept."""

import json
from pathlib import Path

from pocketvlad.data.images import Preprocessing, Sizing
from pocketvlad.util.checksum import file_digest


def provenance(model_file: Path, preprocessing: Preprocessing, sizing: Sizing) -> str:
    """The model file's SHA-256, the preprocessing and the size of images, as JSON.

    Descriptors can be compared where these texts are equal.
    """
    return json.dumps(
        {
            "model_sha256": file_digest(model_file, "sha256"),
            "preprocessing": preprocessing.as_dict(),
            "sizing": sizing.as_dict(),
        },
        sort_keys=True,
    )
