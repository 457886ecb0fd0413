#!/usr/bin/env python3
"""Each sender's format as it is posted: an alert fires, is repeated and resolved: one page, one resolve. What is refused in between, and what
pages nobody, says so and stops no later alert. The same through a sender whose format is to be recognised, and as a CloudEvent."""
import json
import urllib.parse

import peers

peers.skip_unless_wanted()
START_MS, START = 1788256740000, "2026-09-01T09:59:00Z"


def grafana(name, over):
    return {"version": "1", "orgId": 1, "groupKey": name, "alerts": [{
        "status": "resolved" if over else "firing", "labels": {"alertname": name}, "annotations": {}, "startsAt": START,
        "endsAt": START if over else "0001-01-01T00:00:00Z", "generatorURL": "https://g.example/" + name}]}


def grafana_legacy(name, over):
    return {"ruleId": len(name), "ruleName": name, "ruleUrl": "https://g.example/" + name, "state": "ok" if over else "no_data", "title": name}


def signoz(name, over):
    return {"version": "4", "alerts": [{"status": "resolved" if over else "firing", "startsAt": START,
                                        "labels": {"alertname": name, "ruleId": "7"}, "annotations": {}}]}


def datadog(name, over):
    return {"alert_id": "77", "transition": "Recovered" if over else "No Data", "title": name, "scope": "name:" + name,
            "date": START_MS + 1000 * over, "last_updated": str(START_MS), "tags": "env:prod", "event_type": "x", "org": {"id": "1"}}


def azure(name, over):
    return {"schemaId": "azureMonitorCommonAlertSchema", "data": {"alertContext": {}, "essentials": {
        "alertId": "/subscriptions/1/alerts/" + name, "alertRule": name, "severity": "Sev1", "firedDateTime": START,
        "monitorCondition": "Resolved" if over else "Fired"}}}


def gcp(name, over):
    return {"version": "1.2", "incident": {"incident_id": name, "state": "closed" if over else "open", "policy_name": name,
                                           "started_at": START_MS // 1000, "ended_at": START_MS // 1000 if over else None}}


def sentry(name, over):
    if over:
        return {"action": "resolved", "data": {"issue": {"id": name, "title": name, "web_url": "https://o.sentry.io/issues/1/"}}}
    return {"action": "triggered", "data": {"event": {"issue_id": name, "title": name, "datetime": START,
                                                      "web_url": "https://sentry.io/organizations/o/issues/1/"}}}


def newrelic(name, over):
    return {"id": name, "issueUrl": "https://one.newrelic.com/" + name, "title": name, "priority": "CRITICAL",
            "state": "CLOSED" if over else "ACTIVATED", "createdAt": START_MS}


def dynatrace(name, over):
    return {"PID": name, "ProblemID": "P-1", "State": "RESOLVED" if over else "OPEN", "ProblemTitle": name}


def splunk(name, over):
    return {"incidentId": name, "detector": name, "statusExtended": "ok" if over else "anomalous", "severity": "Critical", "timestamp": START}


def elastic(name, over):
    return {"rule": {"id": "r1", "name": name}, "alert": {"id": name, "actionGroup": "recovered" if over else "threshold_met"}}


def opensearch(name, over):
    return {"monitor": {"id": "m", "name": "m"}, "trigger": {"id": "t", "name": name, "severity": "1"},
            "alerts": [{"state": "completed" if over else "active", "bucket": name}, None]}


def honeycomb(name, over):
    return {"id": name, "name": name, "status": "OK" if over else "TRIGGERED", "trigger_url": "https://ui.honeycomb.io/" + name}


def zabbix(name, over):
    return {"event_id": str(sum(name.encode())), "event_value": "0" if over else "1", "event_name": name, "event_nseverity": "5",
            "event_update_status": "0", "zabbix_url": f"https://{name}.example"}


def lightstep(name, over):
    return {"metric-condition": {"id": name, "name": name}, "status": "Resolved" if over else "Critical Threshold Violated"}


def zmon(name, over):
    return {"alert": {"alert_def": {"id": 3, "name": name, "priority": 1}, "entity": {"id": name}, "is_alert": not over}}


FORMATS = {"grafana": grafana, "grafana-legacy": grafana_legacy, "signoz": signoz, "datadog": datadog, "azure": azure, "gcp": gcp,
           "sentry": sentry, "newrelic": newrelic, "dynatrace": dynatrace, "splunk": splunk, "elastic": elastic, "opensearch": opensearch,
           "honeycomb": honeycomb, "zabbix": zabbix, "lightstep": lightstep, "zmon": zmon}
SENDERS = "senders:\n" + "".join(f"  {name}: {{format: {name}}}\n" for name in [*FORMATS, "auto", "cloudevents"])
# What each format takes and does not page for.
IGNORED = {"grafana-legacy": {**grafana_legacy("x", False), "state": "paused"}, "sentry": {"action": "created", "data": {"issue": {"id": "1"}}},
           "newrelic": {**newrelic("x", False), "state": "ACKNOWLEDGED"}, "zabbix": {**zabbix("x", False), "event_update_status": "1"}}
HOSTILE = ["", "[", "7", "[]", "{}", '{"alerts": 7}', '{"incident": []}', '"\\u0000"', "\xff\xfe", "a=1&b"]


class Relay(peers.Daemon):
    def __init__(self):
        self.pager = peers.Pager()
        super().__init__(self.pager.url, config=SENDERS)

    def post(self, sender, body, headers=None):
        return self.request("POST", "/webhook/" + sender, body if isinstance(body, str) else json.dumps(body), headers)

    def taken(self, sender, body, headers=None):
        """Alerts of the body that fire anew or end."""
        status, text, _ = self.post(sender, body, headers)
        assert status == 202, (sender, status, text)
        told = json.loads(text)
        return told["accepted"] + told.get("resolved", 0)

    def events(self, name, action):
        """Of the incident whose page names the alert first: a page about a body that was refused quotes it."""
        keys = {e["dedup_key"] for e in self.pager.events() if e.get("payload", {}).get("summary", "").startswith(name)}
        return [e for e in self.pager.events() if e["event_action"] == action and e["dedup_key"] in keys]

    def one_life(self, sender, name, make, headers=None, disturb=lambda: None):
        """Fires twice and ends: one page, one resolve of the same incident."""
        assert self.taken(sender, make(name, False), headers) == 1
        peers.wait_for(f"the page of {name}", lambda: self.events(name, "trigger"))
        disturb()
        self.taken(sender, make(name, False), headers)
        assert self.taken(sender, make(name, True), headers) == 1
        peers.wait_for(f"the resolve of {name}", lambda: self.events(name, "resolve"))
        assert len(self.events(name, "trigger")) == len(self.events(name, "resolve")) == 1, self.pager.events()


def every_format():
    relay = Relay().start()
    try:
        for sender, make in FORMATS.items():
            def disturb(sender=sender):
                for body in HOSTILE:
                    status, text, _ = relay.post(sender, body)
                    assert status in (202, 400) and (status == 202 or text), (sender, body, status, text)
                if sender in IGNORED:
                    assert relay.taken(sender, IGNORED[sender]) == 0
            relay.one_life(sender, f"own-{sender}-alert", make, disturb=disturb)
    finally:
        relay.finish()


def recognised():
    relay = Relay().start()
    try:
        for sender, make in FORMATS.items():
            relay.one_life("auto", f"auto-{sender}-alert", make)
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        relay.one_life("auto", "auto-form-alert", lambda name, over: urllib.parse.urlencode({**datadog(name, over), "org": "{}"}), form)
        status, text, _ = relay.post("auto", {"check_name": "x"})
        assert status == 400 and "cannot" not in text and "recognised" in text, (status, text)
    finally:
        relay.finish()


def cloudevents():
    relay = Relay().start()
    head = {"specversion": "1.0", "type": "t", "source": "s", "id": "1"}
    binary = {"ce-" + name: value for name, value in head.items()}
    try:
        relay.one_life("cloudevents", "ce-binary-alert", gcp, binary)
        relay.one_life("auto", "ce-auto-alert", gcp, binary)
        structured = {"Content-Type": "application/cloudevents+json"}
        relay.one_life("cloudevents", "ce-structured-alert", lambda name, over: {**head, "data": azure(name, over)}, structured)
        batch = {"Content-Type": "application/cloudevents-batch+json"}
        relay.one_life("cloudevents", "ce-batch-alert", lambda name, over: [{**head, "data": azure(name, over)}, {"id": 7}], batch)
    finally:
        relay.finish()


if __name__ == "__main__":
    peers.run(every_format, recognised, cloudevents)
