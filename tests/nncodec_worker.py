"""Code integer tensors by nncodec (ISO/IEC 15938-17), in an environment of its own.

python tests/nncodec_worker.py FILE.npz

Prints a JSON object: bytes, seconds to encode, seconds to decode. Lossless, and checked.
"""

import json
import os
import sys
import tempfile
import time

import numpy as np
from nncodec.nn import decode, encode


def main() -> None:
    tensors = dict(np.load(sys.argv[1]))
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)  # nncodec writes its bitstream wherever it is, too
        begin = time.perf_counter()
        stream = encode(tensors, {"verbose": False, "use_dq": False})
        encoding = time.perf_counter() - begin
        begin = time.perf_counter()
        decoded = decode(stream)
        decoding = time.perf_counter() - begin
    for name, tensor in tensors.items():
        np.testing.assert_array_equal(decoded[name], tensor)
    print(json.dumps({"bytes": len(stream), "encoding": encoding, "decoding": decoding}))


if __name__ == "__main__":
    main()
