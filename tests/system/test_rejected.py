#!/usr/bin/env python3
"""What a sender was entitled to post and nobody could read: the page about it, the list at the API, and the command that shows it."""
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import peers  # noqa: E402

peers.skip_unless_wanted()
CONFIG = """senders:
  am: {format: alertmanager, bearer: am-secret}
  pd: {format: pagerduty-v2, bearer: pd-routing-key}
tokens:
  - {name: ann, token: ann-token, may: read}
"""
BEARER = {"Authorization": "Bearer am-secret"}


class Relay(peers.Daemon):
    def __init__(self):
        self.pager = peers.Pager()
        super().__init__(self.pager.url, config=CONFIG)
        self.write("ann.token", "ann-token\n")

    def post(self, body, headers=None, path="/webhook/am"):
        return self.request("POST", path, body, BEARER if headers is None else headers)[0]

    def list(self, query=""):
        status, text, _ = self.request("GET", "/api/v1/rejected" + query, headers={"Authorization": "Bearer ann-token"})
        assert status == 200, text
        return json.loads(text)

    def run(self, *words):
        done = subprocess.run([peers.BINARY, "rejected", *words, "--url", f"http://127.0.0.1:{self.port}", "--token-file",
                               self.directory + "/ann.token"], capture_output=True, timeout=peers.PATIENCE,
                              env={**os.environ, "COLUMNS": "80", "LC_ALL": "C.UTF-8"})
        return done.returncode, done.stdout.decode() + done.stderr.decode()


def what_is_refused_is_shown():
    relay = Relay().start()
    try:
        assert relay.request("GET", "/api/v1/rejected")[0] == 401
        assert relay.list() == {"rejected": [], "next": None}
        assert relay.run() == (0, "0 bodies were refused, or some of their alerts\n")
        # Without the secret nothing is kept.
        assert relay.post(b"{", {}) == 401 and relay.post(b"{", {"Authorization": "Bearer other"}) == 401
        assert relay.list()["rejected"] == []
        assert relay.post(b'{"version": "4",\n "alerts": 7}') == 400
        page = peers.wait_for("a page", relay.pager.events)[0]["payload"]
        assert "alerts of sender am are not taken: alerts is a number, not a list (line 2, column 12)" in page["summary"], page
        told = json.dumps(page)
        assert "shows the whole body, which begins: {" in told, told
        one = relay.list()["rejected"][0]
        assert (one["id"], one["sender"], one["peer"], one["length"]) == ("1", "am", "127.0.0.1", 30), one
        assert one["reason"] == "alerts is a number, not a list (line 2, column 12)" and one["byte"] == 28, one
        assert (one["body"], one["body_place"], one["body_bytes"]) == ('{"version": "4",\n "alerts": 7}', 28, 30), one
        status, shown = relay.run("show", "1")
        assert status == 0 and shown.endswith('\n\n{"version": "4",\n "alerts": 7}\n           ^\n'), shown
        assert relay.run("--raw", "1") == (0, '{"version": "4",\n "alerts": 7}')
        status, table = relay.run()
        assert status == 0 and table.splitlines()[0].split() == ["N", "TIME", "SENDER", "BYTE", "REASON"], table
        assert table.splitlines()[1].split()[2:4] == ["am", "28"] and table.endswith("\n1 body was refused, or some of its alerts\n"), table
        # One alert of two is refused: the body is kept, and the good alert pages.
        assert relay.post(json.dumps({"alerts": [{"labels": {"alertname": "Good"}}, {"labels": 7}]})) == 202
        two = relay.list("?limit=1")
        assert two["rejected"][0]["id"] == "2" and two["rejected"][0]["reason"].startswith("alert 1: labels is a number"), two
        assert [e["id"] for e in relay.list("?cursor=" + two["next"])["rejected"]] == ["1"]
        assert relay.list("?sender=pd")["rejected"] == [] and relay.request("GET", "/api/v1/rejected?limit=0", headers={
            "Authorization": "Bearer ann-token"})[0] == 400
        # Bytes that are no text, and a caret behind the end.
        assert relay.post(b'\xff\x00{"a') == 400
        odd = relay.list()["rejected"][0]
        assert odd["body"] == '\ufffd\ufffd{"a' and odd["length"] == 5, odd
        # A key that is part of the body is not shown.
        assert relay.post(json.dumps({"routing_key": "pd-routing-key", "event_action": "shout"}), {}, "/v2/enqueue") == 400
        assert relay.list("?sender=pd")["rejected"][0]["body"] == '{"routing_key": "**************", "event_action": "shout"}'
        assert relay.run("--sender", "pd", "--format", "json")[1].count("\n") == 1
        for words, status in ((("show", "77"), 1), (("show",), 2), (("list", "1"), 2), (("--raw", "0"), 2), (("hide",), 2)):
            assert relay.run(*words)[0] == status, words
    finally:
        relay.finish()


if __name__ == "__main__":
    peers.run(what_is_refused_is_shown)
