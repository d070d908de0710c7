"""Changes of inputs that leave a format's checksums and lengths right.

A reader's `changed(data, random, change)` gives another input; `change` changes plain bytes. It is
free to fail: the caller then changes `data` itself.
"""

import copy
import json
from collections.abc import Callable, Iterator
from random import Random

Change = Callable[[bytes], bytes]

_ODD = (
    None, True, False, 0, -1, 1, 2, 255, 1 << 31, 1 << 32, 1 << 63, 10**400, 1.5, -0.0, 1e308,
    float("nan"), float("inf"), "", "\0", "..", "../x", "/etc", "a\\b", "\ud800", "\x1b[2J", "0",
    "x" * 5000, [], {}, [[]], [1, 2, 3], {"type": "int8"}, {"": None},
)  # fmt: skip


def _places(node: object) -> Iterator[tuple[object, object]]:
    """(container, key) of every value in it."""
    for key in list(node) if isinstance(node, dict) else range(len(node)):
        yield node, key
        if isinstance(node[key], dict | list):
            yield from _places(node[key])


def odd_value(random: Random) -> object:
    return copy.deepcopy(random.choice(_ODD))


def tree_changed(tree: object, random: Random) -> object:
    """A copy of JSON's values in which a few are others, gone, doubled or somewhere else."""
    tree = copy.deepcopy(tree)
    for _ in range(random.choice((1, 1, 1, 2, 4))):
        places = list(_places(tree)) if isinstance(tree, dict | list) else []
        if not places:
            return odd_value(random)
        node, key = random.choice(places)
        match random.randrange(6):
            case 0 | 1:
                node[key] = odd_value(random)
            case 2:
                other, at = random.choice(places)
                node[key] = copy.deepcopy(other[at])
            case 3:
                del node[key]
            case 4 if isinstance(node, list):
                node.insert(key, copy.deepcopy(node[key]))
            case 4:
                node[random.choice(("x", "type", "0", str(key) + "x"))] = node[key]
            case 5 if isinstance(node[key], int):
                node[key] += random.choice((-1, 1, 1 << 16, -(1 << 40)))
            case _:
                node[key] = [node[key]]
        if len(repr(tree)) > 1 << 14:
            break
    return tree


def json_changed(text: bytes, random: Random, change: Change) -> bytes:
    """A JSON text, changed as a tree or as bytes; now and then nested beyond any depth."""
    if random.random() < 0.02:
        return random.choice((b"[", b'{"a":')) * random.choice((500, 5000, 50_000))
    if random.random() < 0.2:
        return change(text)
    return json.dumps(tree_changed(json.loads(text), random)).encode()
