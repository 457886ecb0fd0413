#!/usr/bin/env python3
"""Silences made at run time: by the API, by the command, by the link of a page, and over kill -9."""
import json
import os
import re
import subprocess
import sys
import urllib.parse

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import peers  # noqa: E402

peers.skip_unless_wanted()
CONFIG = """tokens:
  - {name: ann, token: ann-token, may: act}
  - {name: grafana, token: grafana-token, may: read}
external_url: https://relay.example
"""
RULES = peers.RULES + """silences:
  - {{matchers: [job=backup], ends: "2099-01-01T00:00:00Z", reason: nightly, author: ops}}
"""


class Relay(peers.Daemon):
    def __init__(self):
        self.pager = peers.Pager()
        super().__init__(self.pager.url, config=CONFIG, rules=RULES)
        self.write("ann.token", "ann-token\n")

    def ask(self, method, path, body=None, token="ann-token"):
        status, text, _ = self.request(method, path, json.dumps(body) if body is not None else None,
                                       {"Authorization": "Bearer " + token})
        return status, json.loads(text)

    def get(self, path):
        status, answer = self.ask("GET", path)
        assert status == 200, answer
        return answer

    def silence(self, **members):
        status, answer = self.ask("POST", "/api/v1/silences", {"reason": "move", "duration_s": 3600, **members})
        assert status == 200, answer
        return answer

    def fire(self, name, status="firing"):
        assert self.request("POST", "/webhook/am", peers.webhook(({"alertname": name}, status)))[0] == 202

    def paged(self):
        return [e["payload"]["summary"].split(" ")[0] for e in self.pager.events() if e["event_action"] == "trigger"]

    def run(self, *words):
        """A command against this relay: its exit status, and what it printed."""
        done = subprocess.run([peers.BINARY, *words, "--url", f"http://127.0.0.1:{self.port}", "--token-file",
                               self.directory + "/ann.token"], capture_output=True, text=True, timeout=peers.PATIENCE)
        return done.returncode, done.stdout + done.stderr

    def gauge(self, name):
        return int(re.search(rf"^{name} (\d+)$", self.request("GET", "/metrics")[1], re.M).group(1))


def a_silence_is_made_changed_and_ended():
    relay = Relay().start()
    try:
        made = relay.silence(matchers=['alertname="DiskFull"'], author="bob")
        assert re.fullmatch("[0-9a-f]{8}", made["id"]) and made["state"] == "active" and made["source"] == "api", made
        assert (made["author"], made["reason"], made["suspect"], made["ended_by"]) == ("bob", "move", "", ""), made
        relay.fire("DiskFull")
        relay.fire("Other")
        peers.wait_for("the page of the other", lambda: relay.paged() == ["Other"])
        assert (relay.gauge("tracepager_silences_active"), relay.gauge("tracepager_alerts_silenced")) == (1, 1)
        status, answer = relay.ask("POST", f"/api/v1/silences/{made['id']}/change", {"duration_s": 7200, "reason": "longer"})
        assert status == 200 and answer["reason"] == "longer" and answer["ends_at"] > made["ends_at"], answer
        relay.kill()
        relay.start()  # it holds on
        assert relay.get(f"/api/v1/silences/{made['id']}")["reason"] == "longer"
        assert relay.paged() == ["Other"]
        status, answer = relay.ask("POST", f"/api/v1/silences/{made['id']}/end", {"who": "eve"})
        assert status == 200 and (answer["state"], answer["ended_by"]) == ("ended", "eve (token ann)"), answer
        status, answer = relay.ask("POST", f"/api/v1/silences/{made['id']}/end", {})
        assert status == 409 and "is over" in answer["detail"], answer
        listed = relay.get("/api/v1/silences")
        assert [(s["id"], s["source"], s["state"]) for s in listed["silences"]] == [
            (None, "rules", "active"), (made["id"], "api", "ended")], listed
        assert re.fullmatch(r"rules.yaml:\d+", listed["silences"][0]["place"]), listed
        assert listed["silences"][0]["matchers"] == ['job="backup"'], listed
        assert [s["id"] for s in relay.get("/api/v1/silences?state=ended")["silences"]] == [made["id"]]
    finally:
        relay.finish()


def an_incident_is_silenced_by_the_link_of_its_page():
    relay = Relay().start()
    try:
        relay.fire("DiskFull")
        peers.wait_for("its page", lambda: relay.paged() == ["DiskFull"])
        incident = relay.get("/api/v1/incidents")["incidents"][0]
        assert incident["silenced"] is None, incident
        link = re.search(r"https://relay\.example(/i/[^\"\\ ]+)", json.dumps(relay.pager.events())).group(1)
        status, page, _ = relay.request("GET", link)
        assert status == 200 and "Silence for 1 hour" in page, page
        fields = {name: re.search(rf'name="{name}" value="([^"]*)"', page).group(1) for name in ("t", "n", "from")}
        fields.update(act="silence", who="ann", text="")
        status, _, _ = relay.request("POST", link.partition("?")[0], urllib.parse.urlencode(fields),
                                     {"Content-Type": "application/x-www-form-urlencoded"})
        assert status == 303, status
        made = relay.get("/api/v1/silences?state=active")["silences"][1]
        assert made["matchers"] == ['"alertname"="DiskFull"'] and made["team"] == "sre", made
        assert made["author"] == "ann (page sent to sre-pager)" and made["reason"] == "from the page", made
        incident = relay.get("/api/v1/incidents/" + incident["id"])
        assert incident["silenced"] == made["id"] and incident["due_at"] is None, incident
        assert any(e["event"] == "silenced" and e["who"] == made["id"] for e in incident["events"]), incident
        page = relay.request("GET", link)[1]
        assert "silenced until" in page and "Silence for 1 hour" not in page, page
        status, answer = relay.ask("POST", f"/api/v1/incidents/{incident['id']}/silence", {})
        assert status == 200 and answer["outcome"] == "already", answer
    finally:
        relay.finish()


def what_is_wrong_is_told():
    relay = Relay().start()
    try:
        for body, words in (({"duration_s": 60, "reason": "x"}, "every alert"), ({"matchers": ["a=b"], "reason": "x"}, "needs an end"),
                            ({"matchers": ["a=b"], "duration_s": 60}, "needs a reason"), ({"matchers": ["a"]}, "matcher a"),
                            ({"tam": "sre"}, 'no member "tam"'), ({"team": "nobody", "duration_s": 60, "reason": "x"}, "no team"),
                            ([], "must be an object")):
            status, answer = relay.ask("POST", "/api/v1/silences", body)
            assert status == 400 and words in answer["detail"], answer
        assert relay.request("POST", "/api/v1/silences", "{")[0] == 401
        assert relay.ask("POST", "/api/v1/silences", {}, "grafana-token")[0] == 403
        assert relay.ask("GET", "/api/v1/silences", token="grafana-token")[0] == 200
        assert relay.ask("GET", "/api/v1/silences/00000000")[0] == 404
        assert relay.ask("POST", "/api/v1/silences/00000000/end", {})[0] == 404
        assert relay.ask("POST", "/api/v1/silences/00000000/begin", {})[0] == 404
        assert relay.ask("GET", "/api/v1/silences?state=over")[0] == 400
        assert relay.get("/api/v1/silences?state=ended")["silences"] == []
    finally:
        relay.finish()


def a_list_goes_on_behind_its_cursor():
    relay = Relay().start()
    try:
        ids = [relay.silence(team="sre", duration_s=60 + i)["id"] for i in range(5)]
        seen, path = [], "/api/v1/silences?limit=2"
        while path:
            answer = relay.get(path)
            seen += [s["id"] for s in answer["silences"] if s["source"] == "api"]
            assert len(answer["silences"]) <= 3, answer
            path = f"/api/v1/silences?limit=2&cursor={answer['next']}" if answer["next"] else None
        assert seen == ids[::-1], (seen, ids)
    finally:
        relay.finish()


def the_past_keeps_its_silences():
    """A decision that a silence held is held when it is decided again: the rules did not change."""
    relay = Relay().start()
    try:
        relay.silence(matchers=["alertname=DiskFull"])
        relay.fire("DiskFull")
        relay.fire("Other")
        peers.wait_for("the page of the other", lambda: relay.paged() == ["Other"])

        def replay():
            done = subprocess.run([peers.BINARY, "replay", "--store", relay.directory + "/tracepager.db", "--rules",
                                   relay.directory + "/rules.yaml", "--format", "json"], capture_output=True, text=True,
                                  timeout=peers.PATIENCE)
            return json.loads(done.stdout)

        peers.wait_for("the records", lambda: replay()["decisions"] == 2)
        assert replay()["changes"] == [], replay()
    finally:
        relay.finish()


def commands_make_and_end_silences():
    relay = Relay().start()
    try:
        status, text = relay.run("silence")
        assert status == 0 and "rules.yaml:" in text and text.endswith("1 silence\n"), text
        status, text = relay.run("silence", "add", "alertname=DiskFull", "instance=~\"db.*\"", "--suspect", "ledger*", "--team", "sre",
                                 "--for", "2h", "--reason", "move of db1", "--author", "ann", "--tell")
        found = re.fullmatch(r'([0-9a-f]{8})  silenced until \S+Z: alertname=DiskFull, instance=~"db\.\*", suspect ledger\*, '
                             "team sre — move of db1\n", text)
        assert status == 0 and found, text
        made = relay.get("/api/v1/silences/" + found.group(1))
        assert made["tell"] is True and made["author"] == "ann", made
        assert relay.run("silence", "add", "--team", "sre", "--from", "2098-01-01T00:00:00Z", "--for", "1h", "-m", "x")[0] == 1
        status, text = relay.run("silence", "list")
        lines = text.splitlines()
        assert lines[0].split()[:4] == ["SILENCE", "STATE", "ENDS", "BY"] and lines[-1] == "2 silences", text
        assert lines[2].split()[:5] == [made["id"], "active", "in", "119", "min"], text
        assert all(len(line) <= 80 for line in lines), text
        assert relay.run("silence", "extend", made["id"], "--for", "3h")[0] == 0
        status, text = relay.run("silence", "end", made["id"])
        assert status == 0 and text.startswith(made["id"] + "  ended: alertname=DiskFull"), text
        assert relay.run("silence", "end", made["id"])[0] == 1
        status, text = relay.run("silence", "list", "--state", "ended", "--format", "json")
        assert status == 0 and [json.loads(line)["id"] for line in text.splitlines()] == [made["id"]], text
        for words in (("lst",), ("list", "7"), ("add", "a=b", "--for", "1h"), ("add", "a=b", "-m", "x"), ("end",), ("extend",),
                      ("end", "7", "--team", "sre"), ("add", "a=b", "-m", "x", "--for", "1h", "--until", "2026-01-01T00:00:00Z"),
                      ("list", "--tell"), ("add", "a=b", "-m", "x", "--for", "1h", "--state", "ended")):
            assert relay.run("silence", *words)[0] == 2, words
        status, text = relay.run("silence", "add", "--for", "1h", "-m", "x")
        assert status == 1 and "every alert" in text, text
        assert relay.run("silence", "add", "--all", "--for", "1h", "-m", "x")[0] == 0
    finally:
        relay.finish()


peers.run(a_silence_is_made_changed_and_ended, an_incident_is_silenced_by_the_link_of_its_page, what_is_wrong_is_told,
          a_list_goes_on_behind_its_cursor, the_past_keeps_its_silences, commands_make_and_end_silences)
