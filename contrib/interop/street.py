"""The street: services as companies run them, each under the official instrumentation of its language, whose habits the walk must see through.

gateway → web → checkout → accounts → stock, Redis, PostgreSQL
(Node)  (Express) (Java)   (FastAPI)   (Go, gRPC)

Each fault is decided by "explain" from the traces that the backend answers with, as an alert of the operation, of the gateway, and of the
entry's service would have it. The healthy traces are those of the operation, else those of all operations. Right is the culprit or nobody.
"""
import collections
import json
import os
import pwd
import shutil
import subprocess
import time
import urllib.error
import urllib.request

import peers
import real

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "street")
GOOD, BAD = 12, 6  # requests of each kind
POSTGRES = "/usr/lib/postgresql/15/bin"
PLACES = ("gateway", "web", "checkout", "accounts", "stock", "postgresql", "redis", "dead-stock", "dead-postgresql", "dead-redis")

# What goes wrong, the path that asks for it, and who is to blame: services, or callees by name; "dead-…" is the address that nobody listens to.
Fault = collections.namedtuple("Fault", "name path status culprits")
FAULTS = [
    Fault("stock is down", "refused", 500, {"stock", "shop.Stock", "dead-stock"}),
    Fault("database is stopped", "db-stopped", 500, {"postgresql", "dead-postgresql"}),
    Fault("SQL is wrong, psycopg2", "query", 500, {"accounts"}),
    Fault("SQL is wrong, JDBC", "jdbc-query", 500, {"checkout"}),
    Fault("deadline shorter than usual", "deadline", 500, {"checkout"}),
    Fault("retried, then own exception", "retry", 500, {"checkout"}),
    Fault("compensation fails too", "compensation", 500, {"accounts"}),
    Fault("optional call fails, then own exception", "optional", 500, {"checkout"}),
    Fault("slow query", "slow", 200, {"postgresql", "accounts"}),
    Fault("gRPC INTERNAL", "internal", 500, {"stock"}),
    Fault("cache is down", "cache", 500, {"redis", "dead-redis"}),
    Fault("division by zero", "sum", 500, {"checkout"}),
    Fault("connection pool is exhausted", "pool", 500, {"accounts"}),
]


class Street:
    """The services and their databases, as child processes on loopback."""

    def __init__(self, children, backend, cache):
        self.children, self.cache = children, os.path.join(cache, "street")
        self.addresses = {name: real.address() for name in PLACES}
        self.environment = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": backend.spans_url.removesuffix("/v1/traces"), "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_TRACES_EXPORTER": "otlp", "OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none", "OTEL_BSP_SCHEDULE_DELAY": "200",
            "OTEL_NODE_RESOURCE_DETECTORS": "env", "NODE_PATH": os.path.join(self.cache, "node", "node_modules")}
        self.start_databases()
        self.start_services()

    def port(self, name):
        return self.addresses[name].rpartition(":")[2]

    def spawn(self, name, *command):
        self.children.spawn(*command, OTEL_SERVICE_NAME=name, **self.environment)

    def start_databases(self):
        data = os.path.join(self.children.directory, "postgresql")
        os.mkdir(data)
        as_postgres = []
        if os.getuid() == 0:  # PostgreSQL refuses to run as root
            os.chmod(self.children.directory, 0o755)
            shutil.chown(data, "postgres")
            as_postgres = ["setpriv", f"--reuid={pwd.getpwnam('postgres').pw_uid}", "--clear-groups"]
        subprocess.run([*as_postgres, f"{POSTGRES}/initdb", "-D", data, "-A", "trust", "-U", "postgres"], check=True,
                       stdout=self.children.log, cwd=data)
        self.children.spawn(*as_postgres, f"{POSTGRES}/postgres", "-D", data, "-p", self.port("postgresql"), "-k", data,
                            "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off")
        self.children.spawn("redis-server", "--port", self.port("redis"), "--bind", "127.0.0.1", "--save", "")
        psql = ["psql", "-q", "-h", "127.0.0.1", "-p", self.port("postgresql"), "-U", "postgres"]
        peers.wait_for("PostgreSQL", lambda: subprocess.run([*psql, "-c", "SELECT 1"], capture_output=True, check=False).returncode == 0)
        subprocess.run([*psql, "-c", "CREATE DATABASE shop"], check=True)
        subprocess.run([*psql, "-d", "shop", "-c", "CREATE TABLE members (name text)"], check=True)

    def start_services(self):
        node = ["node", "--require", "@opentelemetry/auto-instrumentations-node/register"]
        java = os.path.join(self.cache, "java")
        at = self.addresses
        self.spawn("stock", os.path.join(self.cache, "stock"), self.port("stock"))
        self.spawn("accounts", os.path.join(self.cache, "python", "bin", "opentelemetry-instrument"),
                   "--disabled_instrumentations", "asgi,fastapi,grpc_client,psycopg2,redis,sqlalchemy",
                   os.path.join(self.cache, "python", "bin", "python3"), os.path.join(HERE, "accounts.py"), self.port("accounts"),
                   at["stock"], at["dead-stock"], at["postgresql"], at["redis"], at["dead-redis"])
        self.spawn("checkout", "java", "-Xmx200m", f"-javaagent:{java}/opentelemetry-javaagent.jar", "-cp",
                   f"{java}:{java}/postgresql.jar:{java}/opentelemetry-api.jar:{java}/opentelemetry-context.jar", "Checkout",
                   self.port("checkout"), at["accounts"], at["postgresql"], at["dead-postgresql"])
        self.spawn("web", *node, os.path.join(HERE, "web.js"), self.port("web"), at["checkout"], at["accounts"])
        self.spawn("gateway", *node, os.path.join(HERE, "gateway.js"), self.port("gateway"), at["web"])
        for fault in FAULTS:  # the first requests load classes and are no example of anything
            peers.wait_for(f"the street to answer to {fault.path}", lambda path=fault.path: self.warm(path), real.START_PATIENCE)

    def warm(self, path):
        try:
            return self.order(path, False)[0] == 200
        except OSError:
            return False

    def order(self, path, bad):
        """(status, trace id)"""
        url = f"http://{self.addresses['gateway']}/orders/{path}{'?bad=1' if bad else ''}"
        try:
            with urllib.request.urlopen(urllib.request.Request(url, b"", method="POST"), timeout=peers.PATIENCE) as reply:
                return reply.status, reply.headers["X-Trace-Id"]
        except urllib.error.HTTPError as error:
            return error.code, error.headers["X-Trace-Id"]

    def trouble(self, fault):
        """Ids of good and of bad traces."""
        good, bad = ([self.order(fault.path, kind) for _ in range(count)] for kind, count in ((False, GOOD), (True, BAD)))
        assert [s for s, _ in good] == [200] * GOOD and [s for s, _ in bad] == [fault.status] * BAD, (fault, good, bad)
        return [i for _, i in good], [i for _, i in bad]


def fetch(backend, place, name, ids):
    """Writes the traces as files; their paths."""
    paths = []
    for trace_id in ids:
        status, _, body = real.get(backend.url + backend.trace_path[backend.kind].format(trace_id))
        assert status == 200, (trace_id, status, body[:200])
        paths.append(os.path.join(place, f"{name}-{trace_id}.json"))
        with open(paths[-1], "wb") as f:
            f.write(body)
    return paths


def explain(signal, healthy, window):
    program = os.path.join(os.environ["top_builddir"], "tracepager")
    command = [program, "explain", "--format", "json", "--mode", "auto", "--signal", signal]
    done = subprocess.run([*command, *(word for path in healthy for word in ("--healthy", path)), *window], capture_output=True, check=False)
    return json.loads(done.stdout)["verdict"]


def judge(verdict, culprits):
    """(what was said, ok or what is wrong)"""
    suspect = verdict["suspect"]
    if not suspect:
        return f"nobody, {verdict['fallback']['code']}", "ok"
    names = {suspect["service"]} | ({suspect["callee"], suspect["callee"].split("/")[0]} if suspect["callee"] else set())
    who = suspect["service"] + (f" → {suspect['callee']}" if suspect["callee"] else "")
    return f"{who} ({suspect['kind']}), {verdict['confidence']:.2f}", "ok" if names & culprits else "wrong"


def settled(backend, ids):
    """True when two looks see the same number of spans of the last trace. Jaeger adds warnings at each look, so that bytes do not tell."""
    url = backend.url + backend.trace_path[backend.kind].format(ids[-1])
    counts = []
    for _ in range(2):
        status, _, body = real.get(url)
        counts.append(body.count(b'"spanId"') if status == 200 else 0)
        time.sleep(1)
    return counts[0] and counts[0] == counts[1]


def try_street(backend, cache, children, tell):
    """Tells a row for each fault and scope."""
    street = Street(children, backend, cache)
    troubles = [(fault, *street.trouble(fault)) for fault in FAULTS]
    peers.wait_for("the spans of the street", lambda: settled(backend, troubles[-1][2]))
    place = os.path.join(cache, "exchanges", "street")
    os.makedirs(place, exist_ok=True)
    files = [(fault, fetch(backend, place, f"{fault.path}-good", good), fetch(backend, place, f"{fault.path}-bad", bad))
             for fault, good, bad in troubles]
    all_good = [path for _, good, _ in files for path in good]
    for fault, good, bad in files:
        culprits = {street.addresses[name] if name.startswith("dead-") else name for name in fault.culprits}
        for scope, signal, healthy in (("operation", f"web/POST /orders/{fault.path}", good), ("gateway", "gateway", all_good),
                                       ("entry", "web", all_good)):
            begun = time.monotonic()
            said, result = judge(explain(signal, healthy, bad), culprits)
            tell([backend.name, fault.name, scope, said, f"{time.monotonic() - begun:.2f} s", result])
