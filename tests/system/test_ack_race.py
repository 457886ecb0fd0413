#!/usr/bin/env python3
"""An acknowledgement races with the next step of an escalation: it arrives within 10 ms of the moment at which the step is due.
Once the answer is there, no pager may be asked to ring any more that has not rung before.

Both moments are the kernel's: when the first byte of a pager's request, and of the answer, came to its socket (SO_TIMESTAMPNS).
TP_TRIES sets the tries of each way to acknowledge (default 60), TP_AT_ONCE how many incidents are due at the same time,
TP_WAYS the ways.
"""
import html
import json
import os
import random
import re
import selectors
import socket
import statistics
import struct
import sys
import threading
import time
import urllib.parse

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import feedback  # noqa: E402
import peers  # noqa: E402

peers.skip_unless_wanted()
TRIES = int(os.environ.get("TP_TRIES", "60"))
AT_ONCE = int(os.environ.get("TP_AT_ONCE", "20"))
WAIT, WITHIN = 1.0, 0.010
SO_TIMESTAMPNS = 35
RULES = """
teams: {{sre: {{escalation: sre}}}}
pagers:
  first: {{kind: pagerduty, routing_key: first, url: "{pager}/v2/enqueue", feedback_secret: pd-secret}}
  second: {{kind: pagerduty, routing_key: second, url: "{pager}/v2/enqueue"}}
  third: {{kind: pagerduty, routing_key: third, url: "{pager}/v2/enqueue"}}
escalations:
  sre: {{steps: [{{page: [first], wait: 1s}}, {{page: [second, third], wait: 10m}}]}}
fallback: {{team: sre}}
"""


def receive(connection):
    """Some bytes, and when the kernel had them."""
    data, controls, _, _ = connection.recvmsg(65536, 256)
    at = time.time()
    for level, kind, value in controls:
        if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS:
            seconds, nanoseconds = struct.unpack("qq", value[:16])
            at = seconds + nanoseconds / 1e9
    return data, at


def body_length(head):
    lengths = [line.partition(b":")[2] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return int(lengths[0]) if lengths else 0


class Pager:
    """Takes pages; of each it keeps when its first byte came. Every tenth page of "third" is refused at first, so that retries
    race as well."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.lock, self.pages, self.refused, self.tokens = threading.Lock(), [], set(), {}
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            connection, _ = self.listener.accept()
            connection.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        data, began = b"", 0
        while True:
            some, at = receive(connection)
            if not some:
                return
            began = began if data else at
            data += some
            head, end, body = data.partition(b"\r\n\r\n")
            if not end or len(body) < body_length(head):
                continue
            status = self.take(json.loads(body), began)
            connection.sendall(f"HTTP/1.1 {status}\r\nContent-Length: 2\r\n\r\n{{}}".encode())
            data = b""

    def take(self, event, began):
        page = (event["routing_key"], event["dedup_key"])
        with self.lock:
            refuse = page[0] == "third" and page not in self.refused and sum(page[1].encode()) % 10 == 0
            if refuse:
                self.refused.add(page)
            self.pages.append((page, event["event_action"], began, not refuse))
            for link in event.get("links", []):
                if "/i/" in link["href"]:
                    self.tokens[page[1]] = link["href"].partition("?t=")[2]
        return "500 No" if refuse else "202 Accepted"

    def rings(self):
        """When each page of a pager was first taken, and the requests that asked for it until then."""
        taken, asked = {}, {}
        with self.lock:
            pages = list(self.pages)
        for page, action, began, is_taken in pages:
            if action == "trigger" and page not in taken:
                asked.setdefault(page, []).append(began)
                if is_taken:
                    taken[page] = began
        return taken, asked


# ---- ways to acknowledge: each gives a request ----

def request(path, body, headers):
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}"] + [f"{k}: {v}" for k, v in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def by_api(daemon, pager, incident):
    return request(f"/api/v1/incidents/{incident}/acknowledge", b'{"who": "ann"}', {"Content-Type": "application/json"})


def by_feedback(daemon, pager, incident):
    return request("/feedback/first", *feedback.pagerduty("incident.acknowledged", incident, "pd-secret"))


def by_link(daemon, pager, incident):
    """The button of the page that the link opens."""
    text = daemon.request("GET", f"/i/{incident}?t={pager.tokens[incident]}")[1]
    fields = {name: html.unescape(value) for name, value in re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', text)}
    body = urllib.parse.urlencode({**fields, "act": "acknowledge", "who": "Ann"}).encode()
    return request(f"/i/{incident}", body, {"Content-Type": "application/x-www-form-urlencoded"})


WAYS = {"api": by_api, "feedback": by_feedback, "link": by_link}


# ---- the race ----

def open_incidents(daemon, pager, n, name):
    """The incidents, and when each rang for the first time."""
    known = {page for page in pager.rings()[0] if page[0] == "first"}
    body = peers.webhook(*[({"alertname": f"{name}x{i}", "severity": "error"}, "firing") for i in range(n)])
    assert daemon.request("POST", "/webhook/am", body)[0] == 202

    def rung():
        new = {page[1]: at for page, at in pager.rings()[0].items() if page[0] == "first" and page not in known}
        return new if len(new) == n else None
    return peers.wait_for("the first step's pages", rung)


def step_delay(daemon, pager, name):
    """From the first ring to the second step, as this machine has it."""
    first = open_incidents(daemon, pager, AT_ONCE, name)
    pages = [("second", incident) for incident in first]
    taken = peers.wait_for("the second step", lambda: (lambda t: t if all(p in t for p in pages) else None)(pager.rings()[0]))
    return statistics.median(taken[("second", incident)] - at for incident, at in first.items())


def acknowledge_all(daemon, pager, way, moments):
    """Sends each acknowledgement at its moment. When the first byte of the answer came; None: it was no 2xx, of a form no 303."""
    selector, answered, begun = selectors.DefaultSelector(), {}, {}
    for incident in moments:
        connection = socket.create_connection(("127.0.0.1", daemon.port))
        connection.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        selector.register(connection, selectors.EVENT_READ, incident)
        begun[incident] = (connection, way(daemon, pager, incident))
    due = sorted((at, incident) for incident, at in moments.items())
    while len(answered) < len(moments):
        while due and time.time() >= due[0][0]:
            connection, data = begun[due.pop(0)[1]]
            connection.sendall(data)
        for key, _ in selector.select(max(0, due[0][0] - time.time()) if due else 5):
            data, at = receive(key.fileobj)
            answered[key.data] = at if data.startswith((b"HTTP/1.1 200", b"HTTP/1.1 303")) else None
            selector.unregister(key.fileobj)
            key.fileobj.close()
    return answered


def one_round(daemon, pager, way, n, delay, name):
    """Returns the late requests, and of how many incidents the second step rang before."""
    first = open_incidents(daemon, pager, n, name)
    answered = acknowledge_all(daemon, pager, way, {i: at + delay + random.uniform(-WITHIN, WITHIN) for i, at in first.items()})
    assert None not in answered.values(), answered
    peers.wait_for("all at rest", lambda: daemon.metric('tracepager_queue_depth{queue="pages"}') == 0)
    taken, asked = pager.rings()
    late = [(incident, pager_name, began - answered[incident]) for (pager_name, key), begans in asked.items()
            for incident in [key.partition("#")[0]] if incident in answered for began in begans if began > answered[incident]]
    return late, sum(taken.get(("second", i), answered[i]) < answered[i] for i in first)


def race_by(name):
    pager = Pager()
    daemon = peers.Daemon(pager.url, rules=RULES, config="external_url: https://tp.shop.example/\n")
    late, before, tries = [], 0, 0
    try:
        daemon.start()
        delay = step_delay(daemon, pager, f"Calibrate{name}")
        while tries < TRIES:
            n = min(AT_ONCE, TRIES - tries)
            more, rang = one_round(daemon, pager, WAYS[name], n, delay, f"Race{name}{tries}")
            late, before, tries = late + more, before + rang, tries + n
            # Half of the steps should come first: the answer takes time as well.
            delay += -0.001 if rang > 0.6 * n else 0.001 if rang < 0.4 * n else 0
        print(f"{name}: {tries} acknowledgements within {WITHIN * 1000:.0f} ms of a step, which came before {before} of them; "
              f"{len(late)} requests began after the answer", flush=True)
        assert not late, f"{name}: requests that began after the answer, with the seconds: {late[:5]}"
    finally:
        daemon.finish()


def by_name(name):
    def test():
        race_by(name)
    test.__name__ = f"race_by_{name}"
    return test


peers.run(*[by_name(name) for name in os.environ.get("TP_WAYS", " ".join(WAYS)).split()])
