#!/usr/bin/env python3
"""The hand on the lever: pause and resume pagers, list, retry and drop what waits, drain; by the API and by the commands."""
import json
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import peers  # noqa: E402

peers.skip_unless_wanted()
TOKENS = """tokens:
  - {name: ann, token: ann-token, may: act}
  - {name: grafana, token: grafana-token, may: read}
"""


class Relay(peers.Daemon):
    def __init__(self, refuse=None):
        self.pager = peers.Pager(refuse)
        super().__init__(self.pager.url, config=TOKENS)
        self.write("ann.token", "ann-token\n")

    def ask(self, method, path, body=None, token="ann-token"):
        status, text, _ = self.request(method, path, json.dumps(body) if body is not None else None,
                                       {"Authorization": "Bearer " + token})
        return status, json.loads(text)

    def get(self, path):
        status, answer = self.ask("GET", path)
        assert status == 200, answer
        return answer

    def fire(self, name, status="firing"):
        assert self.request("POST", "/webhook/am", peers.webhook(({"alertname": name}, status)))[0] == 202

    def waiting(self, n, query=""):
        """The n pages that wait."""
        return peers.wait_for(f"{n} pages that wait", lambda: (lambda pages: pages if len(pages) == n else None)(
            self.get("/api/v1/queue" + query)["pages"]))

    def gone(self):
        peers.wait_for("an empty queue", lambda: not self.get("/api/v1/queue")["pages"])

    def run(self, *words):
        """A command against this relay: its exit status, and what it printed."""
        done = subprocess.run([peers.BINARY, *words, "--url", f"http://127.0.0.1:{self.port}", "--token-file",
                               self.directory + "/ann.token"], capture_output=True, text=True, timeout=peers.PATIENCE)
        return done.returncode, done.stdout + done.stderr

    def paged(self):
        return [e["payload"]["summary"] for e in self.pager.events() if e["event_action"] == "trigger"]


def a_paused_pager_waits_over_a_restart():
    relay = Relay().start()
    try:
        status, answer = relay.ask("POST", "/api/v1/pagers/sre-pager/pause", {"who": "bob"})
        assert (status, answer["outcome"]) == (200, "done"), answer
        assert relay.ask("POST", "/api/v1/pagers/sre-pager/pause")[1]["outcome"] == "already"
        relay.fire("DiskFull")
        page = relay.waiting(1)[0]
        assert page["state"] == "paused" and page["pager"] == "sre-pager" and page["attempts"] == 0 and page["error"] is None, page
        relay.stop()
        relay.start()
        assert relay.waiting(1)[0]["id"] == page["id"]
        pager = [p for p in relay.get("/api/v1/pagers")["pagers"] if p["name"] == "sre-pager"][0]
        assert pager["state"] == "paused" and pager["waiting"] == 1 and pager["kind"] == "pagerduty", pager
        assert re.fullmatch(r"bob \(token ann\) since 20\d\d-\S+Z", pager["paused_by"]), pager
        assert pager["oldest_at"] == page["created_at"], (pager, page)
        assert "pager sre-pager is paused by bob (token ann) since 20" in relay.request("GET", "/-/ready")[1]
        assert relay.metric('tracepager_pagers{state="paused"}') == 1
        one = relay.get("/api/v1/queue/" + page["id"])
        assert "DiskFull" in one["summary"] and "pager sre-pager is paused by bob" in one["banner"], one
        assert relay.paged() == []
        assert relay.ask("POST", "/api/v1/pagers/sre-pager/resume")[1]["outcome"] == "done"
        relay.gone()
        assert len(relay.paged()) == 1
        assert relay.ask("GET", "/api/v1/queue/" + page["id"])[0] == 404
        assert relay.metric('tracepager_pagers{state="paused"}') == 0
    finally:
        relay.finish()


def pages_are_dropped_and_retried():
    down = [True]
    relay = Relay(lambda n, event: (429, {"Retry-After": "250"}, b"") if down[0] else None).start()
    try:
        for name in ("One", "Two", "Three"):
            relay.fire(name)
        pages = relay.waiting(3)
        # None is under way: what the pager has not answered yet it would take once it is well, dropped or not.
        peers.wait_for("tries that failed", lambda: (lambda pages: any(p["error"] for p in pages) and all(p["state"] != "sending" for p in pages))(
            relay.get("/api/v1/queue")["pages"]))
        assert len(relay.waiting(3, "?pager=sre-pager")) == 3 and relay.get("/api/v1/queue?pager=shop-pager")["pages"] == []
        assert [p["id"] for p in relay.waiting(1, "?incident=" + pages[1]["incident"])] == [pages[1]["id"]]
        first = relay.get("/api/v1/queue?limit=2")
        rest = relay.get("/api/v1/queue?limit=2&cursor=" + first["next"])
        assert [p["id"] for p in first["pages"] + rest["pages"]] == [p["id"] for p in pages] and rest["next"] is None
        status, answer = relay.ask("POST", f"/api/v1/queue/{pages[0]['id']}/drop")
        assert (status, answer["text"]) == (200, "dropped; nobody gets it"), answer
        assert relay.ask("POST", f"/api/v1/queue/{pages[0]['id']}/drop")[0] == 404
        down[0] = False
        assert relay.ask("POST", f"/api/v1/queue/{pages[1]['id']}/retry")[0] == 200
        peers.wait_for("the page", lambda: relay.paged())  # and once it answers, the other one leaves
        assert relay.ask("POST", "/api/v1/pagers/sre-pager/retry")[0] == 200
        relay.gone()
        assert len(relay.paged()) == 2
        assert "reason=\"dropped by ann\"" in relay.log_text()
    finally:
        relay.finish()


def what_is_wrong_is_told():
    relay = Relay().start()
    try:
        for method, path, status in (("POST", "/api/v1/pagers/nobody/pause", 404), ("POST", "/api/v1/pagers/sre-pager/shake", 404),
                                     ("GET", "/api/v1/queue/77", 404), ("GET", "/api/v1/queue/x", 404),
                                     ("POST", "/api/v1/queue/77/retry", 404), ("POST", "/api/v1/queue/77/burn", 404),
                                     ("GET", "/api/v1/queue?cursor=nonsense", 400), ("GET", "/-/drain", 405)):
            code, problem = relay.ask(method, path)
            assert code == status, (path, code, problem)
        for path in ("/api/v1/pagers/sre-pager/pause", "/api/v1/queue/77/drop", "/-/drain"):
            assert relay.ask("POST", path, token="grafana-token")[0] == 403, path
        assert relay.ask("GET", "/api/v1/queue", token="grafana-token")[0] == 200
        # Of a pager that does not exist: the one that was meant, or which there are.
        for name, told in (("screen", 'there is no pager "screen"; there are: shop-pager, ledger-pager, sre-pager (http'),
                           ("sre-pagr", 'there is no pager "sre-pagr"; did you mean "sre-pager"? (http')):
            status, text = relay.run("pause", name)
            assert status == 1 and told in text, text
        with open(relay.directory + "/rules.yaml", encoding="utf-8") as f:
            many = f.read().replace("pagers:\n", "pagers:\n" + "".join(f"  extra{n}: {{kind: console}}\n" for n in range(10, 22)))
        relay.write("rules.yaml", many)
        assert relay.request("POST", "/-/reload", None, {"Authorization": "Bearer ann-token"})[0] == 200
        status, text = relay.run("pause", "screen")
        assert status == 1 and text.count("extra") == 8 and ", and 7 more, which GET /api/v1/pagers lists" in text, text
    finally:
        relay.finish()


def a_drain_ends_the_relay_and_keeps_what_waits():
    relay = Relay().start()
    try:
        relay.ask("POST", "/api/v1/pagers/sre-pager/pause")
        relay.fire("DiskFull")
        page = relay.waiting(1)[0]
        status, answer = relay.ask("POST", "/-/drain")
        assert (status, answer["outcome"]) == (202, "done"), answer
        assert relay.child.wait(3) == 0  # a page that waits holds nobody up
        relay.start()
        assert relay.waiting(1)[0]["id"] == page["id"]
    finally:
        relay.finish()


def why_pages_wait_or_were_refused_is_readable():
    """At 80 columns, for a page that waits (nothing listens there); and of one that was refused, doctor tells in the day after it."""
    relay = Relay(lambda n, event: (404, {}, b"no such integration") if n == 1 else None).start()
    try:
        relay.fire("Refused")
        def refused():
            done = subprocess.run([peers.BINARY, "doctor", "-c", relay.directory + "/tracepager.yaml", "--only", "pager", "--format", "json"],
                                  capture_output=True, text=True, timeout=peers.PATIENCE)
            return [r for r in json.loads(done.stdout)["results"] if "refused" in r["text"]]

        told = peers.wait_for("a refused page", refused)
        assert [(r["check"], r["about"], r["level"]) for r in told] == [("pager", "sre-pager", "warning")], told
        assert re.match(r"it refused 1 page in the last day, the last one .* ago: .*404", told[0]["text"]), told
        assert "tracepager send --pager sre-pager" in told[0]["cure"], told
    finally:
        relay.finish()
    relay = Relay()
    relay.pager.shutdown()
    relay.pager.server_close()
    relay.start()
    try:
        relay.fire("Down")
        page = peers.wait_for("a try that failed", lambda: (lambda page: page if page["error"] else None)(relay.waiting(1)[0]))
        status, text = relay.run("queue")
        assert status == 0 and all(len(line) <= 80 for line in text.splitlines()), text
        assert "connection refused" in " ".join(text.lower().split()), text
        status, text = relay.run("incidents", "show", page["incident"])
        assert status == 0 and re.search(r"sre-pager +asked .*; last try: ", text), text
        assert "connection refused" in " ".join(text.lower().split()), text
    finally:
        relay.finish()


def commands_steer_a_relay():
    relay = Relay().start()
    try:
        status, text = relay.run("pause", "sre-pager", "--who", "bob")
        assert (status, text) == (0, "sre-pager  paused; its pages wait until it is resumed\n"), text
        assert relay.run("pause", "nobody")[0] == 1
        relay.fire("One")
        relay.fire("Two")
        one, two = relay.waiting(2)
        status, text = relay.run("queue")
        lines = text.splitlines()
        assert status == 0 and lines[0].split() == ["PAGE", "PAGER", "EVENT", "STATE", "AGE", "TRIES", "LAST", "ERROR"], text
        assert lines[1].split()[:4] == [one["id"], "sre-pager", "trigger", "paused"], text
        assert "pager sre-pager is paused by bob (token ann) since 20" in text and lines[-1] == "2 pages wait", text
        assert all(len(line) <= 80 for line in lines), text
        status, text = relay.run("queue", "list", "--format", "json", "--incident", two["incident"])
        assert status == 0 and [json.loads(line)["id"] for line in text.splitlines()] == [two["id"]], text
        status, text = relay.run("queue", "show", one["id"])
        assert status == 0 and re.search(r"^summary +One — orders fail$", text, re.M), text
        status, text = relay.run("queue", "drop", one["id"])
        assert (status, text) == (0, one["id"] + "  dropped; nobody gets it\n"), text
        assert relay.run("queue", "drop", one["id"])[0] == 1
        status, text = relay.run("queue", "retry", "--pager", "sre-pager")
        assert (status, text) == (0, "sre-pager  it is paused: resume it\n"), text
        status, text = relay.run("resume", "sre-pager")
        assert (status, text) == (0, "sre-pager  resumed; what waited is sent now\n"), text
        relay.gone()
        assert relay.run("queue")[1] == "0 pages wait\n"
        for words in (("queue", "lst"), ("queue", "list", "7"), ("queue", "drop"), ("queue", "retry"), ("pause",),
                      ("queue", "retry", "7", "--pager", "x"), ("queue", "show", "7", "--incident", "x")):
            assert relay.run(*words)[0] == 2, words
        status, text = relay.run("drain")
        assert status == 0 and "draining" in text, text
        assert relay.child.wait(3) == 0
        assert relay.run("queue")[0] == 3
    finally:
        relay.finish()


def a_page_follows_a_mended_address():
    """The rules had a wrong port: the page that waits goes to the right one at a reload."""
    relay = Relay()
    try:
        with open(os.path.join(relay.directory, "rules.yaml"), encoding="utf-8") as f:
            right = f.read()
        # Port 9 of loopback: nothing listens there.
        wrong = right.replace(relay.pager.url, "http://127.0.0.1:9")
        assert wrong != right, right
        relay.write("rules.yaml", wrong)
        relay.start()
        relay.fire("DiskFull")
        page = relay.waiting(1)[0]
        peers.wait_for("a try", lambda: relay.waiting(1)[0]["error"])
        one = relay.get("/api/v1/queue/" + page["id"])
        assert (one["address"], one["pager_in_rules"]) == ("127.0.0.1:9", True), one
        text = relay.run("queue", "show", page["id"])[1]
        assert re.search(r"^goes to +127\.0\.0\.1:9$", text, re.M), text
        relay.write("rules.yaml", right.replace("sre-pager", "sre-phone").replace(relay.pager.url, "http://127.0.0.1:9"))
        assert relay.request("POST", "/-/reload", None, {"Authorization": "Bearer ann-token"})[0] == 200
        text = relay.run("queue", "show", page["id"])[1]
        assert "the rules in force have no pager sre-pager" in text, text
        assert relay.paged() == []
        relay.write("rules.yaml", right)
        assert relay.request("POST", "/-/reload", None, {"Authorization": "Bearer ann-token"})[0] == 200
        relay.gone()
        assert len(relay.paged()) == 1
        relay.fire("DiskFull", "resolved")
    finally:
        relay.finish()


peers.run(a_paused_pager_waits_over_a_restart, pages_are_dropped_and_retried, what_is_wrong_is_told,
          a_drain_ends_the_relay_and_keeps_what_waits, commands_steer_a_relay, why_pages_wait_or_were_refused_is_readable,
          a_page_follows_a_mended_address)
