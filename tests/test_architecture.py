"""Who may import whom: each package those before it, never one after it (docs/architecture.md)."""

import ast

import pytest
from workflow_runs import ROOT

PACKAGES = (
    "util",
    "format",
    "data",
    "scoring",
    "networks",
    "portable",
    "retrieval",
    "maps",
    "packing",
    "training",
    "compression",
    "baselines",
    "report",
    "study",
    "api",
    "cli",
)
FILES = sorted((ROOT / "pocketvlad").rglob("*.py"))


def imported_modules(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide which package is meant"
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def test_every_package_has_a_place():
    found = {path.relative_to(ROOT / "pocketvlad").parts[0].removesuffix(".py") for path in FILES}
    assert found - {"__init__"} <= set(PACKAGES)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_never_point_upwards(path):
    own = path.relative_to(ROOT / "pocketvlad").parts[0].removesuffix(".py")
    if own == "__init__":
        return  # the doors of the whole library
    allowed = PACKAGES[: PACKAGES.index(own) + 1]
    for module in imported_modules(path):
        top, *rest = module.split(".")
        assert top != "embedded_cities", f"{path} imports the renderer"
        assert top != "snakemake" or own == "study", f"{path} depends on the workflow"
        if top == "pocketvlad":
            assert set(rest[:1]) <= set(allowed), f"{path} imports {module}"


@pytest.mark.parametrize("package", ["format", "scoring"])
def test_what_knows_no_network_imports_no_torch(package):
    for path in (ROOT / "pocketvlad" / package).rglob("*.py"):
        found = {module.split(".")[0] for module in imported_modules(path)}
        assert "torch" not in found, path
