"""What descriptors were made with; stored with them."""

import json

from pocketvlad.data.images import Preprocessing
from pocketvlad.data.settings import Sizing


def provenance(model_sha256: str, preprocessing: Preprocessing, sizing: Sizing) -> str:
    """The model file's SHA-256, the preprocessing and the size of images, as JSON.

    Descriptors can be compared where these texts are equal.
    """
    return json.dumps(
        {
            "model_sha256": model_sha256,
            "preprocessing": preprocessing.as_dict(),
            "sizing": sizing.as_dict(),
        },
        sort_keys=True,
    )
