"""Real trace backends as child processes, on loopback ports of their own, with their storage in memory."""
import json
import os
import subprocess
import time
import urllib.error
import urllib.request

import peers

START_PATIENCE = 120  # seconds: a Java virtual machine beside other work
END_PATIENCE = 10  # seconds, of all: an exporter whose backend has ended tries for minutes
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "host"}


def get(url, headers=None):
    """(status, headers, body), whatever the status."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers or {}), timeout=peers.PATIENCE) as reply:
            return reply.status, dict(reply.headers), reply.read()
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), error.read()


class Children:
    """Processes that end when we do; what they print goes to one file in the directory."""

    def __init__(self, directory):
        self.directory, self.all = directory, []
        self.log = open(os.path.join(directory, "children.log"), "ab")

    def spawn(self, *command, **environment):
        child = subprocess.Popen(command, stdout=self.log, stderr=self.log, cwd=self.directory,
                                 env={**os.environ, **environment})
        self.all.append(child)
        return child

    def end(self):
        for child in self.all:
            child.terminate()
        end = time.monotonic() + END_PATIENCE
        for child in self.all:
            try:
                child.wait(max(0, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


class Recorder(peers.Peer):
    """Stands before a backend and keeps every exchange as files, byte for byte: a bug is reported with what was answered."""

    def __init__(self, backend, directory):
        self.backend, self.directory, self.n = backend, directory, 0
        os.makedirs(directory, exist_ok=True)
        super().__init__(self.forward)

    def forward(self, request):
        path = self.backend.rewrite(request["path"])
        headers = {k: v for k, v in request["headers"].items() if k.lower() not in HOP_BY_HOP}
        status, reply_headers, body = get(self.backend.url + path, headers)
        with self.lock:
            self.n += 1
            n = self.n
        head = f"{request['method']} {path}\n{json.dumps(headers)}\n{status}\n{json.dumps(reply_headers)}\n"
        self.keep(f"{n:03}.head", head.encode())
        self.keep(f"{n:03}.body", body)
        return status, {k: v for k, v in reply_headers.items() if k.lower() not in HOP_BY_HOP}, body

    def keep(self, name, content):
        with open(os.path.join(self.directory, name), "wb") as f:
            f.write(content)


class Backend:
    """A backend that runs: where it is asked, where its spans go, and which kind of source reads it."""

    kind = url = spans_url = None
    exporter = "otlp"
    trace_path = {"jaeger": "/api/v3/traces/{}", "tempo": "/api/v2/traces/{}", "zipkin": "/api/v2/trace/{}",
                  "victoriatraces": "/select/jaeger/api/traces/{}"}
    span_key = {"zipkin": b'"id":', "victoriatraces": b'"spanID":'}

    def __init__(self, name):
        self.name = name

    def start(self, children, cache):
        """Starts it; sets url and spans_url."""

    def rewrite(self, path):
        return path

    def has(self, trace_id, operation, spans):
        """True when it has so many spans of the trace, and the one of the operation, which ends last; looked at without a decoder."""
        status, _, body = get(self.url + self.trace_path[self.kind].format(trace_id), {"Accept": "application/json"})
        known = body.replace(b" ", b"").count(self.span_key.get(self.kind, b'"spanId":'))
        return status == 200 and known >= spans and operation.encode().lower() in body.lower()


class Given(Backend):
    """One that the user runs."""

    def __init__(self, kind, url, exporter, spans_url):
        super().__init__(kind)
        self.kind, self.url, self.exporter, self.spans_url = kind, url.rstrip("/"), exporter, spans_url


JAEGER_CONFIG = """
service:
  extensions: [jaeger_storage, jaeger_query]
  pipelines: {{traces: {{receivers: [otlp], exporters: [jaeger_storage_exporter]}}}}
  telemetry: {{metrics: {{level: none}}}}
extensions:
  jaeger_query:
    storage: {{traces: memory}}
    http: {{endpoint: "{query}"}}
    grpc: {{endpoint: "{other}"}}
  jaeger_storage: {{backends: {{memory: {{memory: {{max_traces: 10000}}}}}}}}
receivers: {{otlp: {{protocols: {{http: {{endpoint: "{otlp}"}}}}}}}}
exporters: {{jaeger_storage_exporter: {{trace_storage: memory}}}}
"""
UNTRACED = {"OTEL_TRACES_SAMPLER": "always_off"}  # Jaeger would trace itself, and send that to its default port


def address():
    return f"127.0.0.1:{peers.free_port()}"


class Jaeger(Backend):
    """Jaeger 2, asked through API v3."""

    kind = "jaeger"

    def start(self, children, cache):
        query, otlp = address(), address()
        self.url, self.spans_url = f"http://{query}", f"http://{otlp}/v1/traces"
        config = os.path.join(children.directory, "jaeger.yaml")
        with open(config, "w", encoding="utf-8") as f:
            f.write(JAEGER_CONFIG.format(query=query, other=address(), otlp=otlp))
        children.spawn(os.path.join(cache, "jaeger", "jaeger"), "--config", config, **UNTRACED)


class JaegerV1(Backend):
    """Jaeger 1, and as old as one that has no API v3: what is asked of that goes to a path that it does not know, so that it is its own
    router that answers."""

    kind = "jaeger"

    def start(self, children, cache):
        query, otlp = address(), address()
        self.url, self.spans_url = f"http://{query}", f"http://{otlp}/v1/traces"
        flags = {"query.http-server.host-port": query, "collector.otlp.http.host-port": otlp}
        for name in ("query.grpc-server.host-port", "collector.otlp.grpc.host-port", "collector.http-server.host-port",
                     "collector.grpc-server.host-port", "admin.http.host-port"):
            flags[name] = address()
        children.spawn(os.path.join(cache, "jaeger", "all-in-one"), *(f"--{k}={v}" for k, v in flags.items()),
                       SPAN_STORAGE_TYPE="memory", **UNTRACED)

    def rewrite(self, path):
        return path.replace("/api/v3/", "/api/v0/")


class Zipkin(Backend):
    """Zipkin's server; spans come as Zipkin's JSON."""

    kind = exporter = "zipkin"

    def start(self, children, cache):
        port = peers.free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.spans_url = self.url + "/api/v2/spans"
        children.spawn("java", "-Xmx256m", "-jar", os.path.join(cache, "zipkin", "zipkin-server-exec.jar"),
                       "--armeria.ports[0].ip=127.0.0.1", f"--armeria.ports[0].port={port}",
                       "--armeria.ports[0].protocols[0]=http")


KNOWN = {"jaeger": Jaeger, "jaeger-v1": JaegerV1, "hotrod": Jaeger, "zipkin": Zipkin, "street": Jaeger}


def wait_until_ready(backend):
    """A trace that no one has: any answer but 5xx."""

    def answers():
        try:
            return get(backend.url + backend.trace_path[backend.kind].format("1" * 32))[0] < 500
        except OSError:
            return False

    peers.wait_for(f"{backend.name} to answer at {backend.url}", answers, START_PATIENCE)
