"""Which seeds there are, and one for each job, derived from that of its training."""

import hashlib

LARGEST_SEED = (1 << 31) - 1
"""What every generator takes: the smallest are C's `int`."""


def derive_seed(identity: str) -> int:
    """A seed in [0, 2^31) from text such as "1/vgg16/paris/base"; equal text, equal seed."""
    return int.from_bytes(hashlib.sha256(identity.encode()).digest()[:4], "big") >> 1
