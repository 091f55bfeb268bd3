"""Tables keep figures whole and aligned, and fold words alone."""

from __future__ import annotations

from agent.report.text_table import Column, table_lines

COLUMNS = (Column(("Position",), is_figure=False), Column(("Value", "USD")))


def test_table_lines__figures__end_under_each_other_and_headings_at_the_rule():
    lines = table_lines(COLUMNS, [["a", "1,234"], ["bcd", "5"]], ["Total", "1,239"])
    assert lines == [
        "          Value",
        "Position    USD",
        "────────  ─────",
        "a         1,234",
        "bcd           5",
        "────────  ─────",
        "Total     1,239",
    ]


def test_table_lines__too_wide__folds_words_and_never_a_figure():
    label = "calls written to clients in the summer"
    lines = table_lines(COLUMNS, [[label, "123,456,789"]], width=35)
    assert max(map(len, lines)) <= 35
    body = lines[3:]
    assert len(body) > 1
    assert " ".join(line[:22].strip() for line in body) == label
    assert body[0].endswith("123,456,789")


def test_table_lines__width_that_no_fold_reaches__keeps_the_figures():
    lines = table_lines(COLUMNS, [["twelve chars and more", "123,456,789"]], width=5)
    assert any(line.endswith("123,456,789") for line in lines)
    assert len(lines[2].split("  ")[0]) == 12


def test_table_lines__no_width__folds_nothing():
    label = "x" * 300
    assert any(label in line for line in table_lines(COLUMNS, [[label, "1"]]))


def test_table_lines__no_rows__headings_alone():
    assert len(table_lines(COLUMNS, [])) == 3
