#!/usr/bin/env python3
"""Every kind of trace source behind the daemon, with real sockets: a page by id and by search, credentials, certificates, the order of several
sources. And backends that are broken or hostile: each costs the budget at most, and the page leaves with the reason."""
import base64
import gzip
import json
import os
import shutil
import socket
import subprocess
import tempfile
import threading

import backends
import peers

peers.skip_unless_wanted()
TRACE = "0af7651916cd43dd8448eb211c80319c"
LABELS = {"alertname": "PlaceOrderErrors", "severity": "critical"}
BY_ID = {**LABELS, "trace_id": TRACE}
AT_ONCE = 12  # rows that wait for their budget; each has a daemon


def page_of(config, labels, generator=None, budget="20s"):
    """The first page for an alert of these labels."""
    pager = peers.Pager()
    daemon = peers.Daemon(pager.url, config=config + f"enrich_budget: {budget}\nhealthy_every: 0s\n").start()
    try:
        body = peers.webhook((labels, "firing"))
        if generator:
            body = body.replace("http://prometheus/graph", generator)
        status, text, _ = daemon.request("POST", "/webhook/am", body)
        assert status == 202, (status, text)
        peers.wait_for("the page", pager.events)
        return pager.events()[0]
    finally:
        daemon.finish()


def check_ledger(event):
    assert event["routing_key"] == "key-ledger", event
    assert event["payload"]["summary"].startswith("ledger"), event["payload"]["summary"]
    assert "journal is read-only" in json.dumps(event), event


def source(kind, url, options=""):
    return f"sources: {{main: {{kind: {kind}, url: \"{url}\"{options}}}}}\n"


def traces():
    # A leading zero, which some backends drop.
    return {TRACE: peers.shop_trace(TRACE)}


# ---- Every kind. ----

def both_ways(kind, make, options=""):
    for labels in BY_ID, LABELS:
        backend = make(traces())
        check_ledger(page_of(source(kind, backend.url, options), labels))
        yield backend


def among_healthy(found):
    """Behind more orders that went well than are wanted of any."""
    return {**{f"{n:032x}": peers.shop_trace(f"{n:032x}", fails=False) for n in range(1, 40)}, **found}


def jaeger():
    list(both_ways("jaeger", lambda found: peers.Jaeger(among_healthy(found))))


def jaeger_without_v3():
    by_id, search = both_ways("jaeger", lambda found: backends.OldJaeger(among_healthy(found)))
    assert [json.loads(q["tags"]) for q in search.queries() if "service" in q] == [{"error": "true"}], search.queries()


def jaeger_that_misreads_errors():
    by_id, search = both_ways("jaeger", lambda found: backends.OldJaeger(among_healthy(found), reads_error=False))
    assert ["tags" in q for q in search.queries() if "service" in q] == [True, False], search.queries()


def victoriatraces():
    by_id, search = both_ways("victoriatraces", backends.VictoriaTraces)
    assert search.queries()[0]["service"] == "frontend", search.queries()


def tempo():
    by_id, search = both_ways("tempo", backends.Tempo)
    query = search.queries()[0]
    assert query["q"] == '{ resource.service.name = "frontend" && name = "POST /orders" && status = error }', query
    assert int(query["start"]) < int(query["end"]), query


def tempo_without_v2():
    list(both_ways("tempo", lambda t: backends.Tempo(t, v2=False)))


def zipkin():
    by_id, search = both_ways("zipkin", backends.Zipkin)
    query = search.queries()[0]
    assert query["serviceName"] == "frontend" and query["spanName"] == "post /orders", query
    assert query["annotationQuery"] == "error", query


def xray():
    key = f", region: eu-west-1, username: {backends.XRay.key[0]}, password: {backends.XRay.key[1]}"
    by_id, search = both_ways("xray", backends.XRay, key + ", session_token: t0ken")
    assert [r["path"] for r in by_id.seen()] == ["/Traces"] * 2, by_id.seen()
    filters = [r["json"].get("FilterExpression") for r in search.seen()]
    assert filters[0].startswith('service("frontend") { fault = true AND http.method = "POST"'), filters


def elastic():
    by_id, search = both_ways("elastic", backends.Elastic, ", api_key: aWQ6a2V5")
    assert by_id.seen()[0]["headers"]["Authorization"] == "ApiKey aWQ6a2V5", by_id.seen()
    assert [("collapse" in r["json"]) for r in search.seen()] == [True, False], search.seen()


def opensearch():
    list(both_ways("opensearch", backends.OpenSearch, ", username: reader, password: s3cret"))


def datadog():
    by_id, search = both_ways("datadog", backends.Datadog, ", api_key: k3y, app_key: 4pp")
    assert search.seen()[0]["json"]["filter"]["query"].startswith('service:"frontend"'), search.seen()


def gcptrace():
    """The token's file is written anew while the daemon runs: the next question carries the new one."""
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "token")
        write_token(path, "first", 1000)
        for labels in BY_ID, LABELS:
            backend, pager = backends.CloudTrace(traces(), path), peers.Pager()
            config = source("gcptrace", backend.url, f", project: shop-prod, bearer_file: {path}")
            daemon = peers.Daemon(pager.url, config=config + "enrich_budget: 20s\n").start()
            try:
                write_token(path, "second of " + str(len(labels)), 2000 + len(labels))
                daemon.request("POST", "/webhook/am", peers.webhook((labels, "firing")))
                peers.wait_for("the page", pager.events)
                check_ledger(pager.events()[0])
            finally:
                daemon.finish()


def write_token(path, token, at):
    with open(path + ".new", "w", encoding="utf-8") as f:
        f.write(token.replace(" ", "-") + "\n")
    os.utime(path + ".new", (at, at))
    os.replace(path + ".new", path)


def exemplars():
    prom, backend = backends.Prometheus(traces()), peers.Jaeger(traces())
    config = (f"sources:\n  prom: {{kind: prometheus, url: \"{prom.url}\"}}\n"
              f"  jaeger: {{kind: jaeger, url: \"{backend.url}\"}}\n")
    check_ledger(page_of(config, LABELS, "http://prom/graph?g0.expr=rate%28x%5B5m%5D%29+%3E+0&g0.tab=1"))
    assert prom.queries()[0]["query"] == "rate(x[5m]) > 0", prom.queries()
    assert [r["path"] for r in backend.asked()] == [f"/api/v3/traces/{TRACE}"], backend.asked()


# ---- Credentials, and several sources. ----

def credentials():
    secret = tempfile.NamedTemporaryFile("w", suffix=".secret")
    with secret:
        secret.write("s3cret of two words\n")
        secret.flush()
        backend = backends.Tempo(traces())
        check_ledger(page_of(source("tempo", backend.url, f", username: reader, password_file: {secret.name}, "
                                    f"tenant: shop, headers: {{X-Api-Key_file: {secret.name}}}"), BY_ID))
    headers = backend.seen()[0]["headers"]
    expected = base64.b64encode(b"reader:s3cret of two words").decode()
    assert headers["Authorization"] == "Basic " + expected, headers
    assert headers["X-Scope-OrgID"] == "shop" and headers["X-Api-Key"] == "s3cret of two words", headers


def openssl(directory, *arguments):
    subprocess.run(["openssl", *arguments], cwd=directory, check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)


def make_certificates(directory):
    openssl(directory, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "ca.key", "-out", "ca.pem",
            "-subj", "/CN=test authority", "-days", "2")
    with open(os.path.join(directory, "names"), "w", encoding="utf-8") as f:
        f.write("subjectAltName=DNS:localhost\n")
    for name in "server", "client":
        openssl(directory, "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", name + ".key", "-out", name + ".csr",
                "-subj", f"/CN={name}")
        openssl(directory, "x509", "-req", "-in", name + ".csr", "-CA", "ca.pem", "-CAkey", "ca.key",
                "-CAcreateserial", "-out", name + ".pem", "-days", "2", "-extfile", "names")
    with open(os.path.join(directory, "both.pem"), "w", encoding="utf-8") as out:
        for name in "server.pem", "server.key":
            with open(os.path.join(directory, name), encoding="utf-8") as f:
                out.write(f.read())


def certificates():
    """The server shows its certificate, we show ours; who does not, or trusts another authority, gets no trace."""
    if not shutil.which("openssl"):
        print("     certificates: no openssl to make them")
        return
    with tempfile.TemporaryDirectory() as directory:
        make_certificates(directory)
        files = (os.path.join(directory, "ca.pem"), os.path.join(directory, "both.pem"))
        ours = f", cert_file: {directory}/client.pem, key_file: {directory}/client.key"
        backend = backends.Tempo(traces(), certificates=files)
        check_ledger(page_of(source("tempo", backend.url, f", ca_file: {files[0]}{ours}"), BY_ID))

        def refused(options):
            check_fallback(page_of(source("tempo", backend.url, options), BY_ID, budget="5s"), "main did not answer")

        peers.side_by_side(refused, [(f", ca_file: {files[0]}",), (ours,)], 2)


def the_next_source_is_asked():
    """In the order of their numbers: one is gone, one does not know the trace, one has it, one is not needed."""
    empty, full, unused = backends.Tempo({}), backends.OldJaeger(traces()), peers.Jaeger(traces())
    config = ("sources:\n"
              f"  unused: {{kind: jaeger, url: \"{unused.url}\"}}\n"
              f"  full: {{kind: jaeger, url: \"{full.url}\", prefer: 3}}\n"
              f"  gone: {{kind: tempo, url: \"http://127.0.0.1:{peers.free_port()}\", prefer: 1}}\n"
              f"  empty: {{kind: tempo, url: \"{empty.url}\", prefer: 2}}\n")
    check_ledger(page_of(config, BY_ID))
    assert empty.asked() and full.asked() and not unused.asked(), unused.asked()


def a_storm_asks_once():
    """Twenty alerts with one trace, which is slow to come: one request."""
    pager, release = peers.Pager(), threading.Event()
    backend = peers.Jaeger(traces())
    look_up = backend.answer

    def slow(request):
        release.wait(peers.PATIENCE)
        return look_up(request)

    backend.answer = slow
    daemon = peers.Daemon(pager.url, backend.url, "enrich_budget: 20s\nhealthy_every: 0s\n").start()
    try:
        alerts = [({**BY_ID, "instance": str(n)}, "firing") for n in range(20)]
        daemon.request("POST", "/webhook/am", peers.webhook(*alerts))
        peers.wait_for("the question", backend.asked)
        release.set()
        peers.wait_for("all decisions", lambda: daemon.metric('tracepager_decisions_total{outcome="suspect"}') == 20)
        assert len(backend.asked()) == 1, backend.asked()
        peers.wait_for("the page", pager.events)
        check_ledger(pager.events()[0])
    finally:
        release.set()
        daemon.finish()


# ---- Broken and hostile backends. ----

class Raw:
    """A server that answers each request with bytes of our choice: pieces, and between them nothing."""

    def __init__(self, pieces):
        self.pieces, self.socket = pieces, socket.create_server(("127.0.0.1", 0))
        self.url = "http://127.0.0.1:%d" % self.socket.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            connection, _ = self.socket.accept()
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with connection:
            try:
                connection.recv(65536)
                for piece in self.pieces():
                    connection.sendall(piece)
            except OSError:
                pass  # it has had enough of us


def whole(status, body, *headers):
    head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers, "", ""])
    return lambda: [head.encode() + body]


def endless(first=b""):
    def pieces():
        yield b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n" + first
        while True:
            yield b" " * 65536
    return pieces


def drip():
    yield b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"
    wait = threading.Event()
    for byte in b'{"result":' + b" " * 100000:
        yield bytes([byte])
        wait.wait(0.05)


def silence():
    threading.Event().wait(peers.PATIENCE)
    return []


def bomb():
    return gzip.compress(b" " * (200 << 20), 1)


HOSTILE = [
    # name, what it sends, a word of the reason
    ("not HTTP", lambda: [b"\x00\x01garbage\r\n\r\n"], "did not answer"),
    ("closes at once", lambda: [], "did not answer"),
    ("half a head", lambda: [b"HTTP/1.1 200 OK\r\nContent-Le"], "an empty answer"),
    ("silence", silence, ""),
    ("a slow drip", drip, ""),
    ("endless white space", endless(), ""),
    ("endless spans", endless(b'{"result":{"resourceSpans":['), ""),
    ("a body that ends early", lambda: [b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"result\""], "did not answer"),
    ("an empty answer", whole("200 OK", b""), "an empty answer"),
    ("garbage", whole("200 OK", b"\xff\xfe\x00\x01" * 100), "a document that is no trace"),
    ("JSON of something else", whole("200 OK", b'{"status":"ok"}', "Content-Type: application/json"), ""),
    ("a number", whole("200 OK", b"42"), "a document that is no trace"),
    ("a login page", whole("200 OK", b"<!doctype html><form>", "Content-Type: text/html"), "sent a web page"),
    ("a login page as JSON", whole("200 OK", b"<html>", "Content-Type: application/json"), "sent a web page"),
    ("a trace of another type", whole("200 OK", b'{"result":{"resourceSpans":[]}}', "Content-Type: image/png"), "not found"),
    ("a redirect", whole("302 Found", b"", "Location: http://127.0.0.1:1/"), "a redirect, which is not followed"),
    ("a redirect to a file", whole("302 Found", b"", "Location: file:///etc/passwd"), "a redirect, which is not followed"),
    ("404 in words", whole("404 Not Found", b"404 page not found"), "not found"),
    ("a refusal", whole("403 Forbidden", b"go away"), "answered HTTP 403"),
    ("a long refusal", whole("500 Oops", b"x" * (1 << 20)), "answered HTTP 500"),
    ("gzip bomb", whole("200 OK", bomb(), "Content-Encoding: gzip"), ""),
    ("gzip that is none", whole("200 OK", b"{}", "Content-Encoding: gzip"), "did not answer"),
    ("deep nesting", whole("200 OK", b"[" * 100000), "a document that is no trace"),
    ("headers without an end", lambda: [b"HTTP/1.1 200 OK\r\n"] + [b"X-%d: y\r\n" % n for n in range(100000)],
     "did not answer"),
]


def check_fallback(event, reason):
    """The signal's owner is paged, and told why there is no more."""
    assert event["routing_key"] == "key-shop", event
    assert reason in json.dumps(event), (reason, event)


def hostile_row(kind, name, pieces, reason):
    try:
        check_fallback(page_of(source(kind, Raw(pieces).url, ", timeout: 1500ms"), BY_ID, budget="2s"), reason)
    except Exception as error:
        raise AssertionError(f"{kind}: {name}: {error}") from error


def hostile():
    """Each row waits for the end of its budget, so that they run side by side."""
    peers.side_by_side(hostile_row, [(kind, name, pieces, reason if kind == "jaeger" else "")  # protobuf takes other bytes for bad ones
                                     for name, pieces, reason in HOSTILE for kind in ("jaeger", "tempo")], AT_ONCE)


def search_row(name, pieces):
    raw = Raw(pieces)
    config = (f"sources:\n  prom: {{kind: prometheus, url: \"{raw.url}\", timeout: 600ms}}\n"
              f"  main: {{kind: tempo, url: \"{raw.url}\", timeout: 600ms}}\n")
    try:
        check_fallback(page_of(config, LABELS, "http://prom/graph?g0.expr=up", budget="2s"), "")
    except Exception as error:
        raise AssertionError(f"{name}: {error}") from error


def hostile_to_searches():
    """The same where a search and exemplars are asked for: ids that are none, and all of the above."""
    rows = [(name, pieces) for name, pieces, _ in HOSTILE] + [
        ("ids of no form", whole("200 OK", b'{"traces":[{"traceID":"../../x?y=\\u0000"},{"traceID":""},{"traceID":7}]}')),
        ("too many ids", whole("200 OK", b'{"traces":[' + b",".join(
            b'{"traceID":"%032x"}' % n for n in range(1, 40000)) + b"]}"))]
    peers.side_by_side(search_row, rows, AT_ONCE)


peers.run(jaeger, jaeger_without_v3, jaeger_that_misreads_errors, victoriatraces, tempo, tempo_without_v2, zipkin, xray,
          elastic, opensearch, datadog, gcptrace, exemplars, credentials, certificates, the_next_source_is_asked,
          a_storm_asks_once, hostile, hostile_to_searches, at_once=6)
