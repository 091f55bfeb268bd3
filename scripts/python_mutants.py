"""Mutants of a Python source: one operator at one place of its syntax tree.

Annotations, imports, messages and docstrings are left alone, and what merely logs. A mutant replaces the span of one
node; the rest of the source keeps its bytes.
"""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

COMPARED: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
COMPUTED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Div: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}
CALLED = {"min": "max", "max": "min", "any": "all", "all": "any", "ceil": "floor", "floor": "ceil"}
RAISED = {
    "DataError": "TransientError",
    "FatalError": "TransientError",
    "RejectedError": "DataError",
    "TransientError": "DataError",
    "ValueError": "KeyError",
    "KeyError": "ValueError",
    "AgentError": "FatalError",
    "OperationalError": "IntegrityError",
    "IntegrityError": "OperationalError",
}
PAIRS = (
    ("low", "high"),
    ("lower", "upper"),
    ("before", "after"),
    ("first", "last"),
    ("mark", "index"),
    ("oldest", "newest"),
    ("requested", "executed"),
    ("waiting", "mined"),
    ("head", "parent"),
    ("block", "head"),
    ("gross", "net"),
    ("initial", "maintenance"),
    ("added", "removed"),
    ("urgent", "usual"),
    ("start", "end"),
)
"""Words of names that are easily mistaken for each other."""

UNSEEN = {"strict", "frozen", "encoding", "maxsize"}
"""Arguments of calls that guard against ourselves, against a machine whose encoding is another than the tests', or say
how much a cache keeps."""
LOGGED = {"debug", "info", "warning", "critical", "exception"}
Change = tuple[str, str]
"""Operator and the text that takes the node's place."""


class PythonMutant(NamedTuple):
    """One node replaced: its line from 1, the lines it spans before and after as one, and where in the source."""

    file: str
    line: int
    old: str
    new: str
    operator: str
    is_of_function: bool
    last_line: int
    start: int
    end: int
    text: str

    def applied(self, source: str) -> str:
        """Return the source with this one change; offsets count its UTF-8 bytes."""
        raw = source.encode()
        return (raw[: self.start] + self.text.encode() + raw[self.end :]).decode()


def mutants_of(file: str, source: str) -> Iterator[PythonMutant]:
    """Yield every mutant of a source once, in the order of its lines."""
    spans = _Spans(source)
    found = (spans.mutant(file, *change) for change in _Walker(source).changes())
    seen: set[tuple[int, int, str]] = set()
    for mutant in sorted(found, key=lambda one: (one.line, one.start, one.operator, one.text)):
        key = (mutant.start, mutant.end, mutant.text)
        if key not in seen and mutant.old != mutant.new:
            seen.add(key)
            yield mutant


class _Spans:
    """Byte offsets of the nodes of a source."""

    def __init__(self, source: str) -> None:
        self._raw = source.encode()
        self._starts = [0]
        for line in self._raw.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))

    def mutant(self, file: str, node: ast.expr | ast.stmt, change: Change, is_of_function: bool) -> PythonMutant:
        operator, text = change
        last_line, last_column = node.end_lineno or 0, node.end_col_offset or 0
        start = self._starts[node.lineno - 1] + node.col_offset
        end = self._starts[last_line - 1] + last_column
        first, last = self._starts[node.lineno - 1], self._starts[last_line]
        old = self._raw[first:last].decode()
        new = self._raw[first:start].decode() + text + self._raw[end:last].decode()
        return PythonMutant(
            file, node.lineno, _one_line(old), _one_line(new), operator, is_of_function, last_line, start, end, text
        )


def _one_line(text: str) -> str:
    return " ".join(text.split())


Found = tuple[ast.expr | ast.stmt, Change, bool]


class _Walker:
    """Finds what can be changed, from the outside in; knows whether it is inside a function."""

    def __init__(self, source: str) -> None:
        self._tree = ast.parse(source)
        self._names = set(re.findall(r"\w+", source))
        self._attributes = {node.attr for node in ast.walk(self._tree) if isinstance(node, ast.Attribute)}
        self._bound: set[str] = set()
        """Variables of the function that is walked."""

    def changes(self) -> Iterator[Found]:
        yield from self._of(self._tree, is_in_function=False)

    def _of(self, node: ast.AST, is_in_function: bool) -> Iterator[Found]:
        if isinstance(node, (ast.JoinedStr, ast.Import, ast.ImportFrom)) or _is_typing(node) or _is_log(node):
            return
        if isinstance(node, (ast.expr, ast.stmt)):
            for change in self._changes(node):
                yield node, change, is_in_function
        for inner, change in self._of_a_part(node):
            yield inner, change, is_in_function
        outer = self._bound
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            self._bound = outer | {one.arg for one in ast.walk(node) if isinstance(one, ast.arg)}
            self._bound |= {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        for child, is_inside in _children(node, is_in_function):
            yield from self._of(child, is_inside)
        self._bound = outer

    def _of_a_part(self, node: ast.AST) -> Iterator[tuple[ast.expr, Change]]:
        """Negate the condition of a branch or loop; catch less than a handler does."""
        if isinstance(node, (ast.If, ast.While)) and not _is_negated_elsewhere(node.test):
            yield node.test, ("condition", f"not ({ast.unparse(node.test)})")
        if isinstance(node, ast.ExceptHandler) and node.type is not None:
            caught = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
            for index in range(len(caught)):
                rest = [ast.unparse(one) for one in (*caught[:index], *caught[index + 1 :])]
                yield node.type, ("exception", f"({', '.join(rest)},)" if rest else "()")

    def _changes(self, node: ast.expr | ast.stmt) -> Iterator[Change]:
        for kinds, find in CHANGES:
            if isinstance(node, kinds):
                yield from find(node)
        if isinstance(node, ast.Raise):
            yield from self._raised(node)
        if isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, ast.Load):
            yield from self._misnamed(node)

    def _raised(self, node: ast.Raise) -> Iterator[Change]:
        if isinstance(node.exc, ast.Call) and isinstance(node.exc.func, ast.Name) and node.exc.func.id in RAISED:
            changed = copy.copy(node.exc)
            other = RAISED[node.exc.func.id]
            changed.func = ast.Name(other if other in self._names else "RuntimeError", ast.Load())
            yield "exception", ast.unparse(ast.Raise(changed, node.cause))

    def _misnamed(self, node: ast.Name | ast.Attribute) -> Iterator[Change]:
        """Put the other of a pair in the place of a name: a variable of the function, or an attribute of the source."""
        name, known = (node.id, self._bound) if isinstance(node, ast.Name) else (node.attr, self._attributes)
        for word, other in (*PAIRS, *(pair[::-1] for pair in PAIRS)):
            swapped = re.sub(rf"(?<![a-z]){word}(?![a-z])", other, name)
            if swapped != name and swapped in known:
                changed = copy.deepcopy(node)
                setattr(changed, "id" if isinstance(changed, ast.Name) else "attr", swapped)
                yield "name", ast.unparse(changed)


def _children(node: ast.AST, is_in_function: bool) -> Iterator[tuple[ast.AST, bool]]:
    """Yield what lies inside a node, annotations left out, and whether a call runs it."""
    is_function = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
    for name, value in ast.iter_fields(node):
        if name in {"annotation", "returns"} or (name == "bases" and isinstance(node, ast.ClassDef)):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not _is_check_of_ours(child):
                yield child, is_in_function or (is_function and name == "body")


def _is_check_of_ours(node: ast.AST) -> bool:
    """Return whether a part only guards against ourselves: ``@dataclass(frozen=True)``, ``zip(strict=True)``."""
    if isinstance(node, ast.keyword):
        return node.arg in UNSEEN
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "dataclass"


def _is_typing(node: ast.AST) -> bool:
    """Return whether a statement serves the type checker alone: ``TYPE_CHECKING``, an alias, a docstring."""
    if isinstance(node, ast.If):
        return isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
    if isinstance(node, ast.Assign) and isinstance(node.value, (ast.BinOp, ast.Subscript)):
        target = node.targets[0]
        return isinstance(target, ast.Name) and re.fullmatch(r"_?[A-Z][a-z]\w*", target.id) is not None
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _is_log(node: ast.AST) -> bool:
    call = node.value if isinstance(node, ast.Expr) else node
    return isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr in LOGGED


def _unparsed(node: ast.expr) -> str:
    return (
        f"({ast.unparse(node)})"
        if isinstance(node, (ast.Compare, ast.BinOp, ast.BoolOp, ast.UnaryOp))
        else (ast.unparse(node))
    )


def _with(node: ast.expr, **fields: object) -> str:
    changed = copy.copy(node)
    for name, value in fields.items():
        setattr(changed, name, value)
    return _unparsed(changed)


def _comparisons(node: ast.Compare) -> Iterator[Change]:
    for index, operator in enumerate(node.ops):
        for other in COMPARED[type(operator)]:
            yield "comparison", _with(node, ops=[*node.ops[:index], other(), *node.ops[index + 1 :]])


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def _arithmetic(node: ast.BinOp) -> Iterator[Change]:
    if type(node.op) in COMPUTED and not _is_text(node.left) and not _is_text(node.right):
        yield "arithmetic", _with(node, op=COMPUTED[type(node.op)]())


def _augmented(node: ast.AugAssign) -> Iterator[Change]:
    if type(node.op) in COMPUTED:
        target, value = ast.unparse(node.target), ast.unparse(node.value)
        yield "arithmetic", ast.unparse(ast.AugAssign(node.target, COMPUTED[type(node.op)](), node.value))
        yield "arithmetic", f"{target} = {value}"
    yield "statement", "pass"


def _booleans(node: ast.BoolOp) -> Iterator[Change]:
    yield "boolean", _with(node, op=ast.Or() if isinstance(node.op, ast.And) else ast.And())
    for index in range(len(node.values)):
        rest = [*node.values[:index], *node.values[index + 1 :]]
        yield "boolean", _with(node, values=rest) if len(rest) > 1 else f"({ast.unparse(rest[0])})"


def _unary(node: ast.UnaryOp) -> Iterator[Change]:
    if isinstance(node.op, (ast.Not, ast.USub)) and not isinstance(node.operand, ast.Constant):
        yield "negation", f"({ast.unparse(node.operand)})"


def _constants(node: ast.Constant) -> Iterator[Change]:
    if isinstance(node.value, bool):
        yield "constant", str(not node.value)
    elif isinstance(node.value, int):
        yield "constant", str(node.value + 1)
        yield "constant", f"({node.value - 1})"
    elif isinstance(node.value, float):
        yield "constant", str(node.value + 1)


def _is_negated_elsewhere(test: ast.expr) -> bool:
    """Return whether another operator negates a condition: a comparison of two, a negation."""
    is_comparison = isinstance(test, ast.Compare) and len(test.ops) == 1
    return is_comparison or (isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not))


def _calls(node: ast.Call) -> Iterator[Change]:
    function = node.func
    name = function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
    if name in CALLED:
        renamed = copy.copy(function)
        setattr(renamed, "id" if isinstance(renamed, ast.Name) else "attr", CALLED[name])
        yield "call", _with(node, func=renamed)
    if len(node.args) >= 2 and name not in CALLED and not any(isinstance(one, ast.Starred) for one in node.args[:2]):
        first, second = node.args[:2]
        if ast.dump(first) != ast.dump(second):
            yield "argument", _with(node, args=[second, first, *node.args[2:]])
    if name[:1].islower():
        for index, keyword in enumerate(node.keywords):
            if keyword.arg is not None and keyword.arg not in UNSEEN:
                yield "argument", _with(node, keywords=[*node.keywords[:index], *node.keywords[index + 1 :]])


def _comprehensions(node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp) -> Iterator[Change]:
    for index, generator in enumerate(node.generators):
        if generator.ifs:
            kept = ast.comprehension(generator.target, generator.iter, [], generator.is_async)
            yield "condition", _with(node, generators=[*node.generators[:index], kept, *node.generators[index + 1 :]])


def _condition(node: ast.IfExp) -> Iterator[Change]:
    if not _is_negated_elsewhere(node.test):
        yield "condition", f"({ast.unparse(ast.IfExp(node.test, node.orelse, node.body))})"


def _statements(node: ast.stmt) -> Iterator[Change]:
    is_call = isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    is_store = isinstance(node, ast.Assign) and not isinstance(node.targets[0], (ast.Name, ast.Tuple))
    if is_call or is_store or isinstance(node, (ast.Delete, ast.Continue, ast.Break)):
        yield "statement", "pass"


def _returns(node: ast.Return) -> Iterator[Change]:
    if node.value is not None and not (isinstance(node.value, ast.Constant) and node.value.value is None):
        yield "return", "return None"


def _raises(_: ast.Raise) -> Iterator[Change]:
    yield "statement", "pass"


CHANGES: tuple[tuple[type | tuple[type, ...], Callable[..., Iterator[Change]]], ...] = (
    (ast.Compare, _comparisons),
    (ast.BinOp, _arithmetic),
    (ast.AugAssign, _augmented),
    (ast.BoolOp, _booleans),
    (ast.UnaryOp, _unary),
    (ast.Constant, _constants),
    (ast.Call, _calls),
    ((ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp), _comprehensions),
    (ast.IfExp, _condition),
    (ast.stmt, _statements),
    (ast.Return, _returns),
    (ast.Raise, _raises),
)
