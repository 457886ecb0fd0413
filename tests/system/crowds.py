"""What the tests of many alerts share: senders that keep their connections, backends and pagers that measure, and what pages say."""
import concurrent.futures
import datetime
import hashlib
import http.client
import json
import os
import threading
import time
import urllib.parse

import peers

LONG = bool(os.environ.get("TP_LONG"))


def figures(name, **values):
    """The one line of a test that tells what it measured."""
    def shown(value):
        return f"{value:.2f}" if isinstance(value, float) else str(value)

    print(f"figures {name}: " + ", ".join(f"{k.replace('_', ' ')} {shown(v)}" for k, v in values.items()), flush=True)


def rfc3339(at):
    return datetime.datetime.fromtimestamp(at, datetime.timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def unix_time(text):
    """Of an RFC 3339 text with any number of digits behind the point."""
    head, _, rest = text.partition(".")
    if not rest:
        return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
    digits = rest[:len(rest) - len(rest.lstrip("0123456789"))]
    zone = rest[len(digits):].replace("Z", "+00:00")
    return datetime.datetime.fromisoformat(f"{head}.{digits[:6].ljust(6, '0')}{zone}").timestamp()


class Sender:
    """Posts bodies over one kept connection to each of its threads; a refusal is an error."""

    def __init__(self, daemon, path="/webhook/am", threads=4):
        self.port, self.path, self.kept = daemon.port, path, threading.local()
        self.pool = concurrent.futures.ThreadPoolExecutor(threads)

    def post(self, body):
        """Once more on a new connection where the kept one was closed: it had been idle."""
        kept = getattr(self.kept, "connection", None)
        try:
            reply, text = self.ask(kept or self.connect(), body)
        except (OSError, http.client.HTTPException):
            if not kept:
                raise
            reply, text = self.ask(self.connect(), body)
        assert reply.status in (200, 202), (reply.status, text)

    def connect(self):
        self.kept.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=peers.PATIENCE)
        return self.kept.connection

    def ask(self, connection, body):
        connection.request("POST", self.path, body)
        reply = connection.getresponse()
        return reply, reply.read()

    def spread(self, bodies, seconds):
        """Posts all of them, evenly over the time, and waits for the answers; returns when the first was sent."""
        begun, sent = time.time(), []
        for i, body in enumerate(bodies):
            threading.Event().wait(max(0, begun + i * seconds / len(bodies) - time.time()))
            sent.append(self.pool.submit(self.post, body))
        for one in sent:
            one.result()
        return begun

    def close(self):
        self.pool.shutdown()


def webhook(labels, status="firing", started=None, ended=None):
    """A webhook body of one alert, with times to the millisecond; it started (and ended) now where nothing else is said."""
    body = json.loads(peers.webhook((labels, status), starts_at=rfc3339(started or time.time())))
    if status == "resolved":
        body["alerts"][0]["endsAt"] = rfc3339(ended or time.time())
    return json.dumps(body)


class Failing(peers.Peer):
    """A Jaeger whose every search finds traces that begin at the operation asked for and end at a culprit: culprit_of(service,
    operation). Each question is counted."""

    def __init__(self, culprit_of, delay=0.02):
        self.culprit_of, self.delay = culprit_of, delay
        super().__init__(self.look_up)

    def look_up(self, request):
        path, _, query = request["path"].partition("?")
        asked = dict(urllib.parse.parse_qsl(query))
        if path != "/api/v3/traces" or peers.ends_long_ago(request):
            return 404, {}, b'{"error":{"httpCode":404,"message":"trace not found"}}'
        threading.Event().wait(self.delay)
        service, operation = asked["query.service_name"], asked.get("query.operation_name", "POST /")
        culprit = self.culprit_of(service, operation)
        trace = hashlib.md5(f"{service} {operation}".encode()).hexdigest()
        spans = [peers.span(trace, "00000000000000a1", None, service, operation, error="500", duration=200),
                 peers.span(trace, "00000000000000a2", "00000000000000a1", culprit, "Book", error="journal is read-only",
                            start=20, duration=150)]
        return 200, {}, json.dumps({"result": {"resourceSpans": spans}}).encode()


class TimedPager(peers.Pager):
    """A pager that can be ill: ill(event) is None, or the answer that it gives instead. Every event that was taken has its time."""

    def __init__(self, ill=None):
        super().__init__(lambda n, event: ill(event) if ill else None)

    def taken(self, routing_key=None, key=None, action=None):
        """(time, event) of what was taken, in the order of arrival."""
        return [(r["at"], r["event"]) for r in self.seen() if r.get("taken")
                and (routing_key is None or r["event"]["routing_key"] == routing_key)
                and (key is None or r["event"]["dedup_key"] == key)
                and (action is None or r["event"]["event_action"] == action)]

    def first_triggers(self):
        """By dedup key and routing key: (time, event) of its first trigger."""
        first = {}
        for at, event in self.taken(action="trigger"):
            first.setdefault((event["dedup_key"], event["routing_key"]), (at, event))
        return first

    def updates(self):
        """By dedup key and routing key: (time, event) of each trigger behind the first: PagerDuty takes updates as triggers."""
        first, more = self.first_triggers(), {}
        for at, event in self.taken(action="trigger"):
            which = (event["dedup_key"], event["routing_key"])
            if first[which][1] is not event:
                more.setdefault(which, []).append((at, event))
        return more


def note_of(event):
    return event.get("payload", {}).get("custom_details", {}).get("note", "")


def settled(daemon):
    """Nothing waits: no alert is undecided, no page undelivered, no write outstanding."""
    return all(daemon.metric(f'tracepager_queue_depth{{queue="{queue}"}}') == 0 for queue in ("alerts", "pages", "store"))


def longest_turn(daemon):
    """Of the loop, by its thread's CPU clock and by the wall clock."""
    cpu, wall = (daemon.metric(f"tracepager_loop_longest_turn_{clock}seconds") for clock in ("cpu_", ""))
    return f"{cpu * 1000:.1f} ms CPU/{wall * 1000:.1f} ms wall"
