#!/usr/bin/env python3
"""Bad input, one row each: what is sent, the status that must come, a word that the answer must hold. After every row the relay still
takes a good alert. Rows without a status must be closed without an answer."""
import gzip
import json
import os
import socket
import struct

import peers

peers.skip_unless_wanted()
GOOD = peers.webhook(({"alertname": "Good"}, "firing")).encode()
API_GOOD = json.dumps([{"labels": {"alertname": "Good"}}]).encode()
HOOK, API = "/webhook/am", "/api/v2/alerts"
MIB = 1 << 20


def post(path, body, *headers, length=None):
    """A request as bytes; the length can be a lie."""
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", f"Content-Length: {len(body) if length is None else length}",
             "Connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def alert(**members):
    one = {"status": "firing", "labels": {"alertname": "A"}, "annotations": {}, "startsAt": "2026-09-01T10:00:00Z",
           "endsAt": "0001-01-01T00:00:00Z", "generatorURL": "", "fingerprint": ""}
    one.update(members)
    return one


def hook(*alerts, **members):
    body = json.loads(GOOD)
    body["alerts"] = list(alerts)
    body.update(members)
    return json.dumps(body).encode()


ROWS = [
    # Not JSON at all, or not quite.
    ("empty body", post(HOOK, b""), 400, ""),
    ("white space only", post(HOOK, b" \n\t "), 400, ""),
    ("plain text", post(HOOK, b"hello"), 400, "line 1"),
    ("truncated in a string", post(HOOK, GOOD[:len(GOOD) // 2]), 400, "line 1"),
    ("truncated by one byte", post(HOOK, GOOD[:-1]), 400, ""),
    ("a byte too much", post(HOOK, GOOD + b"}"), 400, "line 1"),
    ("two documents", post(HOOK, GOOD + GOOD), 400, "line 1"),
    ("trailing comma", post(HOOK, b'{"version":"4","alerts":[],}'), 400, "column"),
    ("single quotes", post(HOOK, b"{'version':'4'}"), 400, "column 2"),
    ("comment", post(HOOK, b'{"version":"4" /* four */,"alerts":[]}'), 400, "column"),
    ("byte order mark", post(HOOK, b"\xef\xbb\xbf" + GOOD), 400, ""),
    ("UTF-16", post(HOOK, GOOD.decode().encode("utf-16")), 400, ""),
    ("bad UTF-8", post(HOOK, GOOD.replace(b"Good", b"Go\xffd")), 202, '"repaired": 1'),
    ("overlong UTF-8", post(HOOK, GOOD.replace(b"Good", b"Go\xc0\xafd")), 202, '"repaired": 2'),
    ("surrogate as UTF-8", post(HOOK, GOOD.replace(b"Good", b"Go\xed\xa0\x80d")), 202, '"repaired": 3'),
    ("lone surrogate escape", post(HOOK, GOOD.replace(b"Good", b"Go\\ud800d")), 202, '"repaired": 1'),
    ("bad escape", post(HOOK, GOOD.replace(b"Good", b"Go\\xd")), 400, "escape"),
    ("control character in a string", post(HOOK, GOOD.replace(b"Good", b"Go\nd")), 400, "line"),
    ("NUL byte in a string", post(HOOK, GOOD.replace(b"Good", b"Go\0d")), 400, ""),
    ("NaN", post(HOOK, b'{"version":"4","truncatedAlerts":NaN,"alerts":[]}'), 400, "column"),
    ("number with a leading zero", post(HOOK, b'{"version":"4","truncatedAlerts":01,"alerts":[]}'), 400, "column"),
    ("second line is wrong", post(HOOK, b'{\n  "version": "4",\n  "alerts": oops}'), 400, "line 3"),
    ("gzip that nobody asked for", post(HOOK, gzip.compress(GOOD), "Content-Encoding: gzip"), 400, ""),
    ("protobuf", post(HOOK, b"\x0a\x10" + bytes(range(64))), 400, ""),
    # Deep and huge.
    ("deep arrays", post(HOOK, b'{"version":"4","x":' + b"[" * 100000), 400, "deep"),
    ("deep objects", post(HOOK, b'{"a":' * 100000), 400, "deep"),
    ("body over the limit", post(HOOK, b" " * (17 * MIB)), 413, ""),
    ("length over the limit", post(HOOK, b"{}", length=1 << 40), 413, ""),
    ("a million keys", post(HOOK, b'{"version":"4","x":{' + b",".join(b'"k%d":1' % i for i in range(1000000)) +
                            b'},"alerts":[]}'), 202, ""),
    ("a label of 5 MiB", post(HOOK, hook(alert(labels={"alertname": "A", "x": "y" * (5 * MIB)}))), 400, ""),
    ("labels of 300 KiB", post(HOOK, hook(alert(labels={f"l{i}": "v" * 15000 for i in range(20)}))), 202, "2 of 20 labels left out"),
    ("90 annotations of 16 KiB of quotes", post(HOOK, hook(alert(labels={"alertname": "Fat"}, annotations={
        f"a{i}": '\n"' * 8192 for i in range(90)}))), 202, ""),
    ("1,000 labels", post(HOOK, hook(alert(labels={f"l{i}": "v" for i in range(1000)}))), 202, "744 of 1000 labels left out"),
    # JSON, but no webhook.
    ("a number", post(HOOK, b"42"), 400, ""),
    ("null", post(HOOK, b"null"), 400, ""),
    ("a list", post(HOOK, API_GOOD), 400, "/api/v2/alerts"),
    ("an empty object", post(HOOK, b"{}"), 400, ""),
    ("another webhook's version", post(HOOK, hook(alert(), version="1")), 400, "version"),
    ("version is a list", post(HOOK, hook(alert(), version=[])), 400, "version"),
    ("alerts is an object", post(HOOK, hook(alerts={})), 400, "alerts"),
    ("alerts is missing", post(HOOK, b'{"version":"4"}'), 400, "alerts"),
    ("an alert is a string", post(HOOK, hook("x")), 400, "alert"),
    ("labels is a list", post(HOOK, hook(alert(labels=[]))), 400, "labels"),
    ("a label is a number", post(HOOK, hook(alert(labels={"alertname": "A", "severity": 3}))), 400, "severity"),
    ("no labels", post(HOOK, hook(alert(labels={}))), 400, "labels"),
    ("a status that does not exist", post(HOOK, hook(alert(status="burning"))), 400, "status"),
    ("startsAt is not a time", post(HOOK, hook(alert(startsAt="yesterday"))), 400, "startsAt"),
    ("startsAt is a number", post(HOOK, hook(alert(startsAt=1788256800))), 400, "startsAt"),
    ("one bad among good", post(HOOK, hook(alert(), alert(labels=7))), 202, "refused"),
    # /api/v2/alerts
    ("api: an object", post(API, GOOD), 400, ""),
    ("api: no labels left", post(API, b'[{"labels":{"a":""}}]'), 400, "labels"),
    ("api: ends before it starts", post(API, b'[{"labels":{"a":"b"},"startsAt":"2026-09-02T00:00:00Z",'
                                        b'"endsAt":"2026-09-01T00:00:00Z"}]'), 400, "ends"),
    ("api: a bad time", post(API, b'[{"labels":{"a":"b"},"endsAt":"2026-02-30T00:00:00Z"}]'), 400, "endsAt"),
    ("api: a list of numbers", post(API, b"[1,2,3]"), 400, ""),
    ("api: truncated", post(API, API_GOOD[:-2]), 400, ""),
    # Who, where, how.
    ("unknown sender", post("/webhook/nobody", GOOD), 404, "sender"),
    ("no token", post("/webhook/locked", GOOD), 401, "token"),
    ("wrong token", post("/webhook/locked", GOOD, "Authorization: Bearer wrong"), 401, "token"),
    ("token cut short", post("/webhook/locked", GOOD, "Authorization: Bearer s3cre"), 401, "token"),
    ("token with more behind", post("/webhook/locked", GOOD, "Authorization: Bearer s3cret2"), 401, "token"),
    ("basic instead of bearer", post("/webhook/locked", GOOD, "Authorization: Basic czNjcmV0"), 401, "token"),
    ("sender's name with a way up", post("/webhook/../locked", GOOD), 404, ""),
    ("GET where a POST belongs", b"GET /webhook/am HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 405, "POST"),
    ("a path that is not there", b"GET /admin.php HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 404, ""),
    ("a method that is not there", b"BREW /webhook/am HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", (405, 501), ""),
    # HTTP itself.
    ("no Host", b"POST /webhook/am HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}", 400, ""),
    ("length and chunks", b"POST /webhook/am HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n"
     b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", 400, ""),
    ("two lengths", b"POST /webhook/am HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}", 400, ""),
    ("a length that is none", b"POST /webhook/am HTTP/1.1\r\nHost: localhost\r\nContent-Length: two\r\n\r\n{}", 400, ""),
    ("a negative length", b"POST /webhook/am HTTP/1.1\r\nHost: localhost\r\nContent-Length: -2\r\n\r\n{}", 400, ""),
    ("a blank before the colon", b"POST /webhook/am HTTP/1.1\r\nHost: localhost\r\nContent-Length : 2\r\n\r\n{}", 400, ""),
    ("an unknown transfer encoding", b"POST /webhook/am HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\n\r\n", (400, 501), ""),
    ("headers of 64 KiB", post(HOOK, b"{}", "X-Long: " + "x" * 65536), (400, 413, 431), ""),
    ("not HTTP", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + os.urandom(200) + b"\r\n\r\n", (None, 400), ""),
    ("a request line of garbage", b"\x00\xff\x00\xff /// ???\r\n\r\n", (None, 400, 404), ""),
]


def exchange(port, request):
    """Everything that comes back until the other side closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=peers.PATIENCE) as s:
        try:
            s.sendall(request)
        except OSError:
            pass  # answered and closed before it had all: the answer counts
        answer = b""
        try:
            while True:
                part = s.recv(65536)
                if not part:
                    break
                answer += part
        except ConnectionResetError:
            pass
        return answer


def check_row(daemon, name, request, statuses, word):
    answer = exchange(daemon.port, request)
    head, _, body = answer.partition(b"\r\n\r\n")
    status = int(head.split()[1]) if head.startswith(b"HTTP/") else None
    allowed = statuses if isinstance(statuses, tuple) else (statuses,)
    text = body.decode("utf-8", "replace")
    assert status in allowed, f"{name}: {status} {text[:200]!r}, not {allowed}"
    assert word.lower() in text.lower(), f"{name}: {text[:300]!r} does not say {word!r}"
    assert text.count("\n") <= 1, f"{name}: more than one line: {text!r}"
    if status and status >= 400:
        assert text.strip(), f"{name}: {status} without a word"
    good = daemon.request("POST", HOOK, GOOD)
    assert good[0] == 202, f"after {name}: {good}"


def every_row():
    assert len(ROWS) >= 60
    daemon = peers.Daemon(peers.Pager().url, config="senders: {am: {format: alertmanager}, locked: {format: alertmanager, bearer: s3cret}}\n")
    daemon.start()
    wrong = []
    try:
        for row in ROWS:
            try:
                check_row(daemon, *row)
            except AssertionError as error:
                wrong.append(str(error))
        print(f"{len(ROWS)} rows, {len(wrong)} wrong")
        assert not wrong, "\n".join(wrong)
    finally:
        daemon.finish()


def peers_that_break_off():
    """Clients that go away at every possible place, and some that reset."""
    daemon = peers.Daemon(peers.Pager().url).start()
    request = post(HOOK, GOOD)
    try:
        for cut in range(1, len(request), 7):
            with socket.create_connection(("127.0.0.1", daemon.port)) as s:
                s.sendall(request[:cut])
                if cut % 2:
                    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        # Gone right after a whole request, before its answer.
        for _ in range(50):
            with socket.create_connection(("127.0.0.1", daemon.port)) as s:
                s.sendall(request)
        assert daemon.request("POST", HOOK, GOOD)[0] == 202
    finally:
        daemon.finish()


def many_idle_connections():
    """More connections than are allowed: those beyond are turned away, and one that was in goes on."""
    daemon = peers.Daemon(peers.Pager().url).start()
    kept = []
    try:
        first = peers.http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=peers.PATIENCE)
        first.request("GET", "/-/healthy")
        assert first.getresponse().read()
        daemon.child.send_signal(peers.signal.SIGSTOP)  # so that they all come in one turn
        for _ in range(1100):
            try:
                kept.append(socket.create_connection(("127.0.0.1", daemon.port), timeout=5))
            except OSError:
                break
        daemon.child.send_signal(peers.signal.SIGCONT)
        first.request("GET", "/-/healthy")
        assert first.getresponse().status == 200
        first.close()
        for s in kept:
            s.close()
        peers.wait_for("room again", lambda: daemon.request("POST", HOOK, GOOD)[0] == 202)
    finally:
        daemon.finish()


peers.run(every_row, peers_that_break_off, many_idle_connections)
