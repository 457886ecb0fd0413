#!/usr/bin/env python3
"""What people answered: "tracepager audit --pages" beside a running daemon, its figures against a count of the tables.

--full: a store of 10,000 incidents, and how long the audit takes."""
import datetime
import json
import os
import sqlite3
import subprocess
import sys
import time

import answers
import peers

peers.skip_unless_wanted()
INCIDENTS = 10000 if "--full" in sys.argv else 600
NOW = int(time.time()) * answers.SECOND


def tracepager(*arguments, **environment):
    done = subprocess.run([peers.BINARY, *arguments], capture_output=True, text=True, timeout=peers.PATIENCE,
                          env={**os.environ, **environment})
    return done.returncode, done.stdout, done.stderr


class Store:
    """The store of a daemon that runs, with incidents of the last 40 days."""

    def __init__(self, incidents=INCIDENTS, seed=1):
        self.daemon = peers.Daemon(rules=answers.RULES.replace("{", "{{").replace("}", "}}")).start()
        self.path = os.path.join(self.daemon.directory, "tracepager.db")
        self.daemon.write("teams.yaml", answers.RULES)
        self.rules = os.path.join(self.daemon.directory, "teams.yaml")
        self.tables = sqlite3.connect(self.path)
        answers.Writer(self.tables, seed).write(incidents, NOW - 40 * answers.DAY, NOW - answers.MINUTE)

    def audit(self, *arguments, **environment):
        return tracepager("audit", "--pages", "--store", self.path, "--rules", self.rules, *arguments, **environment)

    def json(self, *arguments):
        status, out, err = self.audit("--format", "json", *arguments)
        assert status == 0, (status, err)
        return json.loads(out)


def same(told, counted, where):
    for name, value in counted.items():
        close = isinstance(value, float) and abs(told[name] - value) < 0.001
        assert close or told[name] == value, (where, name, told[name], value)


def unix_us(text):
    return int(round(datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * answers.SECOND))


def figures_equal_a_count():
    store = Store()
    try:
        begun = time.monotonic()
        told = store.json()
        took = time.monotonic() - begun
        since = unix_us(told["since"])
        assert abs(unix_us(told["until"]) - since - 28 * answers.DAY) < answers.SECOND, told["since"]
        everything, by_team, by_rule, by_kind = answers.counted(store.tables, since, told["days"])
        assert everything["pages"] > INCIDENTS / 2 and everything["not_ours"] and everything["moved"], everything
        same(told["all"], everything, "all")
        assert [team["pages"] for team in told["teams"]] == sorted((t["pages"] for t in by_team.values()), reverse=True)
        assert {team["team"] for team in told["teams"]} == set(by_team), told["teams"]
        for team in told["teams"]:
            same(team, by_team[team["team"]], team["team"])
            assert team["location"] == (answers.LOCATIONS[team["team"]] or "UTC"), team
        for rows, name, counted in ((told["rules"], "rule", by_rule), (told["kinds"], "kind", by_kind)):
            assert {row[name]: [row["decisions"], row["not_ours"]] for row in rows} == counted, (rows, counted)
        print(f"figures pages: incidents {INCIDENTS}, events {store.tables.execute('SELECT count(*) FROM events').fetchone()[0]},"
              f" decisions {store.tables.execute('SELECT count(*) FROM decisions').fetchone()[0]}, seconds {took:.2f}", flush=True)
    finally:
        store.daemon.finish()


def any_time_and_seed():
    for seed in (2, 3):
        store = Store(200, seed)
        try:
            since = NOW - 9 * answers.DAY
            told = store.json("--since", datetime.datetime.fromtimestamp(since // answers.SECOND, datetime.timezone.utc)
                              .strftime("%Y-%m-%dT%H:%M:%SZ"))
            everything, by_team, *_ = answers.counted(store.tables, since, told["days"])
            same(told["all"], everything, "all")
            for team in told["teams"]:
                same(team, by_team[team["team"]], team["team"])
        finally:
            store.daemon.finish()


def text_for_people():
    store = Store(300)
    try:
        for columns, locale in (("80", "C.UTF-8"), ("80", "C"), ("60", "C.UTF-8"), ("200", "C.UTF-8")):
            status, out, err = store.audit(COLUMNS=columns, LC_ALL=locale)
            assert status == 0 and not err, (status, err)
            widest = max(len(line) for line in out.split("\n"))
            assert widest <= max(80, int(columns)), widest
            assert "\nPages of ledger by hour, in Europe/Berlin\n" in out, out[:3000]
            assert "\nPages of sre by hour, in UTC (the rules give it no location)\n" in out, out[:3000]
            assert locale != "C" or out.isascii(), out
            assert "A page is false if " in out, out[:3000]
        status, out, _ = store.audit("--format", "markdown")
        assert status == 0 and "| ledger |" in out and "## Pages of ledger" in out, out[:3000]
        # Without --rules: the store has none, since nothing was decided by the daemon itself.
        status, out, _ = tracepager("audit", "--pages", "--store", store.path)
        assert status == 0 and "\nPages of ledger by hour, in UTC (the rules give it no location)\n" in out, out[:3000]
        status, out, _ = tracepager("audit", "--store", store.path, "--rules", store.rules, "--since", "30d", "--format", "json")
        found = json.loads(out)
        assert status == 1 and sum(row["not_ours"] for row in found["wrong_rules"]) > 0, found
        assert {row["kind"] for row in found["verdict_kinds"]} <= set(answers.KINDS), found["verdict_kinds"]
    finally:
        store.daemon.finish()


def nothing_yet():
    daemon = peers.Daemon().start()
    try:
        path = os.path.join(daemon.directory, "tracepager.db")
        status, out, err = tracepager("audit", "--pages", "--store", path)
        assert status == 0 and "Nobody was paged." in out and out.startswith("0 pages since "), (status, out, err)
        status, out, err = tracepager("audit", "--pages", "--store", path, "--format", "json")
        told = json.loads(out)
        assert status == 0 and told["teams"] == [] and told["all"]["false_share"] is None and told["days"] == 1, told
    finally:
        daemon.finish()


peers.run(figures_equal_a_count, any_time_and_seed, text_for_people, nothing_yet)
