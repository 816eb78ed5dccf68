"""What holds the house to its limits can itself be wrong: each measure is tried on a few lines."""

from pathlib import Path
from textwrap import dedent

import pytest

from tests import measure


def written(folder: Path, text: str, name: str = "room.py") -> measure.File:
    path = folder / name
    path.write_text(dedent(text), encoding="utf-8")
    return measure.File(path)


def only(file: measure.File) -> measure.Function:
    (function,) = file.functions()
    return function


def test_blank_lines_comments_and_docstrings_are_no_code(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        '''
        """What it is."""

        # why

        def answer() -> int:
            """Say it.

            At length.
            """
            # here too
            return 42
        ''',
    )
    assert len(file.code) == 2
    assert only(file).lines == 2


@pytest.mark.parametrize(
    ("body", "branches"),
    [
        ("return 1", 1),
        ("return 1 if a else 2", 2),
        ("return a and b and c", 3),
        ("return [x for x in a]", 2),
        ("assert a", 2),
        ("while a: pass", 2),
        ("if a: pass\n    elif b: pass\n    else: pass", 3),
        ("try: pass\n    except ValueError: pass\n    except OSError: pass", 3),
        ("match a:\n        case 1: pass\n        case _: pass", 3),
        ("def inner():\n        if a: pass", 1),
    ],
)
def test_every_way_that_code_can_take_is_a_branch(tmp_path: Path, body: str, branches: int) -> None:
    file = written(tmp_path, f"def f(a, b, c):\n    {body}\n")
    assert next(function for function in file.functions() if function.where.endswith(" f")).branches == branches


@pytest.mark.parametrize(
    ("head", "typed"),
    [
        ("def f() -> None", True),
        ("def f()", False),
        ("def f(a) -> None", False),
        ("def f(a: int, *, b) -> None", False),
        ("def f(a: int, *rest: int, b: int, **more: int) -> None", True),
        ("def f(*rest) -> None", False),
    ],
)
def test_a_function_is_typed_when_all_of_it_is(tmp_path: Path, head: str, *, typed: bool) -> None:
    assert only(written(tmp_path, f"{head}: ...\n")).typed is typed


def test_self_needs_no_type_but_a_static_methods_first_argument_does(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        """
        class Room:
            def door(self, key: str) -> None: ...

            @staticmethod
            def wall(brick) -> None: ...
        """,
    )
    assert [function.typed for function in file.functions()] == [True, False]


@pytest.mark.parametrize(("decorator", "view"), [("@bp.get('/')", True), ("@bp.post('/')", True), ("@cache", False), ("@bp.other", False)])
def test_a_view_is_what_stands_at_an_address(tmp_path: Path, decorator: str, *, view: bool) -> None:
    assert only(written(tmp_path, f"{decorator}\ndef page() -> str:\n    return ''\n")).is_view is view


def test_what_begins_with_an_underscore_needs_no_docstring(tmp_path: Path) -> None:
    file = written(tmp_path, 'def told() -> None:\n    """Say."""\n\ndef untold() -> None: ...\n\ndef _own() -> None: ...\n')
    assert [(where.split()[-1], has) for where, has in file.documentable()] == [("told", True), ("untold", False)]


def test_each_muted_line_counts(tmp_path: Path) -> None:
    mute = "no" + "qa"  # written apart, so that this file isn't counted as muting something
    assert written(tmp_path, f"a = 1  # {mute}\nb = 2\nc = 3  # {mute}: E501\n").mutes == 2


def test_files_below_a_folder_are_found_without_those_left_out(tmp_path: Path) -> None:
    (tmp_path / "versions").mkdir()
    written(tmp_path, "a = 1")
    written(tmp_path / "versions", "b = 2", "0001.py")
    assert [file.path.name for file in measure.files(tmp_path, without=("versions",))] == ["room.py"]


def test_a_percentile_is_a_value_of_the_list() -> None:
    assert [measure.percentile(range(1, 101), share) for share in (0.0, 0.5, 0.95, 1.0)] == [1, 51, 96, 100]
