#!/usr/bin/env python3
"""One pager for three teams, through the real daemon: each team's key from its own file, a hand-over, a reload with another key, the queue
and pauses by team, what the service tells back, and a test page. No key stands in the log or in an answer."""
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import feedback  # noqa: E402
import peers  # noqa: E402

peers.skip_unless_wanted()
TOKENS = "tokens: [{name: ann, token: ann-token, may: act}]\n"
TEAMS = ("ledger", "shop", "sre")
RULES = """
pagers:
  pd: {{kind: pagerduty, by_team: true, url: "{pager}/v2/enqueue", feedback_secret_file: "{directory}/pd.secret"}}
teams:
  ledger: {{routing_key_file: "{directory}/ledger.key"}}
  shop: {{routing_key_file: "{directory}/shop.key"}}
  sre: {{routing_key_file: "{directory}/sre.key"}}
escalations: {{duty: {{steps: [{{page: [pd]}}]}}}}
defaults: {{escalation: duty, resolve_hold: 0s}}
services: {{ledger: {{owner: ledger}}, shop: {{owner: shop}}}}
routes:
  - {{when: {{alertname: "Ledger*"}}, team: ledger}}
  - {{when: {{alertname: "Shop*"}}, team: shop}}
fallback: {{team: sre}}
"""


class Relay(peers.Daemon):
    def __init__(self):
        self.pager = peers.Pager()
        super().__init__(self.pager.url, config=TOKENS, rules=RULES)
        self.write("ann.token", "ann-token\n")
        for team in TEAMS:
            self.key(team, f"k3y-{team}")
        self.key("pd", "k3y-feedback", "secret")

    def key(self, team, text, kind="key"):
        self.write(f"{team}.{kind}", text + "\n")
        os.chmod(os.path.join(self.directory, f"{team}.{kind}"), 0o600)

    def ask(self, method, path, body=None):
        status, text, _ = self.request(method, path, json.dumps(body) if body is not None else None,
                                       {"Authorization": "Bearer ann-token"})
        assert "k3y" not in text, text
        return status, json.loads(text)

    def fire(self, name, status="firing"):
        assert self.request("POST", "/webhook/am", peers.webhook(({"alertname": name, "severity": "error"}, status)))[0] == 202

    def sent(self, key):
        """What went to a key: event and dedup key."""
        return [(e["event_action"], e["dedup_key"]) for e in self.pager.events() if e["routing_key"] == key]

    def events(self, key, wanted):
        peers.wait_for(f"{wanted} at {key}", lambda: [e for e, _ in self.sent(key)] == wanted)
        return self.sent(key)

    def one(self, team):
        return peers.wait_for("the incident", lambda: [i["id"] for i in self.ask("GET", "/api/v1/incidents")[1]["incidents"]
                                                       if i["team"] == team])[0]

    def recipients(self, one):
        return [(r["pager"], r["state"]) for r in self.ask("GET", "/api/v1/incidents/" + one)[1]["recipients"]]

    def run(self, *words):
        done = subprocess.run([peers.BINARY, *words, "--url", f"http://127.0.0.1:{self.port}", "--token-file",
                               os.path.join(self.directory, "ann.token")], capture_output=True, text=True,
                              timeout=peers.PATIENCE, check=False)
        return done.returncode, done.stdout + done.stderr


def on_a_relay(test):
    def run():
        relay = Relay().start()
        try:
            test(relay)
            assert "k3y" not in relay.log_text(), relay.log_text()
        finally:
            relay.finish()
    run.__name__ = test.__name__
    return run


@on_a_relay
def three_teams_are_paged_by_their_keys(relay):
    for name, key in (("Ledger", "k3y-ledger"), ("Shop", "k3y-shop"), ("Other", "k3y-sre")):
        relay.fire(name)
        relay.events(key, ["trigger"])
    for name, key in (("Ledger", "k3y-ledger"), ("Shop", "k3y-shop"), ("Other", "k3y-sre")):
        relay.fire(name, "resolved")
        (_, first), (_, last) = relay.events(key, ["trigger", "resolve"])
        assert first == last


def two_pagers_of_one_account_have_two_keys():
    """A resolve of the first must not end the page of the second, whichever comes first."""
    pager = peers.Pager()
    daemon = peers.Daemon(pager.url, config=TOKENS, rules="""
pagers:
  a: {{kind: pagerduty, routing_key: k3y-one, url: "{pager}/v2/enqueue"}}
  b: {{kind: pagerduty, routing_key: k3y-one, url: "{pager}/v2/enqueue"}}
teams: {{shop: {{escalation: shop}}, ledger: {{escalation: ledger}}}}
escalations: {{shop: {{steps: [{{page: [a]}}]}}, ledger: {{steps: [{{page: [b]}}]}}}}
defaults: {{resolve_hold: 0s}}
fallback: {{team: shop}}
""").start()
    try:
        token = {"Authorization": "Bearer ann-token"}
        assert daemon.request("POST", "/webhook/am", peers.webhook(({"alertname": "Disk"}, "firing")))[0] == 202
        peers.wait_for("the trigger", lambda: len(pager.events()) == 1)
        one = json.loads(daemon.request("GET", "/api/v1/incidents", headers=token)[1])["incidents"][0]["id"]
        assert daemon.request("POST", f"/api/v1/incidents/{one}/reroute", json.dumps({"team": "ledger"}), token)[0] == 200
        peers.wait_for("the hand-over", lambda: ("resolve", one) in [(e["event_action"], e["dedup_key"]) for e in pager.events()])
        triggers = {e["dedup_key"] for e in pager.events() if e["event_action"] == "trigger"}
        peers.wait_for("both pages", lambda: {e["dedup_key"] for e in pager.events() if e["event_action"] == "trigger"} == {one, one + "#2"})
        assert triggers <= {one, one + "#2"}
        assert [e["dedup_key"] for e in pager.events() if e["event_action"] == "resolve"] == [one]
    finally:
        daemon.finish()


@on_a_relay
def a_hand_over_resolves_at_the_first_key(relay):
    relay.fire("Shop")
    relay.events("k3y-shop", ["trigger"])
    one = relay.one("shop")
    # A new key is read at the reload, and the first page ends where it began.
    relay.key("shop", "k3y-new")
    assert relay.request("POST", "/-/reload", None, {"Authorization": "Bearer ann-token"})[0] == 200
    status, answer = relay.ask("POST", f"/api/v1/incidents/{one}/reroute", {"who": "ann", "team": "ledger"})
    assert status == 200, answer
    assert {dedup for _, dedup in relay.events("k3y-shop", ["trigger", "trigger", "resolve"])} == {one}
    assert relay.events("k3y-ledger", ["trigger"])[0][1] == one + "#2"
    peers.wait_for("both recipients", lambda: relay.recipients(one) == [("pd:shop", "told"), ("pd:ledger", "reached")])
    # The account tells of our own resolve, then of a person's.
    for key, said in ((one, 0), (one + "#2", 1)):
        body, headers = feedback.pagerduty("incident.resolved", key, "k3y-feedback")
        status, answer = relay.request("POST", "/feedback/pd", body, headers)[:2]
        assert status == 200 and ('"done"' in answer) == bool(said), answer
    relay.events("k3y-ledger", ["trigger", "trigger", "resolve"])
    relay.fire("Shop", "resolved")
    relay.fire("Shop2")
    relay.events("k3y-new", ["trigger"])


@on_a_relay
def the_queue_and_pauses_know_teams(relay):
    assert relay.run("pause", "pd:shop")[0] == 0
    relay.fire("Shop")
    relay.fire("Ledger")
    relay.events("k3y-ledger", ["trigger"])
    waiting = peers.wait_for("a page that waits", lambda: relay.ask("GET", "/api/v1/queue?pager=pd:shop")[1]["pages"])
    assert [p["pager"] for p in waiting] == ["pd:shop"] and not relay.sent("k3y-shop")
    pagers = {p["name"]: p["state"] for p in relay.ask("GET", "/api/v1/pagers")[1]["pagers"]}
    assert pagers == {"pd": "working", "pd:shop": "paused"}, pagers
    assert relay.run("resume", "pd:shop")[0] == 0
    relay.events("k3y-shop", ["trigger"])
    assert relay.run("pause", "pd")[0] == 0
    relay.fire("Other")
    peers.wait_for("a page that waits", lambda: relay.ask("GET", "/api/v1/queue?pager=pd:sre")[1]["pages"])
    assert not relay.sent("k3y-sre")
    assert relay.run("resume", "pd")[0] == 0
    relay.events("k3y-sre", ["trigger"])
    assert relay.run("pause", "pd:nobody")[0] != 0


@on_a_relay
def a_pause_of_the_entry_is_none_of_a_team(relay):
    def says(act, pager):
        status, text = relay.run(act, pager)
        assert status == 0, text
        return text.strip()

    assert says("resume", "pd") == "pd  it is not paused"
    says("pause", "pd")
    relay.fire("Ledger")
    assert says("resume", "pd:ledger") == "pd:ledger  it is paused with its entry; pd is paused: resume pd"
    assert says("pause", "pd:shop") == "pd:shop  paused; its pages wait until it is resumed; pd is paused, too"
    assert says("resume", "pd:shop") == "pd:shop  resumed, but its pages wait still; pd is paused: resume pd"
    says("pause", "pd:shop")
    assert says("resume", "pd") == "pd  resumed; what waited is sent now, but for teams that are paused by themselves: pd:shop"
    assert says("resume", "pd") == "pd  it is not paused; teams that are paused by themselves: pd:shop"
    relay.events("k3y-ledger", ["trigger"])
    relay.kill()
    relay.start()
    pagers = {p["name"]: p["state"] for p in relay.ask("GET", "/api/v1/pagers")[1]["pagers"]}
    assert pagers == {"pd": "working", "pd:shop": "paused"}, pagers
    assert says("resume", "pd:shop") == "pd:shop  resumed; what waited is sent now"
    relay.fire("Ledger", "resolved")
    relay.events("k3y-ledger", ["trigger", "resolve"])


@on_a_relay
def a_test_page_names_the_team(relay):
    def send(*words):
        done = subprocess.run([peers.BINARY, "send", "--rules", os.path.join(relay.directory, "rules.yaml"), *words],
                              capture_output=True, text=True, timeout=peers.PATIENCE, check=False)
        assert "k3y" not in done.stdout + done.stderr, done.stdout
        return done.returncode, done.stdout + done.stderr

    assert send("--pager", "pd", "--team", "ledger")[0] == 0
    relay.events("k3y-ledger", ["trigger", "resolve"])
    assert send("--pager", "pd:sre")[0] == 0
    relay.events("k3y-sre", ["trigger", "resolve"])
    for words, said in ((("--pager", "pd"), "name one with --team"), (("--pager", "pd", "--team", "shp"), 'did you mean "shop"?'),
                        (("--pager", "pd:sre", "--team", "sre"), "leave --team out")):
        status, text = send(*words)
        assert status == 2 and said in text, text


peers.run(three_teams_are_paged_by_their_keys, a_hand_over_resolves_at_the_first_key, two_pagers_of_one_account_have_two_keys,
          the_queue_and_pauses_know_teams, a_pause_of_the_entry_is_none_of_a_team, a_test_page_names_the_team, at_once=2)
