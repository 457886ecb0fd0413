#!/usr/bin/env python3
"""Fire drills: a marked alert for a signal goes the whole way through a running relay to the real pager; each stage is told."""
import json
import os
import re
import signal
import subprocess
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import peers  # noqa: E402

peers.skip_unless_wanted()
TRACE = "0af7651916cd43dd8448eb211c80319c"
TOKENS = """tokens:
  - {name: ann, token: ann-token, may: act}
  - {name: grafana, token: grafana-token, may: read}
"""
MORE_SIGNALS = peers.RULES.replace("routes:", """  pods:
    alerts: ['alertname="PodsFail"', 'pod=~"(?=web)web-.+"']
    span: {{service: checkout}}
    owner: shop
  quiet:
    alerts: {{alertname: Quiet, severity: info}}
    span: {{service: frontend}}
    owner: shop
routes:""")


class Relay(peers.Daemon):
    def __init__(self, refuse=None, traces=True, rules=None, config=""):
        self.pager = peers.Pager(refuse)
        self.jaeger = peers.Jaeger({TRACE: peers.shop_trace(TRACE)}) if traces else None
        super().__init__(self.pager.url, self.jaeger.url if traces else None, TOKENS + config, rules)
        self.write("ann.token", "ann-token\n")

    def ask(self, method, path, body=None, token="ann-token"):
        status, text, _ = self.request(method, path, json.dumps(body) if body is not None else None,
                                       {"Authorization": "Bearer " + token})
        return status, json.loads(text)

    def drill(self, *words):
        """The command's exit status, what it printed, and its errors."""
        done = subprocess.run([peers.BINARY, "send", *words, "--who", "ann", "--url", f"http://127.0.0.1:{self.port}",
                               "--token-file", self.directory + "/ann.token"], capture_output=True, text=True,
                              timeout=2 * peers.PATIENCE, env={**os.environ, "COLUMNS": "200", "LC_ALL": "C.UTF-8"})
        return done.returncode, done.stdout, done.stderr

    def stages(self, *words):
        """Of a drill: the exit status, and its stages by name (of several, the last)."""
        status, text, errors = self.drill(*words, "--format", "json")
        assert not errors, errors
        drill = json.loads(text)
        return status, drill, {stage["stage"]: stage for stage in drill["stages"]}

    def story_with(self, event, incident):
        """The incident, once that has befallen it."""
        found = self.ask("GET", "/api/v1/incidents/" + incident)[1]
        return found if event in [e["event"] for e in found["events"]] else None

    def open_incidents(self):
        return self.ask("GET", "/api/v1/incidents")[1]["incidents"]

    def closed_drills(self):
        """The ids of drills' incidents whose end is in the store: a relay that is killed now knows it afterwards."""
        return [i["id"] for i in self.ask("GET", "/api/v1/incidents?state=closed&drills=1")[1]["incidents"]]

    def told_of(self, incident, since=0):
        """What the pager took of it among its requests from that one on, as (action, key)."""
        return [(r["event"]["event_action"], r["event"]["routing_key"]) for r in self.pager.seen()[since:]
                if r.get("taken") and r["event"]["dedup_key"] == incident]

    def stop_at_once(self):
        """Asked twice: it ends in good order, and does not wait for the requests that are under way."""
        self.child.send_signal(signal.SIGTERM)
        peers.wait_for("the first signal", lambda: "caught a signal" in self.log_text())
        self.stop()


def the_suspects_team_gets_a_marked_page():
    relay = Relay().start()
    try:
        status, text, errors = relay.drill("--drill", "place_order", "--label", "severity=critical")
        assert status == 0 and not errors, (text, errors)
        trigger, resolve = relay.pager.events()
        assert trigger["routing_key"] == resolve["routing_key"] == "key-ledger"
        assert trigger["payload"]["summary"].startswith("DRILL: ledger") and trigger["payload"]["severity"] == "critical", trigger
        assert "DRILL: nothing is broken, ann started a fire drill" in json.dumps(trigger), trigger
        assert resolve["event_action"] == "resolve" and resolve["dedup_key"] == trigger["dedup_key"]
        lines = [re.sub(r"\s+", " ", line).strip() for line in text.splitlines()]
        assert lines[0] == f"Fire drill of signal place_order at http://127.0.0.1:{relay.port}", text
        shape = [(line[0], line.split()[1]) for line in lines[1:-1]]
        assert shape == [("✓", name) for name in ("accepted", "located", "fetched", "decided", "owner", "escalation", "queued",
                                                  "delivered", "resolved")], text
        assert re.search(r"accepted +[\d.]+ (ms|µs) +the alert is on disk\n", text), text
        assert re.search(r"located .*signal place_order \(rules.yaml:\d+\): service frontend, operation POST /orders, by the rule", text)
        assert re.search(r"fetched +[\d.]+ \S+ +1 trace from jaeger\n", text), text
        assert re.search(r"decided .*suspect ledger, confidence 0\.\d\d \(", text), text
        assert re.search(r"owner .*team ledger by rules.yaml:\d+", text), text
        assert re.search(r"escalation .*ledger \(rules.yaml:\d+\): ledger-pager, wait 10 min\n", text), text
        assert re.search(r"queued .*a page to ledger-pager, key " + trigger["dedup_key"], text), text
        assert re.search(r"delivered +[\d.]+ \S+ +HTTP 202: pager ledger-pager took the page\n", text), text
        assert re.search(r"resolved +[\d.]+ \S+ +HTTP 202: pager ledger-pager took the resolve\n", text), text
        assert lines[-1] == f"passed: team ledger, incident {trigger['dedup_key']}", text
        assert not relay.open_incidents()
        # Nothing counts it.
        for name in ("tracepager_incidents_total{event=\"opened\"}", "tracepager_alerts_total{result=\"accepted\"}",
                     "tracepager_incidents_total{event=\"resolved\"}", "tracepager_pages_total{result=\"delivered\"}"):
            assert not relay.metric(name), name
        peers.wait_for("its end in the store", lambda: relay.closed_drills() == [trigger["dedup_key"]])
        assert not relay.ask("GET", "/api/v1/incidents?state=closed")[1]["incidents"]
        for query, listed in (("", False), ("?drills=1", True)):
            page = relay.request("GET", "/past" + query, None, {"Authorization": "Bearer ann-token"})[1]
            assert (trigger["dedup_key"] in page) is listed, page
        relay.stop()
        audit = subprocess.run([peers.BINARY, "audit", "--store", relay.directory + "/tracepager.db", "--pages", "--format", "json"],
                               capture_output=True, text=True, timeout=peers.PATIENCE)
        assert "ledger" not in json.dumps(json.loads(audit.stdout).get("teams", [])), audit.stdout
        relay.start()
    finally:
        relay.finish()


def without_a_trace_the_signals_owner_is_paged():
    relay = Relay(traces=False).start()
    try:
        status, drill, stages = relay.stages("--drill", "place_order")
        assert status == 0 and drill["state"] == "passed", drill
        assert stages["fetched"]["outcome"] == stages["decided"]["outcome"] == "noted", drill
        assert drill["team"] == "shop" and drill["labels"]["alertname"] == "PlaceOrder", drill
        assert drill["labels"]["tracepager_drill"] == "yes"
        assert [e["routing_key"] for e in relay.pager.events()] == ["key-shop"] * 2
    finally:
        relay.finish()


def a_refusal_is_told_and_the_fallback_team_is_paged():
    relay = Relay(lambda n, event: (401, {}, b'{"message":"no such key"}') if event["routing_key"] == "key-ledger" else None).start()
    try:
        status, text, _ = relay.drill("--drill", "place_order")
        assert status == 1, text
        assert re.search(r"✗ delivered .*HTTP 401: pager ledger-pager refused it: HTTP 401", text), text
        assert re.search(r"✓ delivered .*HTTP 202: pager sre-pager took the page", text), text
        assert text.splitlines()[-1].startswith('failed at stage "delivered": team ledger, incident '), text
        assert not relay.open_incidents()
        events = relay.pager.events()
        assert [(e["routing_key"], e["event_action"]) for e in events] == [("key-sre", "trigger"), ("key-sre", "resolve")], events
        assert events[0]["payload"]["summary"].startswith("DRILL: "), events
    finally:
        relay.finish()


def a_real_incident_of_the_same_suspect_is_untouched():
    relay = Relay().start()
    try:
        relay.request("POST", "/webhook/am", peers.webhook(({"alertname": "PlaceOrderErrors"}, "firing")))
        peers.wait_for("the real page", relay.pager.events)
        real = relay.pager.events()[0]
        before = peers.wait_for("its story", lambda: relay.story_with("reached", real["dedup_key"]))
        status, drill, _ = relay.stages("--drill", "place_order")
        assert status == 0 and drill["incident"] != real["dedup_key"] and drill["team"] == "ledger", drill
        after = relay.ask("GET", "/api/v1/incidents/" + real["dedup_key"])[1]
        assert after == before
        events = relay.pager.events()
        assert [e["event_action"] for e in events if e["dedup_key"] == real["dedup_key"]] == ["trigger"], events
        # And a real alert does not join an open drill.
        status, drill, stages = relay.stages("--drill", "place_order", "--no-resolve")
        assert status == 0 and "it ends by itself in 60 min" in stages["resolved"]["text"], drill
        relay.request("POST", "/webhook/am", peers.webhook(({"alertname": "PlaceOrderErrors"}, "resolved")))
        peers.wait_for("the real resolve", lambda: any(e["event_action"] == "resolve" and e["dedup_key"] == real["dedup_key"]
                                                       for e in relay.pager.events()))
        assert [i["id"] for i in relay.open_incidents()] == [drill["incident"]]
        assert relay.ask("POST", f"/api/v1/incidents/{drill['incident']}/resolve")[0] == 200
    finally:
        relay.finish()


def a_paused_pager_is_told_and_gets_nothing_later():
    relay = Relay().start()
    try:
        relay.ask("POST", "/api/v1/pagers/ledger-pager/pause", {"who": "bob"})
        status, drill, stages = relay.stages("--drill", "place_order")
        assert status == 1 and stages["delivered"]["outcome"] == "bad", drill
        assert re.match(r"pager ledger-pager is paused by bob \(token ann\) since 20.*: its pages wait until \"tracepager resume "
                        "ledger-pager\"$", stages["delivered"]["text"]), drill
        peers.wait_for("an empty queue", lambda: not relay.ask("GET", "/api/v1/queue")[1]["pages"])
        relay.ask("POST", "/api/v1/pagers/ledger-pager/resume")
        assert relay.drill("--drill", "place_order")[0] == 0
        assert len(relay.pager.events()) == 2  # of the second drill
    finally:
        relay.finish()


def a_drill_ends_with_the_relay():
    rules = peers.RULES.replace("ledger: {{steps: [{{page: [ledger-pager], wait: 10m}}]}}",
                                "ledger: {{steps: [{{page: [ledger-pager], wait: 3s}}, {{page: [shop-pager]}}]}}")
    assert rules != peers.RULES
    for end in ("kill", "stop_at_once"):
        hangs, goes_on = threading.Event(), threading.Event()

        def hang(n, event):
            hangs.set()
            goes_on.wait(peers.PATIENCE)

        relay = Relay(hang, rules=rules).start()
        try:
            assert relay.ask("POST", "/api/v1/drills", {"signal": "place_order"})[0] == 202
            assert hangs.wait(peers.PATIENCE)
            one = relay.open_incidents()[0]["id"]
            getattr(relay, end)()
            goes_on.set()
            n = len(relay.pager.seen())
            relay.start()
            peers.wait_for("the resolve", lambda: ("resolve", "key-ledger") in relay.told_of(one, n))
            peers.wait_for("the end", lambda: not relay.open_incidents())
            assert relay.story_with("resolved", one)["events"][-1]["text"] == "the relay ended during this fire drill"
            # Behind the second step of a real alert nothing of the drill has come: its trigger left once, and after the restart no step
            # followed. (A slow machine may have begun one before the end.)
            assert relay.request("POST", "/webhook/am", peers.webhook(({"alertname": "PlaceOrderErrors"}, "firing")))[0] == 202
            peers.wait_for("the step", lambda: [e for e in relay.pager.events() if e["routing_key"] == "key-shop" and e["dedup_key"] != one])
            assert relay.told_of(one).count(("trigger", "key-ledger")) == 1, relay.told_of(one)
            assert {action for action, _ in relay.told_of(one, n)} == {"resolve"}, relay.told_of(one, n)
        finally:
            relay.finish()


def acts_on_a_drill_count_nowhere():
    relay = Relay().start()
    try:
        assert relay.drill("--drill", "place_order", "--no-resolve")[0] == 0
        one = relay.open_incidents()[0]["id"]
        for act, more in (("acknowledge", {}), ("reroute", {"team": "shop"}), ("useful", {}), ("noise", {})):
            assert relay.ask("POST", f"/api/v1/incidents/{one}/{act}", {"who": "ann", **more})[0] == 200, act
        for name in ("tracepager_incidents_open", "tracepager_incidents_unreached"):
            assert not relay.metric(name), name
        assert relay.ask("POST", f"/api/v1/incidents/{one}/resolve", {"who": "ann"})[0] == 200
        peers.wait_for("the end", lambda: not relay.open_incidents())
        text = relay.request("GET", "/metrics", None, {"Authorization": "Bearer ann-token"})[1]
        counted = re.findall(r"^(tracepager_(?:incidents_total|incidents_rerouted|incidents_opened|pages_total|decisions_total)\S*) [1-9]", text, re.M)
        assert not counted, counted
    finally:
        relay.finish()


def a_drill_left_open_ends_with_the_relay():
    relay = Relay().start()
    try:
        assert relay.drill("--drill", "place_order", "--no-resolve")[0] == 0
        (one,) = relay.open_incidents()
        relay.kill()
        relay.start()
        peers.wait_for("the end, in the store", lambda: relay.closed_drills() == [one["id"]])
        assert [e["event_action"] for e in relay.pager.events()] == ["trigger", "resolve"]
        relay.kill()
        relay.start()
        assert len(relay.pager.events()) == 2 and one["id"] not in json.dumps(relay.open_incidents())
    finally:
        relay.finish()


def a_silence_is_told():
    relay = Relay(traces=False).start()
    try:
        silence = relay.ask("POST", "/api/v1/silences", {"matchers": ['alertname=~"PlaceOrder.*"'], "duration_s": 600, "reason": "deploy"})[1]
        status, drill, stages = relay.stages("--drill", "place_order")
        assert status == 1 and stages["owner"]["outcome"] == "bad" and not relay.pager.events(), drill
        assert f"silence {silence['id']} (deploy) keeps it from paging" in stages["owner"]["text"], drill
        relay.ask("POST", f"/api/v1/silences/{silence['id']}/end")
        silence = relay.ask("POST", "/api/v1/silences", {"team": "shop", "duration_s": 600, "reason": "x"})[1]
        status, drill, stages = relay.stages("--drill", "place_order")
        assert status == 1 and not relay.pager.events() and silence["id"] in json.dumps(drill["stages"]), drill
    finally:
        relay.finish()


def what_cannot_be_drilled_is_told():
    relay = Relay(rules=MORE_SIGNALS).start()
    try:
        status, text, errors = relay.drill("--drill", "place_ordr")
        assert status == 1 and 'have no signal "place_ordr"; did you mean "place_order"?' in errors, errors
        status, text, errors = relay.drill("--drill", "pods")
        assert status == 1 and "give one with --label pod=VALUE" in errors, errors
        status, drill, stages = relay.stages("--drill", "pods", "--label", "pod=web-7")
        assert status == 0 and drill["labels"]["pod"] == "web-7", drill
        status, drill, stages = relay.stages("--drill", "quiet")
        assert status == 1 and re.match(r'the route at rules.yaml:\d+ says "page: none"$', stages["owner"]["text"]), drill
        for words in ((), ("--drill", "a", "--all"), ("--drill", "place_order", "--label", "x"), ("--pager", "a", "--label", "a=b")):
            assert relay.drill(*words)[0] == 2, words
        for body, code in (({}, 400), ({"signal": 5}, 400), ({"signal": "place_order", "labels": []}, 400), ({"signal": "nobody"}, 404),
                           ({"signal": "place_order", "labels": {"a": 5}}, 400), ({"signal": "place_order", "resolve": "no"}, 400)):
            assert relay.ask("POST", "/api/v1/drills", body)[0] == code, body
        assert relay.ask("POST", "/api/v1/drills", {"signal": "place_order"}, "grafana-token")[0] == 403
        assert relay.ask("GET", "/api/v1/drills/0123456789abcdef")[0] == 404
        listed = relay.ask("GET", "/api/v1/drills", token="grafana-token")[1]
        assert sorted(listed["signals"]) == ["place_order", "pods", "quiet"] and listed["drills"][0]["state"] == "failed", listed
    finally:
        relay.finish()


def all_signals_are_drilled():
    relay = Relay(rules=MORE_SIGNALS.replace("(?=web)", "")).start()
    try:
        status, text, errors = relay.drill("--all")
        lines = text.splitlines()
        assert status == 1 and len(lines) == 3 and not errors, (text, errors)
        assert re.match(r"✓ place_order +ledger +[\d.]+ m?s  paged, and resolved$", lines[0]), text
        assert lines[1].startswith("✓ pods "), text
        assert re.match(r"✗ quiet .* owner: the route at rules.yaml:\d+ says", lines[2]), text
    finally:
        relay.finish()


peers.run(the_suspects_team_gets_a_marked_page, without_a_trace_the_signals_owner_is_paged,
          a_refusal_is_told_and_the_fallback_team_is_paged, a_real_incident_of_the_same_suspect_is_untouched,
          a_paused_pager_is_told_and_gets_nothing_later, a_drill_ends_with_the_relay, a_drill_left_open_ends_with_the_relay,
          acts_on_a_drill_count_nowhere,
          a_silence_is_told, what_cannot_be_drilled_is_told, all_signals_are_drilled,
          at_once=2)
