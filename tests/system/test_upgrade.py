#!/usr/bin/env python3
"""The daemon starts on a store of the version before incidents had states (schema 2), as large as a bad day leaves it: 1,000
open incidents, 200 of their pages waiting, 100 alerts not decided, 10,000 past. Prints the seconds that it takes.

TP_PAST sets how many are past (default 10000).
"""
import json
import os
import sqlite3
import subprocess
import time

import peers

peers.skip_unless_wanted()
OPEN, WAITING, UNFINISHED, PAST = 1000, 200, 100, int(os.environ.get("TP_PAST", "10000"))
HOUR, DAY = 3600 * 10**6, 24 * 3600 * 10**6
RULES = "a12cda735486fe16cad1568d558677d3e52ef41ae18d0329b113ead0a40720d8"


def incident_id(n):
    return f"{n:032x}"


def alert_doc(name, fingerprint, now, **labels):
    return json.dumps({"sender": "am", "family": "prometheus", "fingerprint": fingerprint, "status": "firing",
                       "labels": {"alertname": name, "severity": "error", **labels}, "annotations": {"summary": "it fails"},
                       "starts_at_us": now - 2 * HOUR, "ends_at_us": 0, "generator_url": "http://prometheus/graph",
                       "ends_by_itself": False})


def page_doc(n, name, now):
    return json.dumps({"event": "page.trigger", "severity": "error", "opened_at_us": now - 2 * HOUR, "at_us": now - 2 * HOUR,
                       "incident": incident_id(n), "dedup_key": incident_id(n), "summary": f"{name}: it fails",
                       "details": "Why you: no rule names an owner\n" * 40, "component": "", "origin": "am", "group": "sre",
                       "kind": "no_signal", "status": "open", "note": None, "decision": json.dumps({"version": 1}),
                       "links": [], "alerts": [name]})


def decision_doc(name, fingerprint):
    return json.dumps({"version": 1, "alert": {"sender": "am", "fingerprint": fingerprint, "status": "firing",
                                               "labels": {"alertname": name, "severity": "error"}, "annotations": {}},
                       "signal": None, "traces": [],
                       "verdict": {"suspect": None, "confidence": 0, "agree": 0, "of": 0, "runners_up": [], "reasons": [],
                                   "fallback": {"code": "no_signal", "text": "not about a traced operation"}},
                       "owner": {"team": "sre", "rule": "rules.yaml:24", "reasons": []},
                       "escalation": {"policy": "sre", "steps": [{"pagers": ["sre-pager"], "wait_s": 600}]},
                       "page": {"severity": "error", "summary": f"{name}: it fails"}})


class Old:
    """Writes the store with plain SQL. Incident n < OPEN is open, WAITING of these were not delivered yet."""

    def __init__(self, path, pager_url):
        self.now = int(time.time() * 10**6)
        self.target = json.dumps({"kind": "pagerduty", "pager": "sre-pager", "url": f"{pager_url}/v2/enqueue",
                                  "key": "old-key"})
        with open(os.path.join(peers.TOP, "tests", "lib", "schema_2.sql"), encoding="utf-8") as f:
            schema = f.read()
        with sqlite3.connect(path) as self.db:
            self.db.executescript(schema)
            for n in range(OPEN):
                self.open(n)
            for n in range(UNFINISHED):
                self.unfinished(n)
            for n in range(OPEN, OPEN + PAST):
                self.past(n)
        self.db.close()

    def insert(self, table, *values):
        self.db.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(values))})", values)

    def open(self, n):
        name, ago = f"Open{n}", self.now - HOUR - n
        page = page_doc(n, name, self.now)
        self.insert("incidents", n + 1, incident_id(n), f"alert/prometheus/{n:016x}/sre", "sre", 1, ago, 0, page)
        self.insert("alerts", ago, 1, 1, ago, ago, self.now + 11 * HOUR, incident_id(n), f"prometheus/{n:016x}",
                    alert_doc(name, f"{n:016x}", self.now))
        waits = n < WAITING
        self.insert("pages", n + 1, 0 if waits else 1, 0, 1, ago, self.now if waits else 0, incident_id(n), "sre-pager",
                    "HTTP 503" if waits else "", self.target, page)

    def unfinished(self, n):
        self.insert("alerts", self.now + n, 0, 1, self.now - HOUR, self.now - HOUR, self.now + 11 * HOUR, "",
                    f"prometheus/u{n:015x}", alert_doc(f"Unfinished{n}", f"u{n:015x}", self.now))

    def past(self, n):
        name, ago = f"Past{n}", self.now - DAY - n * 10**6
        page = page_doc(n, name, self.now)
        self.insert("incidents", n + 1, incident_id(n), f"alert/prometheus/{n:016x}/sre", "sre", 0, ago, ago + HOUR, page)
        self.insert("pages", n + 1, 1, 0, 1, ago, 0, incident_id(n), "sre-pager", "", self.target, page)
        self.insert("pages", n + 1 + 10**6, 1, 2, 1, ago + HOUR, 0, incident_id(n), "sre-pager", "", self.target, page)
        self.insert("decisions", None, ago, 0, incident_id(n), "sre", RULES, f"prometheus/{n:016x}",
                    alert_doc(name, f"{n:016x}", self.now).encode(), decision_doc(name, f"{n:016x}").encode())


def number(path, sql):
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        return db.execute(sql).fetchone()[0]
    finally:
        db.close()


def rests(daemon):
    return not any(daemon.metric(f'tracepager_queue_depth{{queue="{name}"}}') for name in ("alerts", "pages", "store"))


def resolved(daemon, names):
    """The alerts of these names end. Their fingerprints are the store's."""
    body = json.loads(peers.webhook(*[({"alertname": name, "severity": "error"}, "resolved") for name in names]))
    for alert, name in zip(body["alerts"], names):
        alert["fingerprint"] = f"{int(name[4:]):016x}"
    assert daemon.request("POST", "/webhook/am", json.dumps(body))[0] == 202


def upgraded():
    pager = peers.Pager()
    daemon = peers.Daemon(pager.url)
    path = os.path.join(daemon.directory, "tracepager.db")
    old = Old(path, pager.url)
    try:
        begun = time.monotonic()
        daemon.start()
        ready = time.monotonic() - begun
        peers.wait_for("what waited", lambda: len(pager.events()) >= WAITING + UNFINISHED)
        print(f"{OPEN} open, {WAITING} waiting, {UNFINISHED} unfinished, {PAST} past: ready after {ready:.2f} s, "
              f"all that waited has left after {time.monotonic() - begun:.2f} s")
        assert number(path, "PRAGMA user_version") > 2
        peers.wait_for("rest", lambda: rests(daemon))
        daemon.kill()
        daemon.start()
        peers.wait_for("rest", lambda: rests(daemon))
        events = pager.events()
        # Nobody has taken these: they leave under their keys, to the routing key that the rules have now.
        assert all(e["routing_key"] != "old-key" for e in events)
        waited = {incident_id(n) for n in range(WAITING)}
        by_id = sorted(e["dedup_key"] for e in events if e["dedup_key"] in waited)
        assert by_id == sorted(waited), by_id
        anew = {e["dedup_key"] for e in events} - waited
        assert len(anew) == UNFINISHED and len(events) == WAITING + UNFINISHED, (len(anew), len(events))
        assert all(e["event_action"] == "trigger" for e in events)
        resolved(daemon, [f"Open{n}" for n in (0, OPEN - 1)])
        peers.wait_for("the resolves", lambda: len(pager.events()) >= len(events) + 2)
        ends = sorted((e["event_action"], e["dedup_key"], e["routing_key"]) for e in pager.events()[len(events):])
        assert ends == [("resolve", incident_id(0), events[0]["routing_key"]), ("resolve", incident_id(OPEN - 1), "old-key")], ends
        looked_back(daemon, path)
        assert old.now < time.time() * 10**6
    finally:
        daemon.finish()


def looked_back(daemon, path):
    """The past is read as before, and what was decided since with it."""
    begun = time.monotonic()
    done = subprocess.run([peers.BINARY, "replay", "--store", path, "--rules", os.path.join(daemon.directory, "rules.yaml"),
                           "--format", "json"], capture_output=True, text=True, timeout=peers.PATIENCE)
    assert done.returncode == 0, (done.returncode, done.stdout[:2000], done.stderr)
    again = json.loads(done.stdout)
    print(f"replay of {again['decisions']}: {time.monotonic() - begun:.2f} s")
    assert (again["decisions"], again["changes"]) == (PAST + UNFINISHED, []), again["decisions"]


def newer_is_refused():
    daemon = peers.Daemon()
    path = os.path.join(daemon.directory, "tracepager.db")
    try:
        daemon.start()
        daemon.kill()
        newest = number(path, "PRAGMA user_version")
        db = sqlite3.connect(path)
        db.execute(f"PRAGMA user_version = {newest + 1}")
        db.close()
        daemon.launch()
        status = daemon.child.wait(peers.PATIENCE)
        log = daemon.log_text()
        sentence = f"{path} was written by a newer tracepager (schema {newest + 1}, this one knows up to {newest}); run that version"
        assert status not in (0, -9) and sentence in log, (status, log)
        daemon.child = None
    finally:
        daemon.finish()


peers.run(upgraded, newer_is_refused)
