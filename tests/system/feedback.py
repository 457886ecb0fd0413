"""What pagers tell back, as PagerDuty's V3 webhooks and receivers of our own webhook sign it."""
import base64
import hashlib
import hmac
import itertools
import json
import time

ANN = {"id": "PLH1HKV", "summary": "Ann Example", "type": "user_reference", "self": "https://api.pagerduty.com/users/PLH1HKV"}
OURS = {"id": "PXMQRWJ", "summary": "Events API V2", "type": "inbound_integration_reference"}
counter = itertools.count(1)


def mac(key, content):
    return hmac.new(key.encode(), content, hashlib.sha256)


def pagerduty(event_type, key, *secrets, agent=ANN, event=None, at=None, theirs="PGR0VU2", **more):
    """The body and the headers of a webhook about the incident of that dedup key; key None: as events about notes are."""
    data = {"id": theirs, "type": "incident", "number": 2, "incident_key": key, "assignees": [ANN], "resolve_reason": None}
    if key is None:
        data = {"id": "P2LA89X", "type": "incident_note", "incident": {"id": theirs, "type": "incident_reference"}}
    data.update(more)
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))
    body = json.dumps({"event": {"id": event or f"01CEVT{next(counter)}", "event_type": event_type, "resource_type": "incident",
                                 "occurred_at": at, "agent": agent, "client": {"name": "PagerDuty"}, "data": data}}).encode()
    return body, {"Content-Type": "application/json", "X-Webhook-Id": "w1",
                  "X-PagerDuty-Signature": ",".join("v1=" + mac(secret, body).hexdigest() for secret in secrets)}


def standard(acts, *secrets, message=None, at=None):
    """The body and the headers of one act, or of a list of them."""
    body = acts if isinstance(acts, bytes) else json.dumps(acts).encode()
    message, at = message or f"msg_{next(counter)}", str(int(at or time.time()))
    content = f"{message}.{at}.".encode() + body
    signatures = ["v1," + base64.b64encode(mac(secret, content).digest()).decode() for secret in secrets]
    return body, {"Content-Type": "application/json", "webhook-id": message, "webhook-timestamp": at,
                  "webhook-signature": " ".join(signatures)}


def opsgenie(action, key, secret, username="ann@example.com", source=None, at=None, **more):
    """A webhook of Opsgenie or Jira Service Management; secret None: without the header."""
    alert = {"updatedAt": int((at or time.time()) * 1e9), "tags": [], "message": "x", "username": username, "alertId": f"a-{key}", "alias": key,
             "source": "tracepager", "tinyId": "23", "createdAt": 1420452191104, "userId": "u1", "entity": "", **more}
    return with_secret({"source": source or {"name": "", "type": "web"}, "alert": alert, "action": action, "integrationId": "i1",
                        "integrationName": "tracepager"}, secret)


def oncall(event_type, key, secret, user="ann", at=None):
    at = time.strftime("%Y-%m-%dT%H:%M:%S.714058+00:00", time.gmtime(at))
    return with_secret({"event": {"type": event_type, "time": at}, "user": user and {"id": "U1", "username": user, "email": "a@example.com"},
                        "alert_group": {"id": f"I-{key}", "state": "firing"}, "alert_group_id": f"I-{key}",
                        "alert_payload": {"alert_uid": key, "state": "alerting"}, "integration": {"type": "formatted_webhook"}}, secret)


def goalert(number, secret, entry=None, key=None):
    """A status update with an entry of the log; without one the notification of the alert."""
    if entry is None:
        return with_secret({"AppName": "GoAlert", "Type": "Alert", "AlertID": number, "Summary": "x", "Details": "",
                            "Meta": {"dedup_key": key}}, secret)
    return with_secret({"AppName": "GoAlert", "Type": "AlertStatus", "AlertID": number, "LogEntry": entry}, secret)


def splunk(phase, key, secret, who="ann", at=None):
    return with_secret({"STATE.CURRENT_ALERT_PHASE": phase, "STATE.ENTITY_ID": key, "STATE.ACKED_BY": who, "STATE.ACK_USER": who,
                        "STATE.RESOLVED_BY": who, "STATE.ACK_TIMESTAMP": str(int((at or time.time()) * 1000))}, secret)


def with_secret(body, secret):
    headers = {"Content-Type": "application/json"}
    if secret is not None:
        headers["Authorization"] = f"Bearer {secret}"
    return body if isinstance(body, bytes) else json.dumps(body).encode(), headers


def rootly(event_type, key, secret, at=None, **more):
    at = at or time.time()
    body = event_type if isinstance(event_type, bytes) else json.dumps(
        {"event": {"id": f"r{next(counter)}", "type": event_type, "issued_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))},
         "data": {"id": f"R-{key}", "external_id": key, **more}}).encode()
    signature = mac(secret or "", f"{int(at)}".encode() + body).hexdigest()
    return body, {"Content-Type": "application/json", "X-Rootly-Signature": f"t={int(at)},v1={signature}" if secret is not None else ""}


def incidentio(event_type, data, *secrets, at=None):
    return standard({"event_type": event_type, event_type: data}, *secrets, at=at)


def escalation(status, key, *secrets, actor=None, at=None):
    actor = actor or {"user": {"name": "ann", "email": "ann@example.com"}}
    return incidentio("public_escalation.escalation_status_updated_v1",
                      {"actor": actor, "new_status": status, "escalation": {"id": "E1", "related_alerts": [{"id": f"A-{key}",
                                                                                                             "deduplication_key": key}]}},
                      *secrets, at=at)
