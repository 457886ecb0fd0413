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
