#!/usr/bin/env python3
"""Stub of the other ends: a trace source and a pager in one small server, for system tests.

As a source it serves files as Jaeger answers:
  GET /api/v3/traces/ID         the file DIR/ID.json as it is; 404 without one
  GET /api/traces/ID            the same
  GET /api/v3/traces?QUERY      every *.json of DIR joined into one {"data": [...]}, or, where the files
  GET /api/traces?QUERY         are OTLP ({"result": {"resourceSpans": [...]}}), into one of these
  GET /api/v3/services, /api/services, /api/v3/operations   the --services, or nothing
As a pager it takes whatever is posted:
  POST /v2/enqueue              202 as PagerDuty answers, with the dedup_key that was sent
  POST (any other path)         200 {"ok": true}

Every request, also a failed one, is one line of JSON in --record: at (seconds since 1970), n (from 1), method,
path, query, headers (lower case), body (text), json (the body where it is JSON, else null), status (our answer).
"""

import argparse
import json
import pathlib
import sys
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MAX_BODY = 64 << 20


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=0, help="0: any free one; it is printed on standard output")
    parser.add_argument("--traces", metavar="DIR", type=pathlib.Path, help="where ID.json files are")
    parser.add_argument("--services", default="", help="comma-separated names for the services end point")
    parser.add_argument("--record", metavar="FILE", type=pathlib.Path, help="JSON Lines, appended to")
    parser.add_argument("--status", type=int, metavar="CODE",
                        help="answer every request with this status (with --fail-every: only those that fail)")
    parser.add_argument("--fail-every", type=int, metavar="N", default=0,
                        help="every Nth request fails with --status (default 500); 1: all")
    parser.add_argument("--fail-first", type=int, metavar="N", default=0, help="the first N requests fail likewise")
    parser.add_argument("--retry-after", metavar="TEXT", help="Retry-After header of failed answers")
    parser.add_argument("--delay-ms", type=int, default=0, help="wait before every answer")
    parser.add_argument("--drop", action="store_true", help="failed requests get no answer: the connection closes")
    return parser.parse_args()


class Journal:
    """The record of requests, shared by all threads."""

    def __init__(self, path):
        self.lock = threading.Lock()
        self.file = open(path, "a", encoding="utf-8") if path else None
        self.count = 0

    def next_number(self):
        with self.lock:
            self.count += 1
            return self.count

    def write(self, entry):
        if not self.file:
            return
        with self.lock:
            self.file.write(json.dumps(entry, ensure_ascii=False) + "\n")
            self.file.flush()


def read_json(data):
    try:
        return json.loads(data)
    except ValueError:
        return None


def join_traces(folder):
    """All documents of the folder as one answer to a search."""
    jaeger, otlp = [], []
    for path in sorted(folder.glob("*.json")):
        document = read_json(path.read_bytes())
        if not isinstance(document, dict):
            continue
        jaeger += document.get("data") or []
        result = document.get("result", document)
        otlp += result.get("resourceSpans") or []
    return {"result": {"resourceSpans": otlp}} if otlp else {"data": jaeger}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 60

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.serve()

    def do_POST(self):
        self.serve()

    def read_body(self):
        if "chunked" not in self.headers.get("Transfer-Encoding", "").lower():
            return self.rfile.read(min(int(self.headers.get("Content-Length") or 0), MAX_BODY))
        body = b""
        while len(body) <= MAX_BODY:
            size = int(self.rfile.readline().split(b";")[0], 16)
            if size == 0:
                while self.rfile.readline().strip():
                    pass
                break
            body += self.rfile.read(size)
            self.rfile.readline()
        return body

    def serve(self):
        options, journal = self.server.options, self.server.journal
        number = journal.next_number()
        arrived = time.time()
        body = self.read_body()
        if options.delay_ms:
            time.sleep(options.delay_ms / 1000)
        url = urllib.parse.urlsplit(self.path)
        failed = self.is_failure(number)
        if failed:
            status, answer = options.status or 500, b'{"error": "failed on request"}\n'
        else:
            status, answer = self.answer(url.path, read_json(body))
        text = body.decode("utf-8", "replace")
        journal.write({"at": arrived, "n": number, "method": self.command, "path": url.path, "query": url.query,
                       "headers": {name.lower(): value for name, value in self.headers.items()},
                       "body": text, "json": read_json(body), "status": 0 if failed and options.drop else status})
        if failed and options.drop:
            self.close_connection = True
            return
        self.send(status, answer, failed)

    def is_failure(self, number):
        options = self.server.options
        if number <= options.fail_first:
            return True
        if options.fail_every:
            return number % options.fail_every == 0
        return options.status is not None and not options.fail_first

    def send(self, status, answer, failed):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        if failed and self.server.options.retry_after is not None:
            self.send_header("Retry-After", self.server.options.retry_after)
        self.end_headers()
        self.wfile.write(answer)

    def answer(self, path, document):
        if self.command == "POST":
            return self.answer_pager(path, document)
        parts = [urllib.parse.unquote(part) for part in path.strip("/").split("/")]
        if parts[:2] == ["api", "v3"]:
            del parts[1]
        if parts == ["api", "services"]:
            names = [name for name in self.server.options.services.split(",") if name]
            return 200, json.dumps({"data": names, "services": names}).encode()
        if parts[:2] == ["api", "operations"]:
            return 200, b'{"data": [], "operations": []}'
        if parts[:2] != ["api", "traces"] or len(parts) > 3:
            return 404, b'{"error": "no such path"}\n'
        return self.answer_trace(parts[2]) if len(parts) == 3 else self.answer_search()

    def answer_trace(self, trace_id):
        folder = self.server.options.traces
        if folder and trace_id.isalnum():
            try:
                return 200, (folder / (trace_id + ".json")).read_bytes()
            except OSError:
                pass
        return 404, json.dumps({"error": {"httpCode": 404, "message": "trace not found"},
                                "errors": [{"code": 404, "msg": "trace not found"}]}).encode()

    def answer_search(self):
        folder = self.server.options.traces
        return 200, json.dumps(join_traces(folder) if folder else {"data": []}).encode()

    @staticmethod
    def answer_pager(path, document):
        if path != "/v2/enqueue":
            return 200, b'{"ok": true}\n'
        if not isinstance(document, dict) or not document.get("routing_key") or not document.get("event_action"):
            return 400, b'{"status": "invalid event", "message": "Event object is invalid", "errors": []}\n'
        return 202, json.dumps({"status": "success", "message": "Event processed",
                                "dedup_key": document.get("dedup_key") or "given-by-the-stub"}).encode()


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512

    def handle_error(self, request, client_address):
        # Peers that go away are part of the tests.
        if not isinstance(sys.exc_info()[1], (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)


def main():
    options = parse_arguments()
    server = Server((options.host, options.port), Handler)
    server.options = options
    server.journal = Journal(options.record)
    print(server.server_address[1], flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
