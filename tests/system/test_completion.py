#!/usr/bin/env python3
"""Completions of the three shells, as the build writes them from the tables of commands and options.

Bash completes for real, by its function; fish by its own "complete -C", and zsh in a terminal of its own, where they are installed.
"""
import json
import os
import pty
import re
import select
import shutil
import subprocess
import tempfile
import time

import peers

peers.skip_unless_wanted()
TABLES = os.path.join(peers.TOP, "include/tracepager/tbl")
READY = "\033[?2004h"  # zsh reads a line
MADE = os.path.abspath(os.path.join(peers.BUILD, "generated"))


def rows(name, macro):
    """The cells of each row of a table: words as they stand, strings without their quotes."""
    with open(os.path.join(TABLES, name), encoding="utf-8") as f:
        for row in re.findall(rf"^{macro}\((.*)\)$", f.read(), re.M):
            yield [json.loads(cell) if cell[0] == '"' else cell for cell in re.findall(r'"(?:\\.|[^"\\])*"|[\w.]+', row)]


COMMANDS = [row[0] for row in rows("commands.def", "COMMAND")]
OPTIONS = [row for row in rows("command_options.def", "COMMAND_OPTION")]
ACTIONS = [row for row in rows("command_actions.def", "COMMAND_ACTION")]


def names(command):
    return sorted([f"--{row[1]}" for row in OPTIONS if row[0] == command] + ["--help"])


def bash(*words, directory="."):
    """What is offered for the last word. Bash takes "--option=value" as three."""
    split = [part for word in words for part in (re.split("(=)", word) if re.match("--[a-z-]+=", word) else [word]) if part or word == ""]
    script = ("source \"$1\"; shift; COMP_WORDS=(tracepager \"$@\"); COMP_CWORD=$#; _tracepager; printf '%s\\n' \"${COMPREPLY[@]}\"")
    done = subprocess.run(["bash", "--norc", "-uc", script, "bash", os.path.join(MADE, "bash/tracepager"), *split], capture_output=True,
                          encoding="utf-8", cwd=directory, timeout=peers.PATIENCE, check=False)
    assert (done.returncode, done.stderr) == (0, ""), (words, done)
    return sorted(line for line in done.stdout.splitlines() if line)


def fish(*words, directory="."):
    line = "tracepager " + " ".join(words)
    done = subprocess.run(["fish", "--no-config", "-c", "source $argv[1]; complete -C $argv[2]", os.path.join(MADE, "fish/tracepager.fish"), line],
                          capture_output=True, encoding="utf-8", cwd=directory, timeout=peers.PATIENCE, check=False)
    assert (done.returncode, done.stderr) == (0, ""), (words, done)
    return sorted({re.sub("^--[a-z-]+=", "", line.split("\t")[0]) for line in done.stdout.splitlines()})


class Zsh:
    """A zsh in a terminal, whose Tab lists what is offered."""

    def __init__(self, directory):
        self.ours, theirs = pty.openpty()
        self.child = subprocess.Popen(["zsh", "-f", "-i"], stdin=theirs, stdout=theirs, stderr=theirs, cwd=directory, start_new_session=True,
                                      env={**os.environ, "TERM": "dumb", "PS1": "READY ", "COLUMNS": "200"})
        os.close(theirs)
        self.run(f"fpath=({MADE}/zsh $fpath); autoload -Uz compinit; compinit -u -D; zstyle ':completion:*' list-separator '#'; "
                 "setopt no_list_ambiguous no_auto_menu; LISTMAX=1000; stty cols 200; bindkey '^I' list-choices")

    def read(self, until):
        text, end = "", time.monotonic() + peers.PATIENCE
        while until not in text:
            assert time.monotonic() < end, text
            if select.select([self.ours], [], [], 0.1)[0]:
                text += os.read(self.ours, 65536).decode("utf-8", "replace")
        return text

    def run(self, line):
        self.read(READY)
        os.write(self.ours, (line + "\n").encode())

    def offered(self, line):
        """What the terminal shows between the line with its Tab and the next prompt, for which an empty line is entered."""
        self.read(READY)
        os.write(self.ours, ("tracepager " + line + "\t\x15\n").encode())
        text = self.read(READY)
        os.write(self.ours, b"\n")
        return text

    def close(self):
        os.close(self.ours)
        self.child.wait(peers.PATIENCE)


def installed(shell):
    if shutil.which(shell):
        return True
    print(f"{shell} is not installed: its completion is not looked at")
    return False


def commands_and_options():
    """Every command and every option of the tables is offered, by all three."""
    shells = [bash] + ([fish] if installed("fish") else [])
    for offered in shells:
        assert sorted(set(COMMANDS) - set(offered(""))) == [], offered
        for command in COMMANDS:
            assert [name for name in offered(command, "--") if name.startswith("--")] == names(command), (offered, command)
    with open(os.path.join(MADE, "zsh/_tracepager"), encoding="utf-8") as f:
        text = f.read()
    for command in COMMANDS:
        function = re.search(rf"^_tracepager_{command}\(\) {{\n(.*?)^}}$", text, re.M | re.S).group(1)
        assert sorted(set(re.findall(r"(--[a-z][a-z-]*)(?==|\[|}|,|')", function))) == names(command), (command, function)


def words_of_options():
    shells = [bash] + ([fish] if shutil.which("fish") else [])
    for offered in shells:
        for row in OPTIONS:
            command, name, words = row[0], row[1], row[6].split("|")
            if row[3] == "WORD" or row[3] in ("TEXT", "LIST") and row[6]:
                assert offered(command, f"--{name}", "") == sorted(words), (offered, row)
                assert offered(command, f"--{name}=") == sorted(words), (offered, row)
        assert offered("check", "--format", "sa") == ["sarif"]
        assert offered("check", "--format=sa") == ["sarif"]
        assert not offered("audit", "--days", "")
        assert "--store" in offered("audit", "--days", "3", "--st")
        assert offered("doctor", "--ignore", "") == sorted(row[2] for row in rows("doctor.def", "DOCTOR_CHECK"))


def first_arguments():
    shells = [bash] + ([fish] if shutil.which("fish") else [])
    words = {}
    for command, word, _ in ACTIONS:
        words.setdefault(command, []).append(word)
    words["import"] = [row[1] for row in rows("catalogues.def", "CATALOGUE(?:_ONCE)?")]
    words["export"] = [row[1] for row in rows("exports.def", "EXPORT")]
    words["senders"] = [row[1] for row in rows("formats.def", "FORMAT")]
    assert all(words.values()) and len(words["import"]) == 7
    with tempfile.TemporaryDirectory() as empty:
        for offered in shells:
            for command, expected in words.items():
                # An option and its value are no argument.
                before = ["--format", "json"] if command in ("incidents", "queue") else []
                assert offered(command, *before, "", directory=empty) == sorted(expected), (offered, command)
                second = offered(command, *before, expected[0], "", directory=empty)
                assert not second, (offered, command, second)
            assert offered("incidents", "ack") == ["ack", "acknowledge"] or offered("incidents", "ack") == ["acknowledge", "ack"]


def files():
    shells = [bash] + ([fish] if shutil.which("fish") else [])
    with tempfile.TemporaryDirectory() as directory:
        os.makedirs(os.path.join(directory, "rules of ours"))
        for name in ("trace one.json", "trace-2.json"):
            with open(os.path.join(directory, name), "w", encoding="utf-8"):
                pass

        def seen(offered, *words):
            return [name.rstrip("/").replace("\\ ", " ") for name in offered(*words, directory=directory)]
        for offered in shells:
            assert seen(offered, "explain", "tr") == ["trace one.json", "trace-2.json"]
            assert seen(offered, "explain", "--rules", "r") == ["rules of ours"]
            assert seen(offered, "explain", "trace-2.json", "tr") == ["trace one.json", "trace-2.json"]
            assert seen(offered, "import", "backstage", "tr") == ["trace one.json", "trace-2.json"]
            assert seen(offered, "capture", "--output", "") == ["rules of ours"]
            assert seen(offered, "run", "-c", "tr") == ["trace one.json", "trace-2.json"]
            assert not seen(offered, "pause", "tr") and not seen(offered, "incidents", "show", "tr")


def syntax():
    for shell, name in (("bash", "bash/tracepager"), ("zsh", "zsh/_tracepager"), ("fish", "fish/tracepager.fish")):
        if installed(shell):
            done = subprocess.run([shell, "-n", os.path.join(MADE, name)], capture_output=True, text=True, timeout=peers.PATIENCE, check=False)
            assert (done.returncode, done.stderr) == (0, ""), (shell, done)
    if shutil.which("shellcheck"):
        done = subprocess.run(["shellcheck", os.path.join(MADE, "bash/tracepager")], capture_output=True, text=True, timeout=peers.PATIENCE, check=False)
        assert done.returncode == 0, done.stdout


def zsh_for_real():
    if not installed("zsh"):
        return
    with tempfile.TemporaryDirectory() as directory:
        with open(os.path.join(directory, "trace-2.json"), "w", encoding="utf-8"):
            pass
        zsh = Zsh(directory)
        try:
            text = zsh.offered("")
            assert all(re.search(rf"^{command} +#", text, re.M) for command in COMMANDS), text
            text = zsh.offered("check --")
            assert all(re.search(rf"{name}\b", text) for name in names("check")) and "SARIF" in text, text
            text = zsh.offered("check --format=")
            assert re.search(r"json +sarif +text|text +json +sarif", text), text
            text = zsh.offered("incidents --format json ")
            assert re.search("^reroute +#", text, re.M) and re.search("^noise +#", text, re.M), text
            assert "trace-2.json" in zsh.offered("explain ")
            assert "trace-2.json" not in zsh.offered("pause ")
            text = zsh.offered("import ")
            assert re.search("^codeowners +#", text, re.M) and "trace-2.json" not in text, text
            assert "trace-2.json" in zsh.offered("import backstage ")
        finally:
            zsh.close()


def actions_are_taken():
    """Each action of the table is one of its command's, and a word beside them is refused."""
    for command, word, _ in ACTIONS:
        needed = [part for row in OPTIONS if row[0] == command and row[3] == "NEEDED" for part in (f"--{row[1]}", "/nonexistent/x")]
        url = ["--url", f"http://127.0.0.1:{peers.free_port()}"] if any(row[:2] == [command, "url"] for row in OPTIONS) else []
        done = subprocess.run([peers.BINARY, command, *needed, *url, word], capture_output=True, encoding="utf-8", timeout=peers.PATIENCE, check=False)
        assert f'"{word}"' not in done.stderr and done.returncode in (2, 3), (command, word, done)
        done = subprocess.run([peers.BINARY, command, *needed, *url, word + "x"], capture_output=True, encoding="utf-8", timeout=peers.PATIENCE, check=False)
        assert f'"{word}x"' in done.stderr and done.returncode == 2, (command, word, done)
    for row in rows("commands.def", "COMMAND"):
        if "ACTION" in row[1]:
            assert any(action[0] == row[0] for action in ACTIONS), f"command_actions.def has no row of {row[0]}"


if __name__ == "__main__":
    peers.run(syntax, commands_and_options, words_of_options, first_arguments, files, zsh_for_real, actions_are_taken)
