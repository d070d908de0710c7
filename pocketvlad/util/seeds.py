"""A seed for each job, derived from that of its training."""

import hashlib


def derive_seed(identity: str) -> int:
    """A seed in [0, 2^31) from text such as "1/vgg16/paris/base"; equal text, equal seed."""
    return int.from_bytes(hashlib.sha256(identity.encode()).digest()[:4], "big") >> 1
