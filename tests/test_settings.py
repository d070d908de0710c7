"""A dataclass of settings is declared once: its schema, its defaults and its words follow."""

from dataclasses import dataclass
from typing import ClassVar

import pytest
from jsonschema import Draft202012Validator

from pocketvlad.util.settings import (
    Value,
    completed,
    declared_field,
    default_of,
    read_settings,
    schema_of,
    setting,
)


@dataclass(frozen=True)
class Blur:
    radius: float = setting("of the Gaussian", unit="pixels", above=0)
    passes: int = setting("how often it is used", 1, minimum=1, maximum=8)


@dataclass(frozen=True, kw_only=True)
class Camera:
    RULES: ClassVar = {"dependentRequired": {"name": ["tags"]}}

    blur: Blur = setting("of the lens")
    name: str | None = setting("its name", None, form="lower-case letters", pattern="^[a-z]+$")
    mode: str = setting("how it focuses", "near", choices=("near", "far", "both"))
    flash: bool = setting("whether there is one", False)
    tags: tuple[str, ...] = setting(
        "words on it", (), distinct=True, items=Value(form="a word", shortest=1)
    )
    lenses: dict[str, Blur] = setting(
        "others by name", {}, keys=Value(form="letters", pattern="^[a-z]+$"), items=Value("a lens")
    )
    files: tuple[str, ...] | str = setting("its files", "none")


def faults(**section):
    errors = Draft202012Validator(schema_of(Camera)).iter_errors({"blur": {"radius": 1}} | section)
    return sorted((".".join(map(str, e.absolute_path)), e.validator) for e in errors)


def test_a_schema_of_the_fields_and_their_bounds():
    schema = schema_of(Blur)
    Draft202012Validator.check_schema(schema)
    assert schema == {
        "description": "a section",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "radius": {
                "description": "a number of pixels, above 0: of the Gaussian",
                "type": "number",
                "exclusiveMinimum": 0,
            },
            "passes": {
                "description": "a whole number, from 1 to 8; 1 unless told: how often it is used",
                "type": "integer",
                "minimum": 1,
                "maximum": 8,
            },
        },
        "required": ["radius"],
    }


@pytest.mark.parametrize(
    ("section", "found"),
    [
        ({}, []),
        ({"blur": {"radius": 0}}, [("blur.radius", "exclusiveMinimum")]),
        ({"blur": {"radius": 1, "passes": 9}}, [("blur.passes", "maximum")]),
        ({"mode": "middle"}, [("mode", "enum")]),
        ({"name": "A1", "tags": ["x"]}, [("name", "pattern")]),
        ({"name": "a"}, [("", "dependentRequired")]),
        ({"tags": ["x", "x"]}, [("tags", "uniqueItems")]),
        ({"tags": [""]}, [("tags.0", "minLength")]),
        ({"lenses": {"A": {"radius": 2}}}, [("lenses", "pattern")]),
        ({"lenses": {"a": {"radius": "2"}}}, [("lenses.a.radius", "type")]),
        ({"files": "x"}, []),
        ({"files": ["x", 2]}, [("files.1", "type")]),
        ({"zoom": 2}, [("", "additionalProperties")]),
    ],
)
def test_a_section_is_held_against_its_dataclass(section, found):
    assert faults(**section) == found


def test_descriptions_say_what_to_write():
    properties = schema_of(Camera)["properties"]
    assert (
        properties["mode"]["description"] == "near, far or both; near unless told: how it focuses"
    )
    assert properties["name"]["description"] == "lower-case letters: its name"
    assert properties["flash"]["description"].startswith("true or false; false unless told")
    assert properties["lenses"]["additionalProperties"]["description"] == "a section: a lens"


def test_what_is_left_out_has_its_default():
    assert completed(Camera, {"blur": {"radius": 2}, "lenses": {"wide": {"radius": 3}}}) == {
        "blur": {"radius": 2, "passes": 1},
        "mode": "near",
        "flash": False,
        "tags": [],
        "lenses": {"wide": {"radius": 3, "passes": 1}},
        "files": "none",
    }


def test_a_section_becomes_an_instance():
    camera = read_settings(Camera, {"blur": {"radius": 2}, "tags": ["a"], "lenses": {}})
    assert camera == Camera(blur=Blur(2.0), tags=("a",))
    assert isinstance(camera.blur.radius, float)
    assert camera.name is None


@pytest.mark.parametrize(
    ("cls", "name", "good", "bad"),
    [
        (Blur, "radius", [1, 0.5], [0, -1.0, float("nan"), float("inf"), "1", True]),
        (Blur, "passes", [1, 8], [0, 9, 1.0, True, None]),
        (Camera, "mode", ["near"], ["middle", 1]),
        (Camera, "flash", [True, False], [0, "no"]),
        (Camera, "tags", [(), ("a", "b")], [("a", "a"), ("a", 1), ["a"], "a", None]),
    ],
)
def test_a_single_value_is_held_against_its_field(cls, name, good, bad):
    field = declared_field(cls, name)
    assert all(field.fits(value) for value in good)
    assert not any(field.fits(value) for value in bad)


def test_single_fields_are_found():
    assert default_of(Blur, "passes") == 1
    assert declared_field(Blur, "radius").words == "a number of pixels, above 0"
    with pytest.raises(ValueError, match=r"Blur\.radius has no default"):
        default_of(Blur, "radius")
    with pytest.raises(ValueError, match="Blur declares no field 'raduis'"):
        declared_field(Blur, "raduis")
