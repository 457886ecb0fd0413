#!/usr/bin/env python3
"""The API about incidents: lists with filters and cursors, one with its story, what is done to it, and who did it."""
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import peers  # noqa: E402

peers.skip_unless_wanted()
TOKENS = """admin_token: adm1n
tokens:
  - {name: ann, token: ann-token, may: act}
  - {name: grafana, token: grafana-token, may: read}
"""


class Relay(peers.Daemon):
    """With tokens, a pager, and incidents of two teams."""

    def __init__(self, config=TOKENS, rules=None):
        self.pager = peers.Pager()
        super().__init__(self.pager.url, config=config, rules=rules)

    def ask(self, method, path, body=None, token="ann-token"):
        """The status, and the answer."""
        headers = {"Authorization": "Bearer " + token} if token else {}
        status, text, self.headers = self.request(method, path, json.dumps(body) if body is not None else None, headers)
        return status, json.loads(text)

    def fire(self, *names, severity="error", status="firing"):
        labels = [({"alertname": name, "service": "checkout" if "Order" in name else "db", "severity": severity}, status) for name in names]
        assert self.request("POST", "/webhook/am", peers.webhook(*labels))[0] == 202

    def open(self, query=""):
        status, answer = self.ask("GET", "/api/v1/incidents" + query)
        assert status == 200, answer
        return answer["incidents"]

    def one(self, *names, **options):
        """Fires, and waits for the incident and its page."""
        known = {i["id"] for i in self.open()}
        self.fire(*names, **options)
        new = peers.wait_for("the incident", lambda: [i for i in self.open() if i["id"] not in known])
        peers.wait_for("its page", lambda: [e for e in self.pager.events() if e["dedup_key"] == new[0]["id"]])
        return new[0]["id"]


def rights_are_checked():
    relay = Relay().start()
    try:
        one = relay.one("DiskFull")
        for path in ("/api/v1/incidents", "/api/v1/incidents/" + one):
            for token, status in ((None, 401), ("wrong", 401), ("ann-token", 200), ("grafana-token", 200), ("adm1n", 200)):
                assert relay.ask("GET", path, token=token)[0] == status, (path, token)
        for token, status in ((None, 401), ("grafana-token", 403), ("ann-tokem", 401)):
            code, problem = relay.ask("POST", f"/api/v1/incidents/{one}/acknowledge", token=token)
            assert code == status and problem["status"] == status and problem["detail"], (token, problem)
            assert relay.headers["Content-Type"] == "application/problem+json"
        assert relay.open()[0]["state"] == "open"
        assert relay.ask("POST", f"/api/v1/incidents/{one}/acknowledge", token="adm1n")[0] == 200
        assert relay.open()[0]["acknowledged_by"] == "admin"
        for token in ("ann-token", "adm1n", "grafana-token"):
            assert token not in relay.log_text()
    finally:
        relay.finish()


def lists_have_filters_and_cursors():
    relay = Relay().start()
    try:
        assert relay.ask("GET", "/api/v1/incidents") == (200, {"incidents": [], "next": None})
        ids = [relay.one(f"Disk{n}", severity=("warning", "critical")[n % 2]) for n in range(5)]
        assert [i["id"] for i in relay.open()] == ids
        first = relay.open()[0]
        assert first["team"] == "sre" and first["severity"] == "warning" and first["closed_at"] is None and first["firing"] == 1, first
        assert first["opened_at"].endswith("Z") and first["acknowledged_by"] is None and first["run"] == 1 and first["step"] == 1, first
        assert [(r["pager"], r["state"], r["n"]) for r in first["recipients"]] == [("sre-pager", "reached", 1)], first
        assert [i["id"] for i in relay.open("?severity=critical")] == [ids[1], ids[3]]
        assert relay.open("?team=ledger") == [] and len(relay.open("?team=sre&state=open")) == 5
        assert relay.open("?state=acknowledged") == []
        # Pages of a list, of which one that ended is the last of a page.
        seen, path, ended = [], "/api/v1/incidents?limit=2&team=sre", False
        while path:
            _, answer = relay.ask("GET", path)
            seen += [i["id"] for i in answer["incidents"]]
            link = relay.headers.get("Link")
            path = link and link.split(">")[0][1:]
            assert bool(path) == bool(answer["next"]) and (not path or f"cursor={answer['next']}" in path and "team=sre" in path)
            if not ended:
                ended = True
                relay.fire("Disk1", severity="critical", status="resolved")
                peers.wait_for("the end", lambda: ids[1] not in [i["id"] for i in relay.open()])
        assert seen == ids, (seen, ids)
        for bad in ("limit=0", "limit=1001", "limit=x", "limit=1&limit=1", "cursor=x", "cursor=%00", "severity=bad", "state=none", "team=%ff"):
            status, problem = relay.ask("GET", "/api/v1/incidents?" + bad)
            assert status == 400 and problem["detail"], (bad, problem)
    finally:
        relay.finish()


def past_ones_are_listed():
    relay = Relay().start()
    try:
        ids = []
        for n in range(5):
            ids.insert(0, relay.one(f"Disk{n}"))
            relay.fire(f"Disk{n}", status="resolved")
            peers.wait_for("the end", lambda: not relay.open())
        closed = peers.wait_for("all in the store", lambda: len(relay.open("?state=closed")) == 5 and relay.open("?state=closed"))
        assert [i["id"] for i in closed] == ids
        assert closed[0]["state"] == "closed" and "Disk4" in closed[0]["summary"] and closed[0]["severity"] == "error", closed[0]
        assert closed[0]["closed_at"] >= closed[0]["opened_at"] and closed[0]["team"] == "sre", closed[0]
        _, answer = relay.ask("GET", "/api/v1/incidents?state=closed&limit=3")
        assert [i["id"] for i in answer["incidents"]] == ids[:3]
        _, answer = relay.ask("GET", "/api/v1/incidents?state=closed&limit=3&cursor=" + answer["next"])
        assert [i["id"] for i in answer["incidents"]] == ids[3:] and answer["next"] is None
        assert relay.open("?state=closed&team=shop") == [] and len(relay.open("?state=closed&severity=error")) == 5
        status, one = relay.ask("GET", "/api/v1/incidents/" + ids[0])
        assert status == 200 and one["state"] == "closed" and "Disk4" in one["summary"], one
        events = [e["event"] for e in one["events"]]
        assert events[0] == "opened" and "paged" in events and "resolved" in events, events
        # A decision is written a moment behind its page.
        decided = peers.wait_for("the decision", lambda: relay.ask("GET", "/api/v1/incidents/" + ids[0])[1].get("decision"))
        assert decided["alert"]["labels"]["alertname"] == "Disk4", decided
    finally:
        relay.finish()


def one_has_its_story():
    relay = Relay().start()
    try:
        one = relay.one("DiskFull")
        status, answer = relay.ask("GET", "/api/v1/incidents/" + one)
        assert status == 200 and answer["id"] == one and answer["decision"]["version"] == 1 and answer["links"][0]["href"] == "http://prometheus/graph", answer
        assert "sre" in answer["why"] and answer["next_owners"] == [] and answer["alert_list"][0]["labels"]["alertname"] == "DiskFull", answer
        assert [e["event"] for e in answer["events"]][:2] == ["opened", "paged"] and answer["events"][0]["at"] >= answer["opened_at"][:19], answer
        for unknown in ("nothing", one[:-1], one + "0", "%2e%2e", "a%0ab"):
            status, problem = relay.ask("GET", "/api/v1/incidents/" + unknown)
            assert status == 404 and problem["title"] == "Not Found", (unknown, problem)
        assert relay.ask("GET", "/api/v1/incidents/")[0] == 404 and relay.ask("POST", "/api/v1/incidents/" + one)[0] == 405
        assert relay.ask("GET", f"/api/v1/incidents/{one}/acknowledge")[0] == 405
    finally:
        relay.finish()


def acts_are_kept_with_who():
    relay = Relay().start()
    try:
        one = relay.one("DiskFull")

        def do(what, body=None, token="ann-token"):
            return relay.ask("POST", f"/api/v1/incidents/{one}/{what}", body, token)

        assert do("comment")[0] == 400 and do("comment", {"text": " \n"})[0] == 400 and do("dance")[0] == 404
        assert do("comment", {"text": 7})[0] == 400 and do("comment", ["x"])[0] == 400 and do("comment", {"text": "x" * 2001})[0] == 400
        assert relay.request("POST", f"/api/v1/incidents/{one}/comment", "{", {"Authorization": "Bearer ann-token"})[0] == 400
        assert do("comment", {"text": "x" * 70000})[0] == 413
        status, answer = do("acknowledge", {"who": "bob\x07"})
        assert status == 200 and answer["outcome"] == "done" and answer["state"] == "acknowledged" and answer["incident"] == one, answer
        assert answer["text"].startswith("acknowledged") and answer["acknowledged_by"] == "bob (token ann)", answer
        assert do("ack", {"who": "bob"})[1]["outcome"] == "already"
        assert do("comment", {"text": "looking\nat it"})[1]["outcome"] == "done" and do("useful")[1]["outcome"] == "done"
        assert do("useful")[1]["outcome"] == "already"
        status, problem = do("reroute", {"team": "nobody"})
        assert status == 409 and 'no team "nobody"' in problem["detail"], problem
        status, answer = do("reroute", {"team": "ledger", "text": "journal", "who": "ann"})
        assert status == 200 and answer["team"] == "ledger" and answer["state"] == "open", answer
        peers.wait_for("the page of team ledger", lambda: any("key-ledger" in e["routing_key"] for e in relay.pager.events()))
        status, answer = do("resolve", token="adm1n")
        assert status == 200 and answer["outcome"] == "done", answer
        peers.wait_for("the end", lambda: not relay.open())
        story = {(e["event"], e["who"], e["text"]) for e in relay.ask("GET", "/api/v1/incidents/" + one)[1]["events"]}
        for told in (("acknowledged", "bob (token ann)", "api"), ("commented", "ann", "api: looking\nat it"), ("useful", "ann", "api"),
                     ("rerouted", "ann", "sre -> ledger: journal")):
            assert told in story, (told, story)
        assert any(event == "resolved" and who == "admin" for event, who, _ in story), story
        # What is over: words are kept, all else comes too late.
        for what in ("acknowledge", "resolve", "reroute"):
            status, problem = do(what)
            assert status == 409 and "over" in problem["detail"], (what, problem)
        assert do("comment", {"text": "it was the disk"})[0] == 200 and do("noise")[0] == 200
        story = [(e["event"], e["who"], e["text"]) for e in relay.ask("GET", "/api/v1/incidents/" + one)[1]["events"]]
        assert story[-2:] == [("commented", "ann", "api: it was the disk"), ("noise", "ann", "api")], story
        for what in ("acknowledge", "comment"):
            assert relay.ask("POST", f"/api/v1/incidents/none/{what}", {"text": "x"})[0] == 404
    finally:
        relay.finish()


def an_act_outlives_a_kill():
    """It is answered when it is on disk."""
    relay = Relay().start()
    try:
        one = relay.one("DiskFull")
        assert relay.ask("POST", f"/api/v1/incidents/{one}/acknowledge")[0] == 200
        relay.kill()
        relay.start()
        again = relay.open()[0]
        assert again["state"] == "acknowledged" and again["acknowledged_by"] == "ann", again
    finally:
        relay.finish()


def without_tokens_all_is_local():
    relay = Relay(config="").start()
    try:
        one = relay.one("DiskFull")
        path = f"/api/v1/incidents/{one}/acknowledge"
        status, text, _ = relay.request("POST", path, "{}", {"Origin": "https://evil.example"})
        assert status == 403 and "another site" in text and relay.open()[0]["state"] == "open", (status, text)
        assert relay.ask("POST", path, token=None)[1]["acknowledged_by"] == "local"
        assert relay.ask("POST", path, {"who": "ann"}, token=None)[1]["outcome"] == "already"
        assert ("acknowledged", "ann") in [(e["event"], e["who"]) for e in relay.ask("GET", "/api/v1/incidents/" + one, token=None)[1]["events"]]
    finally:
        relay.finish()


def the_manual_has_every_path():
    """What GET / lists stands in tracepager-api(7)."""
    with open(os.path.join(peers.TOP, "contrib/man/tracepager-api.7"), encoding="utf-8") as f:
        manual = f.read()
    relay = Relay(config="").start()
    try:
        status, text, _ = relay.request("GET", "/")
        lines = [line.split()[:2] for line in text.splitlines() if line.startswith(("GET ", "POST ", "PUT ", "DELETE "))]
        assert status == 200 and len(lines) > 15, text
        for verb, path in lines:
            assert f"{verb} {path}" in manual, f"tracepager-api(7) does not tell of {verb} {path}"
    finally:
        relay.finish()


if __name__ == "__main__":
    peers.run(rights_are_checked, lists_have_filters_and_cursors, past_ones_are_listed, one_has_its_story, acts_are_kept_with_who,
              an_act_outlives_a_kill, the_manual_has_every_path, without_tokens_all_is_local, at_once=3)
