#!/usr/bin/env python3
"""The scripts of contrib: what they leave behind when they are interrupted, what they count, what they say to a wrong argument."""
import os
import re
import shutil
import signal
import subprocess
import tempfile

import peers

peers.skip_unless_wanted()
TRAPS = "trap 'exit 129' HUP\ntrap 'exit 130' INT\ntrap 'exit 143' TERM\n"
FOLDER = "tests"  # of the build
BUILD = f"""TESTS = {FOLDER}/a
check:
\t@printf ':test-result: PASS\\n' >{FOLDER}/a.trs
\t@echo '3 passed, 0 failed' >{FOLDER}/a.log
"""


def shell_scripts():
    for top in (".ci", "contrib", "tests"):
        for folder, _, names in os.walk(os.path.join(peers.TOP, top)):
            for path in (os.path.join(folder, name) for name in names if os.path.isfile(os.path.join(folder, name))):
                with open(path, "rb") as f:
                    if f.read(9) == b"#!/bin/sh" or path.endswith(".sh"):
                        yield path


def an_exit_trap_holds_for_signals_too():
    """dash leaves it out when a signal ends the script."""
    trapped = []
    for path in shell_scripts():
        with open(path, encoding="utf-8") as f:
            text = re.sub(r"^\t+", "", f.read(), flags=re.M)
        if re.search(r"^trap .* EXIT$", text, re.M):
            trapped.append(path)
            assert TRAPS in text, path
    assert len(trapped) >= 7, trapped


def as_if_started_by_hand():
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


def an_interrupted_script_leaves_nothing():
    if not shutil.which("git") or not os.path.exists(os.path.join(peers.TOP, ".git")):
        print("skipped: no checkout")
        return
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        with tempfile.TemporaryDirectory() as place:
            child = subprocess.Popen([os.path.join(peers.TOP, "contrib/scripts/dist-reproducible")], env={**os.environ, "TMPDIR": place},
                                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
                                     preexec_fn=as_if_started_by_hand)
            peers.wait_for("its directory", lambda place=place: os.listdir(place))
            peers.wait_for("what it does there", lambda place=place: os.listdir(os.path.join(place, os.listdir(place)[0])))
            os.killpg(child.pid, number)
            assert child.wait(timeout=peers.PATIENCE) == 128 + number, (number, child.returncode)
            assert not os.listdir(place), (number, os.listdir(place))


def results_of_tests_that_are_no_more_do_not_count():
    with tempfile.TemporaryDirectory() as place:
        os.mkdir(f"{place}/{FOLDER}")
        for name, text in (("Makefile", BUILD), (f"{FOLDER}/gone.trs", ":test-result: FAIL\n"), (f"{FOLDER}/gone.log", "7 passed, 2 failed\n")):
            with open(f"{place}/{name}", "w", encoding="utf-8") as f:
                f.write(text)
        script = '. "$top/contrib/lib/setup.sh"; check_counted && "$top/contrib/lib/totals" "$build"'
        done = subprocess.run(["sh", "-euc", script], env={**os.environ, "top": peers.TOP, "build": place, "MAKEFLAGS": ""}, capture_output=True,
                              text=True, check=False)
        assert (done.returncode, done.stdout.splitlines()[-1:]) == (0, ["3 passed, 0 failed"]), done


def a_wrong_argument_is_told():
    for name in ("contrib/docker/build", "contrib/debian/build", "contrib/scripts/package-trial"):
        done = subprocess.run([os.path.join(peers.TOP, name), "--nonsense"], capture_output=True, text=True, check=False)
        assert done.returncode == 2 and name in done.stderr, done
    done = subprocess.run([os.path.join(peers.TOP, "contrib/docker/build"), "--help"], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "contrib/docker/build [--base DIRECTORY]" in done.stdout, done


peers.run(an_exit_trap_holds_for_signals_too, an_interrupted_script_leaves_nothing, results_of_tests_that_are_no_more_do_not_count,
          a_wrong_argument_is_told)
