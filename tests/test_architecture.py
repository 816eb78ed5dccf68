"""Holds the house to its rules: which way imports run, what may be impure, how long things may grow."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import grimp
import pytest

from tests import measure

ROOT = Path(__file__).resolve().parents[1]
ROOMS = {"jobs", "audit", "messages", "people", "campaigns", "voting", "ledger", "payments", "deposits", "production"}
PURE = {"c2b.money", "c2b.errors"}


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("c2b", include_external_packages=True, cache_dir=None)


@pytest.fixture(scope="module")
def code() -> list[measure.File]:
    return measure.files(ROOT / "c2b", without=("versions",))


@pytest.fixture(scope="module")
def functions(code: list[measure.File]) -> list[measure.Function]:
    return [function for file in code for function in file.functions()]


def modules(graph: grimp.ImportGraph, ending: str) -> Iterator[str]:
    return (name for name in graph.modules if name.startswith("c2b.") and name.endswith(f".{ending}"))


def test_imports_run_the_way_the_story_runs() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_rules_are_pure(graph: grimp.ImportGraph) -> None:
    allowed = PURE | set(modules(graph, "rules")) | set(sys.stdlib_module_names)
    impure = {name: graph.find_modules_directly_imported_by(name) - allowed for name in modules(graph, "rules")}
    assert {name: found for name, found in impure.items() if found} == {}


def test_tables_know_no_actions(graph: grimp.ImportGraph) -> None:
    wrong = {
        name: {other for other in graph.find_modules_directly_imported_by(name) if other.endswith((".actions", ".queries"))}
        for name in modules(graph, "models")
    }
    assert {name: found for name, found in wrong.items() if found} == {}


def test_queries_write_nothing(graph: grimp.ImportGraph) -> None:
    imports = {name: graph.find_modules_directly_imported_by(name) for name in modules(graph, "queries")}
    assert {name for name, others in imports.items() if any(other.endswith(".actions") for other in others)} == set()


def test_there_are_no_import_cycles(graph: grimp.ImportGraph) -> None:
    own = {name for name in graph.modules if name == "c2b" or name.startswith("c2b.")}
    waiting = {name: graph.find_modules_directly_imported_by(name) & own for name in own}
    while free := {name for name, needs in waiting.items() if not needs}:
        waiting = {name: needs - free for name, needs in waiting.items() if name not in free}
    assert sorted(waiting) == []


def test_only_an_optional_gateways_sdk_is_imported_inside_a_function(code: list[measure.File]) -> None:
    lazy = [
        f"{file.path}:{node.lineno}"
        for file in code
        if "gateways" not in file.path.parts
        for function in ast.walk(file.tree)
        if isinstance(function, measure.Definition)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert lazy == []


def test_functions_stay_short(functions: list[measure.Function]) -> None:
    assert [f.where for f in functions if f.lines > 40] == []
    assert measure.percentile([f.lines for f in functions], 0.95) <= 25


def test_functions_branch_little(functions: list[measure.Function]) -> None:
    assert [f.where for f in functions if f.branches > 10] == []
    assert measure.percentile([f.branches for f in functions], 0.95) <= 5


def test_views_only_read_call_and_render(functions: list[measure.Function]) -> None:
    views = [function for function in functions if function.is_view]
    assert [f.where for f in views if f.lines > 20] == []
    assert median(f.lines for f in views) <= 10


def test_files_stay_short(code: list[measure.File]) -> None:
    assert [str(file.path) for file in code if len(file.code) > 300] == []


def test_every_function_is_typed(functions: list[measure.Function]) -> None:
    assert [f.where for f in functions if not f.typed] == []


def test_what_is_public_is_documented(code: list[measure.File]) -> None:
    documented = [has for file in code for _, has in file.documentable()]
    assert sum(documented) / len(documented) >= 0.9


def test_checkers_are_hardly_ever_muted(code: list[measure.File]) -> None:
    assert sum(file.mutes for file in code) <= 2 * sum(len(file.code) for file in code) / 1000


def test_there_is_more_test_than_code(code: list[measure.File]) -> None:
    tests = sum(len(file.code) for file in measure.files(ROOT / "tests"))
    assert tests / sum(len(file.code) for file in code) >= 1.3


def test_the_top_level_shows_the_use() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    top = {name.split("/")[0] for name in listed if name and not name.startswith(".")}
    assert top == {"README.md", "pyproject.toml", "c2b", "tests"}


@pytest.mark.parametrize("room", sorted(ROOMS))
def test_a_room_has_its_tests(room: str) -> None:
    assert list((ROOT / "tests" / room).glob("test_*.py"))
