"""What the system tests share: the real daemon as a child process, and the peers that it talks to."""
import concurrent.futures
import faulthandler
import datetime
import http.client
import http.server
import json
import os
import random
import re
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import urllib.parse

TOP = os.environ.get("top_srcdir", os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
BUILD = os.environ.get("top_builddir", ".")
BINARY = os.path.abspath(os.environ.get("TRACEPAGER", os.path.join(BUILD, "tracepager")))
PATIENCE = 60.0


def skip_unless_wanted():
    if os.environ.get("TP_SKIP_SYSTEM"):
        print("skipped: TP_SKIP_SYSTEM is set")
        sys.exit(77)


def wait_for(what, condition, patience=PATIENCE):
    """Asks until it is true; the test fails when it never is."""
    end = time.monotonic() + patience
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise AssertionError(f"never came: {what}")
        threading.Event().wait(0.01)


held_ports = []


def free_port():
    """A port that nobody listens on, below those that the system gives to connections, which could take it before the
    listener does. A name that this process keeps holds the port against tests that run side by side."""
    while True:
        port = random.randrange(12000, 32000)
        hold = socket.socket(socket.AF_UNIX)
        try:
            hold.bind(f"\0tracepager-test-port-{port}")
            with socket.socket() as s:
                s.bind(("127.0.0.1", port))
        except OSError:
            hold.close()
            continue
        held_ports.append(hold)
        return port


SO_TIMESTAMPNS = 35


def arrival(connection):
    """Waits for the next bytes; the moment at which they came to this machine, as its kernel noted it. On a busy machine a
    thread may read them seconds later, and those of two connections in any order."""
    try:
        marks = connection.recvmsg(1, socket.CMSG_SPACE(16), socket.MSG_PEEK)[1]
    except NotImplementedError:  # TLS
        marks = ()
    for level, kind, data in marks:
        if (level, kind) == (socket.SOL_SOCKET, SO_TIMESTAMPNS):
            seconds, ns = struct.unpack("qq", data)
            return seconds + ns / 1e9
    return time.time()


class Peer(http.server.ThreadingHTTPServer):
    """A server that keeps every request; answer(request) gives (status, headers, body)."""

    daemon_threads = True
    request_queue_size = 256
    late_s = 0  # how far its clock is behind

    def __init__(self, answer, port=0):
        self.requests, self.lock, self.answer = [], threading.Lock(), answer
        peer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            wbufsize = -1  # head and body leave together

            def handle_one_request(self):
                self.came = arrival(self.connection)
                super().handle_one_request()

            def serve(self):
                length = int(self.headers.get("Content-Length") or 0)
                request = {"method": self.command, "path": self.path, "headers": dict(self.headers),
                           "body": self.rfile.read(length), "at": self.came}
                with peer.lock:
                    peer.requests.append(request)
                status, headers, body = peer.answer(request)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
                self.wfile.flush()

            do_GET = do_POST = serve

            def date_time_string(self, timestamp=None):
                return super().date_time_string(time.time() - peer.late_s)

            def log_message(self, *args):
                pass

        super().__init__(("127.0.0.1", port), Handler)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)  # of those that it accepts, too
        self.port = self.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, client_address):
        pass  # the daemon is killed in the middle of requests: that is the test

    def seen(self):
        with self.lock:
            return list(self.requests)

    def asked(self):
        """Of a trace backend: what it was asked about alerts."""
        return [r for r in self.seen() if not ends_long_ago(r)]


def secured(peer, certificate, key):
    """The peer speaks TLS with that certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    peer.socket = context.wrap_socket(peer.socket, server_side=True, do_handshake_on_connect=False)
    peer.url = peer.url.replace("http:", "https:")
    return peer


def ends_long_ago(request):
    """A search of traces that end minutes ago: for healthy ones, not for those of an alert."""
    query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(request["path"]).query))
    end = query.get("query.start_time_max") or query.get("end") or query.get("endTs")
    if not end:
        return False
    if end.endswith("Z"):
        end = datetime.datetime.fromisoformat(end[:19]).replace(tzinfo=datetime.timezone.utc).timestamp()
    # Seconds, milliseconds or microseconds, each a thousand times the one before.
    seconds = float(end)
    while seconds > 1e11:
        seconds /= 1000
    return seconds < time.time() - 300


class Pager(Peer):
    """PagerDuty's Events API as far as a sender sees it: keeps what it accepted, by dedup key."""

    def __init__(self, refuse=None):
        self.refuse = refuse or (lambda n, event: None)
        self.n = 0
        super().__init__(self.take)

    def take(self, request):
        event = json.loads(request["body"])
        with self.lock:
            self.n += 1
            n = self.n
        refused = self.refuse(n, event)
        if refused:
            request["taken"] = False
            return refused
        request["event"] = event
        request["taken"] = True
        return 202, {}, json.dumps({"status": "success", "dedup_key": event["dedup_key"]}).encode()

    def events(self):
        return [r["event"] for r in self.seen() if r.get("taken")]


class Jaeger(Peer):
    """API v3 by id and by search, from stored traces (OTLP JSON of one trace each, by id). It is as that of releases up to 2.13: a
    search must have query.num_traces, and ignores attributes."""

    def __init__(self, traces):
        self.traces = traces
        super().__init__(self.look_up)

    def look_up(self, request):
        missing = 404, {}, b'{"error":{"httpCode":404,"message":"trace not found"}}'
        path, _, query = request["path"].partition("?")
        if path == "/api/v3/traces":
            depth = int(dict(urllib.parse.parse_qsl(query)).get("query.num_traces", 0))
            if depth < 1:
                return 500, {}, (b'{"error":{"httpCode":500,"message":"search depth must be greater than 0 and less than max '
                                 b'traces"}}')
            if not self.traces:
                return missing
            spans = [rs for t in list(self.traces.values())[:depth] for rs in t["resourceSpans"]]
            return 200, {}, json.dumps({"result": {"resourceSpans": spans}}).encode()
        found = self.traces.get(path.rsplit("/", 1)[-1].lower())
        return (200, {}, json.dumps({"result": found}).encode()) if found else missing


def span(trace_id, span_id, parent, service, name, kind=2, error=None, start=0, duration=100, **attributes):
    """One resourceSpans entry with one span; times in ms before and from now."""
    begun = int((time.time() - 30) * 1000 + start) * 1000000
    one = {"traceId": trace_id, "spanId": span_id, "name": name, "kind": kind, "startTimeUnixNano": str(begun),
           "endTimeUnixNano": str(begun + duration * 1000000),
           "attributes": [{"key": k, "value": {"stringValue": v}} for k, v in attributes.items()]}
    if parent:
        one["parentSpanId"] = parent
    if error is not None:
        one["status"] = {"code": 2, "message": error}
    return {"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]},
            "scopeSpans": [{"spans": [one]}]}


def shop_trace(trace_id, fails=True):
    """frontend -> checkout -> ledger, where ledger cannot write; or can."""
    errors = ("500", "INTERNAL", "journal is read-only") if fails else (None, None, None)
    return {"resourceSpans": [
        span(trace_id, "00000000000000a1", None, "frontend", "POST /orders", error=errors[0], duration=200),
        span(trace_id, "00000000000000a2", "00000000000000a1", "checkout", "PlaceOrder", error=errors[1], start=10,
             duration=180),
        span(trace_id, "00000000000000a3", "00000000000000a2", "ledger", "Book", error=errors[2], start=20, duration=150)]}


RULES = """
teams:
  shop: {{escalation: shop}}
  ledger: {{escalation: ledger}}
  sre: {{escalation: sre}}
pagers:
  shop-pager: {{kind: pagerduty, routing_key_file: "{directory}/shop.key", url: "{pager}/v2/enqueue"}}
  ledger-pager: {{kind: pagerduty, routing_key_file: "{directory}/ledger.key", url: "{pager}/v2/enqueue"}}
  sre-pager: {{kind: pagerduty, routing_key_file: "{directory}/sre.key", url: "{pager}/v2/enqueue"}}
escalations:
  shop: {{steps: [{{page: [shop-pager], wait: 10m}}]}}
  ledger: {{steps: [{{page: [ledger-pager], wait: 10m}}]}}
  sre: {{steps: [{{page: [sre-pager], wait: 10m}}]}}
services:
  frontend: {{owner: shop}}
  checkout: {{owner: shop}}
  ledger: {{owner: ledger}}
signals:
  place_order:
    alerts: {{alertname: "PlaceOrder*"}}
    span: {{service: frontend, operation: "POST /orders"}}
    owner: shop
routes:
  - when: {{severity: info}}
    page: none
fallback: {{team: sre}}
defaults: {{resolve_hold: 0s}}
"""


class Daemon:
    """tracepager run, with a directory of its own."""

    wrapper = []  # the command that runs the daemon's own, as exec(1) would

    def __init__(self, pager_url="http://127.0.0.1:1", jaeger_url=None, config="", rules=None):
        self.directory = tempfile.mkdtemp(prefix="tracepager-test-")
        self.port, self.child = free_port(), None
        for team in ("shop", "ledger", "sre"):
            self.write(f"{team}.key", f"key-{team}\n")
        self.write("rules.yaml", (rules or RULES).format(pager=pager_url, directory=self.directory))
        self.write("tracepager.yaml", f"listen: 127.0.0.1:{self.port}\n"
                   f"store: {{path: {self.directory}/tracepager.db}}\n"
                   f"rules: {self.directory}/rules.yaml\n"
                   + ("" if "senders:" in config else "senders: {am: {format: alertmanager}}\n")
                   # Stubs that share a busy machine may answer late; what a budget does when it runs out has tests of its own.
                   + ("" if "enrich_budget" in config else "enrich_budget: 20s\n")
                   + (f"sources: {{jaeger: {{kind: jaeger, url: \"{jaeger_url}\"}}}}\n" if jaeger_url else "")
                   + config)
        self.log = open(os.path.join(self.directory, "log"), "ab")

    def write(self, name, text):
        path = os.path.join(self.directory, name)
        with open(path + ".new", "w", encoding="utf-8") as f:
            f.write(text)
        os.rename(path + ".new", path)

    def launch(self):
        self.child = subprocess.Popen([*self.wrapper, BINARY, "run", "-c", os.path.join(self.directory, "tracepager.yaml")],
                                      stdout=self.log, stderr=self.log)

    def start(self):
        self.launch()
        wait_for("the daemon", self.is_ready)
        return self

    def is_ready(self):
        if self.child.poll() is not None:
            raise AssertionError(f"the daemon ended with {self.child.returncode}:\n{self.log_text()}")
        try:
            return self.request("GET", "/-/ready")[0] == 200
        except OSError:
            return False

    def kill(self):
        self.child.send_signal(signal.SIGKILL)
        self.child.wait()

    def stop(self):
        """SIGTERM: it must end by itself, and well."""
        self.child.send_signal(signal.SIGTERM)
        status = self.child.wait(PATIENCE)
        assert status == 0, f"the daemon ended with {status}:\n{self.log_text()}"

    def finish(self):
        """Ends what the test started; a daemon that has ended by itself is a failure of its own."""
        ended = self.child.poll() if self.child else None
        if self.child and ended is None:
            self.stop()
        self.log.close()
        log = self.log_text()
        shutil.rmtree(self.directory)
        assert not ended or ended == -signal.SIGKILL, f"the daemon ended with {ended}:\n{log}"

    def log_text(self):
        with open(os.path.join(self.directory, "log"), encoding="utf-8", errors="replace") as f:
            return f.read()[-20000:]

    def request(self, method, path, body=None, headers=None, timeout=PATIENCE):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body, headers or {})
            reply = connection.getresponse()
            return reply.status, reply.read().decode("utf-8", "replace"), dict(reply.getheaders())
        finally:
            connection.close()

    def metric(self, name):
        text = self.request("GET", "/metrics")[1]
        found = re.search("^" + re.escape(name) + r" (\S+)$", text, re.M)
        return float(found.group(1)) if found else None


def webhook(*alerts, starts_at="2026-09-01T10:00:00Z"):
    """An Alertmanager webhook body of (labels, status) pairs."""
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return json.dumps({
        "version": "4", "groupKey": "{}:{}", "truncatedAlerts": 0, "status": "firing", "receiver": "tracepager",
        "groupLabels": {}, "commonLabels": {}, "commonAnnotations": {}, "externalURL": "http://am",
        "alerts": [{"status": status, "labels": labels, "annotations": {"summary": "orders fail"},
                    "startsAt": starts_at,
                    "endsAt": now if status == "resolved" else "0001-01-01T00:00:00Z",
                    "generatorURL": "http://prometheus/graph", "fingerprint": ""} for labels, status in alerts]})


def side_by_side(function, rows, at_once):
    """Calls function(*row) for every row, `at_once` of them at a time: for tests that mostly wait. Raises the first error."""
    with concurrent.futures.ThreadPoolExecutor(at_once) as threads:
        for done in [threads.submit(function, *row) for row in rows]:
            done.result()


def run(*tests, at_once=1):
    """Runs the tests (or those that TP_TESTS names), `at_once` of them side by side; the last line is what CI reads. A file that hangs for
    twenty minutes says where, and fails."""
    faulthandler.dump_traceback_later(1200, exit=True)
    wanted = os.environ.get("TP_TESTS", "").split()
    tests = [test for test in tests if not wanted or test.__name__ in wanted]
    failed, lock = [], threading.Lock()

    def one(test):
        begun, why = time.monotonic(), ""
        try:
            test()
        except Exception as error:  # a test that raises has failed, whatever it raised
            why = f"{traceback.format_exc()}FAIL {test.__name__}: {error}"
            failed.append(test)
        with lock:
            print(why or f"ok   {test.__name__} ({time.monotonic() - begun:.1f} s)", flush=True)

    side_by_side(one, [(test,) for test in tests], at_once)
    print(f"{len(tests) - len(failed)} passed, {len(failed)} failed")
    sys.exit(1 if failed else 0)
