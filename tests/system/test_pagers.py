#!/usr/bin/env python3
"""Every kind of pager through the real daemon: an incident that fires, is acknowledged and resolves, and one that is handed on to another
team, to a stub that speaks the services' rules: it checks each request as the service would (limits, needed members), answers 429 with
Retry-After and 503 once each, closes a connection without an answer, and says no with status 200 where the service does that. The alert's
labels and annotations are hostile. No secret stands in the log. (test_pager_ills.py has pagers that hang.)"""
import base64
import json
import os
import re
import subprocess
import urllib.parse

import crowds
import peers

peers.skip_unless_wanted()
SECRET = "s3cret-of-the-pager"


def need(condition, what):
    if not condition:
        raise ValueError(what)


def opsgenie(path, headers, body):
    need(headers.get("Authorization") == f"GenieKey {SECRET}", "no GenieKey")
    doc = json.loads(body)
    if path == "/v2/alerts":
        need(0 < len(doc["message"]) <= 130 and len(doc["alias"]) <= 512, "message or alias")
        need(len(doc["description"]) <= 15000 and doc["priority"] in ("P1", "P2", "P3", "P4", "P5"), "description or priority")
        need(all(isinstance(v, str) for v in doc["details"].values()), "details are texts")
        need(sum(len(k) + len(v) for k, v in doc["details"].items()) <= 8000, "details")
        need(all(len(tag) <= 50 for tag in doc["tags"]) and len(doc["tags"]) <= 20, "tags")
        return "fire", 202, {"result": "Request will be processed"}
    match = re.fullmatch(r"/v2/alerts/([^/?]+)/(close|acknowledge|notes)\?identifierType=alias", path)
    need(match and len(doc.get("note", "")) <= 25000, path)
    return {"close": "end", "notes": "update", "acknowledge": "acknowledge"}[match[2]], 202, {"result": "Request will be processed"}


def headline_event(text):
    words = {"Resolved: ": "end", "Moved: ": "moved", "Handed on: ": "moved", "Update: ": "update"}
    return next((event for word, event in words.items() if word in text[:20]), "fire")


def slack(path, _, body):
    need(path == f"/services/T0/{SECRET}", path)
    doc = json.loads(body)
    need(0 < len(doc["text"]) <= 4000 and len(doc["blocks"]) <= 50, "text or blocks")
    for block in doc["blocks"]:
        if block["type"] == "header":
            need(len(block["text"]["text"]) <= 150 and block["text"]["type"] == "plain_text", "header")
        elif block["type"] == "section":
            need(0 < len(block["text"]["text"]) <= 3000, "section")
        elif block["type"] == "context":
            need(len(block["elements"]) <= 10 and all(0 < len(e["text"]) <= 3000 for e in block["elements"]), "context")
        else:
            need(block["type"] == "actions" and len(block["elements"]) <= 25, "block")
            need(all(len(e["text"]["text"]) <= 75 and len(e["url"]) <= 3000 for e in block["elements"]), "button")
    return headline_event(doc["text"]), 200, b"ok"


def alertmanager(path, headers, body):
    need(path == "/api/v2/alerts" and headers.get("Authorization") == f"Bearer {SECRET}", path)
    (alert,) = json.loads(body)
    need(alert["startsAt"] <= alert["endsAt"] and all(alert["labels"].values()), "alert")
    need(set(alert["labels"]) == {"alertname", "incident", "team"}, "labels that stay")
    return headline_event(alert["annotations"]["summary"]), 200, b""


def teams(path, _, body):
    need(path.startswith(f"/workflows/{SECRET}?sig=") and len(body) <= 28 << 10, path)
    (card,) = json.loads(body)["attachments"]
    need(card["contentType"] == "application/vnd.microsoft.card.adaptive" and card["content"]["type"] == "AdaptiveCard", "card")
    rows = [item["actions"] for item in card["content"]["body"] if item["type"] == "ActionSet"]
    need(all(a["type"] == "Action.OpenUrl" and a["url"].startswith("http") for row in rows for a in row), "actions")
    return headline_event(card["content"]["body"][0]["inlines"][0]["text"]), 202, b""


def discord(path, _, body):
    doc = json.loads(body)
    need(path == f"/api/webhooks/1/{SECRET}" and doc["allowed_mentions"] == {"parse": []}, path)
    (embed,) = doc["embeds"]
    need(len(doc["content"]) <= 2000 and len(embed.get("title", "")) <= 256 and len(embed["description"]) <= 4096, "lengths")
    return headline_event(doc["content"]), 204, b""


def mattermost(path, _, body):
    text = json.loads(body)["text"]
    need(path == f"/hooks/{SECRET}" and len(text) <= 16383 and not re.search("@(channel|all|here)", text), path)
    return headline_event(text), 200, b"ok"


def googlechat(path, _, body):
    text = json.loads(body)["text"]
    need(path.startswith(f"/v1/spaces/A/messages?key=k&token={SECRET}&threadKey=") and len(text) <= 4096, path)
    return headline_event(text), 200, {"name": "spaces/A/messages/1"}


def ntfy(path, headers, body):
    doc = json.loads(body)
    need(path == "/" and doc["topic"] == "ledger" and headers.get("Authorization") == f"Bearer {SECRET}", path)
    need(len(doc["message"].encode()) <= 4096 and 1 <= doc["priority"] <= 5 and len(doc["actions"]) <= 3, "message")
    return headline_event(doc["title"]), 200, {"id": "1"}


def telegram(path, _, body):
    doc = json.loads(body)
    need(path == f"/bot{SECRET}/sendMessage" and doc["chat_id"] == "-100" and len(doc["text"]) <= 4096, path)
    return headline_event(doc["text"]), 200, {"ok": True, "result": {"message_id": 1}}


def pushover(path, headers, body):
    need(headers.get("Content-Type") == "application/x-www-form-urlencoded", "type")
    doc = dict(urllib.parse.parse_qsl(body if isinstance(body, str) else body.decode(), strict_parsing=True))
    need(doc["token"] == SECRET and doc["user"] == "u1" and len(doc["message"]) <= 1024 and len(doc["title"]) <= 250, path)
    return headline_event(doc["title"]), 200, {"status": 1}


def goalert(path, headers, body):
    doc = json.loads(body)
    need(path == "/api/v2/generic/incoming" and headers.get("Authorization") == f"Bearer {SECRET}", path)
    need(len(doc["summary"]) <= 1024 and len(doc["details"].encode()) <= 6144, "details")
    return "end" if doc.get("action") == "close" else headline_event(doc["summary"]), 204, b""


def incidentio(path, headers, body):
    doc = json.loads(body)
    need(path == "/v2/alert_events/http/1" and headers.get("Authorization") == f"Bearer {SECRET}" and doc["title"], path)
    return {"firing": "fire", "resolved": "end"}[doc["status"]], 202, {"status": "success"}


def grafana_oncall(path, _, body):
    doc = json.loads(body)
    need(path == f"/integrations/v1/formatted_webhook/{SECRET}/" and doc["alert_uid"], path)
    return {"alerting": "fire", "ok": "end"}[doc["state"]], 200, b"Ok."


def rootly(path, headers, body):
    doc = json.loads(body)
    need(path == "/generic" and headers.get("Authorization") == f"Bearer {SECRET}" and doc["dedup_key"], path)
    return {"triggered": "fire", "acknowledged": "acknowledge", "resolved": "end"}[doc["status"]], 200, b""


def splunk_oncall(path, _, body):
    doc = json.loads(body)
    need(path == f"/alert/{SECRET}/shop" and 0 < len(doc["entity_id"]) <= 512 and len(doc["state_message"]) <= 20480, path)
    need(all(isinstance(v, str) for k, v in doc.items() if k != "state_start_time"), "fields are texts")
    types = {"CRITICAL": "fire", "WARNING": "fire", "INFO": "fire", "ACKNOWLEDGEMENT": "acknowledge", "RECOVERY": "end"}
    return types[doc["message_type"]], 200, {"result": "success", "entity_id": doc["entity_id"]}


def servicenow(path, headers, body):
    login = base64.b64encode(f"relay:{SECRET}".encode()).decode()
    need(path == "/api/global/em/jsonv2" and headers.get("Authorization") == "Basic " + login, path)
    (record,) = json.loads(body)["records"]
    need(all(isinstance(value, str) for value in record.values()), "fields are texts")
    need(re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", record["time_of_event"]) and 0 < len(record["message_key"]) <= 1024, "time or key")
    need(len(record["description"]) <= 4000 and len(record["additional_info"]) <= 4000, "lengths")
    need(all(len(record.get(name, "")) <= 100 for name in ("source", "node", "resource", "metric_name", "type")), "names")
    need(json.loads(record["additional_info"])["assignment_group"] == "Database", "additional_info")
    need((record["severity"] == "0") == (record["resolution_state"] == "Closing") and record["severity"] in "01245", "severity")
    return "end" if record["severity"] == "0" else "fire", 200, {"records": [{"__status": "success"}]}


# kind: (members of the rules, what the stub checks, an answer that means no or None)
KINDS = {
    "opsgenie": ("api_key_file: {key}, url: \"{url}\", responder: Shop", opsgenie, None),
    "jsm": ("api_key_file: {key}, url: \"{url}\"", opsgenie, None),
    "slack": ("webhook_url_file: {hook}", slack, (200, {}, b"invalid_blocks")),
    "teams": ("webhook_url_file: {hook}", teams, (200, {}, b"Webhook message delivery failed with error: 413")),
    "discord": ("webhook_url_file: {hook}", discord, None),
    "mattermost": ("webhook_url_file: {hook}", mattermost, (200, {}, b"<html>sign in</html>")),
    "googlechat": ("webhook_url_file: {hook}", googlechat, None),
    "ntfy": ("token_file: {key}, url: \"{url}/ledger\"", ntfy, None),
    "telegram": ("bot_token_file: {key}, url: \"{url}\", chat_id: \"-100\"", telegram, (200, {}, b'{"ok":false}')),
    "pushover": ("token_file: {key}, url: \"{url}/1/messages.json\", user_key: u1", pushover, (200, {}, b'{"status":0}')),
    "goalert": ("token_file: {key}, url: \"{url}\"", goalert, None),
    "incidentio": ("token_file: {key}, url: \"{url}/v2/alert_events/http/1\"", incidentio, None),
    "grafana-oncall": ("webhook_url_file: {hook}", grafana_oncall, None),
    "rootly": ("token_file: {key}, url: \"{url}/generic\"", rootly, None),
    "splunk-oncall": ("api_key_file: {key}, url: \"{url}/alert\", routing_key: shop", splunk_oncall,
                      (200, {}, b'{"result":"failure","messages":["no such key"]}')),
    "servicenow": ("password_file: {key}, url: \"{url}\", user: relay, assignment_group: Database", servicenow,
                   (200, {}, b'{"error":{"message":"User Not Authorized","detail":""},"status":"failure"}')),
    "alertmanager": ("bearer_file: {key}, url: \"{url}/\"", alertmanager, None),
}
HOOKS = {"slack": "/services/T0/" + SECRET, "teams": f"/workflows/{SECRET}?sig={SECRET}", "discord": "/api/webhooks/1/" + SECRET,
         "grafana-oncall": f"/integrations/v1/formatted_webhook/{SECRET}/",
         "mattermost": "/hooks/" + SECRET, "googlechat": f"/v1/spaces/A/messages?key=k&token={SECRET}"}
RULES = """teams: {{{{sre: {{{{escalation: sre}}}}, db: {{{{escalation: db}}}}}}}}
pagers:
  it: {{{{kind: {kind}, {members}}}}}
  other: {{{{kind: webhook, url: "{{pager}}/other"}}}}
escalations: {{{{sre: {{{{steps: [{{{{page: [it]}}}}]}}}}, db: {{{{steps: [{{{{page: [other]}}}}]}}}}}}}}
fallback: {{{{team: sre}}}}
defaults: {{{{resolve_hold: 0s}}}}
"""


class Service(peers.Peer):
    """Refuses what the service would refuse with 400, and tells it to the test; else 429 first, then 503, then no answer at all, then the
    service's answer."""

    def __init__(self, kind, says_no=False):
        self.kind, self.says_no, self.faults, self.events, self.ills = kind, says_no, [], [], [429, 503, 0]
        super().__init__(self.take)

    def take(self, request):
        _, check, no = KINDS[self.kind]
        if request["path"] == "/other":
            return 200, {}, b""
        try:
            event, status, answer = check(request["path"], request["headers"], request["body"])
        except (ValueError, KeyError, TypeError, AttributeError) as fault:
            with self.lock:
                self.faults.append(f"{fault!r}: {request['path']} {request['body'][:2000]}")
            return 400, {}, b"{}"
        if self.says_no:
            return no
        with self.lock:
            if self.ills:
                ill = self.ills.pop(0)
                if not ill:
                    raise ConnectionAbortedError
                return ill, {"Retry-After": "0"} if ill == 429 else {}, b"slow down"
            self.events.append(event)
        return status, {}, answer if isinstance(answer, bytes) else json.dumps(answer).encode()


def rules_of(kind, service, directory):
    for name, text in (("pager.key", SECRET), ("pager.hook", service.url + HOOKS.get(kind, ""))):
        path = os.path.join(directory, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text + "\n")
        os.chmod(path, 0o600)
    return RULES.format(kind=kind, members=KINDS[kind][0].format(
        key=os.path.join(directory, "pager.key"), hook=os.path.join(directory, "pager.hook"), url=service.url))


def with_daemon(kind, service, use):
    daemon = peers.Daemon(service.url)
    daemon.write("rules.yaml", rules_of(kind, service, daemon.directory).format(pager=service.url))
    sender = None
    try:
        daemon.start()
        sender = crowds.Sender(daemon)
        use(daemon, sender)
        assert not service.faults, service.faults
        assert SECRET not in daemon.log_text(), daemon.log_text()
    finally:
        if sender:
            sender.close()
        daemon.finish()


MARKS = "<!channel> <@U1> @channel @everyone <b>x</b> <svg onload=x> [a](javascript:b) ![c](http://d) ``` {{ x }} ${y} \x1b[31m\u202e\u2066 \0"
HOSTILE = {"summary": MARKS + "ü" * 5000, "description": MARKS + "\n# \U0001f469\u200d\U0001f467 " * 9000 + "\n> " + MARKS,
           "runbook_url": "https://wiki.example/a|b>c", "dashboard": "javascript:alert(1)"}


def alert(name, status="firing"):
    labels = {"alertname": name, "service": "shop", "severity": "critical", "pod": MARKS, "env": MARKS, "long": "x" * 1000000}
    body = json.loads(crowds.webhook(labels, status))
    body["alerts"][0]["annotations"] = HOSTILE
    return json.dumps(body)


# What a kind gets of an acknowledgement: most are told as of anything new, and some know no update.
ACKNOWLEDGED = {kind: "acknowledge" for kind in ("opsgenie", "jsm", "rootly", "splunk-oncall")}
ACKNOWLEDGED.update({kind: "fire" for kind in ("incidentio", "grafana-oncall", "servicenow")})
# ... and of an incident that another team has now.
MOVED = {kind: "end" for kind in ("opsgenie", "jsm", "rootly", "splunk-oncall", "incidentio", "grafana-oncall", "goalert",
                              "servicenow")}


def act(daemon, what, body):
    (incident,) = json.loads(daemon.request("GET", "/api/v1/incidents")[1])["incidents"]
    status, answer, _ = daemon.request("POST", f"/api/v1/incidents/{incident['id']}/{what}", json.dumps(body))
    assert status == 200, answer


def moves_with(kind):
    def an_incident_moves():
        service = Service(kind)
        service.ills.clear()

        def use(daemon, sender):
            sender.post(alert("A"))
            peers.wait_for("the page", lambda: service.events[:1] == ["fire"] or service.faults, 60)
            act(daemon, "reroute", {"who": "ann", "team": "db", "text": "not ours"})
            peers.wait_for("what is told of it", lambda: service.events[-1] == MOVED.get(kind, "moved") or service.faults, 60)

        with_daemon(kind, service, use)

    an_incident_moves.__name__ = f"{kind}_is_told_that_an_incident_is_anothers"
    return an_incident_moves


def lives_with(kind):
    def the_life_of_an_incident():
        service = Service(kind)

        def use(daemon, sender):
            sender.post(alert("A"))
            peers.wait_for("the page", lambda: service.events[:1] == ["fire"] or service.faults, 60)
            act(daemon, "acknowledge", {"who": "ann"})
            peers.wait_for("the acknowledgement", lambda: len(service.events) > 1 or service.faults, 60)
            sender.post(alert("A", "resolved"))
            peers.wait_for("the end", lambda: "end" in service.events or service.faults, 60)

        with_daemon(kind, service, use)
        assert service.events == ["fire", ACKNOWLEDGED.get(kind, "update"), "end"], service.events
        assert not service.ills, service.ills

    the_life_of_an_incident.__name__ = f"{kind}_gets_an_incident_from_its_start_to_its_end"
    return the_life_of_an_incident


def says_no(kind):
    def a_no_with_200():
        service = Service(kind, says_no=True)

        def use(daemon, sender):
            sender.post(alert("A"))
            peers.wait_for("a rejection in the log", lambda: "outcome=rejected" in daemon.log_text() or service.faults or
                           re.search(r"reject|refus", daemon.log_text()), 60)

        with_daemon(kind, service, use)

    a_no_with_200.__name__ = f"{kind}_may_say_no_with_200"
    return a_no_with_200


def sends(kind):
    def a_test_page():
        service = Service(kind)
        service.ills.clear()
        directory = peers.Daemon(service.url)
        try:
            directory.write("rules.yaml", rules_of(kind, service, directory.directory).format(pager=service.url))
            done = subprocess.run([peers.BINARY, "send", "--rules", os.path.join(directory.directory, "rules.yaml"), "--pager", "it"],
                                  capture_output=True, text=True, timeout=peers.PATIENCE, check=False)
            shown = done.stdout + done.stderr
            assert done.returncode == 0 and not service.faults, (shown, service.faults)
            assert service.events == ["fire", "end"], service.events
            assert SECRET not in shown, shown
        finally:
            directory.finish()

    a_test_page.__name__ = f"{kind}_takes_a_test_page"
    return a_test_page


peers.run(*[make(kind) for kind in KINDS for make in (lives_with, moves_with, sends)], *[says_no(kind) for kind in KINDS if KINDS[kind][2]], at_once=2)
