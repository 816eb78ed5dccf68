"""The shape of a tree of Python files: lengths, branches, types, docstrings, mutes."""

import ast
import io
import tokenize
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path

Definition = ast.FunctionDef | ast.AsyncFunctionDef
_BRANCHES = (ast.If, ast.For, ast.While, ast.ExceptHandler, ast.IfExp, ast.Assert, ast.comprehension, ast.match_case)
_ROUTES = {"route", "get", "post", "put", "patch", "delete"}
_NOT_CODE = {tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING, tokenize.ENDMARKER, tokenize.COMMENT}
_MUTES = ("type: ignore", "noqa", "pragma: no cover")


@dataclass(frozen=True)
class Function:
    """One function: where it stands, its code lines, its branches."""

    where: str
    lines: int
    branches: int
    typed: bool
    is_view: bool


class File:
    """One parsed file; a code line is neither blank, nor comment only, nor in a docstring."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.text = path.read_text(encoding="utf-8")
        self.tree = ast.parse(self.text)

    @cached_property
    def code(self) -> set[int]:
        tokens = tokenize.generate_tokens(io.StringIO(self.text).readline)
        lines = set(chain.from_iterable(range(t.start[0], t.end[0] + 1) for t in tokens if t.type not in _NOT_CODE))
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Module | ast.ClassDef | Definition) and ast.get_docstring(node) is not None:
                docstring = node.body[0]
                lines -= set(range(docstring.lineno, (docstring.end_lineno or 0) + 1))
        return lines

    @property
    def mutes(self) -> int:
        return sum(any(mute in line for mute in _MUTES) for line in self.text.splitlines())

    def functions(self) -> Iterator[Function]:
        for parent in ast.walk(self.tree):
            for node in ast.iter_child_nodes(parent):
                if isinstance(node, Definition):
                    yield Function(
                        where=f"{self.path}:{node.lineno} {node.name}",
                        lines=len(self.code.intersection(range(node.lineno, (node.end_lineno or 0) + 1))),
                        branches=_complexity(node),
                        typed=_is_typed(node, in_class=isinstance(parent, ast.ClassDef)),
                        is_view=any(_is_route(decorator) for decorator in node.decorator_list),
                    )

    def documentable(self) -> Iterator[tuple[str, bool]]:
        """Yield every public function, method and class with whether it has a docstring."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.ClassDef | Definition) and not node.name.startswith("_"):
                yield f"{self.path}:{node.lineno} {node.name}", ast.get_docstring(node) is not None


def _complexity(function: Definition) -> int:
    total, stack = 1, list[ast.AST](function.body)
    while stack:
        node = stack.pop()
        if isinstance(node, ast.ClassDef | Definition):
            continue
        total += isinstance(node, _BRANCHES) + (len(node.values) - 1 if isinstance(node, ast.BoolOp) else 0)
        stack.extend(ast.iter_child_nodes(node))
    return total


def _is_typed(function: Definition, *, in_class: bool) -> bool:
    arguments = [*function.args.posonlyargs, *function.args.args]
    static = any(isinstance(d, ast.Name) and d.id == "staticmethod" for d in function.decorator_list)
    if in_class and not static:
        arguments = arguments[1:]
    arguments += [*function.args.kwonlyargs, *(a for a in (function.args.vararg, function.args.kwarg) if a)]
    return function.returns is not None and all(argument.annotation for argument in arguments)


def _is_route(decorator: ast.expr) -> bool:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return isinstance(called, ast.Attribute) and called.attr in _ROUTES


def files(folder: Path, *, without: Sequence[str] = ()) -> list[File]:
    """Parse every Python file below `folder`, except in folders named in `without`."""
    return [File(path) for path in sorted(folder.rglob("*.py")) if not {*without, "__pycache__"} & set(path.parts)]


def percentile(values: Sequence[int], share: float) -> int:
    """Return the value below which `share` of `values` lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
