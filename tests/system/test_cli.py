#!/usr/bin/env python3
"""The command line: exit statuses, what goes to which stream, colours. Needs no network and no daemon."""
import fcntl
import json
import os
import pty
import re
import shutil
import struct
import subprocess
import tempfile
import termios
import time
import urllib.error
import urllib.request

import peers

GOOD = """teams: {shop: {escalation: shop}}
pagers: {out: {kind: console}}
escalations: {shop: {steps: [{page: [out]}]}}
services: {ledger: {owner: shop}}
fallback: {team: shop}
"""
# What run --check says of rules that are good, and page a console.
CONSOLE_ONLY = r"\A[^\n]*warning\[C051\][^\n]*\n *= help: [^\n]*\n\Z"
WARNED = GOOD.replace("{page: [out]}", "{page: [out]}, {page: [out]}")
BROKEN = GOOD.replace("owner: shop", "owner: shpo")
KEYED = GOOD.replace("kind: console", "kind: pagerduty, routing_key_file: /nonexistent/key")
TRACE = {"resourceSpans": [peers.span("0" * 30 + "a1", "0" * 14 + "a1", None, "ledger", "Book", error="disk is full")]}


class Place:
    """A directory with files, for one test."""

    def __init__(self, **files):
        self.directory = tempfile.mkdtemp(prefix="tracepager-test-")
        for name, text in files.items():
            path = self.path(name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as f:
                f.write(text)

    def path(self, name):
        return os.path.join(self.directory, name.replace("__", "/") + ".yaml")

    def __enter__(self):
        return self

    def __exit__(self, *args):
        shutil.rmtree(self.directory)


def tracepager(*arguments, stdin=""):
    """Status, standard output, standard error."""
    done = subprocess.run([peers.BINARY, *arguments], input=stdin, capture_output=True, encoding="utf-8",
                          timeout=peers.PATIENCE, check=False)
    return done.returncode, done.stdout, done.stderr


def expect(result, status, out=None, err=None):
    """Expressions that the streams must hold; None: nothing at all may stand there."""
    assert result[0] == status, f"exit status {result[0]} instead of {status}: {result}"
    for name, pattern, text in (("output", out, result[1]), ("errors", err, result[2])):
        if pattern is None:
            assert not text, f"{name} should be empty: {text!r}"
        else:
            assert re.search(pattern, text, re.M), f"{pattern!r} is not in the {name}: {text!r}"


def on_terminal(*arguments, size=80, **environment):
    """What a terminal of so many columns gets."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", 25, size, 0, 0))
    variables = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "COLUMNS")}
    child = subprocess.Popen([peers.BINARY, *arguments], stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs,
                             env={**variables, "TERM": "xterm", **environment})
    os.close(theirs)
    text = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # nobody is left at the other end
            break
        if not piece:
            break
        text += piece
    os.close(ours)
    child.wait(peers.PATIENCE)
    return text.decode("utf-8", "replace")


DEMO_TEAMS = [("PlaceOrderErrors", "storefront", "payments", "owns ledger: journal is read-only"),
              ("PlaceOrderRetries", "storefront", "warehouse", "owns stock: no warehouse answered"),
              ("PlaceOrderDatabase", "storefront", "platform", "owns orders-database: connection refused"),
              ("PlaceOrderTimeouts", "storefront", "warehouse", "owns shipping: DEADLINE_EXCEEDED"),
              ("PlaceOrderPayments", "storefront", "payments", "owns payment: card processor rejected the certificate"),
              ("DiskFull", "search", "search", "no trace: the route at rules.yaml:38 names it")]


def demo_ends_with_who_was_paged():
    begun = time.monotonic()
    status, out, err = tracepager("demo", "--pause", "1h")  # no terminal: no wait
    assert (status, err) == (0, "") and time.monotonic() - begun < 15, (status, err)
    pages, table = out.split("Who is woken up\n")
    faults, acts = pages.split("Until somebody has it. ")
    assert faults.count("PAGE critical") == 5 and faults.count("RESOLVED critical") == 1
    unanswered, escalated, acknowledged, storm = re.split("^(?:Nobody answers|Ann has it|A storm)", acts, flags=re.M)
    assert unanswered.count("PAGE critical") == 1 and "team search" in unanswered, unanswered
    assert escalated.count("PAGE critical") == 1 and "this is step 2 of 2" in escalated, escalated
    assert "PAGE critical" not in acknowledged and acknowledged.count("acknowledged by ann") == 2, acknowledged
    assert re.search(r"POST /api/v1/incidents/[0-9a-f]{32}/acknowledge", acknowledged), acknowledged
    # Under load the page leaves before all 50 are decided; the others join it, and an update is told a minute later.
    assert storm.count("PAGE critical") == 1 and re.search(r"[0-9]+ alerts: HostDown", storm) and "50 alerts, and one page." in storm, storm
    rows = [tuple(re.split(" {2,}", row.strip())) for row in re.sub(r"\n {46}(?=\S)", " ", table).splitlines() if row.startswith("  ")]
    assert rows[0] == ("alert", "its label", "paged", "why") and rows[1:7] == DEMO_TEAMS, rows
    assert "5 of 6 alerts" in table and "\033" not in out
    for line in re.findall(r"^  (\S*tracepager .*)$", table, re.M):
        done = subprocess.run(line, shell=True, capture_output=True, encoding="utf-8", timeout=peers.PATIENCE, check=False)
        assert done.returncode == 0 and done.stdout, (line, done)
        if "--keep" in line:
            shutil.rmtree(re.search(r"^Kept in (\S+)\. Try:$", done.stdout, re.M).group(1))


def demo_keeps_what_works_as_typed():
    status, out, err = tracepager("demo", "--keep")
    assert (status, err) == (0, ""), err
    directory = re.search(r"^Kept in (\S+)\. Try:$", out, re.M).group(1)
    explain, run, curl = re.findall(r"^  (\S*tracepager .*|curl .*)$", out.split("Try:\n")[1], re.M)
    relay = None
    try:
        done = subprocess.run(explain, shell=True, capture_output=True, encoding="utf-8", timeout=peers.PATIENCE, check=False)
        assert done.returncode == 0 and "postgresql/orders" in done.stdout, done
        assert not re.search(r":0\b", curl) and "-d @" in curl, curl
        relay = subprocess.Popen(run.split(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, encoding="utf-8")
        file, url = re.search(r"-d @(\S+) (\S+)$", curl).groups()

        with open(file, "rb") as f:
            body = f.read()

        def sent():  # as curl sends it: as a form
            try:
                with urllib.request.urlopen(url, body, timeout=peers.PATIENCE) as answer:
                    return answer.status == 202
            except urllib.error.URLError:
                return False

        peers.wait_for("the relay", sent)
        while not (line := relay.stdout.readline()).startswith("=== PAGE critical"):
            assert line, "the relay ended without a page"
    finally:
        if relay:
            relay.terminate()
            relay.communicate(timeout=peers.PATIENCE)
        shutil.rmtree(directory)


def demo_in_a_terminal():
    begun = time.monotonic()
    out = on_terminal("demo", "--pause", "200ms", TERM="xterm", size=60)
    assert time.monotonic() - begun >= 3.8, "nine scenes, each with its breath, and two seconds that pass"
    own = re.sub(r"(?s)(?:===|~~~|---) .*?(?:={40,}|~{40,}|-{40,})\r\n(?=\r\n)", "", out)
    assert "\033[1;36m[1 of 5] a failing leaf" in own and "\033[1;32mpayments\033[0m" in own, own
    plain = re.sub(r"\033\[[0-9;]*m", "", own).split("Next:")[0]
    assert all(len(line) <= 60 for line in plain.splitlines()), plain
    assert "\033" not in on_terminal("demo", "--pause", "0s", TERM="xterm", NO_COLOR="1")


# ---- the table of options ----

ROW = re.compile(r'^([A-Z_]+)\((\w+), (.*)\)$', re.M)
TABLES = os.path.join(peers.TOP, "include/tracepager/tbl")


class Option:
    """A row of command_options.def."""

    def __init__(self, command, rest):
        values = [json.loads(f"[{part}]") for part in re.fullmatch(r'(".*?", ".*?"), \w+, [\w.]+, (".*)', rest).groups()]
        (self.name, self.letter), (self.argument, self.range, self.default, self.text) = values
        self.kind = re.fullmatch(r'".*?", ".*?", (\w+), .*', rest).group(1)
        self.command = command

    def good(self):
        """A value that the option takes; None for one that takes none."""
        return {"FLAG": None, "OPTIONAL": "E012", "WORD": self.range.split("|")[-1], "NUMBER": self.range.split("-")[-1],
                "DURATION": "36h", "TIME": "2026-09-01T10:00:00Z"}.get(self.kind, "services/{service}/")


def table(name):
    with open(os.path.join(TABLES, name), encoding="utf-8") as f:
        return [match.groups()[1:] for match in ROW.finditer(f.read())]


def commands():
    """The words of commands.def, and what stands behind their options."""
    found = {command: json.loads(f"[{rest}]")[0] for command, rest in table("commands.def")}
    assert len(found) >= 9
    return found


def options():
    """The options of each command. Every row of the table must be readable like this."""
    found = {command: [] for command in commands()}
    for command, rest in table("command_options.def"):
        found[command].append(Option(command, rest))
    with open(os.path.join(TABLES, "command_options.def"), encoding="utf-8") as f:
        assert sum(map(len, found.values())) == sum(line.startswith("COMMAND_OPTION(") for line in f)
    return found


def help_tells_every_option():
    """A line of --help begins with each option, and nothing is wider or longer than a terminal."""
    for command, rows in options().items():
        status, out, err = tracepager(command, "--help")
        assert (status, err) == (0, "") and out == tracepager(command, "-h")[1]
        assert out.startswith(f"usage: tracepager {command} [OPTION]...") and out.splitlines()[0].endswith(commands()[command])
        assert max(map(len, out.splitlines())) <= 80, command
        assert len(out.splitlines()) <= 40, (command, len(out.splitlines()))
        for part in ("Options", "Exit status", "Examples"):
            assert f"\n\n{part}:\n  " in out, (command, part)
        for row in rows:
            letter = f"-{row.letter}, " if row.letter else "    "
            argument = row.range if row.kind == "WORD" else row.argument
            argument = f"[={argument}]" if row.kind == "OPTIONAL" else f" {argument}" if argument else ""
            assert f"\n  {letter}--{row.name}{argument}" in out, (command, row.name)
            text = row.text + (f" (default: {row.default})" if row.default else "")
            assert " ".join(text.split()) in " ".join(out.split()), (command, row.name)
        shown = re.findall(r"^ {2,6}(?:-\w, )?--([a-z-]+)", out, re.M)
        assert sorted(shown) == sorted([row.name for row in rows] + ["help"]), (command, shown)


def misused(command):
    """The exit status of wrong usage: 2, but where it is that of a plugin of monitoring systems, to which 2 is a failure."""
    return 3 if command == "doctor" else 2


def parser_takes_every_option():
    """With --help behind it an option is read, and nothing is run. Its value may stand in the same word, or be wrong."""
    for command, rows in options().items():
        for row in rows:
            word, value = f"--{row.name}", row.good()
            forms = [[word]] if value is None else [[f"{word}={value}"], [word, value]] if row.kind != "OPTIONAL" \
                else [[word], [f"{word}={value}"]]
            if row.letter:
                forms += [[f"-{row.letter}"]] if value is None else [[f"-{row.letter}", value], [f"-{row.letter}{value}"]]
            for form in forms:
                expect(tracepager(command, *form, "--help"), 0, out="^usage: ")
            told = rf"\Atracepager {command}: .*{word}.*--help\" lists the options\n\Z"
            if value is None:
                expect(tracepager(command, f"{word}=x", "--help"), misused(command), err=told)
            elif row.kind != "OPTIONAL":
                expect(tracepager(command, word), misused(command), err=told)
            if row.kind in ("WORD", "NUMBER", "DURATION", "TIME"):
                expect(tracepager(command, word, "no such value", "--help"), misused(command), err=f'{word} is .* not "no such value"')


def unknown_options():
    for command, rows in options().items():
        hint = rf'"tracepager {command} --help" lists the options\n\Z'
        expect(tracepager(command, "--zzzzzzzzzzzz"), misused(command), err=rf"\Atracepager {command}: there is no option --zzzzzzzzzzzz; {hint}")
        expect(tracepager(command, "--zzzzzzzzzzzz=1"), misused(command), err=f"no option --zzzzzzzzzzzz; {hint}")
        expect(tracepager(command, "-?"), misused(command), err=rf"no option -\?; {hint}")
        expect(tracepager(command, "--hlep"), misused(command), err=rf"no option --hlep \(did you mean --help\?\); {hint}")
        for row in rows:
            slip = f"--{row.name[:-1]}q"
            expect(tracepager(command, slip), misused(command), err=rf"no option {slip} \(did you mean --{row.name}\?\); {hint}")
        words = commands()[command].split()
        if not words or not words[-1].endswith("..."):
            needed = [word for row in rows if row.kind == "NEEDED" for word in (f"--{row.name}", "x")]
            expect(tracepager(command, *needed, *words, "more"), misused(command), err=f'"more" .*{hint}')
        for row in rows:
            if row.kind == "NEEDED":
                others = [word for r in rows if r.kind == "NEEDED" and r is not row for word in (f"--{r.name}", "x")]
                expect(tracepager(command, *others, *words), misused(command), err=f"--{row.name} {row.argument} is missing; {hint}")


def texts_name_what_there_is():
    """Every "tracepager COMMAND … --option" of the README, the manual, the examples and the messages exists."""
    known = {command: {row.name for row in rows} | {"help"} for command, rows in options().items()}
    letters = {command: {row.letter for row in rows} | {"h"} for command, rows in options().items()}
    looked_at = 0
    for folder, _, names in os.walk(peers.TOP):
        if not os.path.relpath(folder, peers.TOP).split(os.sep)[0] in (".", "rules", "contrib", "include", "relay") or \
                os.path.exists(os.path.join(folder, "config.status")):
            continue
        for name in names:
            if not re.search(r"\.(md|\d|mdoc|def|yaml|service|c|h|sh)$|^(demo|test|run|calibrate|mutate)$", name):
                continue
            with open(os.path.join(folder, name), encoding="utf-8") as f:
                text = re.sub(r"\\-", "-", f.read())
            for command, line in re.findall(r"\btracepager +(" + "|".join(known) + r")\b([^\n`|;#]*)", text):
                for option in re.findall(r"(?<=[ \[])--([a-z][a-z-]*)", line):
                    assert option in known[command], (name, command, line)
                    looked_at += 1
                for letter in re.findall(r"(?<=[ \[])-([a-zA-Z])\b", line):
                    assert letter in letters[command], (name, command, line)
    assert looked_at >= 20, looked_at


def main_command():
    for word in ("--help", "-h", "help"):
        expect(tracepager(word), 0, out="^usage: tracepager COMMAND")
    for word in ("--version", "-V"):
        expect(tracepager(word), 0, out=r"\Atracepager \d+\.\d+\.\d+\n\Z")
    expect(tracepager(), 2, err="^usage: tracepager COMMAND")
    expect(tracepager("chekc"), 2, err=r'no command "chekc" \(did you mean "check"\?\)')
    expect(tracepager(""), 2, err='no command ""')
    for command in commands():
        expect(tracepager("--help"), 0, out=f"^  {command} ")


def check_statuses():
    with Place(good=GOOD, warned=WARNED, broken=BROKEN, keyed=KEYED) as place:
        expect(tracepager("check", place.path("good")), 0, out=r"1 team, 1 pager, 1 service, 0 signals: no problem$")
        expect(tracepager("check", "--deny-warnings", place.path("good")), 0, out="no problem$")
        expect(tracepager("check", place.path("warned")), 0, out=r"warning\[W003\]: (.*\n)*.*: 1 warning$")
        expect(tracepager("check", "--deny-warnings", place.path("warned")), 1, out=r"warning\[W003\]")
        # The caret stands below the name: line 4, column 28.
        expect(tracepager("check", place.path("broken")), 1,
               out=r"broken\.yaml:4:28: error\[E012\].*\n    4 \| services.*\n +\| {28}\^{4}\n")
        expect(tracepager("check", place.path("broken")), 1, out='did you mean "shop"')
        expect(tracepager("check", place.path("keyed")), 1, out=r"error\[E021\].*/nonexistent/key")
        expect(tracepager("check", "--no-secrets", place.path("keyed")), 0, out="no problem$")


def open_key_files_are_told():
    with Place() as place:
        key = place.directory + "/key"
        with open(key, "w", encoding="utf-8") as f:
            f.write("0123456789abcdef0123456789abcdef\n")
        with open(place.path("keyed"), "w", encoding="utf-8") as f:
            f.write(KEYED.replace("/nonexistent/key", key))
        for mode, told in ((0o600, "no problem$"), (0o660, r"keyed\.yaml:2:\d+: warning\[W033\].*mode 0660"), (0o604, "mode 0604")):
            os.chmod(key, mode)
            expect(tracepager("check", place.path("keyed")), 0, out=told)
        expect(tracepager("check", "--no-secrets", place.path("keyed")), 0, out="no problem$")


def check_directories():
    with Place(rules__good=GOOD, other__more="services: {cart: {owner: shop}}\n") as place:
        rules, other = place.directory + "/rules", place.directory + "/other"
        expect(tracepager("check", rules), 0, out="1 service, .*no problem$")
        expect(tracepager("check", rules, other), 0, out="2 services, .*no problem$")
        expect(tracepager("check", other), 1, out=r"error\[E012\]")
        expect(tracepager("check", place.directory), 1, out=r"error\[E023\]")
        expect(tracepager("check", place.directory + "/gone"), 1, out=r"gone: error\[E001\].*No such file")
        expect(tracepager("check", rules, place.directory + "/gone"), 1, out=r"gone: error\[E001\]")


def check_json():
    with Place(good=GOOD, broken=BROKEN) as place:
        status, out, err = tracepager("check", "--format", "json", place.path("good"))
        told = json.loads(out)
        assert (status, err) == (0, "") and out.endswith("}\n")
        assert told["version"] == 1 and told["errors"] == told["warnings"] == 0 and told["findings"] == []
        assert told["teams"] == told["pagers"] == told["services"] == 1 and told["signals"] == 0
        assert re.fullmatch("[0-9a-f]{64}", told["hash"])
        status, out, err = tracepager("check", "--format=json", place.path("broken"))
        told = json.loads(out)
        assert (status, err, told["errors"]) == (1, "", 1) and "hash" not in told
        one = told["findings"][0]
        assert (one["level"], one["code"], one["line"], one["column"], one["width"]) == ("error", "E012", 4, 28, 4)
        assert one["file"] == place.path("broken") and one["source"] == BROKEN.splitlines()[3]


def check_usage():
    expect(tracepager("check", "--explain", "E012"), 0, out="No file defines the name")
    expect(tracepager("check", "--explain", "w003"), 0, out="10 minutes")
    expect(tracepager("check", "--explain", "E999"), 2, err="no code E999")
    expect(tracepager("check", "--explain=E012"), 0, out="^Cure: ")
    expect(tracepager("check", "--explain"), 0, out=r"\AC001  .*\n(.*\n)*E012  No file defines the name(.*\n)*W001  ")
    expect(tracepager("check", "--format"), 2, err="^tracepager check: .*value.*--format")
    expect(tracepager("check", "--format", "xml"), 2, err='not "xml"')
    expect(tracepager("check", "--bogus"), 2, err="^tracepager check: .*--bogus")


def explain_reads_an_alert():
    """Alone, with --why: it says how, and ends well where the alert was read."""
    alert = {"labels": {"alertname": "A", "service": "web"}}
    with Place(alert=json.dumps(alert), bad='{"version": "4", "alerts": 7}', config="senders:\n  ours: {format: sentry}\n") as place:
        ours = "--config", place.path("config"), "--sender"
        expect(tracepager("explain", "--alert", place.path("alert"), "--why"), 0, out="^service +web \\(from the labels\\)$")
        expect(tracepager("explain", "--alert", place.path("alert")), 1, out="web")
        expect(tracepager("explain", "--alert", place.path("bad"), "--why"), 2, out="^format +alertmanager", err="line 1: .*column 28")
        expect(tracepager("explain", "--alert", place.path("alert"), "--why", *ours, "ours"), 2, out="^format +sentry", err="Sentry")
        expect(tracepager("explain", "--alert", place.path("alert"), "--why", *ours, "nobody"), 2, err='no sender "nobody"')
        expect(tracepager("explain", "--alert", place.path("alert"), "--mapping", "kep"), 2, err='"kep" ships.*keep')
        for words in (("--mapping", "keep"), ("--sender", "ours"), ("--alert", place.path("alert"), *ours[:2]),
                      ("--alert", place.path("alert"), "--mapping", "keep", *ours, "ours")):
            expect(tracepager("explain", *words), 2, err="^tracepager explain: ")


KEY = "0123456789abcdef0123456789abcdef"
ENTITY = """apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: ledger
  annotations: {pagerduty.com/integration-key: KEY}
spec: {owner: payments}
""".replace("KEY", KEY)
UNPAGED = ENTITY.replace(f"pagerduty.com/integration-key: {KEY}", "a.example/b: c").replace("ledger", "cart")


def import_and_check():
    with Place(catalog__c=ENTITY) as place:
        out = place.path("rules")
        expect(tracepager("import", "backstage", "--fallback", "payments", "-o", out, place.directory + "/catalog"), 0,
               err=r"\A1 entry of 1 file: 1 team, 1 pager, 1 service; 0 services left out\nkeys in the open: 1, .*\n"
                   r"0 losses; 0 notes\n\Z")
        assert os.stat(out).st_mode & 0o777 == 0o600
        assert sorted(os.listdir(place.directory)) == ["catalog", "rules.yaml"]  # nothing half written is left
        # The catalogue has the key in the open, and so has what is made of it.
        expect(tracepager("check", out), 0, out=r"warning\[W021\]: the routing_key (.|\n)*1 team, 1 pager, 1 service, .*: 1 warning$")
        expect(tracepager("import", "backstage", place.path("catalog__c")), 0, out="^  ledger:$", err="no fallback: ")


def import_losses():
    with Place(catalog__a=ENTITY, catalog__b=UNPAGED.replace("payments", "web"), own=GOOD) as place:
        directory = place.directory + "/catalog"
        expect(tracepager("import", "backstage", directory), 1, out="^  ledger:$",
               err=r'^.*/b\.yaml:6: service "cart": left out: the catalogue has no pager for "web".* \[no-pager\]$')
        status, _, err = tracepager("import", "backstage", "--format", "json", directory)
        told = json.loads(err)
        assert status == 1 and told["reasons"] == {"no-pager": 1} and told["left_out"] == told["services"] == 1
        one = told["losses"][0]
        assert (one["level"], one["reason"], one["line"]) == ("loss", "no-pager", 6)
        assert one["file"] == place.path("catalog__b") and one["what"] == 'service "cart"'
        expect(tracepager("import", "backstage", "--escalation", "shop", directory), 0, out="^  web: .escalation: shop",
               err="^0 losses")
        # A team of one's own rules owns, whatever the catalogue says of its pager.
        with Place(c=ENTITY.replace("payments", "shop")) as other:
            expect(tracepager("import", "backstage", "--rules", place.path("own"), other.path("c")), 0,
                   out="^    owner: shop$", err=r"note: .*\[own-team\]$")


def import_beside_rules():
    services = "".join(f"---\nschema-version: v2.2\ndd-service: s{i}\nteam: shop\n" for i in range(9))
    with Place(own=GOOD, d=services) as place:
        own, part = place.path("own"), place.path("part")
        with open(own, encoding="utf-8") as whole, open(part, "w", encoding="utf-8") as out:
            out.writelines(line for line in whole if not line.startswith("fallback"))
        # The fallback of one's own rules is one, and so is that of the command line.
        status, out, err = tracepager("import", "datadog", "--escalation", "x", "--rules", own, place.path("d"))
        assert status == 0 and "no fallback" not in err and "fallback" not in out, (status, out, err)
        expect(tracepager("import", "datadog", "--escalation", "x", "--rules", part, place.path("d")), 2, err="E022")
        expect(tracepager("import", "datadog", "--escalation", "x", "--fallback", "shop", "--rules", part, place.path("d")), 0,
               out="^fallback: .team: shop.$", err="^0 losses; 0 notes$")
        # Equal losses are told once; the options that would help are named.
        with Place(d=services.replace("shop", "stock")) as other:
            status, _, err = tracepager("import", "datadog", other.path("d"))
            assert status == 1 and err.count("left out: the catalogue has no pager") == 1, err
            assert re.search(r'^  and 8 more like it: service "s1", .*"s5" …$', err, re.M), err
            assert "--escalation NAME" in err and "--fallback TEAM" in err, err
    expect(tracepager("import", "--help"), 0, out="has no pagers: give --escalation(.|\n)*")


def examples_of_the_manual():
    """Those that begin with a part of the root are whole rules."""
    with open(os.path.join(os.path.dirname(__file__), "..", "..", "rules", "tracepager-rules.5"), encoding="utf-8") as page:
        blocks = re.findall(r"^\.Bd -literal.*\n((?:.*\n)*?)\.Ed$", page.read(), re.M)
    whole = [block for block in blocks if re.match(r"(teams|pagers|defaults|services):\n", block)]
    assert len(whole) >= 3, blocks
    for block in whole:
        with Place(rules=block.replace("\\e", "\\")) as place:
            expect(tracepager("check", "--no-secrets", place.path("rules")), 0, out=r"no problem$|W029.: the silence is over(.|\n)*: 1 warning$")


def import_usage():
    with Place(broken=BROKEN, c=ENTITY) as place:
        expect(tracepager("import"), 2, err="KIND is missing")
        expect(tracepager("import", "backstge", "x"), 2, err="no kind of catalogue backstge .did you mean .backstage.*; KIND is one of backstage, .*, alertmanager")
        # What holds nothing to import replaces no rules.
        expect(tracepager("import", "pagerduty", "-o", place.path("c"), place.directory), 2, err="found no entry of kind pagerduty(.|\\n)* is left as it was$")
        # What fails leaves no header alone behind "> rules.yaml".
        expect(tracepager("import", "alertmanager", place.path("c")), 2, err="has no route and receivers")
        expect(tracepager("import", "backstage"), 2, err=r"FILE\|DIRECTORY is missing")
        expect(tracepager("import", "--format", "xml", "backstage", "x"), 2, err='not "xml"')
        expect(tracepager("import", "--service-path", "a/b", "codeowners", "x"), 2, err=r"needs a \{service\}")
        expect(tracepager("import", "backstage", "--keys"), 2, err="value is missing: --keys DIR")
        expect(tracepager("import", "backstage", place.directory + "/gone"), 2, err="No such file")
        expect(tracepager("import", "backstage", "-o", place.path("c"), place.directory + "/gone"), 2, err="is left as it was$")
        with open(place.path("c"), encoding="utf-8") as f:
            assert f.read() == ENTITY
        expect(tracepager("import", "backstage", "--rules", place.path("broken"), place.path("c")), 2, err="E012")
        expect(tracepager("import", "backstage", "-o", "/nonexistent/rules.yaml", place.path("c")), 2,
               err="/nonexistent/rules.yaml: cannot be written")


def colours():
    with Place(broken=BROKEN, warned=WARNED) as place:
        for arguments in (("check", place.path("broken")), ("check", place.path("warned"))):
            assert "\033[" in on_terminal(*arguments)
            assert "\033[" in on_terminal(*arguments, NO_COLOR="")
            assert "\033[" not in on_terminal(*arguments, NO_COLOR="1")
            assert "\033[" not in tracepager(*arguments)[1]
        assert "\033[" not in on_terminal("check", "--format", "json", place.path("broken"))
        # Findings on standard error are like those on standard output.
        replay = "replay", "--store", "/nonexistent/store", "--rules", place.path("broken")
        assert "\033[" in on_terminal(*replay, TERM="xterm")
        assert "\033[" not in on_terminal(*replay, TERM="xterm", NO_COLOR="1")
    with Place(trace=json.dumps(TRACE)) as place:
        explain = "explain", place.path("trace")
        assert "\033[" in on_terminal(*explain, TERM="xterm")
        assert "\033[" not in on_terminal(*explain, TERM="xterm", NO_COLOR="1")
        assert "\033[" not in on_terminal(*explain, TERM="dumb")
        assert "\033[" not in on_terminal(*explain, "--color", "never", TERM="xterm")
        assert "\033[" in on_terminal(*explain, "--color", "always", TERM="dumb", NO_COLOR="1")
        assert "\033[" not in tracepager(*explain)[1]
        assert "\033[" in tracepager(*explain, "--color", "always")[1]
        # Red is not all that marks the failing span.
        assert "\n✗ ledger" in on_terminal(*explain, TERM="dumb", LC_ALL="C.UTF-8").replace("\r", "")
        assert "\nx ledger" in on_terminal(*explain, TERM="dumb", LC_ALL="C").replace("\r", "")
        # A locale that is not installed still names the terminal's character set.
        assert "\n✗ ledger" in on_terminal(*explain, TERM="dumb", LC_ALL="xx_XX.UTF-8").replace("\r", "")


def widths():
    """The row of a span is as wide as the terminal, or as COLUMNS says."""
    def columns(text):
        return len(next(line for line in text.splitlines() if line.startswith("✗")))

    with Place(trace=json.dumps(TRACE)) as place:
        explain = "explain", place.path("trace")
        terminal = {"TERM": "dumb", "LC_ALL": "C.UTF-8"}
        assert columns(on_terminal(*explain, size=63, **terminal)) == 63
        assert columns(on_terminal(*explain, size=63, COLUMNS="50", **terminal)) == 50
        assert columns(on_terminal(*explain, size=500, **terminal)) == 200
        assert columns(on_terminal(*explain, size=5, **terminal)) == 20


def startable(place, more=""):
    """Options with which the place's directory is all that a start needs."""
    return (f"listen: 127.0.0.1:0\nstore: {{{{path: {place.directory}/tracepager.db}}}}\n" + more +
            f"sources: {{{{samples: {{{{kind: files, path: {place.directory}}}}}}}}}\n")


def run_check():
    with Place(good=GOOD, warned=WARNED, broken=BROKEN) as place:
        config = "rules: {0}\n" + startable(place, "senders: {{am: {{format: alertmanager}}}}\n"
                                             "external_url: https://relay.example\n")
        def write(text):
            with open(place.path("config"), "w", encoding="utf-8") as f:
                f.write(text)
            return "run", "--check", "-c", place.path("config")
        for name, status, told, problems in (("good", 0, CONSOLE_ONLY, "1 warning; a start would succeed"),
                                             ("warned", 0, r"warning\[W003\]", "2 warnings; a start would succeed"),
                                             ("broken", 1, r"error\[E012\]", "1 error; a start would fail")):
            expect(tracepager(*write(config.format(place.path(name)))), status, err=told,
                   out=rf"\A1 sender, 1 source; rules of 1 file, 1 team, 1 pager, 1 service, 0 signals: {problems}\n\Z")
        expect(tracepager(*write(config.format("/nonexistent/rules.d"))), 1, err=r"error\[E001\]", out="0 signals: 1 error; a start would fail")
        expect(tracepager(*write("listne: 127.0.0.1:1\n")), 1, err=r"error\[C001\](.*\n)*.*did you mean \"listen\"", out="0 senders")
    expect(tracepager("run", "--check", "-c", "/nonexistent/config.yaml"), 1, err="No such file")
    expect(tracepager("run", "--check", "more"), 2, err='"more"')
    expect(tracepager("run", "--bogus"), 2, err="--help")


def run_sample():
    status, sample, err = tracepager("run", "--sample")
    assert (status, err) == (0, "") and "#listen: " in sample
    # It can be used as it is, but for the place of the rules.
    with Place(good=GOOD) as place:
        with open(place.path("config"), "w", encoding="utf-8") as f:
            for option, value in (("rules", place.path("good")), ("listen", "127.0.0.1:0"),
                                  ("external_url", "https://relay.example")):
                sample = re.sub(f"^#{option}: .*", f"{option}: {value}", sample, flags=re.M)
            f.write(re.sub("^#store:\n#  path: .*", f"store:\n  path: {place.directory}/tracepager.db", sample, flags=re.M))
        expect(tracepager("run", "--check", "-c", place.path("config")), 0, err=CONSOLE_ONLY, out="1 sender, 1 source")


def explain_misuse():
    trace = json.dumps(TRACE)
    with Place(trace=trace, warned=WARNED, broken=BROKEN, not_a_trace="{}") as place:
        path, rules = place.path("trace"), place.path("warned")
        expect(tracepager("explain"), 2, err="^tracepager explain: TRACE is missing")
        # Where nothing could be read there is no decision; what is readable is decided all the same.
        expect(tracepager("explain", place.directory), 2, err="Is a directory")
        expect(tracepager("explain", "/nonexistent/trace"), 2, err="^/nonexistent/trace: No such file")
        expect(tracepager("explain", "/nonexistent/trace", path), 2, out="^ledger: disk is full", err="No such file")
        expect(tracepager("explain", "--rules", place.path("broken"), path), 2, err=r"error\[E012\]")
        expect(tracepager("explain", "--rules", "/nonexistent/rules", path), 2, err=r"error\[E001\]")
        expect(tracepager("explain", "--alert", "/nonexistent/alert", path), 2, err="No such file")
        expect(tracepager("explain", "--alert", place.path("not_a_trace"), path), 2, err="not_a_trace")
        expect(tracepager("explain", "--mode", "luck", path), 2, err="not \"luck\"")
        expect(tracepager("explain", "--format", "xml", path), 2, err="not \"xml\"")
        expect(tracepager("explain", "--color", "red", path), 2, err="not \"red\"")
        expect(tracepager("explain", "--bogus", path), 2, err="no option --bogus")
        expect(tracepager("explain", "--rules"), 2, err="value is missing: --rules PATH")
        expect(tracepager("explain", "--rules", rules, path), 0, out="^owner +team shop owns ledger")


def explain_standard_input():
    trace = json.dumps(TRACE)
    expect(tracepager("explain", "-", stdin=trace), 0, out="^ledger: disk is full")
    expect(tracepager("explain", "-", stdin=""), 2, out="No suspect", err="^standard input: ")
    expect(tracepager("explain", "-", stdin="{"), 2, out="No suspect", err="^standard input: line 1")
    expect(tracepager("explain", "-", "-", stdin=trace), 2, err="once only")


def first_curl_pages_at_once():
    """The first curl of the quick start, with the rules and the options that stand before it, while no Jaeger listens."""
    with open(os.path.join(peers.TOP, "contrib/docs/quickstart.md"), encoding="utf-8") as f:
        text = f.read()
    blocks = re.findall("^```yaml\n(.*?)^```$", text, re.M | re.S)
    rules, options = (next(b for b in blocks if b.startswith(word)) for word in ("teams:", "senders:"))
    path, body = re.search(r"^curl http://127\.0\.0\.1:9480(\S+) -d '(.*?)'$", text, re.M | re.S).groups()
    port, gone = peers.free_port(), peers.free_port()
    with Place(rules=rules) as place:
        with open(place.path("config"), "w", encoding="utf-8") as f:
            f.write(options.replace(":16686", f":{gone}") + f"rules: {place.path('rules')}\nlisten: 127.0.0.1:{port}\n"
                    f"store: {{path: {place.directory}/tracepager.db}}\n")
        relay = subprocess.Popen([peers.BINARY, "run", "-c", place.path("config")], stdout=subprocess.PIPE,
                                 stderr=subprocess.DEVNULL, encoding="utf-8")
        try:
            def sent():
                try:
                    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", body.encode(), timeout=peers.PATIENCE) as answer:
                        return answer.status == 202
                except urllib.error.URLError:
                    return False

            peers.wait_for("the relay", sent)
            begun = time.monotonic()
            assert "PAGE critical" in relay.stdout.readline()
            assert time.monotonic() - begun < 2, "it waited for traces"  # enrich_budget is 5 s
        finally:
            relay.terminate()
            relay.communicate(timeout=peers.PATIENCE)


if __name__ == "__main__":
    peers.run(demo_ends_with_who_was_paged, demo_keeps_what_works_as_typed, demo_in_a_terminal, main_command,
              help_tells_every_option, parser_takes_every_option, unknown_options, texts_name_what_there_is,
              check_statuses, open_key_files_are_told, check_directories, check_json, check_usage, explain_reads_an_alert, import_and_check, import_losses, import_beside_rules, import_usage, examples_of_the_manual,
              colours, widths, run_check, run_sample, explain_misuse, explain_standard_input, first_curl_pages_at_once)
