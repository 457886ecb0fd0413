#!/usr/bin/env python3
"""The confidence means what it says: simulated systems with known faults, decided by the program, as contrib/scripts/calibrate
does it. Of answers from 0.9 on, nine in ten at least are right; without a fault hardly anybody is named. Needs no network."""
import re
import subprocess
import sys

import peers

SCRIPT = f"{peers.TOP}/contrib/scripts/calibrate"


def table(*args):
    ran = subprocess.run([sys.executable, SCRIPT, "--binary", peers.BINARY, *args], capture_output=True, text=True,
                         check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


FAULTS = {"slow service", "slow calls", "failing service", "silent failure", "tolerated errors", "compensation"}
NO_FAULTS = {"nothing", "mix shifted", "a fifth slower"}


def rows_of(text):
    """The first table: windows, right, wrong, abstained, wrong from 0.9 of each kind of fault."""
    first = text.split("\n\n")[0]
    return {m[1].strip(): [int(n) for n in m[2].split()] for m in re.finditer(r"^([a-z ]+?)((?: +\d+){5})$", first, re.M)}


def simulated_faults():
    text = table("--windows", "60", "--seed", "3")
    rows = rows_of(text)
    assert set(rows) == FAULTS | NO_FAULTS | {"gateway"}, text
    for kind, (windows, right, wrong, abstained, sure) in rows.items():
        assert windows == right + wrong + abstained == 6 and sure <= wrong <= 1, (kind, text)
    assert sum(rows[kind][1] for kind in FAULTS) > 3 * len(FAULTS), text  # more than half of all faults are named
    assert sum(rows[kind][2] for kind in NO_FAULTS) == 0, text
    sure = re.search(r"^0\.9 to 1\.0 +(\d+) +(\d+) %$", text, re.M)
    assert sure and int(sure[1]) >= 10 and int(sure[2]) >= 90, text


def wrong_usage():
    ran = subprocess.run([sys.executable, SCRIPT, "--binary", "/nonexistent"], capture_output=True, text=True, check=False)
    assert ran.returncode == 2 and "is not there" in ran.stderr, ran.stderr


peers.run(simulated_faults, wrong_usage)
