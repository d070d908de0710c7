"""What is kept of sources between runs is what would be found in them."""

import json

import pytest

from pocketvlad.util.source_facts import KnownSources

SOURCE = '"""A text."""\nimport os.path\nfrom a.b import c as d, e\nfrom . import f\nx = 1  # so\n'


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "source.py"
    path.write_text(SOURCE)
    return path


@pytest.fixture
def kept(tmp_path, source):
    """The file of a process that has read `source`."""
    known = KnownSources(tmp_path / "new folder" / "code.json")
    known.facts(source)
    known.keep()
    return known.kept


def test_imports_are_found_wherever_they_stand(source):
    source.write_text(SOURCE + "def g():\n    if x:\n        import h\n")
    expected = {"os.path", "a.b", "a.b.c", "a.b.e", "h"}
    assert set(KnownSources().facts(source).imports) == expected


def test_texts_and_comments_do_not_count(source, tmp_path):
    bare = tmp_path / "bare.py"
    bare.write_text("import os.path\nfrom a.b import c as d, e\nfrom . import f\nx = 1\n")
    assert KnownSources().facts(bare) == KnownSources().facts(source)
    bare.write_text("import os.path\nfrom a.b import c as d, e\nfrom . import f\nx = 2\n")
    assert KnownSources().facts(bare).code != KnownSources().facts(source).code


def test_the_next_process_parses_nothing(source, kept, monkeypatch):
    expected = KnownSources().facts(source)
    monkeypatch.setattr("ast.parse", None)
    assert KnownSources(kept).facts(source) == expected
    with pytest.raises(TypeError):
        KnownSources().facts(source)


def test_an_edited_source_is_read_again(source, kept):
    source.write_text(SOURCE + "x += 1\n")
    assert KnownSources(kept).facts(source) == KnownSources().facts(source)


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"python": "3.1", "sources": {}}'])
def test_a_damaged_file_or_that_of_another_python_counts_as_empty(source, kept, content):
    kept.write_text(content)
    known = KnownSources(kept)
    assert known.facts(source) == KnownSources().facts(source)
    known.keep()
    assert len(json.loads(kept.read_text())["sources"]) == 1


@pytest.mark.parametrize("entry", [3, [], ["a"], [None, "a"], [[], "a", "b"], [[], "no digest"]])
def test_a_damaged_entry_makes_all_be_read_again(source, kept, entry):
    content = json.loads(kept.read_text())
    [name] = content["sources"]
    kept.write_text(json.dumps(content | {"sources": {name: entry}}))
    assert KnownSources(kept).facts(source) == KnownSources().facts(source)


def test_what_is_not_used_any_more_is_not_kept(source, kept, tmp_path):
    other = tmp_path / "other.py"
    other.write_text("y = 2\n")
    known = KnownSources(kept)
    known.facts(other)
    known.keep()
    assert len(json.loads(kept.read_text())["sources"]) == 1
    assert KnownSources(kept).facts(other) == KnownSources().facts(other)


def test_a_file_that_cannot_be_written_stops_nothing(source, tmp_path):
    known = KnownSources(source / "code.json")  # no folder
    expected = KnownSources().facts(source)
    assert known.facts(source) == expected
    known.keep()
