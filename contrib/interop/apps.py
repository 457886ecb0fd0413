"""The applications whose spans the backends hold: a shop of five services (shop.py), and Jaeger's HotROD. Each has faults that really happen."""
import collections
import concurrent.futures
import json
import os
import sqlite3
import sys
import time
import urllib.error
import urllib.request
import uuid

import peers
import real

HERE = os.path.dirname(os.path.abspath(__file__))
TRACES = 3  # of each kind: good orders, and bad ones

# What goes wrong, how it is asked for, and what the page must say. spans: how many a trace of it has in all; 0: not counted.
Fault = collections.namedtuple("Fault", "name operation good bad suspect team error spans mode", defaults=["errors"])


def alert_name(fault):
    return "Trouble" + fault.operation.rsplit("/")[-1].title()


class App:
    """An application that runs: entry, owners and peer_names are what the rules say of it."""

    entry = None
    owners = {}
    faults = []

    def __init__(self):
        self.peer_names = {}

    def rules(self, pager):
        """Each team has a webhook of its own, so that the path tells who was paged."""
        teams = sorted({*self.owners.values(), "fallback"})
        return json.dumps({
            "teams": {team: {"escalation": team} for team in teams},
            "pagers": {team: {"kind": "webhook", "url": f"{pager}/{team}"} for team in teams},
            "escalations": {team: {"steps": [{"page": [team]}]} for team in teams},
            "services": {service: {"owner": team, **({"peers": self.peer_names[service]} if service in self.peer_names else {})}
                         for service, team in self.owners.items()},
            "signals": {alert_name(f).lower(): {
                "alerts": {"alertname": alert_name(f)}, "span": {"service": self.entry, "operation": f.operation},
                "owner": "web", "mode": f.mode, "traces": TRACES} for f in self.faults},
            "fallback": {"team": "fallback"}}, indent=1)


def answers(url, wanted):
    try:
        return real.get(url)[0] == wanted
    except OSError:
        return False


class Shop(App):
    """The spans of a trace, as shop.py makes them: 2 of the storefront (server, client), 3 of orders (server, 2 clients), 2 of stock
    (server, count), 2 of payment (server, client), 2 of the ledger (server, SQL). A voucher adds "redeem"; who is refused has none."""

    entry = "storefront"
    owners = {"storefront": "web", "orders": "web", "stock": "warehouse", "payment": "payments", "ledger": "books", "rates": "partners"}
    faults = [
        Fault("500 in the third hop", "POST /gifts", "voucher=spring", "voucher=winter", "payment", "payments", "winter", 9),
        Fault("connection refused", "POST /imports", "", "currency=NOK", "rates", "partners", "refused", 9),
        Fault("database timeout", "POST /invoices", "", "", "ledger", "books", "database is locked", 11),
        Fault("slow service", "POST /bulk", "", "all", "stock", "warehouse", "", 11, "latency"),
    ]

    def __init__(self, children, backend, _cache):
        super().__init__()
        self.database = os.path.join(children.directory, "ledger.db")
        with sqlite3.connect(self.database) as connection:
            connection.execute("CREATE TABLE journal (amount INTEGER)")
        self.addresses = {name: real.address() for name in self.owners}
        self.peer_names = {"rates": [self.addresses["rates"]]}
        with open(os.path.join(children.directory, "addresses.json"), "w", encoding="utf-8") as f:
            json.dump(self.addresses, f)
        services = [name for name in self.owners if name != "rates"]
        # Half of them speak the semantic conventions of today, half the older ones, as in a company that upgrades.
        for n, name in enumerate(services):
            children.spawn(sys.executable, os.path.join(HERE, "shop.py"), name, self.addresses[name].split(":")[1],
                           backend.exporter, backend.spans_url, children.directory,
                           OTEL_SEMCONV_STABILITY_OPT_IN="http,database" if n % 2 else "")
        for name in services:
            peers.wait_for(name, lambda url=f"http://{self.addresses[name]}/": answers(url, 404))

    def order(self, fault, query):
        """(status, trace id)"""
        method, path = fault.operation.split()
        request = urllib.request.Request(f"http://{self.addresses['storefront']}{path}?{query}", b"", method=method)
        try:
            with urllib.request.urlopen(request, timeout=peers.PATIENCE) as reply:
                return reply.status, reply.headers["X-Trace-Id"]
        except urllib.error.HTTPError as error:
            return error.code, error.headers["X-Trace-Id"]

    def orders(self, fault, query, status):
        placed = [self.order(fault, query) for _ in range(TRACES)]
        assert [one[0] for one in placed] == [status] * TRACES, (fault.name, placed)
        return [trace_id for _, trace_id in placed]

    def trouble(self, fault):
        """Orders that go well, then some that do not; the ids of these. Where orders fail, newer ones go well again, so that the newest
        are not what is looked for; what is slow stays slow."""
        self.orders(fault, fault.good, 200)
        if fault.mode == "latency":
            return self.orders(fault, fault.bad, 200)
        lock = sqlite3.connect(self.database, isolation_level=None)
        if fault.suspect == "ledger":
            lock.execute("BEGIN EXCLUSIVE")
        failed = self.orders(fault, fault.bad, 500)
        lock.close()
        self.orders(fault, fault.good, 200)
        return failed


class HotRod(App):
    """Jaeger's example: taxis to order, and a customer database with one connection, for which all wait."""

    entry = "frontend"
    owners = {"frontend": "web", "customer": "web", "driver": "web", "route": "web", "redis-manual": "web", "mysql": "data"}
    faults = [Fault("one connection for all", "/dispatch", "", "customer=392", "mysql", "data", "", 0, "latency")]

    def __init__(self, children, backend, cache):
        super().__init__()
        parts = ("customer", "driver", "frontend", "route")
        flags = {f"{part}-service-hostname": "127.0.0.1" for part in parts}
        flags.update({f"{part}-service-port": peers.free_port() for part in parts})
        self.url = f"http://127.0.0.1:{flags['frontend-service-port']}"
        children.spawn(os.path.join(cache, "jaeger", "hotrod"), "all", *(f"--{k}={v}" for k, v in flags.items()),
                       OTEL_EXPORTER_OTLP_ENDPOINT=backend.spans_url.removesuffix("/v1/traces"))
        peers.wait_for("HotROD", lambda: answers(self.url + "/", 200))

    def trouble(self, fault):
        """Many customers at once; the slowest is the last of the list. The ids are ours: HotROD goes on with the trace that it is given."""
        ids = [uuid.uuid4().hex for _ in range(3 * TRACES)]

        def dispatch(trace_id):
            begun = time.monotonic()
            status, _, _ = real.get(f"{self.url}{fault.operation}?{fault.bad}", {"traceparent": f"00-{trace_id}-{trace_id[:16]}-01"})
            assert status == 200, status
            return time.monotonic() - begun

        with concurrent.futures.ThreadPoolExecutor(len(ids)) as pool:
            took = list(pool.map(dispatch, ids))
        return [trace_id for _, trace_id in sorted(zip(took, ids))]
