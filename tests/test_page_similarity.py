"""How the page writes similarities: never on the other side of the threshold than they are."""

import json

import pytest
from page_reader import evaluated, module, needs_node

pytestmark = needs_node


@pytest.mark.parametrize(
    ("similarity", "threshold", "texts"),
    [
        (0.91, 0.8923, ["0.91", "0.89"]),
        (0.85, 0.8923, ["0.85", "0.89"]),
        (0.8921, 0.8923, ["0.8921", "0.8923"]),  # not known, and 0.89 of 0.89 would be
        (0.896, 0.8992, ["0.896", "0.899"]),
        (0.8923, 0.8923, ["0.89", "0.89"]),
        (1.0000003, 1.0, ["1.00", "1.00"]),
        (1.003, None, ["1.00"]),
    ],
)
def test_a_similarity_is_written_on_its_side_of_the_threshold(similarity, threshold, texts):
    code = f"""
        import {{ similarityTexts }} from {module("page/similarity.js")};
        console.log(JSON.stringify(similarityTexts({similarity}, {json.dumps(threshold)})));
    """
    assert evaluated(code) == texts
