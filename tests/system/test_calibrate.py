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


def simulated_faults():
    text = table("--windows", "60", "--seed", "3")
    rows = {m[1].strip(): [int(n) for n in m[2].split()]
            for m in re.finditer(r"^([a-z ]+?) +(\d+ +\d+ +\d+ +\d+)$", text, re.M)}
    assert set(rows) == {"slow service", "slow calls", "failing service", "silent failure", "none"}, text
    for kind, (windows, right, wrong, abstained) in rows.items():
        assert windows == right + wrong + abstained and windows > 0, text
        assert wrong <= 1, text
        if kind != "none":
            assert right > abstained, text
    sure = re.search(r"^0\.9 to 1\.0 +(\d+) +(\d+) %$", text, re.M)
    assert sure and int(sure[1]) >= 10 and int(sure[2]) >= 90, text


def wrong_usage():
    ran = subprocess.run([sys.executable, SCRIPT, "--binary", "/nonexistent"], capture_output=True, text=True, check=False)
    assert ran.returncode == 2 and "is not there" in ran.stderr, ran.stderr


peers.run(simulated_faults, wrong_usage)
