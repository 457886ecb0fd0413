#!/usr/bin/env python3
"""Writes the tables of tracepager-incidents(7) from include/tracepager/tbl/life.def, from which the program's tables come too.

After a change of life.def: contrib/man/make_life.py. A test (--check) tells when that was forgotten.
"""
import os
import re
import sys
import textwrap

TOP = os.environ.get("top_srcdir", os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
PAGE = os.path.join(TOP, "contrib", "man", "tracepager-incidents.7")
KINDS = (("ALERT", "Alerts"), ("ENRICHMENT", "Enrichments"), ("INCIDENT", "Incidents"), ("RECIPIENT", "Recipients"))
BEGIN, END = '.\\" Begin of the tables: written by make_life.py.\n', '.\\" End of the tables.\n'


def rows(text, macro):
    for row in re.findall(rf"^{macro}\((.*)\)$", text, re.M):
        yield [cell[1:-1] if cell[0] == '"' else cell for cell in re.findall(r'"[^"]*"|\w+', row)]


def upper(text):
    return text[0].upper() + text[1:]


def filled(sentence):
    """Lines of a page: none is too long, and none begins as a macro does."""
    return "\n".join(textwrap.wrap(sentence, 78, break_on_hyphens=False)) + "\n"


def tables():
    with open(os.path.join(TOP, "include", "tracepager", "tbl", "life.def"), encoding="utf-8") as f:
        text = f.read()
    out = []
    for kind, title in KINDS:
        states = list(rows(text, kind + "_STATE"))
        names = {state[0]: state[1] for state in states}
        moves = list(rows(text, kind + "_MOVE"))
        if not states or not moves:
            sys.exit(f"life.def has no rows of {kind}")
        out.append(f".Ss {title}\n.Bl -tag -width Ds\n")
        for name, shown, meaning, deadline in states:
            out.append(f".It Ic {shown}\n{filled(upper(meaning) + '.')}{filled('Its deadline: ' + deadline + '.')}")
            away = [move for move in moves if move[0] == name]
            for _, to, cause in away:
                out.append(f".br\nto\n.Ic {names[to]} :\n{filled(cause + '.')}")
        out.append(".El\n")
    return "".join(out)


def main():
    with open(PAGE, encoding="utf-8") as f:
        page = f.read()
    before, rest = page.split(BEGIN)
    written = before + BEGIN + tables() + END + rest.split(END)[1]
    if "--check" in sys.argv[1:]:
        same = written == page
        if not same:
            print("contrib/man/tracepager-incidents.7 is not what life.def says: run contrib/man/make_life.py")
        print(f"{int(same)} passed, {int(not same)} failed")
        return 0 if same else 1
    with open(PAGE, "w", encoding="utf-8") as f:
        f.write(written)
    return 0


sys.exit(main())
