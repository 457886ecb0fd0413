"""A fleet of services, its traces as OTLP JSON, and the edges of its map, counted from the same traces in another way than the relay
does: by what tracepager-api(7) says of /api/v1/map. Random by a seed, so that a failure can be had again."""
import math
import random
import time

SERVER, CLIENT, PRODUCER, CONSUMER, INTERNAL = 2, 3, 4, 5, 1
DATABASES = ("postgresql", "redis", "mysql")


class Fleet:
    """Services in layers; each calls some of those below it, and some databases, queues and strangers."""

    def __init__(self, services, seed=1, names=None, tiers=None):
        self.random = random.Random(seed)
        self.names = names or [f"svc-{i:03d}" for i in range(services)]
        self.calls = {}
        for i, name in enumerate(self.names):
            below = self.names[i + 1:i + 1 + max(4, services // 4)]
            if tiers:  # calls go to the next tiers, mostly to the next
                size = -(-services // tiers)
                first = (i // size + 1) * size
                below = self.names[first:first + (size if self.random.random() < 0.8 else 2 * size)]
            targets = [("service", callee) for callee in self.random.sample(below, min(len(below), self.random.randint(1, 4)))]
            if self.random.random() < 0.4:
                targets.append(("database", f"{self.random.choice(DATABASES)}/{name.replace('/', '-')}"))
            if self.random.random() < 0.1:
                targets.append(("queue", f"kafka/events-{i % 5}"))
            if self.random.random() < 0.1:
                targets.append(("stranger", f"api-{i % 7}.example.com:443"))
            self.calls[name] = targets
        if services > 20:  # two circles
            self.calls[self.names[10]].append(("service", self.names[2]))
            self.calls[self.names[-1]].append(("service", self.names[-3]))

    def trace(self, number, most=60):
        """One request, as the resourceSpans of a trace, at most so many calls."""
        self.trace_id, self.spans, self.left = f"{number:032x}", [], most
        self.begun = int((time.time() - 60) * 1e9)
        entry = self.names[number % max(1, len(self.names) // 3)]
        root = self.span(entry, SERVER, None, "POST /orders", 900)
        if not self.serve(entry, root, 0):
            self.fail(root)
        self.fail(root)  # an alert led here
        by_service = {}
        for service, span in self.spans:
            by_service.setdefault(service, []).append(span)
        return {"resourceSpans": [{"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]},
                                   "scopeSpans": [{"spans": spans}]} for service, spans in by_service.items()]}

    def span(self, service, kind, parent, name, milliseconds, **attributes):
        span = {"traceId": self.trace_id, "spanId": f"{len(self.spans) + 1:016x}", "name": name, "kind": kind,
                "startTimeUnixNano": str(self.begun), "endTimeUnixNano": str(self.begun + int(milliseconds * 1e6)),
                "attributes": [{"key": key.replace("_", "."), "value": {"stringValue": value}} for key, value in attributes.items()]}
        if parent:
            span["parentSpanId"] = parent["spanId"]
        self.spans.append((service, span))
        return span

    @staticmethod
    def fail(span):
        span["status"] = {"code": 2, "message": "it failed"}

    def serve(self, service, server, depth):
        """Makes the calls of one request of a service. Did all go well?"""
        good, above = True, server
        if self.random.random() < 0.2:
            above = self.span(service, INTERNAL, server, "work", 50)
        for kind, callee in self.calls[service]:
            if self.left <= 0 or depth > 6 or self.random.random() < 0.3:
                continue
            self.left -= 1
            good &= self.call(service, above, kind, callee, depth)
        return good

    def call(self, service, above, kind, callee, depth):
        pick, took = self.random.random(), self.random.randint(1, 400)
        bad = self.random.random() < 0.06
        if kind == "database":
            system, name = callee.split("/")
            client = self.span(service, CLIENT, above, "SELECT", took, db_system_name=system, db_namespace=name)
        elif kind == "queue":
            system, name = callee.split("/")
            client = self.span(service, PRODUCER, above, "publish", took, messaging_system=system, messaging_destination_name=name)
        elif kind == "stranger":
            host, port = callee.split(":")
            client = self.span(service, CLIENT, above, "GET", took, server_address=host, server_port=port)
        elif pick < 0.08:  # the caller has no span of the call
            server = self.span(callee, SERVER, above, "POST /do", took)
            if bad or not self.serve(callee, server, depth + 1):
                self.fail(server)
                return False
            return True
        elif pick < 0.14:  # nobody answers, then somebody does
            refused = self.span(service, CLIENT, above, "POST", 1, peer_service=callee)
            self.fail(refused)
            client = self.span(service, CLIENT, above, "POST", took, peer_service=callee)
            self.serve(callee, self.span(callee, SERVER, client, "POST /do", took * 0.9), depth + 1)
        elif pick < 0.18:  # a message, with its consumer
            client = self.span(service, PRODUCER, above, "publish", 2)
            self.serve(callee, self.span(callee, CONSUMER, client, "consume", took), depth + 1)
        elif pick < 0.20:  # a call that names nobody
            client = self.span(service, CLIENT, above, "POST", took)
        elif pick < 0.24:  # attempts below a call
            outer = self.span(service, CLIENT, above, "call with retries", took)
            client = self.span(service, CLIENT, outer, "POST", took)
            self.serve(callee, self.span(callee, SERVER, client, "POST /do", took), depth + 1)
        else:
            client = self.span(service, CLIENT, above, "POST", took)
            server = self.span(callee, SERVER, client, "POST /do", took * 0.9)
            if not self.serve(callee, server, depth + 1) and pick < 0.7:
                self.fail(server)
                bad = True
        if bad:
            self.fail(client)
        return not bad


def peer_of(attributes):
    for key in ("peer.service",):
        if key in attributes:
            return attributes[key]
    for system, name in (("db.system.name", "db.namespace"), ("messaging.system", "messaging.destination.name")):
        if system in attributes:
            return f"{attributes[system]}/{attributes[name]}"
    return f"{attributes['server.address']}:{attributes['server.port']}" if "server.address" in attributes else None


def percentile(times, percent):
    return sorted(times)[math.ceil(len(times) * percent / 100) - 1]


def edges(traces, other_names=None):
    """{(caller, callee): (calls, failed, traces, p50, p95)} in microseconds, and the calls without a callee's name."""
    found, unnamed = {}, 0
    for trace in traces:
        spans, children = [], {}
        for resource in trace["resourceSpans"]:
            service = resource["resource"]["attributes"][0]["value"]["stringValue"]
            for span in resource["scopeSpans"][0]["spans"]:
                spans.append((service, span))
                children.setdefault(span.get("parentSpanId"), []).append((service, span))

        def note(caller, callee, timed, *sides):
            took = (int(timed["endTimeUnixNano"]) - int(timed["startTimeUnixNano"])) // 1000
            failed = any(side.get("status", {}).get("code") == 2 for side in sides)
            callee = (other_names or {}).get(callee, callee)
            found.setdefault((caller, callee), []).append((took, failed, timed["traceId"]))

        for service, span in spans:
            below = children.get(span["spanId"], [])
            others = [(callee, child) for callee, child in below if callee != service]
            calls = span["kind"] in (CLIENT, PRODUCER)
            for callee, child in others:
                if calls and len(others) == 1:
                    message = span["kind"] == PRODUCER or child["kind"] == CONSUMER
                    note(service, callee, child if message else span, span, child)
                else:
                    note(service, callee, child, child)
            if calls and not others and not any(child["kind"] in (SERVER, CLIENT, PRODUCER, CONSUMER) for _, child in below):
                peer = peer_of({a["key"]: a["value"]["stringValue"] for a in span["attributes"]})
                if peer:
                    note(service, peer, span, span)
                else:
                    unnamed += 1
    return {edge: (len(calls), sum(failed for _, failed, _ in calls), len({trace for _, _, trace in calls}),
                   percentile([took for took, _, _ in calls], 50), percentile([took for took, _, _ in calls], 95))
            for edge, calls in found.items()}, unnamed
