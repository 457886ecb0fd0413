#!/usr/bin/env python3
"""tracepager's own heartbeat: a GET to a dead-man's URL leaves only when an alert of the relay's own has gone the whole way."""
import json
import os
import resource
import sqlite3
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import peers  # noqa: E402

peers.skip_unless_wanted()
HEARTBEAT = "heartbeat: {{url: \"{}/ping/s3cret\", every: 1s, limit: 900ms{}}}\n"


class Relay(peers.Daemon):
    def __init__(self, status=200, more=""):
        self.status = status
        self.dead_man = peers.Peer(lambda request: (self.status, {}, b"OK"))
        self.pager = peers.Pager()
        super().__init__(self.pager.url, config=HEARTBEAT.format(self.dead_man.url, more))
        # The log goes through a pipe: the limit holds for its file, too.
        self.cat = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=self.log)
        self.pipe = self.cat.stdin

    def finish(self):
        self.stop()
        self.pipe.close()
        self.cat.wait(peers.PATIENCE)
        self.child = None
        super().finish()

    def launch(self):
        """With SIGXFSZ ignored, so that a limit on the size of files is an error, as a full disk is."""
        self.child = subprocess.Popen([peers.BINARY, "run", "-c", os.path.join(self.directory, "tracepager.yaml")], stdout=self.pipe,
                                      stderr=self.pipe, restore_signals=False)

    def beats(self):
        return len(self.dead_man.seen())

    def wait_beats(self, more):
        wanted = self.beats() + more
        peers.wait_for(f"{more} heartbeats", lambda: self.beats() >= wanted)

    def failed(self):
        return self.metric('tracepager_heartbeats_total{result="failed"}') or 0

    def wait_failure(self):
        wanted = self.failed() + 2  # the second one began behind what the test did
        peers.wait_for("a check that fails", lambda: self.failed() >= wanted)

    def rules(self, text):
        self.write("rules.yaml", text.format(pager=self.pager.url, directory=self.directory))
        assert self.request("POST", "/-/reload")[0] == 200


def rows(relay, table):
    store = sqlite3.connect(f"file:{relay.directory}/tracepager.db?mode=ro", uri=True)
    try:
        return store.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
    finally:
        store.close()


def heartbeats_leave_and_nothing_stays():
    relay = Relay().start()
    try:
        relay.wait_beats(3)
        beat = relay.dead_man.seen()[0]
        assert (beat["method"], beat["path"]) == ("GET", "/ping/s3cret"), beat
        assert relay.metric('tracepager_heartbeats_total{result="sent"}') >= 2
        assert relay.metric("tracepager_heartbeat_last_success_timestamp_seconds") > 1.7e9
        assert relay.metric("tracepager_heartbeat_interval_seconds") == 1
        assert "heartbeat" not in relay.request("GET", "/-/ready")[1]
        assert relay.request("GET", "/api/v1/incidents")[1] == '{"incidents":[],"next":null}\n'
        assert relay.request("GET", "/api/v1/incidents?state=closed")[1] == '{"incidents":[],"next":null}\n'
        assert "sink" not in relay.request("GET", "/api/v1/pagers")[1]
        for name in ('tracepager_alerts_total{result="accepted"}', 'tracepager_incidents_total{event="opened"}',
                     'tracepager_incidents_total{event="resolved"}', 'tracepager_pages_total{result="delivered"}'):
            assert not relay.metric(name), name
        assert not relay.pager.events()
        assert "s3cret" not in relay.log_text() and "incident opened" not in relay.log_text(), relay.log_text()
        peers.wait_for("an alert that is forgotten", lambda: rows(relay, "alerts") <= 2)  # those of the last second
        relay.kill()
        for table in ("incidents", "pages", "events", "decisions", "recipients"):
            assert rows(relay, table) == 0, table
        relay.start()  # what a crash left is removed
        relay.wait_beats(2)
        peers.wait_for("old alerts that are removed", lambda: rows(relay, "alerts") <= 2)
        assert rows(relay, "incidents") == 0
    finally:
        relay.finish()


def no_heartbeat_leaves_while_the_store_fails():
    relay = Relay().start()
    try:
        relay.wait_beats(1)
        before = resource.prlimit(relay.child.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        relay.wait_failure()
        beats = relay.beats()
        relay.wait_failure()
        assert relay.beats() == beats
        assert "no heartbeat is sent: stage store: " in relay.request("GET", "/-/ready")[1]
        resource.prlimit(relay.child.pid, resource.RLIMIT_FSIZE, before)
        assert "level=error msg=\"no heartbeat is sent: the relay's check of itself failed\" stage=store" in relay.log_text()
        relay.wait_beats(2)
        peers.wait_for("readiness", lambda: "heartbeat" not in relay.request("GET", "/-/ready")[1])
    finally:
        relay.finish()


def no_heartbeat_leaves_while_the_rules_page_nobody():
    relay = Relay(more=", through: place_order").start()
    try:
        relay.wait_beats(1)
        relay.rules(peers.RULES.replace("- when: {{severity: info}}", "- when: {{severity: error}}"))
        relay.wait_failure()
        ready = relay.request("GET", "/-/ready")[1]
        assert "no heartbeat is sent: stage decide: the rules page nobody for it: rules.yaml:" in ready, ready
        beats = relay.beats()
        relay.rules(peers.RULES.replace("place_order:", "other:"))
        relay.wait_failure()
        ready = relay.request("GET", "/-/ready")[1]
        assert "stage parse: the rules have no signal \"place_order\"" in ready and relay.beats() == beats, ready
        relay.rules(peers.RULES)
        relay.wait_beats(2)
        assert not relay.pager.events()
    finally:
        relay.finish()


def silences_hold_no_heartbeat():
    """A silence of the fallback team, or of everything, by hand or in the rules, stops no heartbeat; "page: none" for all does."""
    relay = Relay().start()
    try:
        relay.wait_beats(1)
        for silence in ({"team": "sre"}, {"matchers": ['alertname=~"Tracepager.*"']}):
            body = json.dumps({**silence, "duration_s": 600, "reason": "holiday"})
            status, text = relay.request("POST", "/api/v1/silences", body, {"Content-Type": "application/json"})[:2]
            assert status == 200, (status, text)
            relay.wait_beats(3)
        relay.rules(peers.RULES + "silences:\n- {{matchers: ['alertname=~\"Tracepager.*\"'], ends: 2099-01-01T00:00:00Z, author: ann, reason: move}}\n")
        relay.wait_beats(3)
        assert not relay.failed() and "heartbeat" not in relay.request("GET", "/-/ready")[1]
        relay.rules(peers.RULES.replace("routes:", "routes:\n  - {{when: {{alertname: \"*\"}}, page: none}}"))
        relay.wait_failure()
        assert "stage decide: the rules page nobody for it: rules.yaml:" in relay.request("GET", "/-/ready")[1]
    finally:
        relay.finish()


def a_url_that_refuses_is_told():
    relay = Relay(status=404).start()
    try:
        relay.wait_failure()
        assert "stage send: the dead-man's URL answered HTTP 404" in relay.request("GET", "/-/ready")[1]
        relay.status = 200
        peers.wait_for("readiness", lambda: "heartbeat" not in relay.request("GET", "/-/ready")[1])
    finally:
        relay.finish()


def wrong_options_are_told():
    for options, words in (("{url: nowhere}", "heartbeat.url is no URL"), ("{url: \"http://a/\", every: 10ms}", "heartbeat.every must be"),
                           ("{url: \"http://a/\", limit: 2m}", "heartbeat.limit must be"), ("{ur: \"http://a/\"}", "unknown option")):
        relay = peers.Daemon(config=f"heartbeat: {options}\n")
        done = subprocess.run([peers.BINARY, "run", "--check", "-c", relay.directory + "/tracepager.yaml"], capture_output=True, text=True,
                              timeout=peers.PATIENCE)
        assert done.returncode != 0 and words in done.stdout + done.stderr, (options, done.stdout + done.stderr)
        relay.finish()


peers.run(heartbeats_leave_and_nothing_stays, no_heartbeat_leaves_while_the_store_fails, no_heartbeat_leaves_while_the_rules_page_nobody,
          silences_hold_no_heartbeat, a_url_that_refuses_is_told, wrong_options_are_told, at_once=3)
