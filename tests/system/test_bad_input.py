#!/usr/bin/env python3
"""Bad input, one row each: what is sent, the status that must come, a word that the answer must hold. After every row the relay still
takes a good alert, and after every group the next good alert pages. Rows without a status must be closed without an answer."""
import base64
import gzip
import json
import os
import socket
import struct
import urllib.parse
import zlib

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


SINGLE = [
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
    ("a header that ends with a line feed alone", b"POST /webhook/am HTTP/1.1\r\nHost: localhost\nContent-Length: 2\r\n\r\n{}", 400,
     "line feed"),
    ("a request line that ends with a line feed alone", b"GET /-/healthy HTTP/1.1\nHost: localhost\r\n\r\n", 400, "line feed"),
    ("a head that ends with a line feed alone", b"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\n", 400, "line feed"),
    ("a carriage return within a header", b"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\nX: a\rY: b\r\n\r\n", 400, "carriage return"),
    ("a folded header", b"POST /webhook/am HTTP/1.1\r\nHost: localhost\r\nContent-Length:\r\n 2\r\n\r\n{}", 400, "folded"),
    ("a header folded with a tab", b"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\nX: a\r\n\tb\r\n\r\n", 400, "folded"),
    ("a blank before the first header", b"GET /-/healthy HTTP/1.1\r\n Host: localhost\r\n\r\n", 400, "folded"),
    ("a chunk's size that ends with a line feed alone", b"POST /webhook/am HTTP/1.1\r\nHost: localhost\r\n"
     b"Transfer-Encoding: chunked\r\n\r\n2\n{}\r\n0\r\n\r\n", 400, "line feed"),
    ("an unknown transfer encoding", b"POST /webhook/am HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\n\r\n", (400, 501), ""),
    ("headers of 64 KiB", post(HOOK, b"{}", "X-Long: " + "x" * 65536), (400, 413, 431), ""),
    ("not HTTP", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + os.urandom(200) + b"\r\n\r\n", (None, 400), ""),
    ("a request line of garbage", b"\x00\xff\x00\xff /// ???\r\n\r\n", (None, 400, 404), ""),
]


# ---- rows that are made ----

TYPES = {"a number": b"7", "a fraction": b"-1.5e3", "a boolean": b"true", "a list": b"[]", "an object": b"{}", "a string": b'"x"', "null": b"null"}
# How the answer names a type, where that is not the row's own name for it.
NAMED = {"a fraction": "a number"}
STRING, MAP = {"a string", "null"}, {"an object", "null"}


def raw_alert(field, value, labels=b'{"alertname":"A"}'):
    """An alert as bytes, with one member more; a later member of one name is the one that counts for nothing but maps."""
    if field == "labels":
        return b'{"labels":' + value + b"}"
    return b'{"labels":' + labels + b',"' + field.encode() + b'":' + value + b"}"


def hook_of(one):
    return b'{"version":"4","alerts":[' + one + b"]}"


def wrong_types():
    """Every member of an alert in every type of JSON."""
    for field, fits in [("status", STRING), ("labels", MAP), ("annotations", MAP), ("startsAt", STRING), ("endsAt", STRING),
                        ("generatorURL", STRING), ("fingerprint", STRING)]:
        for kind, value in TYPES.items():
            if kind in fits:
                continue
            word = f"{field} is {NAMED.get(kind, kind)}, not"
            yield f"webhook: {field} is {kind}", post(HOOK, hook_of(raw_alert(field, value))), 400, word
            if field not in ("status", "fingerprint"):
                yield f"api: {field} is {kind}", post(API, b"[" + raw_alert(field, value) + b"]"), 400, word
        yield (f"webhook: {field} is null", post(HOOK, hook_of(raw_alert(field, b"null"))), *((400, "no labels") if field == "labels" else
                                                                                      (202, "")))
    for kind, value in TYPES.items():
        if kind in ("a string", "null"):
            continue
        named = NAMED.get(kind, kind)
        yield f"a label is {kind}", post(HOOK, hook_of(raw_alert("labels", b'{"a":"b","c":' + value + b"}"))), 400, f"labels.c is {named}"
        yield f"an annotation is {kind}", post(HOOK, hook_of(raw_alert("annotations", b'{"c":' + value + b"}"))), 400, \
            f"annotations.c is {named}"
        if kind != "an object":
            yield f"an alert is {kind}", post(HOOK, hook_of(value)), 400, f"it is {named}, not an object"
            yield f"api: an alert is {kind}", post(API, b"[" + value + b"]"), 400, f"it is {named}, not an object"
        if kind != "a list":
            yield f"alerts is {kind}", post(HOOK, b'{"version":"4","alerts":' + value + b"}"), 400, f"alerts is {named}, not a list"
        yield f"version is {kind}", post(HOOK, b'{"version":' + value + b',"alerts":[]}'), 400, f"version is {named}, not a string"
    for kind, value in TYPES.items():
        yield f"webhook: the body is {kind}", post(HOOK, value), 400, "webhook"
        if kind != "a list":
            yield f"api: the body is {kind}", post(API, value), 400, "/api/v2/alerts"


def bad_values():
    for text in ("yesterday", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-09-01T24:01:00Z",
                 "2026-09-01T10:60:00Z", "2026-09-01", "1788256800", "2026-09-01T10:00:00", "2026-09-01T10:00:00+25:00",
                 " 2026-09-01T10:00:00Z", "2026-09-01T10:00:00Zx", "-2026-09-01T10:00:00Z", "2026-9-1T10:00:00Z"):
        for field in ("startsAt", "endsAt"):
            yield f"{field} is {text!r}", post(HOOK, hook(alert(**{field: text}))), 400, f"{field} is not a time"
    for text in ("", "Firing", "FIRING", "firing ", "ok", "resolve", "firing\0", "\u1e9eurning"):
        yield f"status is {text!r}", post(HOOK, hook(alert(status=text))), 400, "neither firing nor resolved"
    for text in ("1", "3", "5", "04", "4.0", "four", "4 ", "v4"):
        yield f"version is {text!r}", post(HOOK, hook(alert(), version=text)), 400, "version"
    for labels in ({}, {"a": ""}, {"alertname": None}):
        yield f"labels are {labels}", post(HOOK, hook(alert(labels=labels))), 400, "no labels"
    yield "a label without a name", post(HOOK, hook(alert(labels={"": "x", "a": "b"}))), 400, "empty name"
    yield "labels twice", post(HOOK, hook_of(b'{"labels":{"a":"b"},"labels":{"a":"b"}}')), 400, "given twice"
    # What is odd and harms nothing is taken.
    for url in ("javascript:alert(1)", "file:///etc/passwd", "http:/", "//evil.example", "h" * 20000):
        yield f"generatorURL is {url[:30]!r}", post(HOOK, hook(alert(generatorURL=url))), 202, ""
    for fingerprint in ("", "x", "zzzzzzzzzzzzzzzz", "0" * 15, "0" * 17, "../../../../etc/x"):
        yield f"fingerprint is {fingerprint!r}", post(HOOK, hook(alert(fingerprint=fingerprint))), 202, ""


def bad_json():
    """A good body with one thing wrong."""
    for mark in b'{}[],:"':
        at = GOOD.rindex(bytes([mark]))
        yield f"without its last {chr(mark)}", post(HOOK, GOOD[:at] + GOOD[at + 1:]), 400, "line 1, column"
    for n in range(1, len(GOOD) - 1, len(GOOD) // 20):
        yield f"cut after {n} bytes", post(HOOK, GOOD[:n]), 400, "line 1, column"
    for c in range(32):
        yield f"a bare 0x{c:02x} in a string", post(HOOK, GOOD.replace(b"Good", b"Go" + bytes([c]) + b"d")), 400, f"byte 0x{c:02x} in a string"
    for number in ("01", "+1", ".5", "1.", "0x10", "1e", "1e+", "-", "--1", "NaN", "Infinity", "-Infinity", "1_000", "1,5"):
        yield f"the number {number}", post(HOOK, b'{"version":"4","truncatedAlerts":' + number.encode() + b',"alerts":[]}'), 400, "column"
    for word in ("True", "FALSE", "None", "nul", "tru", "nulll", "undefined", "oops"):
        yield f"the word {word}", post(HOOK, b'{"version":"4","x":' + word.encode() + b',"alerts":[]}'), 400, "column"
    for escape in (b"\\x41", b"\\'", b"\\0", b"\\u12g4", b"\\U0041", b"\\\n"):
        yield f"the escape {escape!r}", post(HOOK, GOOD.replace(b"Good", b"Go" + escape + b"d")), 400, "column"
    for depth, status in ((60, 202), (65, 400)):
        nested = b"[" * depth + b"]" * depth
        yield f"{depth} lists within each other", post(HOOK, b'{"version":"4","x":' + nested + b',"alerts":[]}'), status, \
            "" if status == 202 else "deep"


def encodings():
    text = GOOD.decode()
    for name in ("utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "cp037"):
        yield name, post(HOOK, text.encode(name)), 400, "column"
    yield "UTF-8 with a byte order mark", post(API, b"\xef\xbb\xbf" + API_GOOD), 400, "byte order mark"
    for name, body in (("zlib", zlib.compress(GOOD)), ("zstd", b"\x28\xb5\x2f\xfd" + GOOD), ("base64", base64.b64encode(GOOD)),
                       ("a form", b"payload=" + urllib.parse.quote_plus(GOOD).encode()),
                       ("multipart", b"--x\r\nContent-Type: application/json\r\n\r\n" + GOOD + b"\r\n--x--\r\n"),
                       ("YAML", b"version: '4'\nalerts: []\n"), ("XML", b"<alerts/>"), ("JSON Lines", GOOD + b"\n" + GOOD + b"\n")):
        yield name, post(HOOK, body), 400, "column"
    # Bad characters: the body is taken, and the answer says how many were replaced.
    for name, bad, n in (("a lone 0xff", b"\xff", 1), ("latin-1", "Gr\u00fc\u00dfe".encode("latin-1"), 2), ("half a euro sign", b"\xe2\x82", 1),
                         ("U+D800 as UTF-8", b"\xed\xa0\x80", 3), ("above U+10FFFF", b"\xf4\x90\x80\x80", 4), ("an overlong slash", b"\xc0\xaf", 2),
                         ("a high half", b"\\ud83d", 1), ("a low half", b"\\ude00", 1), ("two high halves", b"\\ud83d\\ud83d", 2),
                         ("halves the wrong way round", b"\\ude00\\ud83d", 2), ("a half before an escape", b"\\ud83d\\n", 1)):
        for path, body, status, word in ((HOOK, GOOD, 202, f'"repaired": {n}'), (API, API_GOOD, 200, f"repaired: {n}")):
            yield f"{name} in a label at {path}", post(path, body.replace(b"Good", b"Go" + bad + b"d")), status, word
        yield f"{name} in a name", post(HOOK, GOOD.replace(b'"summary"', b'"sum' + bad + b'mary"')), 202, f'"repaired": {n}'


def request(lines, body=b"", path=HOOK, verb="POST", version="HTTP/1.1"):
    return "\r\n".join([f"{verb} {path} {version}", *lines, "", ""]).encode("latin-1") + body


def framing():
    host, close = "Host: localhost", "Connection: close"
    for length in ("+2", "0x2", "2,2", "2 2", "-0", "", "2.0", "two", "\u00b2"):
        yield f"the length {length!r}", request([host, f"Content-Length: {length}"], b"{}"), 400, ""
    yield "a length of 20 digits", request([host, "Content-Length: 99999999999999999999"], b"{}"), 413, ""
    for coding in ("gzip", "gzip, chunked", "chunked, chunked", "identity", "xchunked", "chunked;q=1", '"chunked"'):
        yield f"the coding {coding}", request([host, f"Transfer-Encoding: {coding}"], b"2\r\n{}\r\n0\r\n\r\n"), (400, 501), ""
    for size in ("0x2", "+2", "-2", " 2", "\t2", "2 2", "g", "", "2.0", "0" * 17 + "2", "2}", "\u00b2"):
        yield f"the chunk size {size!r}", request([host, "Transfer-Encoding: chunked"], size.encode("latin-1") + b"\r\n{}\r\n0\r\n\r\n"), 400, "chunk"
    yield "a chunk longer than its size", request([host, "Transfer-Encoding: chunked"], b"1\r\n{}\r\n0\r\n\r\n"), 400, "chunk"
    yield "a chunk over the limit", request([host, "Transfer-Encoding: chunked"], b"fffffff\r\n"), 413, ""
    yield "chunks in HTTP/1.0", request([host, "Transfer-Encoding: chunked"], b"2\r\n{}\r\n0\r\n\r\n", version="HTTP/1.0"), 400, ""
    for name in ("X Y", "X\tY", "", "X(y)", "X[y]", "X,Y", "X\u00fc", 'X"'):
        yield f"the header name {name!r}", request([host, f"{name}: 1", "Content-Length: 2"], b"{}"), 400, ""
    for c in (0x01, 0x07, 0x0b, 0x1b, 0x7f):
        yield f"0x{c:02x} in a header", request([host, f"X: a{chr(c)}b", "Content-Length: 2"], b"{}"), 400, "control character"
    yield "two Hosts", request([host, host, "Content-Length: 2"], b"{}"), 400, "Host"
    for version in ("HTTP/2.0", "HTTP/0.9", "HTTP/1.1x", "http/1.1", "HTTP/", "SIP/2.0", ""):
        yield f"the version {version!r}", request([host, "Content-Length: 2"], b"{}", version=version), (400, 505), ""
    for verb, status in (("PUT", 405), ("DELETE", 405), ("PATCH", 405), ("OPTIONS", 405), ("TRACE", 405), ("post", 501), ("PROPFIND", (405, 501)),
                         ("POST\t", (400, 501)), ("A" * 300, (400, 501))):
        yield f"the method {verb[:20]!r}", request([host, close], verb=verb), status, ""
    for path, status in (("/webhook/", 404), ("/webhook", 404), ("//webhook/am", 404), ("/webhook/am/x", 404), ("/webhook/am/../am", 404),
                         ("/webhook/am%2f..%2fam", 404), ("/webhook/am%00", 400), ("/webhook/AM", 404), ("/webhook/%ff%fe", 404),
                         ("/webhook/" + "n" * 5000, 404), ("/api/v2/alerts/", 404), ("/api/v3/alerts", 404), ("/WEBHOOK/am", 404),
                         ("/-/reload/x", 404), ("webhook/am", (400, 404)), ("*", (400, 404))):
        yield f"the path {path[:30]}", request([host, close, f"Content-Length: {len(GOOD)}"], GOOD, path=path), status, ""


def tokens():
    for value in ("", "Bearer", "Bearer ", "Bearer  s3cret", "bearer: s3cret", "Basic s3cret", "Token s3cret", "s3cret", "Bearer S3CRET",
                  "Bearer s3cret s3cret", "Bearer s3cre", "Bearer s3crets", 'Bearer "s3cret"', "Bearer s3cret, Bearer s3cret",
                  "Bearer " + "s3cret" * 500, "Bearer f0rapi"):
        yield f"the token {value[:40]!r}", post("/webhook/locked", GOOD, f"Authorization: {value}"), 401, "token"
    yield "the right token in the second header", post("/webhook/locked", GOOD, "Authorization: Bearer x", "Authorization: Bearer s3cret"), 400, "more than one Authorization"
    yield "the token in the query", post("/webhook/locked?token=s3cret", GOOD), 401, "token"
    yield "the token in a cookie", post("/webhook/locked", GOOD, "Cookie: Authorization=Bearer s3cret"), 401, "token"


def sizes():
    for n, word in ((256, '"accepted": 1'), (257, "1 of 257 labels left out"), (5000, "4744 of 5000 labels left out")):
        yield f"{n} labels", post(HOOK, hook(alert(labels={f"l{i}": f"of {n}" for i in range(n)}))), 202, word
        yield f"{n} annotations", post(HOOK, hook(alert(annotations={f"l{i}": "v" for i in range(n)}))), 202, \
            f"{n - 255} of {n} annotations left out" if n > 256 else "accepted"
    for n, word in ((16384, "accepted"), (16385, "1 of 2 labels shortened"), (3 * MIB, "1 of 2 labels shortened")):
        yield f"a label of {n} bytes", post(HOOK, hook(alert(labels={"alertname": "A", "x": "y" * n}))), 202, word
    yield "a name of 16,385 bytes", post(HOOK, hook(alert(labels={"alertname": "A", "n" * 16385: "y"}))), 202, "1 of 2 labels left out"
    yield "100,000 labels", post(API, json.dumps([{"labels": {f"l{i}": "v" for i in range(100000)}}]).encode()), 200, "99744 of 100000 labels"
    yield "a key of 5 MiB", post(HOOK, b'{"version":"4","' + b"k" * (5 * MIB) + b'":1,"alerts":[]}'), 400, ""
    yield "a number of 5 MiB", post(HOOK, b'{"version":"4","x":' + b"1" * (5 * MIB) + b',"alerts":[]}'), 400, ""
    yield "65,537 alerts", post(API, b"[" + b",".join([b"7"] * 65537) + b"]"), 400, "more than 65536 alerts"
    yield "1,000 refused alerts", post(API, b"[" + b",".join([b"{}"] * 1000) + b"]"), 400, "alert 19: "
    yield "a million bad characters", post(HOOK, hook(alert(annotations={"x": "@"})).replace(b"@", b"\xff" * MIB)), 202, f'"repaired": {MIB}'
    for n in (40, 64, 1000):
        yield f"headers of {n} KiB", post(HOOK, b"{}", "X-Long: " + "x" * (n << 10)), (400, 413, 431), ""
    yield "10,000 headers", post(HOOK, b"{}", *(f"X-{i}: 1" for i in range(10000))), (400, 413, 431), ""


def other_sites():
    for host in ("evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1", "[::2]", "localhost:80:80", ""):
        yield f"Host is {host!r}", request([f"Host: {host}", "Connection: close", f"Content-Length: {len(GOOD)}"], GOOD), 421, "Host"
    for header in ("Origin: https://evil.example", "Origin: null", "Origin: http://localhost.evil.example", "Sec-Fetch-Site: cross-site"):
        yield header, post(HOOK, GOOD, header), 403, "another site"
        yield f"{header} at /-/reload", post("/-/reload", b"", header), 403, "another site"


GROUPS = {"single": lambda: SINGLE, "wrong types": wrong_types, "bad values": bad_values, "bad JSON": bad_json, "encodings": encodings,
          "framing": framing, "tokens": tokens, "sizes": sizes, "other sites": other_sites}


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


def next_good_alert_pages(daemon, pager, name):
    """A new alert, and its page."""
    labels = {"alertname": "After " + name, "severity": "critical"}
    answer = daemon.request("POST", HOOK, peers.webhook((labels, "firing")))
    assert answer[0] == 202 and '"accepted": 1' in answer[1], answer
    peers.wait_for(f"the page after {name}", lambda: any(labels["alertname"] in json.dumps(e) for e in pager.events()))


def every_row():
    pager = peers.Pager()
    daemon = peers.Daemon(pager.url, config="senders: {am: {format: alertmanager}, locked: {format: alertmanager, bearer: s3cret}}\n")
    daemon.start()
    wrong, names = [], set()
    try:
        for group, rows in GROUPS.items():
            before = len(names)
            for row in rows():
                assert (group, row[0]) not in names, f"two rows {row[0]}"
                names.add((group, row[0]))
                try:
                    check_row(daemon, *row)
                except AssertionError as error:
                    wrong.append(str(error))
            next_good_alert_pages(daemon, pager, group)
            print(f"{group}: {len(names) - before} rows", flush=True)
        print(f"{len(names)} rows, {len(wrong)} wrong")
        assert not wrong, "\n".join(wrong)
        assert len(names) >= 257
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
