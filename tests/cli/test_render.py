from __future__ import annotations

from engagement.cli.render import print_table
from engagement.cli.table_parts import Column, Line


def test_a_table_in_a_pipe_is_whole(capsys):
    wide = "x" * 500
    print_table([Column("a", "a"), Column("n", "n", is_number=True)], [[Line({"a": wide})]])
    assert capsys.readouterr().out == f"a\tn\n{wide}\t\n"
