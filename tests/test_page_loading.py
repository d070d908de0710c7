"""What the page refuses while it loads a city, by Node: no browser, and no network is computed."""

import json
import re

import pytest
from page_reader import evaluated, module, needs_node, run_node
from test_compressed_file import assemble, parts
from test_preprocessing import GARBLED
from workflow_runs import ROOT

from pocketvlad.data.images import Preprocessing

pytestmark = needs_node

REFUSAL = "no such operator"


def loaded(city, refusal=REFUSAL):
    """Name and message of the error that ends it, at the latest that of the runtime."""
    run = run_node(ROOT / "page" / "tests" / "load_city.js", city, refusal)
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout)
    return found["name"], found["message"]


def test_a_model_whose_preprocessing_is_not_of_three_channels_is_refused(few_files):
    city = few_files / "city"
    assert loaded(city) == ("FormatError", f"graph.onnx cannot be run: {REFUSAL}")
    large = {"mean": [1.0, 2.0, 3e6], "std": [1.0, 1.0, 1.0]}
    # No .pvlad can have numbers that are not finite as float64.
    fit = [raw for raw in [*GARBLED, large] if not re.search(r"nan|\d{309}", str(raw))]
    assert len(fit) > 9
    header, payloads = parts((city / "model.pvlad").read_bytes())
    manifest = json.loads((city / "city.json").read_text())
    for raw in fit:
        with pytest.raises(ValueError, match="is not that of three channels"):
            Preprocessing.from_dict(raw)
        data = assemble(header | {"preprocessing": raw}, payloads)
        (city / "model.pvlad").write_bytes(data)
        manifest["files"]["model"]["bytes"] = len(data)
        (city / "city.json").write_text(json.dumps(manifest))
        name, message = loaded(city)
        assert name == "FormatError"
        assert re.match(r"model\.pvlad: the preprocessing .* is not that of three", message), (
            message
        )


SHORT = [
    "Can't create a session. failed to allocate a buffer of size 61765.",
    "Can't create a session. ERROR_CODE: 6, ERROR_MESSAGE: std::bad_alloc",
    "Failed to allocate memory for requested buffer of size 4194304",
    "Memory allocation failed. Size=4194304",
    "WebAssembly.Memory(): could not allocate memory",
    "Array buffer allocation failed",
    "Out of memory",
]
OTHER = [
    "in-memory external data reference tag is not a valid file path",
    "Failed to get allocator for location: Cpu",
]


@pytest.mark.parametrize("said", SHORT + OTHER)
def test_a_runtime_that_is_short_of_memory_is_told_from_a_graph_that_is_wrong(few_files, said):
    code = f"""
        import {{ isShortOfMemory }} from {module("city/short_of_memory.js")};
        console.log(isShortOfMemory(new Error({json.dumps(said)})));
    """
    assert evaluated(code) == (said in SHORT)
    wrong = ("FormatError", f"graph.onnx cannot be run: {said}")
    assert loaded(few_files / "city", said) == (("Error", said) if said in SHORT else wrong)


def test_a_file_that_is_too_long_is_not_fetched_to_its_end():
    code = f"""
        import {{ Fetcher }} from {module("page/fetch_file.js")};
        let given = 0;
        let cancelled = false;
        const endless = {{
          pull: (out) => (given++, out.enqueue(new Uint8Array(1000))),
          cancel: () => (cancelled = true),
        }};
        globalThis.fetch = async () => new Response(new ReadableStream(endless));
        const files = new Fetcher("https://host/city/", () => {{}});
        const error = await files.file("map.pvmap", 2500, "map.pvmap").catch((found) => found);
        console.log(JSON.stringify([error.message, cancelled, given < 20]));
    """
    message, cancelled, soon = evaluated(code)
    assert message.startswith("map.pvmap has more than 2500 of 2500 bytes")
    assert cancelled
    assert soon
