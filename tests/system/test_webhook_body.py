#!/usr/bin/env python3
"""The body that rules give a webhook, through the real daemon: JSON and a form, from the page to its resolve, with labels that try to break
out; the signature is over what was sent; headers of the rules arrive, and stand in no log and no test page."""
import base64
import hashlib
import hmac
import json
import os
import subprocess
import sys
import urllib.parse

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import peers  # noqa: E402

peers.skip_unless_wanted()
RULES = """
teams: {{sre: {{escalation: sre}}}}
pagers:
  json:
    kind: webhook
    url: "HOOK/json"
    secret: k3y-of-the-hook
    headers: {{X-Token: k3y-of-a-header}}
    body: {{text: "{{headline}}", state: "{{state}}", key: "{{dedup_key}}", evil: "{{label.evil}}", why: "{{annotation.why|none}}", n: 1}}
  form:
    kind: webhook
    url: "HOOK/form"
    content_type: application/x-www-form-urlencoded
    body: "state={{state}}&evil={{label.evil}}"
escalations: {{sre: {{steps: [{{page: [json, form]}}]}}}}
fallback: {{team: sre}}
defaults: {{resolve_hold: 0s}}
"""
EVIL = '","evil2":"x"}&state=resolved<b>{summary}\\'


def alert(status):
    body = json.loads(peers.webhook(({"alertname": "Disk", "severity": "error", "evil": EVIL}, status)))
    body["alerts"][0]["annotations"] = {"why": 'a "quoted"\nline'}
    return json.dumps(body)


def signed(request):
    headers = request["headers"]
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + request["body"]
    mac = hmac.new(b"k3y-of-the-hook", content, hashlib.sha256).digest()
    return headers["webhook-signature"] == "v1," + base64.b64encode(mac).decode()


def the_template_is_sent_from_the_page_to_its_end():
    hook = peers.Peer(lambda request: (200, {}, b""))
    daemon = peers.Daemon(rules=RULES.replace("HOOK", hook.url))

    def sent(path):
        return [r for r in hook.seen() if r["path"] == path]

    try:
        daemon.start()
        for status in ("firing", "resolved"):
            assert daemon.request("POST", "/webhook/am", alert(status))[0] == 202
            peers.wait_for(status, lambda: len(sent("/json")) == len(sent("/form")) == (1 if status == "firing" else 2))
        first, last = (json.loads(r["body"]) for r in sent("/json"))
        assert first == {"text": first["text"], "state": "open", "key": first["key"], "evil": EVIL, "why": 'a "quoted"\nline', "n": 1}, first
        assert last["state"] == "resolved" and last["key"] == first["key"] and last["text"].startswith("Resolved: "), last
        assert all(signed(r) and r["headers"]["X-Token"] == "k3y-of-a-header" for r in sent("/json"))
        assert [urllib.parse.parse_qs(r["body"].decode(), strict_parsing=True) for r in sent("/form")] == [
            {"state": ["open"], "evil": [EVIL]}, {"state": ["resolved"], "evil": [EVIL]}]
        assert {r["headers"]["Content-Type"] for r in sent("/form")} == {"application/x-www-form-urlencoded"}
        assert "k3y" not in daemon.log_text(), daemon.log_text()
    finally:
        daemon.finish()


def a_test_page_shows_no_header_of_the_rules():
    hook = peers.Peer(lambda request: (200, {}, b""))
    daemon = peers.Daemon(rules=RULES.replace("HOOK", hook.url))
    try:
        done = subprocess.run([peers.BINARY, "send", "--rules", os.path.join(daemon.directory, "rules.yaml"), "--pager", "json"],
                              capture_output=True, text=True, timeout=peers.PATIENCE, check=False)
        shown = done.stdout + done.stderr
        assert done.returncode == 0 and "k3y" not in shown and "> X-Token: ***" in shown, shown
        assert [json.loads(r["body"])["state"] for r in hook.seen()] == ["open", "resolved"], shown
    finally:
        daemon.finish()


peers.run(the_template_is_sent_from_the_page_to_its_end, a_test_page_shows_no_header_of_the_rules, at_once=2)
