#!/usr/bin/env python3
"""contrib/scripts/mutate draws faults of every kind that it names, the same for the same seed, and none where a fault cannot be
noticed. Runs no test program with a fault in it: that takes minutes, and is what the script is for."""
import os
import re
import subprocess
import sys
import tempfile

import peers

SCRIPT = f"{peers.TOP}/contrib/scripts/mutate"

# Every line with a fault says in its comment which ones it may have; lines without a comment have none.
SOURCE = r"""
#include <stdio.h>
#define LIMIT (1 + 2)
static const int table[] = { 1, 2 };
struct pair { int a : 3; };
static int plain(const struct pair *pair);
static int plain(const struct pair *pair)
{
	const char *text = "a < b && c"; // none: a text
	for (int i = 0; i < LIMIT; i++)
		log_info("said", LOG_INT("n", 3 + 4));
	free(text);
	if (pair->a == table[LIMIT])
		return LIMIT;
	do_it(pair);
	return -1;
}

static bool judge(int *count, char *name)
{
	while (name && *name)
		break;
	*count += 7;
	return *count > 2 || !name;
}
"""

WANTED = {
    'i > LIMIT', 'i <= LIMIT', 'i--', 'int i = 1',              # the head of a loop, turned, moved and changed
    'pair->a != table[LIMIT]', '!(pair->a == table[LIMIT])', '0 && (pair->a == table[LIMIT])',
    'return 0;', '\t;',                                         # a returned value; a call, a break, an assignment
    'return -2;', 'return -0;',
    'name || *name', '!(name && *name)',
    '*count -= 7', '*count += 8', '*count += 6',
    '*count < 2', '*count >= 2', '*count > 3', '*count > 1', '&& !name', '|| name', 'return !(*count > 2 || !name);',
}


def draws(*args, folder):
    ran = subprocess.run([sys.executable, SCRIPT, "--top", folder, "--rooms", "relay", "--list", *args], capture_output=True,
                         text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def in_a_tree(test):
    with tempfile.TemporaryDirectory() as folder:
        os.mkdir(f"{folder}/relay")
        for name in ("one.c", "two.c"):
            with open(f"{folder}/relay/{name}", "w", encoding="utf-8") as f:
                f.write(SOURCE)
        test(folder)


def every_kind_is_drawn():
    def test(folder):
        text = draws("--draws", "999", "--per-file", "999", folder=folder)
        changed = "\n".join(line[5:] for line in text.splitlines() if line.startswith("    +"))
        for want in WANTED:
            assert want in changed, f"{want!r} is never drawn:\n{changed}"
        assert "return +1;" not in changed, changed  # the minus of -1 is no difference
        for never in ("a <", "log_info", "free", "#define", "table[] =", "a : "):
            lines = [line for line in text.splitlines() if line.startswith("    -") and never in line]
            assert not lines, (never, lines)
    in_a_tree(test)


def a_seed_repeats():
    def test(folder):
        args = ("--draws", "5", "--per-file", "3")
        assert draws("--seed", "4", *args, folder=folder) == draws("--seed", "4", *args, folder=folder)
        assert draws("--seed", "4", *args, folder=folder) != draws("--seed", "5", *args, folder=folder)
        first, second = (len(re.findall(f"^relay/{name}.c:", draws("--seed", "4", "--per-file", "2", folder=folder), re.M))
                         for name in ("one", "two"))
        assert (first, second) == (2, 2), (first, second)
    in_a_tree(test)


def an_equivalent_is_not_drawn():
    def test(folder):
        path = f"{folder}/equivalent"
        every = draws("--draws", "999", "--per-file", "999", folder=folder)
        with open(path, "w", encoding="utf-8") as f:
            f.write("# of one file only\n\nrelay/one.c\n-\t*count += 7;\n+\t*count -= 7;\n= nobody reads it\n")
        fewer = draws("--draws", "999", "--per-file", "999", "--equivalent", path, folder=folder)
        assert every.count("+\t*count -= 7;") == 2 and fewer.count("+\t*count -= 7;") == 1, fewer
        assert every.count("\n") == fewer.count("\n") + 3
        with open(path, "w", encoding="utf-8") as f:
            f.write("relay/one.c\n-\t*count += 7;\n+\t*count -= 7;\n")
        ran = subprocess.run([sys.executable, SCRIPT, "--top", folder, "--rooms", "relay", "--list", "--equivalent", path],
                             capture_output=True, text=True, check=False)
        assert ran.returncode == 2 and "no reason" in ran.stderr, ran.stderr
    in_a_tree(test)


def known_equivalents_are_in_the_sources():
    path = f"{peers.TOP}/tests/equivalent-faults"
    with open(path, encoding="utf-8") as f:
        entries = [[line for line in entry.splitlines() if not line.startswith("#")] for entry in f.read().split("\n\n")]
    entries = [entry for entry in entries if entry]
    assert entries
    for name, before, after, reason in entries:
        with open(f"{peers.TOP}/{name}", encoding="utf-8") as f:
            assert f"\n{before[1:]}\n" in f.read(), f"{name} has no line {before[1:]}"
        assert before[0] == "-" and after[0] == "+" and re.match("= .{20}", reason), (name, before, after, reason)
    ran = subprocess.run([sys.executable, SCRIPT, "--list", "--draws", "1", "--equivalent", path], capture_output=True, text=True,
                         check=False)
    assert ran.returncode == 0, ran.stderr


def wrong_usage():
    for args, words in (("--rooms", "relay/nowhere"), "relay/nowhere is not there"), (("--draws", "0"), "not a count"), \
            (("--equivalent", "/nonexistent"), "/nonexistent is not there"):
        ran = subprocess.run([sys.executable, SCRIPT, *args], capture_output=True, text=True, check=False)
        assert ran.returncode == 2 and words in ran.stderr, (args, ran.stderr)


peers.run(every_kind_is_drawn, a_seed_repeats, an_equivalent_is_not_drawn, known_equivalents_are_in_the_sources, wrong_usage)
