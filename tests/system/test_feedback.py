#!/usr/bin/env python3
"""What pagers tell back to the real daemon: acts that count once, on disk before the answer, and all that is refused or ignored."""
import base64
import itertools
import json
import os
import resource
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import feedback  # noqa: E402
import peers  # noqa: E402

peers.skip_unless_wanted()
RULES = """
teams: {{sre: {{escalation: sre}}, db: {{escalation: db}}}}
pagers:
  pd:
    {{kind: pagerduty, routing_key: k1, url: "{pager}/v2/enqueue", feedback_secret_file: ["{directory}/new.secret", "{directory}/old.secret"]}}
  chat: {{kind: webhook, url: "CHAT/hook", feedback_secret: chat-secret}}
  mute: {{kind: pagerduty, routing_key: k2, url: "{pager}/v2/enqueue"}}
  screen: {{kind: console}}
escalations:
  sre: {{steps: [{{page: [pd, chat], wait: 1h}}, {{page: [mute]}}]}}
  db: {{steps: [{{page: [mute]}}]}}
services: {{db: {{owner: db}}}}
fallback: {{team: sre}}
defaults: {{resolve_hold: 0s}}
"""


class Relay(peers.Daemon):
    def __init__(self):
        self.pager = peers.Pager()
        self.chat = peers.Peer(lambda request: (200, {}, b""))
        super().__init__(self.pager.url, rules=RULES.replace("CHAT", self.chat.url))
        self.write("new.secret", "pd-new\n")
        self.write("old.secret", "pd-old\n")
        self.alerts = 0

    def one(self):
        """An incident that pagers pd and chat were paged about."""
        self.alerts += 1
        known = {e["dedup_key"] for e in self.pager.events()}
        body = peers.webhook(({"alertname": f"Disk{self.alerts}", "severity": "error"}, "firing"))
        assert self.request("POST", "/webhook/am", body)[0] == 202
        one = peers.wait_for("its page", lambda: [e["dedup_key"] for e in self.pager.events() if e["dedup_key"] not in known])[0]
        peers.wait_for("both pages", lambda: [r["state"] for r in self.incident(one)["recipients"]] == ["reached"] * 2)
        return one

    def tell(self, pager, told):
        body, headers = told
        status, text, self.headers = self.request("POST", "/feedback/" + pager, body, headers)
        return status, json.loads(text)

    def incident(self, one):
        return json.loads(self.request("GET", "/api/v1/incidents/" + one)[1])

    def story(self, one, event):
        return [(e["who"], e["text"]) for e in self.incident(one)["events"] if e["event"] == event]

    def told(self):
        return {result: int(self.metric(f'tracepager_feedback_total{{result="{result}"}}'))
                for result in ("acted", "ignored", "repeated", "refused", "failed")}


def on_a_relay(test):
    def run():
        relay = Relay().start()
        try:
            test(relay)
            log = relay.log_text()
            assert not [s for s in ("pd-new", "pd-old", "pd-next", "chat-secret") if s in log], log
        finally:
            relay.finish()
    run.__name__ = test.__name__
    return run


@on_a_relay
def pagerduty_acknowledges_and_resolves(relay):
    one = relay.one()
    status, answer = relay.tell("pd", feedback.pagerduty("incident.acknowledged", one, "pd-new"))
    assert (status, answer["acts"][0]["outcome"]) == (200, "done"), answer
    assert relay.incident(one)["state"] == "acknowledged"
    assert relay.incident(one)["acknowledged_by"] == "Ann Example (pager pd)"
    # Again, under another event's id: it is so already.
    status, answer = relay.tell("pd", feedback.pagerduty("incident.acknowledged", one, "pd-old"))
    assert (status, answer["acts"][0]["outcome"]) == (200, "already"), answer
    # The key of a further page of the same incident.
    status, answer = relay.tell("pd", feedback.pagerduty("incident.resolved", one + "#2", "pd-old", "pd-other"))
    assert (status, answer["acts"][0]["outcome"]) == (200, "done"), answer
    assert answer["acts"][0]["incident"] == one
    peers.wait_for("the resolve", lambda: [e for e in relay.pager.events() if e["event_action"] == "resolve" and e["dedup_key"] == one])
    # That resolve comes back from PagerDuty, and a person's that crossed it: neither changes anything.
    status, answer = relay.tell("pd", feedback.pagerduty("incident.resolved", one, "pd-new", agent=feedback.OURS))
    assert status == 200 and "no person did it" in answer["ignored"], answer
    status, answer = relay.tell("pd", feedback.pagerduty("incident.resolved", one, "pd-new"))
    assert status == 200 and answer["acts"][0]["outcome"] in ("already", "ignored"), answer
    assert relay.told() == {"acted": 3, "ignored": 2, "repeated": 0, "refused": 0, "failed": 0} or \
        relay.told() == {"acted": 4, "ignored": 1, "repeated": 0, "refused": 0, "failed": 0}, relay.told()


@on_a_relay
def an_automation_does_not_acknowledge(relay):
    one = relay.one()
    for agent in (feedback.OURS, None, {"type": "service_reference", "summary": "API"}):
        for event in ("incident.acknowledged", "incident.resolved"):
            status, answer = relay.tell("pd", feedback.pagerduty(event, one, "pd-new", agent=agent))
            assert status == 200 and "no person did it" in answer["ignored"], answer
    assert relay.incident(one)["state"] == "open"


FORGED = "ann\u009b2J\u0085\u202e\u2028b\nPAGE: c"
BAD = [chr(c) for c in (*range(0x7f, 0xa0), *range(0x202a, 0x202f), *range(0x2066, 0x206a), 0x2028, 0x2029)]


@on_a_relay
def words_of_people_are_harmless_from_every_entrance(relay):
    def has_bad(text):
        return [hex(ord(c)) for c in text if c in BAD]

    def post(path, **body):
        status, text, _ = relay.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        assert status == 200 and not has_bad(text), (path, status, text)

    one, two, three = relay.one(), relay.one(), relay.one()
    post(f"/api/v1/incidents/{one}/acknowledge", who=FORGED)
    post(f"/api/v1/incidents/{one}/comment", who=FORGED, text=FORGED)
    assert relay.tell("chat", feedback.standard({"incident": two, "action": "ack", "who": FORGED}, "chat-secret"))[0] == 200
    agent = {**feedback.ANN, "summary": FORGED}
    assert relay.tell("pd", feedback.pagerduty("incident.acknowledged", three, "pd-new", agent=agent))[0] == 200
    post("/api/v1/pagers/mute/pause", who=FORGED)
    post("/api/v1/silences", matchers=["alertname=none"], duration_s=60, reason="move\u009b2J\u202e", author="bob\u0085")
    incidents = [relay.incident(i) for i in (one, two, three)]
    assert [i["acknowledged_by"].partition(" (")[0] for i in incidents] == ["ann 2J  b PAGE: c"] * 3, incidents
    everything = [json.dumps(i, ensure_ascii=False) for i in incidents]
    everything += [relay.request("GET", path)[1] for path in ("/-/ready", "/api/v1/silences", "/api/v1/pagers", "/api/v1/queue")]
    everything += [request["body"].decode() for request in relay.pager.seen() + relay.chat.seen()]
    everything.append(relay.log_text())
    assert not [has_bad(text) for text in everything if has_bad(text)]
    assert "paused by ann 2J b PAGE: c since" in everything[3], everything[3]
    environment = dict(os.environ, TRACEPAGER_URL=f"http://127.0.0.1:{relay.port}")
    done = subprocess.run([peers.BINARY, "incidents", "ack", one, "--who", FORGED], env=environment, capture_output=True, text=True,
                          timeout=peers.PATIENCE, check=True)
    assert not has_bad(done.stdout) and len(done.stdout.splitlines()) == 1, done.stdout


@on_a_relay
def notes_come_once(relay):
    one = relay.one()
    note = feedback.pagerduty("incident.annotated", None, "pd-new", theirs="P77", event="01NOTE", content="restarted it")
    # Nobody has said yet which incident P77 is; that says nothing of the event.
    status, answer = relay.tell("pd", note)
    assert status == 200 and answer["acts"][0]["outcome"] == "ignored", answer
    status, answer = relay.tell("pd", feedback.pagerduty("incident.triggered", one, "pd-new", theirs="P77", agent=feedback.OURS))
    assert status == 200 and "incident.triggered" in answer["ignored"], answer
    status, answer = relay.tell("pd", note)
    assert status == 200 and answer["acts"][0]["outcome"] == "done", answer
    for _ in range(3):
        status, answer = relay.tell("pd", note)
        assert status == 200 and "counts once" in answer["ignored"], answer
    assert relay.story(one, "commented") == [("Ann Example (pager pd)", "feedback: restarted it")], relay.incident(one)["events"]
    assert relay.told()["repeated"] == 3


@on_a_relay
def events_act_once_over_a_restart(relay):
    one, two = relay.one(), relay.one()
    told = [("chat", feedback.standard({"incident": one, "action": "comment", "who": "ann", "text": "once"}, "chat-secret")),
            ("pd", feedback.pagerduty("incident.annotated", None, "pd-new", content="once", theirs="P1")),
            ("pd", feedback.pagerduty("incident.acknowledged", one, "pd-new", theirs="P1")),
            ("chat", feedback.standard([{"incident": two, "action": "reroute", "who": "ann", "team": "db"}], "chat-secret"))]
    told[1:3] = told[2], told[1]  # the note names the incident as PagerDuty does
    for pager, request in told:
        status, answer = relay.tell(pager, request)
        assert (status, answer["acts"][0]["outcome"]) == (200, "done"), answer

    def acts():
        return [[e for e in relay.incident(i)["events"] if e["event"] in ("acknowledged", "commented", "rerouted")] for i in (one, two)]

    before = acts()
    assert [len(story) for story in before] == [3, 1], before
    relay.kill()
    relay.start()
    for pager, request in told:
        assert relay.tell(pager, request) == (200, {"ignored": "this event came before, and counts once"})
    assert acts() == before
    # One that is new acts, though it was signed before the restart.
    late = feedback.standard({"incident": one, "action": "comment", "who": "ann", "text": "late"}, "chat-secret", at=time.time() - 60)
    assert relay.tell("chat", late)[1]["acts"][0]["outcome"] == "done"


@on_a_relay
def a_merge_is_a_comment(relay):
    one = relay.one()
    reason = {"type": "merge_resolve_reason", "incident": {"id": "P9", "html_url": "https://acme.pagerduty.com/incidents/P9"}}
    status, answer = relay.tell("pd", feedback.pagerduty("incident.resolved", one, "pd-new", resolve_reason=reason))
    assert (status, answer["acts"][0]["action"]) == (200, "comment"), answer
    assert relay.incident(one)["state"] == "open"


@on_a_relay
def receivers_of_webhooks_act(relay):
    a, b, c = relay.one(), relay.one(), relay.one()
    status, answer = relay.tell("chat", feedback.standard({"incident": a, "action": "acknowledge", "who": "bo"}, "chat-secret"))
    assert (status, answer["acts"][0]["outcome"]) == (200, "done"), answer
    assert relay.incident(a)["acknowledged_by"] == "bo (pager chat)"
    acts = [{"incident": a, "action": "comment", "who": "bo", "text": "on it"}, {"incident": a, "action": "useful"},
            {"incident": b, "action": "reroute", "team": "db", "text": "a database"}, {"incident": c, "action": "resolve"},
            {"incident": "f" * 32, "action": "resolve"}, {"incident": b, "action": "reroute", "team": "nobody"}]
    status, answer = relay.tell("chat", feedback.standard(acts, "wrong", "chat-secret"))
    assert status == 200, answer
    assert [act["outcome"] for act in answer["acts"]] == ["done", "done", "done", "done", "ignored", "refused"], answer
    assert relay.incident(b)["team"] == "db"
    assert relay.story(a, "useful") == [("chat", "feedback")]
    # 100 acts at once are taken, 101 are not; nor is a list with one fault.
    for n, want in ((100, 200), (101, 400)):
        status, answer = relay.tell("chat", feedback.standard([{"incident": a, "action": "acknowledge"}] * n, "chat-secret"))
        assert status == want, answer
    status, answer = relay.tell("chat", feedback.standard([{"incident": b, "action": "resolve"}, {"incident": b}], "chat-secret"))
    assert status == 400 and "act 2 of 2" in answer["error"], answer
    assert relay.incident(b)["state"] == "open"


@on_a_relay
def a_pager_without_the_page_says_nothing(relay):
    """Team db is paged by another pager: chat has no word in its incident."""
    body = peers.webhook(({"alertname": "Only", "severity": "error", "service": "db"}, "firing"))
    assert relay.request("POST", "/webhook/am", body)[0] == 202
    one = peers.wait_for("the incident", lambda: [i["id"] for i in json.loads(relay.request("GET", "/api/v1/incidents")[1])["incidents"]
                                                  if i["team"] == "db"])[0]
    acts = [{"incident": one, "action": action, "who": "eve", "text": "1h", "team": "sre"}
            for action in ("acknowledge", "resolve", "reroute", "comment", "useful", "noise")]
    status, answer = relay.tell("chat", feedback.standard(acts, "chat-secret"))
    assert status == 200, answer
    for act in answer["acts"]:
        assert act["outcome"] == "refused" and "pager chat never had a page of this incident" in act["text"], act
    incident = relay.incident(one)
    assert incident["state"] == "open" and not [e for e in incident["events"] if e["who"].startswith("eve")], incident


@on_a_relay
def forged_and_replayed_requests_do_nothing(relay):
    one, now = relay.one(), time.time()
    act = {"incident": one, "action": "resolve", "who": "eve"}
    body, signed = feedback.standard(act, "chat-secret")
    changed = dict(signed)
    changed["webhook-timestamp"] = str(int(now) + 1)
    tries = [("chat", feedback.standard(act), 401), ("chat", feedback.standard(act, "wrong"), 401), ("chat", feedback.standard(act, ""), 401),
             ("chat", feedback.standard(act, "chat-secret", at=now - 310), 401), ("chat", feedback.standard(act, "chat-secret", at=now + 310), 401),
             ("chat", (body.replace(b"eve", b"ann"), signed), 401), ("chat", (body, changed), 401), ("chat", (body, {}), 401),
             ("pd", (body, signed), 401), ("pd", feedback.pagerduty("incident.resolved", one), 401),
             ("pd", feedback.pagerduty("incident.resolved", one, "chat-secret", "pd-newer"), 401),
             ("pd", feedback.pagerduty("incident.resolved", one, ""), 401),
             ("chat", feedback.pagerduty("incident.resolved", one, "chat-secret"), 401),
             # Old, as one that was captured is.
             ("pd", feedback.pagerduty("incident.resolved", one, "pd-new", at=now - 7260), 200),
             # What is signed and is nothing.
             ("pd", (b"x", {"X-PagerDuty-Signature": "v1=" + feedback.mac("pd-new", b"x").hexdigest()}), 400),
             ("chat", feedback.standard(b"not JSON", "chat-secret"), 400), ("chat", feedback.standard(b"[" * 5000, "chat-secret"), 400),
             ("chat", feedback.standard(b" " * 300000, "chat-secret"), 413), ("pd", (b" " * 300000, {}), 413),
             # Pagers that tell nothing back.
             ("mute", feedback.pagerduty("incident.resolved", one, ""), 403), ("screen", (b"{}", {}), 404),
             ("nobody", (b"{}", {}), 404), ("", (b"{}", {}), 404)]
    for pager, told, want in tries:
        status, answer = relay.tell(pager, told)
        assert status == want, (pager, told, status, answer)
        assert want != 403 or "feedback_secret_file" in answer["error"], answer
        assert want != 401 or "pagerduty" not in relay.headers.get("WWW-Authenticate", ""), relay.headers
    assert relay.request("GET", "/feedback/pd")[0] == 405
    assert relay.incident(one)["state"] == "open" and not relay.story(one, "resolved")
    assert relay.told() == {"acted": 0, "ignored": 1, "repeated": 0, "refused": len(tries) - 1, "failed": 0}, relay.told()
    # One line a minute for each reason, with the pager.
    log = relay.log_text()
    assert log.count("feedback refused: its signature") == log.count("feedback refused: its pager has no") == 1, log
    assert "pager=chat" in log and "pager=mute" in log
    # From behind a proxy of another name, and from a page of another site: the signature counts.
    body, headers = feedback.pagerduty("incident.acknowledged", one, "pd-new")
    headers.update({"Host": "alerts.example.com", "Origin": "https://evil.example"})
    status, answer = relay.tell("pd", (body, headers))
    assert status == 200 and answer["acts"][0]["outcome"] == "done", answer


@on_a_relay
def secrets_are_rotated(relay):
    one = relay.one()

    def status_of(secret):
        return relay.tell("pd", feedback.pagerduty("incident.annotated", one, secret, content="n"))[0]

    assert [status_of(s) for s in ("pd-new", "pd-old", "pd-next")] == [200, 200, 401]
    relay.write("old.secret", "pd-new\n")
    relay.write("new.secret", "pd-next\n")
    assert relay.request("POST", "/-/reload")[0] == 200
    assert [status_of(s) for s in ("pd-new", "pd-old", "pd-next")] == [200, 401, 200]


@on_a_relay
def what_is_answered_is_on_disk(relay):
    one = relay.one()
    note = feedback.pagerduty("incident.annotated", one, "pd-new", content="found it")
    assert relay.tell("pd", note)[0] == 200
    assert relay.tell("pd", feedback.pagerduty("incident.acknowledged", one, "pd-new"))[0] == 200
    relay.kill()
    relay.start()
    assert relay.incident(one)["state"] == "acknowledged"
    assert relay.story(one, "commented") == [("Ann Example (pager pd)", "feedback: found it")]


def full_disk():
    """503 while nothing can be written; the same request, sent again, is taken once."""
    relay = Relay()
    # A write over the limit of a file's size fails; Python ignores its signal, and the daemon inherits that.
    relay.launch = lambda: setattr(relay, "child", peers.subprocess.Popen(
        [peers.BINARY, "run", "-c", relay.directory + "/tracepager.yaml"], stdout=relay.log, stderr=relay.log, restore_signals=False))
    relay.start()
    try:
        one = relay.one()
        hard = resource.prlimit(relay.child.pid, resource.RLIMIT_FSIZE)[1]
        note = feedback.pagerduty("incident.annotated", one, "pd-new", content="it is full")
        resource.prlimit(relay.child.pid, resource.RLIMIT_FSIZE, (4096, hard))
        status, answer = relay.tell("pd", note)
        assert status == 503 and "send it again" in answer["error"] and int(relay.headers["Retry-After"]) > 0, (answer, relay.headers)
        line = next(line for line in relay.log_text().splitlines() if "what a pager told back was not written down" in line)
        assert "level=error" in line and f"incident={one}" in line and "pager=pd " in line and "cure=" in line, line
        resource.prlimit(relay.child.pid, resource.RLIMIT_FSIZE, (hard, hard))
        peers.wait_for("the store", relay.is_ready)
        for _ in range(3):
            assert relay.tell("pd", note)[0] == 200
        assert relay.story(one, "commented") == [("Ann Example (pager pd)", "feedback: it is full")], relay.incident(one)["events"]
        assert relay.told()["failed"] == 1 and relay.told()["repeated"] == 2, relay.told()
    finally:
        relay.finish()


# ---- every kind ----

SECRETS = "feedback_secret_file: [{directory}/new.secret, {directory}/old.secret]"
EVERY = """
teams: {{sre: {{escalation: sre}}, db: {{escalation: db}}}}
pagers:
  pd: {{kind: pagerduty, routing_key: k1, url: "{pager}/v2/enqueue", SECRETS}}
  chat: {{kind: webhook, url: "CHAT/hook", SECRETS}}
  genie: {{kind: opsgenie, api_key: k, url: "CHAT", SECRETS}}
  jsm: {{kind: jsm, api_key: k, url: "CHAT", SECRETS}}
  oncall: {{kind: grafana-oncall, webhook_url: "CHAT/oncall", SECRETS}}
  goalert: {{kind: goalert, token: k, url: "CHAT", SECRETS}}
  splunk: {{kind: splunk-oncall, api_key: k, routing_key: r, url: "CHAT", SECRETS}}
  rootly: {{kind: rootly, token: k, url: "CHAT", SECRETS}}
  io: {{kind: incidentio, token: k, url: "CHAT", SECRETS}}
  other: {{kind: pagerduty, routing_key: k2, url: "{pager}/v2/enqueue"}}
escalations:
  sre: {{steps: [{{page: [pd, chat, genie, jsm, oncall, goalert, splunk, rootly, io], wait: 1h}}, {{page: [other]}}]}}
  db: {{steps: [{{page: [other]}}]}}
routes: [{{when: {{alertname: "Other*"}}, team: db}}]
fallback: {{team: sre}}
defaults: {{resolve_hold: 0s}}
"""
NUMBERS = itertools.count(79000)


class Everything(Relay):
    """Its pagers are of all kinds that tell something back."""

    def __init__(self):
        self.pager = peers.Pager()
        self.chat = peers.Peer(lambda request: (200, {}, b'{"result":"success"}'))
        rules = EVERY.replace("SECRETS", SECRETS).replace("CHAT", self.chat.url)
        peers.Daemon.__init__(self, self.pager.url, rules=rules)
        self.write("new.secret", "s3cret-new\n")
        self.write("old.secret", "s3cret-old\n")
        self.alerts = 0

    def one(self, name="Disk"):
        self.alerts += 1
        known = {e["dedup_key"] for e in self.pager.events()}
        body = peers.webhook(({"alertname": f"{name}{self.alerts}", "severity": "error"}, "firing"))
        assert self.request("POST", "/webhook/am", body)[0] == 202
        one = peers.wait_for("its page", lambda: [e["dedup_key"] for e in self.pager.events() if e["dedup_key"] not in known])[0]
        peers.wait_for("all pages", lambda: {r["state"] for r in self.incident(one)["recipients"]} == {"reached"})
        return one

    def state(self, one):
        """Closed it is when all recipients know that it is resolved."""
        return self.incident(one)["state"].replace("closed", "resolved")


class Kind:
    """What one kind tells: acts("acknowledge" or "resolve", key, secret, …) and echo(key, secret), tracepager's own resolve."""

    def __init__(self, acts, echo, wrong, late=True, signs_time=False, raw=feedback.with_secret):
        self.acts, self.echo, self.wrong, self.late, self.signs_time, self.raw = acts, echo, wrong, late, signs_time, raw


def goalert_acts(act, key, secret, **_):
    number = GOALERT_NUMBERS.setdefault(key, next(NUMBERS))
    return feedback.goalert(number, secret, {"acknowledge": "Acknowledged by ann (Web)", "resolve": "Closed by ann (SMS)"}[act])


GOALERT_NUMBERS = {}
KINDS = {
    "pd": Kind(lambda act, key, secret, **more: feedback.pagerduty({"acknowledge": "incident.acknowledged", "resolve": "incident.resolved"}[act],
                                                                   key, *[secret] * (secret is not None), **more),
               lambda key, secret: feedback.pagerduty("incident.resolved", key, secret, agent=feedback.OURS),
               {"event": {"event_type": 7, "data": [], "agent": 8}},
               raw=lambda body, secret: (body, {"X-PagerDuty-Signature": "v1=" + feedback.mac(secret, body).hexdigest()})),
    "genie": Kind(lambda act, key, secret, **more: feedback.opsgenie({"acknowledge": "Acknowledge", "resolve": "Close"}[act], key, secret, **more),
                  lambda key, secret: feedback.opsgenie("Close", key, secret, source={"name": "tracepager", "type": "API"}),
                  {"action": [], "alert": {"alias": 7, "updatedAt": "x"}}),
    "oncall": Kind(lambda act, key, secret, **more: feedback.oncall(act, key, secret, **more),
                   lambda key, secret: feedback.oncall("resolve", key, secret, user=None),
                   {"event": 7, "user": [], "alert_payload": {"alert_uid": {}}}),
    "goalert": Kind(goalert_acts, lambda key, secret: feedback.goalert(GOALERT_NUMBERS[key], secret, "Closed via tracepager (Generic API)"),
                    {"Type": "AlertStatus", "AlertID": "x", "LogEntry": 7}, late=False),
    "splunk": Kind(lambda act, key, secret, **more: feedback.splunk({"acknowledge": "ACKED", "resolve": "RESOLVED"}[act], key, secret, **more),
                   lambda key, secret: feedback.splunk("RESOLVED", key, secret, who="SYSTEM"),
                   {"STATE.CURRENT_ALERT_PHASE": 7, "STATE.ENTITY_ID": []}, late=False),
    "rootly": Kind(lambda act, key, secret, **more: feedback.rootly({"acknowledge": "alert.acknowledged", "resolve": "alert.resolved"}[act],
                                                                    key, secret, **more),
                   None, {"event": {"type": {}}, "data": 7}, signs_time=True, raw=lambda body, secret: feedback.rootly(body, "", secret)),
    "io": Kind(lambda act, key, secret, **more: feedback.escalation({"acknowledge": "acked", "resolve": "resolved"}[act], key,
                                                                    *[secret] * (secret is not None), **more),
               lambda key, secret: feedback.escalation("resolved", key, secret, actor={"alert": {"id": "x"}}),
               {"event_type": "public_escalation.escalation_status_updated_v1", "public_escalation.escalation_status_updated_v1": []},
               signs_time=True, raw=feedback.standard),
}
KINDS["jsm"] = KINDS["genie"]
UNKNOWN = "f" * 32


def cases_of(kind, one, over, others):
    """(what, request, its status, a part of the answer, the incident's state behind it), one after the other."""
    new, old = "s3cret-new", "s3cret-old"
    now = time.time()
    acknowledged = kind.acts("acknowledge", one, old, at=now)
    yield "no proof", kind.acts("resolve", one, None), 401, "feedback_secret" if not kind.signs_time else "error", "open"
    yield "forged", kind.acts("resolve", one, "s3cret-guessed"), 401, "feedback_secret", "open"
    yield "an empty secret", kind.acts("resolve", one, ""), 401, "error", "open"
    yield "malformed", kind.raw(b"{not JSON", new), 400, "the body is no ", "open"
    yield "no object", kind.raw(b"[]", new), 400, "the body is no ", "open"
    yield "wrong types", kind.raw(json.dumps(kind.wrong).encode(), new), 200, "ignored", "open"
    yield "huge", kind.raw(b" " * 300000, new), 413, "262144 bytes", "open"
    yield "deep", kind.raw(b'{"a":' + b"[" * 5000, new), 400, "the body is no ", "open"
    if kind.late:
        late = 401 if kind.signs_time else 200
        yield "late", kind.acts("resolve", one, new, at=now - 7260), late, "clock" if kind.signs_time else "two hours", "open"
    if kind.signs_time:
        yield "replayed late", kind.acts("resolve", one, new, at=now - 310), 401, "clock", "open"
        yield "of the future", kind.acts("resolve", one, new, at=now + 310), 401, "clock", "open"
    if kind.echo:
        yield "an echo of tracepager's own resolve", kind.echo(one, new), 200, "no person did it", "open"
    yield "an unknown incident", kind.acts("resolve", UNKNOWN, new), 200, '"outcome":"ignored"', "open"
    yield "another pager's incident", kind.acts("resolve", others, new), 200, '"outcome":"refused"', "open"
    yield "acknowledged, with the old secret", acknowledged, 200, '"outcome":"done"', "acknowledged"
    yield "the same request again", acknowledged, 200, ("counts once", '"outcome":"already"'), "acknowledged"
    yield "resolved, by a later page's key", kind.acts("resolve", one + "#2" if kind is not KINDS["goalert"] else one, new), 200, \
        '"outcome":"done"', "resolved"
    yield "a closed incident", kind.acts("acknowledge", over, new), 200, ("ignored", '"outcome":"already"'), "resolved"


def every_kind_is_told_and_deceived():
    """Each case leaves the incident as it must be, is counted, and says nothing of a secret."""
    relay = Everything().start()
    tried = refused = 0
    try:
        over, others = relay.one(), relay.one("Other")
        assert relay.request("POST", f"/api/v1/incidents/{over}/resolve", b"{}", {"Content-Type": "application/json"})[0] == 200
        for pager, kind in KINDS.items():
            one = relay.one()
            if pager == "goalert":
                for key in (one, over, others, UNKNOWN):
                    GOALERT_NUMBERS[key] = next(NUMBERS)
                    assert relay.tell("goalert", feedback.goalert(GOALERT_NUMBERS[key], "s3cret-new", key=key))[0] == 200
            for what, request, want, words, state in cases_of(kind, one, over, others):
                status, answer = relay.tell(pager, request)
                text = json.dumps(answer, separators=(",", ":"))
                where = (pager, what, status, text)
                assert status == want, where
                assert any(part in text for part in ([words] if isinstance(words, str) else words)), where
                assert relay.state(one) == state, (where, relay.state(one))
                assert "s3cret" not in text and "Traceback" not in text, where
                tried, refused = tried + 1, refused + (status != 200)
            (who, _), = relay.story(one, "acknowledged")
            assert who in (f"ann (pager {pager})", f"ann@example.com (pager {pager})", f"Ann Example (pager {pager})", pager), who
        assert relay.state(others) == "open" and relay.state(over) == "resolved"
        assert relay.told()["refused"] == refused and tried >= 100, (relay.told(), tried, refused)
        rotated = relay.one()
        relay.write("old.secret", "s3cret-next\n")
        assert relay.request("POST", "/-/reload")[0] == 200
        for pager, kind in KINDS.items():
            status, answer = relay.tell(pager, kind.acts("resolve", rotated, "s3cret-old"))
            assert status == 401 and relay.incident(rotated)["state"] == "open", (pager, status, answer)
        log = relay.log_text()
        assert "s3cret" not in log, log
        print(f"     {tried} cases of {len(KINDS)} kinds, {refused} refused")
    finally:
        relay.finish()


def goalert_sends_its_secret_as_a_password():
    """As Go's HTTP client makes it of https://tracepager:SECRET@HOST/; the answer and the log know nothing of it."""
    relay = Everything().start()
    try:
        one = relay.one()
        for password, want in (("s3cret-new", 200), ("s3cret-old", 200), ("s3cret", 401), ("", 401)):
            body, headers = feedback.goalert(7, None, key=one)
            headers["Authorization"] = "Basic " + base64.b64encode(f"tracepager:{password}".encode()).decode()
            assert relay.tell("goalert", (body, headers))[0] == want, password
        # Which alert is which incident is known over a restart, too; the comment is written behind it.
        assert relay.tell("oncall", feedback.oncall("silence", one, "s3cret-new"))[0] == 200
        relay.kill()
        relay.start()
        assert relay.tell("goalert", feedback.goalert(7, "s3cret-new", "Acknowledged by Bo (Voice)"))[0] == 200
        assert relay.incident(one)["acknowledged_by"] == "Bo (pager goalert)"
        assert "s3cret" not in relay.log_text()
    finally:
        relay.finish()


def notes_of_every_kind_are_comments():
    relay = Everything().start()
    try:
        one = relay.one()
        note = feedback.opsgenie("AddNote", one, "s3cret-new", note="restarted\u0007it\u202e")
        silenced = feedback.oncall("silence", one, "s3cret-new")
        for pager, request in (("genie", note), ("genie", note), ("jsm", note), ("oncall", silenced), ("oncall", silenced)):
            assert relay.tell(pager, request)[0] == 200
        aside = {"incident": {"reference": "INC-1", "creator": {"alert": {"id": "A1"}}}, "new_status": {"category": "declined"},
                 "previous_status": {"category": "triage"}}
        created = {"id": "A1", "deduplication_key": one, "status": "firing"}
        for event, data in (("public_alert.alert_created_v1", created), ("public_incident.incident_status_updated_v2", aside)):
            assert relay.tell("io", feedback.incidentio(event, data, "s3cret-new"))[0] == 200
        assert relay.story(one, "commented") == [
            ("ann@example.com (pager genie)", "feedback: restarted it"), ("ann@example.com (pager jsm)", "feedback: restarted it"),
            ("ann (pager oncall)", "feedback: silenced in Grafana OnCall"), ("io", "feedback: INC-1 in incident.io is declined now")], \
            relay.incident(one)["events"]
        assert relay.incident(one)["state"] == "open"
    finally:
        relay.finish()


peers.run(pagerduty_acknowledges_and_resolves, an_automation_does_not_acknowledge, words_of_people_are_harmless_from_every_entrance,
          notes_come_once, events_act_once_over_a_restart, a_merge_is_a_comment, receivers_of_webhooks_act,
          a_pager_without_the_page_says_nothing,
          forged_and_replayed_requests_do_nothing, secrets_are_rotated, what_is_answered_is_on_disk, full_disk,
          every_kind_is_told_and_deceived, goalert_sends_its_secret_as_a_password, notes_of_every_kind_are_comments)
