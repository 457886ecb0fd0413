#!/usr/bin/env python3
"""A bot of Slack through the real daemon, at a stub that keeps channels and threads by the rules of Slack's Web API: one message that is kept
current, replies in its thread, buttons that act, a rate limit, and kill -9 in between."""
import hashlib
import hmac
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.parse

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import peers  # noqa: E402

peers.skip_unless_wanted()
TOKEN, SIGNING = "xoxb-s3cret", "signing-s3cret"
RULES = """
teams: {{sre: {{escalation: sre}}}}
pagers:
  chat: {{kind: slack, token: xoxb-s3cret, channel: C0123456789, url: "{pager}/api", feedback_secret: signing-s3cret}}
  other: {{kind: slack, token: xoxb-s3cret, channel: C9, url: "{pager}/api", feedback_secret: signing-s3cret}}
escalations: {{sre: {{steps: [{{page: [chat], wait: 1h}}]}}}}
fallback: {{team: sre}}
defaults: {{resolve_hold: 0s}}
"""


def need(condition, what):
    if not condition:
        raise ValueError(what)


class Slack(peers.Peer):
    """messages: by ts. Each has "text", "blocks", "replies". What Slack would refuse is told to the test."""

    def __init__(self):
        self.messages, self.faults, self.errors, self.ts = {}, [], [], itertools.count(1)
        super().__init__(self.take)

    def take(self, request):
        try:
            need(request["headers"].get("Authorization") == "Bearer " + TOKEN, "no token")
            need(request["headers"].get("Content-Type") == "application/json; charset=utf-8", "content type")
            with self.lock:
                if self.errors:
                    return 200, {"Content-Type": "application/json", "Retry-After": "0"}, json.dumps({"ok": False, "error": self.errors.pop(0)}).encode()
                answer = getattr(self, request["path"].removeprefix("/api/chat."))(json.loads(request["body"]))
        except (ValueError, KeyError, TypeError, AttributeError) as fault:
            with self.lock:
                self.faults.append(f"{fault!r}: {request['path']} {request['body'][:2000]}")
            answer = {"ok": False, "error": "invalid_arguments"}
        return 200, {"Content-Type": "application/json; charset=utf-8"}, json.dumps(answer).encode()

    @staticmethod
    def check(doc):
        need(0 < len(doc["text"]) <= 4000 and len(doc.get("blocks", [])) <= 50, "text or blocks")
        for block in doc.get("blocks", []):
            if block["type"] == "section":
                need(0 < len(block["text"]["text"]) <= 3000, "section")
            if block["type"] == "actions":
                need(len(block["elements"]) <= 25 and all(len(e.get("value", "")) <= 2000 for e in block["elements"]), "actions")

    def postMessage(self, doc):
        need(doc["channel"] == "C0123456789", doc["channel"])
        self.check(doc)
        ts = f"1788256800.{next(self.ts):06}"
        if "thread_ts" in doc:
            self.messages[doc["thread_ts"]]["replies"].append(doc)
            return {"ok": True, "channel": doc["channel"], "ts": ts, "message": {"text": doc["text"], "ts": ts, "thread_ts": doc["thread_ts"]}}
        self.messages[ts] = {**doc, "replies": [], "changes": 0}
        return {"ok": True, "channel": doc["channel"], "ts": ts, "message": {"text": doc["text"], "ts": ts}}

    def update(self, doc):
        self.check(doc)
        if doc["ts"] not in self.messages:
            return {"ok": False, "error": "message_not_found"}
        message = self.messages[doc["ts"]]
        message.update(text=doc["text"], blocks=doc["blocks"], changes=message["changes"] + 1)
        return {"ok": True, "channel": doc["channel"], "ts": doc["ts"], "text": doc["text"]}

    def one(self):
        """The only message."""
        with self.lock:
            return list(self.messages.values())[0] if len(self.messages) == 1 else None

    def says(self, text):
        message = self.one()
        return message and text in message["text"] and message


def buttons(message):
    return {e["action_id"]: e["value"] for b in message["blocks"] if b["type"] == "actions" for e in b["elements"] if "value" in e}


def press(daemon, action, value, trigger="133.1.aa", pager="chat", secret=SIGNING, at=None):
    payload = {"type": "block_actions", "user": {"id": "U1", "name": "ann"}, "trigger_id": trigger,
               "actions": [{"type": "button", "action_id": action, "value": value, "action_ts": "1.2"}]}
    body = "payload=" + urllib.parse.quote_plus(json.dumps(payload))
    at = str(int(at or time.time()))
    mac = hmac.new(secret.encode(), f"v0:{at}:{body}".encode(), hashlib.sha256).hexdigest()
    status, text, _ = daemon.request("POST", "/feedback/" + pager, body.encode(), {
        "Content-Type": "application/x-www-form-urlencoded", "X-Slack-Request-Timestamp": at, "X-Slack-Signature": "v0=" + mac})
    return status, json.loads(text)


def on_a_relay(test):
    def run():
        slack = Slack()
        daemon = peers.Daemon(slack.url, rules=RULES).start()
        try:
            assert daemon.request("POST", "/webhook/am", peers.webhook(({"alertname": "Disk", "severity": "critical"}, "firing")))[0] == 202
            message = peers.wait_for("the message", lambda: slack.says("[critical]"))
            peers.wait_for("the record", lambda: "page delivered" in daemon.log_text())
            test(daemon, slack, message)
            assert not slack.faults, slack.faults
            assert TOKEN not in daemon.log_text() and SIGNING not in daemon.log_text(), daemon.log_text()
        finally:
            daemon.finish()
    run.__name__ = test.__name__
    return run


def end(daemon):
    assert daemon.request("POST", "/webhook/am", peers.webhook(({"alertname": "Disk", "severity": "critical"}, "resolved")))[0] == 202


@on_a_relay
def one_message_from_its_start_to_its_end(daemon, slack, message):
    assert set(buttons(message)) == {"acknowledge", "reroute", "resolve"}, buttons(message)
    status, answer = press(daemon, "acknowledge", buttons(message)["acknowledge"])
    assert (status, answer["acts"][0]["outcome"]) == (200, "done"), answer
    message = peers.wait_for("who has it", lambda: slack.says("Acknowledged: "))
    peers.wait_for("the reply", lambda: len(slack.one()["replies"]) == 1)
    assert "ann (pager chat)" in message["replies"][0]["text"] and "acknowledge" not in buttons(message), message
    end(daemon)
    message = peers.wait_for("the end", lambda: slack.says("Resolved: "))
    peers.wait_for("its reply", lambda: len(slack.one()["replies"]) == 2)
    assert "Resolved: " in message["replies"][1]["text"] and not buttons(message), message


@on_a_relay
def a_kill_keeps_the_thread(daemon, slack, message):
    one = buttons(message)["resolve"].split(" ")[0]
    peers.wait_for("the outcome on disk", lambda: json.loads(daemon.request("GET", "/api/v1/incidents/" + one)[1])["recipients"][0]["state"] == "reached")
    daemon.kill()
    daemon.start()
    status, answer = press(daemon, "resolve", buttons(message)["resolve"])
    assert (status, answer["acts"][0]["outcome"]) == (200, "done"), answer
    peers.wait_for("the end", lambda: slack.says("Resolved: "))
    peers.wait_for("its reply", lambda: slack.one()["replies"])


@on_a_relay
def a_limit_is_waited_for(daemon, slack, message):
    slack.errors += ["ratelimited", "internal_error"]
    end(daemon)
    peers.wait_for("the end", lambda: slack.says("Resolved: "))
    peers.wait_for("its reply", lambda: slack.one()["replies"])
    assert not slack.errors


@on_a_relay
def what_is_forged_late_or_again_does_nothing(daemon, slack, message):
    value = buttons(message)["acknowledge"]
    assert press(daemon, "acknowledge", value, secret="guessed")[0] == 401
    assert press(daemon, "acknowledge", value, at=time.time() - 301)[0] == 401
    assert press(daemon, "acknowledge", "0" * 32 + " chat")[1]["acts"][0]["outcome"] == "ignored"
    assert "ignored" in press(daemon, "link_0", value)[1]
    # By the address of another pager of the same app.
    assert press(daemon, "acknowledge", value, trigger="133.2.bb", pager="other")[1]["acts"][0]["outcome"] == "done"
    assert "came before" in press(daemon, "acknowledge", value, trigger="133.2.bb", pager="other")[1]["ignored"]
    peers.wait_for("who has it", lambda: slack.says("Acknowledged: "))
    peers.wait_for("one reply", lambda: len(slack.one()["replies"]) == 1)


def a_test_page_is_one_message():
    """tracepager send, without a relay: the resolve changes the message, and replies in its thread."""
    slack = Slack()
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as rules:
        rules.write(RULES.format(pager=slack.url))
        rules.flush()
        done = subprocess.run([peers.BINARY, "send", "--rules", rules.name, "--pager", "chat"], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and done.stdout.count("delivered: ") == 2, done.stdout
    message = slack.one()
    assert message and "Resolved" in message["text"] and len(message["replies"]) == 1, slack.messages
    assert not slack.faults and TOKEN not in done.stdout, done.stdout


peers.run(one_message_from_its_start_to_its_end, a_kill_keeps_the_thread, a_limit_is_waited_for, what_is_forged_late_or_again_does_nothing,
          a_test_page_is_one_message)
