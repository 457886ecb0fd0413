#!/usr/bin/env python3
"""The APIs of PagerDuty and Opsgenie as their clients use them: an event fires, is repeated and resolved: one incident, one page, one resolve.
What the services refuse is refused in their words. A retry without a key, and one behind kill -9, open nothing new. Amazon's messages
must be signed."""
import json
import os
import shutil
import subprocess
import time

import peers

peers.skip_unless_wanted()
SENDERS = """senders:
  watcher: {format: pagerduty-v2, bearer: "0123456789abcdef0123456789abcdef"}
  elder: {format: pagerduty-v1, bearer: "fedcba9876543210fedcba9876543210"}
  genie: {format: opsgenie, bearer: "eb243592-faa2-4ba2-a551q-1afdf565c889"}
"""
V2, V1 = "0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"
GENIE = "eb243592-faa2-4ba2-a551q-1afdf565c889"


class Relay(peers.Daemon):
    def __init__(self, config=SENDERS, rules=None):
        self.pager = peers.Pager()
        super().__init__(self.pager.url, config=config, rules=rules)

    def post(self, path, body, headers=None):
        status, text, _ = self.request("POST", path, body if isinstance(body, (str, bytes)) else json.dumps(body), headers)
        return status, json.loads(text)

    def v2(self, action="trigger", key=None, route=V2, **payload):
        event = {"routing_key": route, "event_action": action}
        if key:
            event["dedup_key"] = key
        if action == "trigger":
            event["payload"] = {"summary": "Orders fail", "source": "web1", "severity": "critical", **payload}
        return self.post("/v2/enqueue", event)

    def v1(self, kind="trigger", key=None, **members):
        event = {"service_key": V1, "event_type": kind, **members}
        if key:
            event["incident_key"] = key
        return self.post("/generic/2010-04-15/create_event.json", event)

    def genie(self, path, body=None, key=GENIE):
        return self.post(path, body if body is not None else "", {"Authorization": "GenieKey " + key, "Content-Type": "application/json"})

    def pages(self, action="trigger"):
        return [e for e in self.pager.events() if e["event_action"] == action]

    def wait(self, action, n):
        return peers.wait_for(f"{n} of {action}", lambda: len(self.pages(action)) >= n and self.pages(action))

    def incidents(self, query=""):
        return json.loads(self.request("GET", "/api/v1/incidents" + query)[1])["incidents"]

    def check_one_life(self, **page):
        """One incident, of which the pager got one trigger, and then one resolve."""
        self.wait("resolve", 1)
        assert len(self.pages()) == 1 and len(self.pages("resolve")) == 1, self.pager.events()
        trigger = self.pages()[0]
        assert trigger["dedup_key"] == self.pages("resolve")[0]["dedup_key"]
        for name, value in page.items():
            assert trigger["payload"].get(name, trigger.get(name)) == value, trigger
        peers.wait_for("its end", lambda: not self.incidents())
        peers.wait_for("the past", lambda: len(self.incidents("?state=closed")) == 1)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.finish()


def pagerduty_v2_has_one_life():
    with Relay() as relay:
        details = {"service": "checkout", "load": 3}
        assert relay.v2(key="orders", custom_details=details) == (202, {"status": "success", "message": "Event processed", "dedup_key": "orders"})
        relay.wait("trigger", 1)
        assert relay.pages()[0]["routing_key"] == "key-shop", relay.pages()  # the owner of checkout, not the key of the event
        assert relay.v2(key="orders", custom_details=details)[0] == 202
        assert relay.v2("acknowledge", "orders") == (202, {"status": "success", "message": "Event processed", "dedup_key": "orders"})
        assert relay.v2("resolve", "orders")[0] == 202
        relay.check_one_life(severity="critical")
        assert V2 not in json.dumps(relay.pager.events()) and V2 not in relay.log_text()


def pagerduty_v1_has_one_life():
    with Relay() as relay:
        assert relay.v1(key="orders", description="Orders fail") == (200, {"status": "success", "message": "Event processed", "incident_key": "orders"})
        relay.wait("trigger", 1)
        assert relay.v1(key="orders", description="Orders fail")[0] == 200
        assert relay.v1("resolve", "orders")[0] == 200
        relay.check_one_life(routing_key="key-sre", severity="error")


def opsgenie_has_one_life():
    with Relay() as relay:
        alert = {"message": "Orders fail", "alias": "orders/7", "priority": "P1", "details": {"service": "checkout"}}
        status, made = relay.genie("/v2/alerts", alert)
        assert status == 202 and made["result"] == "Request will be processed" and made["took"] >= 0, made
        relay.wait("trigger", 1)
        assert relay.genie("/v2/alerts", alert)[0] == 202
        assert relay.genie("/v2/alerts/orders%2F7/acknowledge?identifierType=alias", {})[0] == 202
        assert relay.genie("/v2/alerts/orders%2F7/notes?identifierType=alias", {"note": "looking"})[0] == 202
        status, closed = relay.genie("/v2/alerts/orders%2F7/close?identifierType=alias", {"source": "test"})
        assert status == 202, closed
        relay.check_one_life(routing_key="key-shop", severity="critical")
        headers = {"Authorization": "GenieKey " + GENIE}
        for request, action in ((made, "Create"), (closed, "Close")):
            status, text, _ = relay.request("GET", "/v2/alerts/requests/" + request["requestId"], headers=headers)
            data = json.loads(text)["data"]
            assert status == 200 and data["success"] and data["action"] == action, text
        # The id that a request gives names the alert, too; what is unknown cannot be closed.
        relay.genie("/v2/alerts", alert)
        relay.wait("trigger", 2)
        assert relay.genie(f"/v2/alerts/{data['alertId']}/close?identifierType=id")[0] == 202
        relay.wait("resolve", 2)
        status, nobody = relay.genie("/v2/alerts/nobody/close?identifierType=alias", {})
        data = json.loads(relay.request("GET", "/v2/alerts/requests/" + nobody["requestId"], headers=headers)[1])["data"]
        assert status == 202 and data["success"] is False and data["status"] == "Alert does not exist", data


def what_is_wrong_is_refused():
    with Relay() as relay:
        v2, v1 = "/v2/enqueue", "/generic/2010-04-15/create_event.json"
        for path, body, says in (
                (v2, {"routing_key": V2, "event_action": "trigger"}, "'payload.summary' is missing or blank"),
                (v2, {"routing_key": V2, "event_action": "trigger", "payload": {"summary": "s", "source": "h", "severity": "bad"}}, "severity"),
                (v2, {"routing_key": V2, "event_action": "resolve"}, "dedup_key"), (v2, {"routing_key": V2}, "event_action"),
                (v1, {"service_key": V1, "event_type": "trigger"}, "description"), (v2, {"routing_key": V2[:-1] + "0"}, "no sender"),
                (v2, {"routing_key": [V2]}, "no key"), (v2, "{", "no key"), (v2, '{"routing_key": "%s",' % V2, "not JSON"),
                (v2, [{"routing_key": V2}], "no key"), ("/v2/change/enqueue", {"routing_key": "x"}, "no sender"), (v1, {"service_key": "x"}, "no sender")):
            status, answer = relay.post(path, body)
            assert status == 400 and answer["status"] == "invalid event" and answer["message"], (body, status, answer)
            assert any(says in error for error in answer["errors"]), (body, answer)
        status, answer = relay.post(v2, {"routing_key": V2, "event_action": "trigger", "payload": {"severity": "info"}})
        assert answer["errors"] == ["'payload.summary' is missing or blank", "'payload.source' is missing or blank"], answer
        for path, body, key, want in (("/v2/alerts", {"message": ""}, GENIE, 422), ("/v2/alerts", {"message": "m", "priority": "P9"}, GENIE, 422),
                                      ("/v2/alerts", "no JSON", GENIE, 422), ("/v2/alerts", {"message": "m"}, "x", 401),
                                      ("/v2/alerts/a/snooze", {}, GENIE, 422), ("/v2/alerts/7/close?identifierType=tiny", {}, GENIE, 422),
                                      ("/v2/alerts/a/close?identifierType=alias", {}, V2, 401)):
            status, answer = relay.genie(path, body, key)
            assert status == want and answer["message"] and answer["requestId"] and "took" in answer, (path, body, status, answer)
        assert relay.post("/v2/change/enqueue", {"routing_key": V2, "payload": {"summary": "deployed"}})[0] == 202
        assert relay.request("GET", "/v2/alerts/requests/none", headers={"Authorization": "GenieKey " + GENIE})[0] == 404
        assert relay.post(v2, {"routing_key": V2, "x": "y" * (1 << 20)})[0] == 413
        # The fallback team is told who was refused; then the next good event pages.
        relay.wait("trigger", 1)
        assert relay.v2(key="good", custom_details={"service": "ledger"})[0] == 202
        peers.wait_for("the good event", lambda: [e for e in relay.pages() if e["routing_key"] == "key-ledger"])
        told = json.dumps(relay.pager.events()) + relay.log_text()
        assert not [key for key in (V2, V1, GENIE) if key in told], told


def a_retry_without_a_key_opens_nothing_new():
    relay = Relay().start()
    try:
        first = relay.v2(custom_details={"service": "ledger"})[1]["dedup_key"]
        assert len(first) == 32
        relay.wait("trigger", 1)
        relay.kill()
        relay.start()
        assert relay.v2(custom_details={"service": "ledger"})[1]["dedup_key"] == first
        other = relay.v2(custom_details={"service": "checkout"})[1]["dedup_key"]
        assert other != first
        peers.wait_for("the other incident", lambda: len(relay.incidents()) == 2)
        for key in (first, other):
            assert relay.v2("resolve", key)[0] == 202
        peers.wait_for("both ends", lambda: not relay.incidents())
        assert len({e["dedup_key"] for e in relay.pages()}) == 2
    finally:
        relay.finish()


def a_sender_by_name_takes_the_formats():
    with Relay("senders: {pd: {format: pagerduty-v2}, og: {format: opsgenie}}\n") as relay:
        event = {"event_action": "trigger", "dedup_key": "k", "payload": {"summary": "s", "source": "h", "severity": "error"}}
        status, answer = relay.post("/webhook/pd", event)
        assert status == 202 and answer["accepted"] == 1, answer
        # Without a token of its own, a sender on loopback takes any key.
        assert relay.v2("resolve", "k", route="any")[0] == 202
        relay.wait("resolve", 1)
        status, answer = relay.post("/webhook/pd", {"event_action": "acknowledge", "dedup_key": "k"})
        assert status == 202 and answer["ignored"] == "an acknowledgement pages nobody", answer
        assert relay.post("/webhook/og", {"message": "m", "alias": "a"})[1]["accepted"] == 1


def alertmanagers_receivers_arrive():
    """Alertmanager pages by PagerDuty and Opsgenie: pointed at us, with nothing else changed."""
    if not shutil.which("prometheus-alertmanager"):
        return
    with Relay() as relay:
        port, url = peers.free_port(), f"http://127.0.0.1:{relay.port}"
        relay.write("am.yml", "route: {receiver: both, group_wait: 0s, group_interval: 1s, group_by: [alertname]}\n"
                    f"receivers: [{{name: both, pagerduty_configs: [{{routing_key: {V2}, url: '{url}/v2/enqueue'}}],\n"
                    f"  opsgenie_configs: [{{api_key: {GENIE}, api_url: '{url}/'}}]}}]\n")
        log = open(os.path.join(relay.directory, "am.log"), "wb")
        child = subprocess.Popen(["prometheus-alertmanager", f"--config.file={relay.directory}/am.yml", f"--storage.path={relay.directory}/am",
                                  f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address="], stdout=log, stderr=log)
        try:
            alertmanager = peers.Daemon.__new__(peers.Daemon)
            alertmanager.port = port

            def send(**more):
                alerts = [{"labels": {"alertname": "Errors", "service": "ledger", "severity": "critical", "pod": pod},
                           "annotations": {"summary": "ledger fails"}, **more} for pod in ("p1", "p2")]
                try:
                    return alertmanager.request("POST", "/api/v2/alerts", json.dumps(alerts), {"Content-Type": "application/json"})[0] == 200
                except OSError:
                    return False

            peers.wait_for("Alertmanager", send)
            relay.wait("trigger", 1)
            peers.wait_for("both senders' alerts", lambda: (relay.metric('tracepager_alerts_total{result="accepted"}') or 0) >= 2)
            first = relay.pages()[0]
            assert first["routing_key"] == "key-ledger" and first["payload"]["severity"] == "critical", first
            assert "Errors" in relay.incidents()[0]["summary"], relay.incidents()
            assert send(endsAt="2026-01-01T00:00:00Z", startsAt="2025-12-31T00:00:00Z")
            peers.wait_for("the ends", lambda: not relay.incidents())
            assert "refused" not in relay.log_text(), relay.log_text()
        finally:
            child.kill()
            child.wait()
            log.close()


def keys_in_turn_and_other_marks():
    """Of two keys both count; what else a sender declares counts beside its key."""
    with Relay("senders:\n  two: {format: pagerduty-v2, bearer: [first-key, second-key]}\n"
               "  far: {format: pagerduty-v2, bearer: far-key, addresses: [192.0.2.0/24]}\n"
               "  signed: {format: opsgenie, bearer: signed-key, sign: {scheme: github, secret: s3cret}}\n") as relay:
        assert relay.v2(key="a", route="first-key")[0] == relay.v2("resolve", "a", route="second-key")[0] == 202
        relay.wait("resolve", 1)
        status, answer = relay.v2(key="b", route="far-key")
        assert status == 400 and "127.0.0.1" in answer["errors"][0], answer
        status, answer = relay.genie("/v2/alerts", {"message": "m"}, "signed-key")
        assert status == 401 and "X-Hub-Signature-256" in answer["message"], answer
        assert relay.v2(key="b", route="third-key")[0] == 400 and len(relay.pages()) == 1


HOSTILE = (None, True, 7, -1e300, "", " ", "\x00\x1b[31m\n\u202e<script>{{7*7}}%n", "x" * 70000, [], {}, [[]], {"a": {"b": 1}}, ["a", 1, None])


def places(value, path=()):
    """All members of all depths."""
    for key, inner in list(value.items()) if isinstance(value, dict) else list(enumerate(value)) if isinstance(value, list) else ():
        yield path + (key,)
        yield from places(inner, path + (key,))


def with_value(body, path, value):
    copy = json.loads(json.dumps(body))
    inner = copy
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return copy


def every_member_of_every_wrong_type():
    """An answer of the service's form to each; then the next good event pages."""
    details = {"service": "db", "firing": [{"labels": {"alertname": "E", "severity": "page"}, "annotations": {"summary": "s"},
                                            "startsAt": "2026-09-01T09:50:00Z", "generatorURL": "http://p/g"}], "tags": "env:prod", "labels": {"a": "b"}}
    bodies = (
        ("/v2/enqueue", {"routing_key": V2, "event_action": "trigger", "dedup_key": "k", "client": "c", "client_url": "http://c", "links": [{"href": "http://l", "text": "t"}],
                         "images": [{"src": "http://i"}], "payload": {"summary": "s", "source": "h", "severity": "error", "component": "c", "class": "c", "group": "g",
                                                                      "timestamp": "2026-09-01T09:50:00Z", "custom_details": details}}, {}),
        ("/generic/2010-04-15/create_event.json", {"service_key": V1, "event_type": "trigger", "incident_key": "k", "description": "d", "client": "c", "client_url": "http://c",
                                                   "details": details, "contexts": [{"type": "link", "href": "http://l"}, {"type": "image", "src": "http://i"}]}, {}),
        ("/v2/alerts", {"message": "m", "alias": "k", "description": "d", "priority": "P2", "entity": "e", "source": "s", "user": "u", "note": "n", "tags": ["a:b"],
                        "responders": [{"type": "team", "name": "t"}], "details": {"service": "db"}}, {"Authorization": "GenieKey " + GENIE}),
        ("/webhook/raw", {"AlarmName": "E", "NewStateValue": "ALARM", "AlarmArn": "arn:aws:cloudwatch:eu-west-1:1:alarm:E", "StateChangeTime": "2026-09-01T09:50:00.000+0000",
                          "NewStateReason": "r", "Region": "EU", "AWSAccountId": "1", "Trigger": {"MetricName": "m", "Namespace": "n", "Dimensions": [{"name": "Service", "value": "db"}]}},
         {"Authorization": "Bearer s3cret"}))
    with Relay(SENDERS + "  raw: {format: sns, bearer: s3cret}\n") as relay:
        statuses = {}
        for path, body, headers in bodies:
            assert relay.post(path, body, headers)[0] in (200, 202), path
            for place in places(body):
                for value in HOSTILE:
                    status, answer = relay.post(path, with_value(body, place, value), headers)
                    assert status in (200, 202, 400, 422) and isinstance(answer, dict), (path, place, value, status, answer)
                    assert status < 300 or answer.get("errors") or answer.get("message") or answer.get("error"), (path, place, value, answer)
                    statuses[status] = statuses.get(status, 0) + 1
        print("answers by status:", statuses)
        assert min(statuses.get(status, 0) for status in (200, 202, 400, 422)) > 10, statuses
        assert relay.v2(key="good", custom_details={"service": "ledger"})[0] == 202
        peers.wait_for("the good event", lambda: [e for e in relay.pages() if e["routing_key"] == "key-ledger"])
        assert "Sanitizer" not in relay.log_text()


def cloudevents_ask_first():
    with Relay("senders: {grid: {format: cloudevents, bearer: s3cret}, am: {format: alertmanager}}\n") as relay:
        asks = {"WebHook-Request-Origin": "eventemitter.example.com", "WebHook-Request-Rate": "120", "WebHook-Request-Callback": "http://127.0.0.1:1/"}
        status, text, headers = relay.request("OPTIONS", "/webhook/grid", headers=asks)
        assert (status, headers["WebHook-Allowed-Origin"], headers["WebHook-Allowed-Rate"]) == (200, "eventemitter.example.com", "*"), (text, headers)
        assert headers["Allow"] == "POST" and not [name for name in headers if name.startswith("Access-Control")], headers
        for path, wanted, status in (("/webhook/am", asks, 403), ("/webhook/nobody", asks, 404), ("/webhook/grid", {}, 405), ("/-/healthy", asks, 405)):
            answer = relay.request("OPTIONS", path, headers=wanted)
            assert answer[0] == status and "WebHook-Allowed-Origin" not in answer[2], (path, answer)
        # What is granted is to ask, not to deliver: that needs the token.
        event = {"Content-Type": "application/json", "ce-specversion": "1.0", "ce-id": "1", "ce-source": "/s", "ce-type": "t"}
        assert relay.post("/webhook/grid", {"alerts": []}, event)[0] == 401


def amazons_messages_must_be_signed():
    """Messages that are refused without asking Amazon for a certificate; the unit test has the others."""
    topic = "arn:aws:sns:eu-west-1:123456789012:alarms"
    with Relay(f"senders: {{aws: {{format: sns, topics: ['{topic}']}}}}\n") as relay:
        alarm = {"AlarmName": "Errors", "NewStateValue": "ALARM", "AlarmArn": "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:Errors"}
        good = {"Type": "Notification", "MessageId": "m1", "TopicArn": topic, "Message": json.dumps(alarm), "SignatureVersion": "2",
                "Timestamp": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime()), "Signature": "AAAA",
                "SigningCertURL": "https://sns.evil.com/SimpleNotificationService-1.pem"}
        url = "https://sns.eu-west-1.amazonaws.com/a.pem"
        for change, status, says in (({}, 403, "its host is not sns.REGION.amazonaws.com"), ({"SigningCertURL": "http" + url[5:]}, 403, "https"),
                                     ({"SigningCertURL": url, "TopicArn": topic + "2"}, 403, "add it to topics of sender aws"),
                                     ({"SigningCertURL": url, "Timestamp": "2026-01-01T00:00:00Z"}, 403, "too old"),
                                     ({"Signature": None}, 403, "not signed"), ({"Type": "SubscriptionConfirmation"}, 403, "SubscribeURL")):
            message = {name: value for name, value in {**good, **change}.items() if value is not None}
            # Amazon's content type is that of a text.
            answer = relay.post("/webhook/aws", message, {"Content-Type": "text/plain; charset=UTF-8", "x-amz-sns-message-type": "Notification"})
            assert answer[0] == status and says in answer[1]["error"], (change, answer)
        assert relay.post("/webhook/aws", alarm)[0] == 403 and relay.post("/webhook/aws", "{")[0] == 400
        assert not relay.pages() and not relay.incidents()
        assert 'error="SigningCertURL is not an address of Amazon SNS' in relay.log_text(), relay.log_text()
    with Relay("senders: {raw: {format: sns, bearer: s3cret}, any: {format: auto, bearer: s3cret}}\n") as relay:
        bearer = {"Authorization": "Bearer s3cret"}
        asks = {**good, "Type": "SubscriptionConfirmation", "SubscribeURL": "https://sns.eu-west-1.amazonaws.com/?Token=t", "Token": "t"}
        assert "format: sns" in relay.post("/webhook/any", asks, bearer)[1]["ignored"]
        assert relay.post("/webhook/raw", alarm, bearer)[0] == 202
        assert relay.post("/webhook/raw", {**alarm, "NewStateValue": "INSUFFICIENT_DATA"}, bearer)[1]["ignored"]
        assert relay.post("/webhook/raw", {**alarm, "NewStateValue": "OK"}, bearer)[0] == 202
        relay.check_one_life(routing_key="key-sre")


if __name__ == "__main__":
    peers.run(pagerduty_v2_has_one_life, pagerduty_v1_has_one_life, opsgenie_has_one_life, what_is_wrong_is_refused,
              a_retry_without_a_key_opens_nothing_new, a_sender_by_name_takes_the_formats, keys_in_turn_and_other_marks,
              cloudevents_ask_first, every_member_of_every_wrong_type, amazons_messages_must_be_signed, alertmanagers_receivers_arrive)
