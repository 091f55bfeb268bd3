"""The judge of the agent's tests is shown mistakes that it must tell from none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from scripts.agent_judge import Judge, MeasuredFile, judge_in, judges_of, prepare, verdict_of
from scripts.agent_mutation import JUSTIFIED, PACKAGES, conclude, drawn, is_enough, row, sources
from scripts.agent_named_mutants import NamedMutant, named_mutants, unnoticed
from scripts.mutants import unjustified
from scripts.python_mutants import PythonMutant, mutants_of


def changed(source: str) -> set[str]:
    return {mutant.new for mutant in mutants_of("agent/x.py", source)}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("a < b", {"(a <= b)", "(a >= b)"}),
        ("a is not b", {"(a is b)"}),
        ("a - 7", {"(a + 7)", "a - (6)", "a - 8"}),
        ("a or b", {"(a and b)", "(a)", "(b)"}),
        ("not a", {"(a)"}),
        ("min(a, b)", {"max(a, b)"}),
        ("f(a, b, key=c)", {"f(a, b)", "f(b, a, key=c)"}),
        ("a if b else c", {"(c if b else a)"}),
        ("[a for a in b if a.c]", {"[a for a in b]"}),
        ("True", {"False"}),
    ],
)
def test_mutants__expression__each_change_of_it(line, expected):
    assert changed(f"x = {line}\n") == {f"x = {one}" for one in expected}


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("while a:\n    break\n", {"while not (a):", "pass"}),
        ("try:\n    a\nexcept (B, C):\n    raise\n", {"except (B,):", "except (C,):", "pass"}),
        ("try:\n    a\nexcept B:\n    raise\n", {"except ():", "pass"}),
        ("raise DataError(a)\n", {"raise RuntimeError(a)", "pass"}),
        ("raise DataError(a) from TransientError\n", {"raise TransientError(a) from TransientError", "pass"}),
        ("a += b\n", {"a -= b", "a = b", "pass"}),
        ("a.b = c\n", {"pass"}),
        ("def f(x=1):\n    return x\n", {"def f(x=2):", "def f(x=(0)):", "return None"}),
        ("def f(low, high):\n    return low\n", {"return high", "return None"}),
        ("x = a.low\ny = a.high\n", {"x = a.high", "y = a.low"}),
        ("x = a.before\nafter = 'after'\n", set()),
    ],
)
def test_mutants__statement__each_change_of_it(lines, expected):
    assert {one for new in changed(lines) for one in [new.strip()]} == expected


def test_mutants__what_no_test_of_behaviour_could_see__is_left_alone():
    source = (
        '"""Words."""\nimport a\nPair = tuple[int, 2]\n@dataclass(frozen=True)\nclass C:\n    """Words."""\n'
        '    x: Literal[1] = b\nlog.info("x", y=1)\nz = f"{a + 1}"\nzip(a, strict=True)\n'
        'open(a, encoding="utf-8")\nlru_cache(maxsize=1)\nConfigDict(frozen=True)\n'
    )
    assert changed(source) == {"pass"}


def test_applied__one_mutant__changes_nothing_else():
    source = "é = 1\nx = (a <\n     b)  # said\ny = 2\n"
    [mutant] = [one for one in mutants_of("agent/x.py", source) if one.text == "(a <= b)"]
    assert mutant.applied(source) == "é = 1\nx = ((a <= b))  # said\ny = 2\n"
    assert (mutant.line, mutant.last_line, mutant.old) == (2, 3, "x = (a < b) # said")


# --- who judges -------------------------------------------------------------------------------------------------------


def covering(name: str, seconds: float, *lines: int, source: str = "agent/ledger/scan.py") -> MeasuredFile:
    return MeasuredFile(name, seconds, {source: frozenset(lines)})


OWN = covering("tests/unit/ledger/test_scan.py", 9.0, 5, 6)
OTHER = covering("tests/unit/ledger/test_store.py", 1.0, 5)
SIBLING = covering("tests/unit/ledger/test_orders.py", 1.0, 5, source="agent/ledger/orders.py")
CHAINS = [covering(f"tests/integration/test_{seconds}.py", seconds, 5) for seconds in (50.0, 30.0, 90.0)]
FILES = [*CHAINS, OTHER, OWN, SIBLING]


def mutant_at(line: int, is_of_function: bool = True, file: str = "agent/ledger/scan.py") -> PythonMutant:
    return PythonMutant(file, line, "a", "b", "name", is_of_function, line, 0, 1, "b")


def test_judges_of__line_of_a_function__those_that_run_it_in_their_order():
    quick, slow = judges_of(mutant_at(5), FILES)
    assert quick == [OWN, OTHER]
    assert [one.seconds for one in slow] == [30.0, 50.0]
    assert judges_of(mutant_at(6), FILES) == ([OWN], [])


def test_judges_of__run_at_import_or_by_nobody__those_of_the_source():
    assert judges_of(mutant_at(1, is_of_function=False), FILES)[0] == [OWN, OTHER]
    assert judges_of(mutant_at(99), FILES)[0] == [OWN, OTHER]
    assert judges_of(mutant_at(1, file="agent/ledger/config.py"), [OTHER, SIBLING])[0] == [OTHER, SIBLING]


def test_judges_of__field_of_settings__the_page_of_settings_first():
    page = MeasuredFile("tests/gates/test_parameters_page.py", 1.0, {})
    files = [covering(one.name, one.seconds, 5, source="agent/ledger/config.py") for one in (OTHER, *CHAINS)]
    field = mutant_at(9, is_of_function=False, file="agent/ledger/config.py")
    assert [one.name for one in judges_of(field, [*files, page], 0.0)[0]] == [page.name, OTHER.name]
    assert judges_of(field, [*files, page], 0.0)[1] == []
    assert len(judges_of(field, [*files, page])[1]) == 2


@pytest.mark.parametrize(
    ("exit_status", "output", "verdict"),
    [
        (0, "3 passed", ("survived", "")),
        (1, "FAILED tests/a.py::test_x - E", ("caught", "tests/a.py::test_x")),
        (None, "", ("time", "")),
        (2, "ERROR tests/a.py - NameError\n", ("invalid", "tests/a.py")),
        (-11, "", ("caught", "signal 11")),
    ],
)
def test_verdict_of__each_end_of_pytest(exit_status, output, verdict):
    assert verdict_of({"exit": exit_status, "output": output}) == verdict


@pytest.mark.parametrize("exit_status", [3, 4, 5])
def test_verdict_of__pytest_did_not_get_to_judge__is_no_verdict(exit_status):
    with pytest.raises(RuntimeError, match=f"pytest ends with {exit_status}"):
        verdict_of({"exit": exit_status, "output": "no tests ran"})


# --- what it comes to -------------------------------------------------------------------------------------------------


def test_is_enough__nothing_judged_or_too_little_caught__is_not():
    assert is_enough(Counter(caught=8, time=1, survived=1, invalid=5))
    assert not is_enough(Counter(caught=8, survived=1))
    assert not is_enough(Counter(invalid=3))


def test_conclude__one_package_below__fails_and_the_table_says_which(capsys):
    assert conclude({"agent/a": Counter(caught=20)})
    assert not conclude({"agent/a": Counter(caught=200), "agent/b": Counter(caught=8, survived=2)})
    assert row("agent/b", Counter(caught=8, survived=2)) in capsys.readouterr().out


def test_row__caught_and_out_of_time__are_counted_apart_with_their_interval():
    figures = Counter(caught=80, time=1, survived=182, invalid=9)
    assert row("agent/a", figures) == "| agent/a | 263 | 81 | 1 | 182 | 30.8% | 25.5% to 36.6% |"  # Newcombe (1998)


def test_drawn__same_seed__same_mutants_and_another_seed_others(repository, monkeypatch):
    monkeypatch.chdir(repository)
    assert drawn("agent/guard.py", 1, 20) == drawn("agent/guard.py", 1, 20)
    assert drawn("agent/guard.py", 1, 20) != drawn("agent/guard.py", 2, 20)


def test_justified__repository__every_entry_is_a_mutant(repository, monkeypatch):
    monkeypatch.chdir(repository)
    for names in sources(PACKAGES).values():
        for name in names:
            unjustified(list(mutants_of(name, Path(name).read_text(encoding="utf-8"))), JUSTIFIED)


def test_named_mutants__repository__each_text_is_there_once(repository):
    for mutant in named_mutants():
        source = (repository / mutant.file).read_text(encoding="utf-8")
        assert mutant.applied(source) != source, mutant.name


# --- the whole judge --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def judge(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judge]:
    tree = tmp_path_factory.mktemp("agent-mutation") / "tree"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(repository)
        prepare(tree)
    with judge_in(tree, []) as judge:
        yield judge


def test_unnoticed__mistakes_that_have_a_name__none(judge):
    assert unnoticed(judge, named_mutants()) == []


def test_unnoticed__mistake_that_its_tests_do_not_run__is_named(judge):
    """The canary: were it caught, everything would be."""
    mistake = replace(named_mutants()[0], tests="tests/unit/chain/test_reverts.py")
    assert unnoticed(judge, [mistake]) == [mistake.name]


def test_named_mutant__text_that_is_gone__says_so():
    gone = NamedMutant("gone", "agent/x.py", "a", "b", "tests/x.py")
    with pytest.raises(ValueError, match=r"gone: agent/x\.py holds the text 0 times"):
        gone.applied("c")
