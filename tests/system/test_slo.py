#!/usr/bin/env python3
"""slo propose: its figures are those that a script counts over the same traces; no objective is stricter than what the samples show; what
OpenSLO and Sloth read is well formed; the store of a daemon serves as well."""
import json
import os
import random
import re
import shutil
import subprocess
import tempfile
import time
import urllib.parse

import yaml

import peers
import slo_count
import slow_orders as healthy

KINDS = {"internal": 1, "server": 2, "client": 3, "producer": 4, "consumer": 5}
BEGUN = 1_780_000_000_000_000  # microseconds


class Shop:
    """Requests of a made-up shop, as slo_count.py reads them. Random by a seed."""

    def __init__(self, seed, variety, bad):
        self.random, self.variety, self.bad = random.Random(seed), variety, bad

    def span(self, parent, service, kind, name, start, us, peer=None):
        span = {"id": f"{len(self.spans) + 1:016x}", "parent": parent["id"] if parent else None, "service": service, "process": service,
                "kind": kind, "name": name, "start": start, "us": us, "failed": False, "follows": False, "peer": peer}
        self.spans.append(span)
        return span

    def call(self, above, service, callee, name, start, longest, depth):
        """A call with its server's span and what the server calls. Returns when it ended."""
        us = self.random.randint(100, max(101, longest))
        server_parent = above
        client = None
        if self.random.random() < 0.7:
            client = server_parent = self.span(above, service, "client", f"call {name}", start, us)
        # Clocks differ by up to a millisecond.
        shift = self.random.randint(0, us // 5) - (self.random.randint(0, 1000) if self.random.random() < 0.1 else 0)
        server = self.span(server_parent, callee, "server", name, start + shift, max(1, us - us // 4))
        if depth < 3:
            self.serve(server, depth + 1)
        for span in (client, server):
            if span and self.random.random() < self.bad:
                span["failed"] = True
        if server["failed"] and client and self.random.random() < 0.9:
            client["failed"] = True
        return start + us

    def serve(self, server, depth):
        """The calls of one server: some one after the other, some at once, retries, a database, a message."""
        service, at, end = server["service"], server["start"], server["start"] + server["us"]
        above = server
        if self.random.random() < 0.3:
            above = self.span(server, service, "internal", "work", at, server["us"])
        for number in range(self.random.randint(0, 3)):
            callee = f"{'abcdef'[depth]}{self.random.randint(1, self.variety)}"
            longest = max(101, (end - at) // 2)
            ended = self.call(above, service, callee, f"op{self.random.randint(1, self.variety)}", at, longest, depth)
            while self.spans[-1]["failed"] and self.random.random() < 0.5:
                ended = self.call(above, service, callee, "op1", ended, longest, 9)
            if self.random.random() < 0.6:
                at = min(ended, end - 1)
        if self.random.random() < 0.4:
            self.span(above, service, "client", "SELECT", at, max(1, (end - at) // 2), peer="bank")
        if self.random.random() < 0.2:
            sent = self.span(above, service, "producer", "mail", at, 50)
            self.span(sent, "mailer", "consumer", "mail", at + 1_000_000, 5000)

    def request(self, number):
        self.spans = []
        root = self.span(None, "web", "server", "POST /orders" if number % 4 else "GET /cart", BEGUN + number * 1_000_000,
                         self.random.randint(20_000, 200_000))
        self.serve(root, 0)
        root["failed"] = any(span["failed"] for span in self.spans[1:]) and self.random.random() < 0.4
        # The order of the document, which has the spans of each service together.
        services = list(dict.fromkeys(span["service"] for span in self.spans))
        return sorted(self.spans, key=lambda span: services.index(span["service"]))


def otlp(trace_id, spans):
    by_service = {}
    for span in spans:
        attributes = [{"key": "peer.service", "value": {"stringValue": span["peer"]}}] if span["peer"] else []
        one = {"traceId": trace_id, "spanId": span["id"], "name": span["name"], "kind": KINDS[span["kind"]], "attributes": attributes,
               "startTimeUnixNano": str(span["start"] * 1000), "endTimeUnixNano": str((span["start"] + span["us"]) * 1000)}
        if span["parent"]:
            one["parentSpanId"] = span["parent"]
        if span["failed"]:
            one["status"] = {"code": 2}
        by_service.setdefault(span["service"], []).append(one)
    return {"resourceSpans": [{"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]},
                               "scopeSpans": [{"spans": ours}]} for service, ours in by_service.items()]}


def run(*arguments, status=0):
    done = subprocess.run([peers.BINARY, "slo", *arguments], capture_output=True, text=True, timeout=peers.PATIENCE, check=False)
    assert done.returncode == status, (arguments, done.returncode, done.stderr)
    return done.stdout if status != 2 else done.stderr


def written(directory, traces):
    path = os.path.join(directory, "traces.jsonl")
    with open(path, "w", encoding="utf-8") as file:
        for number, spans in enumerate(traces):
            file.write(json.dumps(otlp(f"{number + 1:032x}", spans)) + "\n")
    return path


def shop_traces(n, seed, variety, bad):
    shop = Shop(seed, variety, bad)
    return [shop.request(number) for number in range(n)]


def figures_are_those_that_a_script_counts():
    traces = shop_traces(600, 5, 2, 0.05)
    with tempfile.TemporaryDirectory() as directory:
        path = written(directory, traces)
        # The file twice: a request counts once.
        answer = json.loads(run("propose", "--healthy", path, "--healthy", path, "--format", "json"))
    expected = {}
    for operation in ("POST /orders", "GET /cart"):
        requests = [slo_count.Request(spans, spans[0]) for spans in traces if spans[0]["name"] == operation]
        expected[operation] = slo_count.count(requests)
    found = {signal["operation"]: slo_count.told(signal) for signal in answer["signals"]}
    assert found.keys() == expected.keys()
    nedges = 0
    for operation, signal in expected.items():
        differences = slo_count.differences(found[operation], signal)
        assert not differences, differences[:5]
        nedges += len(signal["edges"])
    rows = [edge for signal in expected.values() for edge in signal["edges"].values()]
    assert nedges > 60 and sum(edge["fatal"] for edge in rows) > 10 and sum(edge["failed"] for edge in rows) > 100, nedges
    # The script itself can tell a difference.
    expected["GET /cart"]["edges"].popitem()
    assert slo_count.differences(found["GET /cart"], expected["GET /cart"])


def no_objective_is_stricter_than_the_samples_show():
    traces = shop_traces(2000, 11, 1, 0.0005)
    with tempfile.TemporaryDirectory() as directory:
        answer = json.loads(run("propose", "--healthy", written(directory, traces), "--format", "json"))
    proposed = 0
    for signal in answer["signals"]:
        requests = [slo_count.Request(spans, spans[0]) for spans in traces if spans[0]["name"] == signal["operation"]]
        times = {}
        for request in requests:
            for call in request.calls:
                at, keys = call, []
                while at:
                    keys.append(at["key"])
                    at = at["above"]
                times.setdefault(tuple(reversed(keys)), []).append((call["timed"]["us"], call["failed"]))
        places = {}
        for row in [signal] + signal["edges"]:
            mine = [(request.entry["us"], request.entry["failed"]) for request in requests]
            if row is not signal:
                key = (row["callee"], row["peer"], row["operation"], row["message"])
                places[row["id"]] = (places[row["above"]] if row["above"] is not None else ()) + (key,)
                mine = times[places[row["id"]]]
            goal = row["latency"]
            if goal["target"]:
                proposed += 1
                fine = [us for us, failed in mine if not failed]
                good = sum(us <= goal["within_us"] for us in fine)
                assert slo_count.lower_bound(len(fine), good) >= goal["target"], (row, good)
                if goal["basis"] == "derived":
                    assert goal["within_us"] <= goal["allowed_us"], row
            goal = row["availability"]
            if goal["target"]:
                proposed += 1
                assert slo_count.lower_bound(len(mine), len(mine) - row["failed"]) >= goal["target"], row
                if goal["basis"] == "derived":
                    assert goal["target"] >= goal["needed"] - 1e-6, row
    assert proposed > 20, proposed


def example():
    """The example of docs/slo.md: 1,000 requests of 200 ms."""
    traces = []
    for number in range(1000):
        start, bad = BEGUN + number * 1_000_000, number < 2
        root = {"id": "1", "parent": None, "service": "checkout", "process": "checkout", "kind": "server", "name": "POST /orders",
                "start": start, "us": 200_000, "failed": bad, "follows": False, "peer": None}
        payment = dict(root, id="2", parent="1", service="payment", process="payment", name="Charge", start=start + 10_000, us=120_000)
        bank = dict(payment, id="3", parent="2", kind="client", name="UPDATE", start=start + 20_000, us=60_000, failed=False, peer="bank")
        stock = dict(root, id="4", parent="1", service="stock", process="stock", name="Reserve", start=start + 140_000, us=20_000, failed=False)
        traces.append([root, payment, bank, stock, dict(stock, id="5", start=start + 170_000)])
    return traces


def the_example_is_told():
    with tempfile.TemporaryDirectory() as directory:
        path = written(directory, example())
        output = os.path.join(directory, "proposal.txt")
        assert run("propose", "--healthy", path, "-o", output) == ""
        with open(output, encoding="utf-8") as file:
            text = file.read()
    for line in ("1000 requests from", "the request itself", "├ payment: Charge", "│ └ bank: UPDATE", "└ stock: Reserve",
                 "99 % within 250 ms: 998 of 998 that succeed are within it, which shows at least 99.69 %", "are of the calls that succeeded.",
                 "99 % succeed: 2 of 1000 fail, which shows at least 99.39 %",
                 "99 % within 150 ms: may take 150 ms", "99 % within 25 ms: may take 25 ms", "99 % within 75 ms: may take 75 ms",
                 "99.75 % succeed: its caller needs 99.75 %, each failure being fatal; 0 of 2000"):
        assert line in " ".join(text.split("\n      ")), (line, text)


def check_openslo(text):
    """The rules of the OpenSLO specification, v1, for the kinds Service and SLO."""
    documents = [document for document in yaml.safe_load_all(text) if document]
    assert all(document["apiVersion"] == "openslo/v1" and document["kind"] in ("Service", "SLO") for document in documents)
    services = [document["metadata"]["name"] for document in documents if document["kind"] == "Service"]
    slos = [document for document in documents if document["kind"] == "SLO"]
    for names in (services, [slo["metadata"]["name"] for slo in slos]):
        assert len(set(names)) == len(names)
        assert all(re.fullmatch("[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", name) for name in names), names
    for slo in slos:
        spec = slo["spec"]
        assert set(spec) == {"description", "service", "indicator", "timeWindow", "budgetingMethod", "objectives"}
        assert len(spec["description"]) <= 1050 and spec["service"] in services and spec["budgetingMethod"] == "Occurrences"
        assert spec["timeWindow"] == [{"duration": "28d", "isRolling": True}]
        (objective,) = spec["objectives"]
        assert 0 <= objective["target"] < 1 and set(objective) == {"displayName", "target"}
        ratio = spec["indicator"]["spec"]["ratioMetric"]
        assert ratio["counter"] is True and len(ratio.keys() & {"good", "bad"}) == 1 and "total" in ratio and "raw" not in ratio
        for part in ("good", "bad", "total"):
            if part in ratio:
                source = ratio[part]["metricSource"]
                assert source["type"] == "Prometheus" and source["spec"]["query"], source
    return slos


def check_sloth(text):
    """What Sloth's prometheus/v1 asks for. Returns its queries."""
    queries = []
    for document in yaml.safe_load_all(text):
        if not document:
            continue
        assert document["version"] == "prometheus/v1" and re.fullmatch("[A-Za-z0-9][-A-Za-z0-9_]*", document["service"])
        names = [slo["name"] for slo in document["slos"]]
        assert names and len(set(names)) == len(names)
        for slo in document["slos"]:
            assert re.fullmatch("[A-Za-z0-9][-A-Za-z0-9_]*", slo["name"]) and 0 < slo["objective"] < 100
            assert slo["alerting"]["name"] and set(slo["sli"]) == {"events"}
            for key in ("error_query", "total_query"):
                assert "[{{.window}}]" in slo["sli"]["events"][key]
                queries.append(re.sub(r'\{\{(?:(\.window)|"(\{\{)")\}\}', lambda found: "5m" if found[1] else found[2], slo["sli"]["events"][key]))
    return queries


def check_promql(queries, directory):
    if not shutil.which("promtool"):
        return
    path = os.path.join(directory, "rules.yaml")
    with open(path, "w", encoding="utf-8") as file:
        yaml.safe_dump({"groups": [{"name": "slo", "rules": [{"record": f"slo:query:{n}", "expr": query} for n, query in enumerate(queries)]}]}, file)
    ran = subprocess.run(["promtool", "check", "rules", path], capture_output=True, encoding="utf-8", check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def names_are_unique():
    """Services and operations that are the same once they are sanitised, and pairs of them that are the same once they are joined."""
    calls = (("my_svc", "X"), ("my-svc", "X"), ("My Svc", "X"), ("my", "svc X"), ("orders", "GET /orders/{id}"), ("orders", "GET /orders/:id"))
    traces = []
    for number in range(400):
        root = {"id": "1", "parent": None, "service": "shop", "process": "shop", "kind": "server", "name": "GET /",
                "start": BEGUN + number * 1_000_000, "us": 10_000, "failed": False, "follows": False, "peer": None}
        traces.append([root] + [dict(root, id=str(n + 2), parent="1", service=service, process=service, name=name, us=1000)
                                for n, (service, name) in enumerate(calls)])
    with tempfile.TemporaryDirectory() as directory:
        arguments = ("propose", "--healthy", written(directory, traces), "--availability", "98", "--latency", "1s", "--format")
        openslo, text = run(*arguments, "openslo"), run(*arguments, "sloth")
    slos = check_openslo(openslo)
    assert len(slos) == 14, len(slos)
    # my-svc has its own name; those that became it come behind, by name.
    service_of = {slo["metadata"]["displayName"].rsplit(" ", 2)[0]: slo["spec"]["service"] for slo in slos}
    assert service_of["my-svc"] == "my-svc" and service_of["My Svc"] == "my-svc-2" and service_of["my_svc"] == "my-svc-3", service_of
    check_sloth(text)
    ids = [f"{document['service']}-{slo['name']}" for document in yaml.safe_load_all(text) if document for slo in document["slos"]]
    assert len(ids) == 14 and len(set(ids)) == 14, ids
    # Every query of latency leaves failures out, the total too.
    for document in yaml.safe_load_all(text):
        for slo in document["slos"] if document else ():
            if slo["labels"]["category"] == "latency":
                queries = slo["sli"]["events"]["error_query"] + slo["sli"]["events"]["total_query"]
                assert queries.count("sum(") == queries.count('status_code!="STATUS_CODE_ERROR"') == 3, slo


def fast_failures_are_no_latency():
    """399 requests that all fail within 1 ms; and one request alone."""
    traces = []
    for number in range(399):
        traces.append([{"id": "1", "parent": None, "service": "shop", "process": "shop", "kind": "server", "name": "GET /",
                        "start": BEGUN + number * 1_000_000, "us": 1000, "failed": number >= 20, "follows": False, "peer": None}])
    with tempfile.TemporaryDirectory() as directory:
        path = written(directory, traces)
        text = " ".join(run("propose", "--healthy", path, status=1).split())
        assert "no latency: latency counts what succeeds, and too few do: 20 of 399, where 90 % needs 30" in text, text
        assert "no availability: 379 of 399 fail" in text and "P50, P90 and P99 are of the calls that succeeded." in text, text
        for spans in traces:
            spans[0]["failed"] = True
        path = written(directory, traces)
        text = " ".join(run("propose", "--healthy", path, status=1).split())
        assert "too few do: 0 of 399" in text and " within " not in text and "399 - - - 100.00 %" in text, text
        (signal,) = json.loads(run("propose", "--healthy", path, "--format", "json", status=1))["signals"]
        assert signal["succeeded"] == {"samples": 0, "p50_us": None, "p90_us": None, "p99_us": None} and signal["p50_us"] == 1000, signal
        text = " ".join(run("propose", "--healthy", path, "--latency", "1s").split())
        assert "99 % within 1.00 s: given; today none of 399 succeeds, and latency counts what succeeds" in text, text
        path = written(directory, example()[2:3])
        text = run("propose", "--healthy", path, status=1)
        assert "\n1 request from " in text and "that succeeded" not in text, text
        assert "over 1 request that succeeded: p50 200 ms" in run("propose", "--healthy", path, "--latency", "1s", "--format", "openslo")


def other_programs_can_read_it():
    traces = example()
    for spans in traces:  # names of strangers: quotes, a pattern's characters, an id, two that look alike
        spans[1]["name"] = 'Charge "a\\b" (x.y)/12345 \0'  # no query can hold the last character
        spans[3]["name"], spans[4]["name"] = "Reserve.One {{ .Values }}", "reserve one values"  # an action of Sloth's templates
        spans[3]["service"] = spans[3]["process"] = "stock: {a}"
    with tempfile.TemporaryDirectory() as directory:
        path = written(directory, traces)
        for metrics, names in (("otel", ('traces_span_metrics_calls_total{service_name="payment"', 'le=~"150([.]0)?"')),
                               ("otel-seconds", ("traces_span_metrics_duration_seconds_bucket", 'le="0.15"')),
                               ("otel-old", ("(calls_total{", "(duration_milliseconds_count{")),
                               ("tempo", ('traces_spanmetrics_latency_bucket{service="payment"', 'le="0.15"'))):
            slos = check_openslo(run("propose", "--healthy", path, "--format", "openslo", "--metrics", metrics))
            assert len(slos) == 10, len(slos)
            queries = check_sloth(run("propose", "--healthy", path, "--format", "sloth", "--metrics", metrics))
            assert len(queries) == 20 and all(any(name in query for query in queries) for name in names), (metrics, queries)
            check_promql(queries, directory)
        queries = check_sloth(run("propose", "--healthy", path, "--format", "sloth"))
        assert any('span_name=~"Charge \\"a\\\\\\\\b\\" \\\\(x\\\\.y\\\\)/[^/]+ ."' in query for query in queries), queries
        assert any('span_name="Reserve.One {{ .Values }}"' in query for query in queries), queries
        # Of a callee without spans the caller tells.
        assert any('service_name="payment",span_name="UPDATE",span_kind=~"SPAN_KIND_(CLIENT|PRODUCER)"' in query for query in queries)


def wrong_usage_is_told():
    with tempfile.TemporaryDirectory() as directory:
        path = written(directory, example()[:10])
        for arguments, words in ((("suggest", "--healthy", path), "is not propose"), (("propose",), "give --healthy"),
                                 (("propose", "--healthy", path, "--availability", "99.9.9"), "percentage"),
                                 (("propose", "--healthy", path, "--availability", "100"), "percentage"),
                                 (("propose", "--healthy", path, "--latency", "250"), "250ms"),
                                 (("propose", "--healthy", path, "--window", "36h"), "days"),
                                 (("propose", "--healthy", path + "x"), "No such file")):
            assert words in run(*arguments, status=2), arguments
        # 10 requests, or 20 calls, show nothing, and it says so.
        assert "too few samples: 10, where 90 % needs 30" in run("propose", "--healthy", path, status=1)
        run("propose", "--healthy", path, "--signal", "nothing", status=1)


def a_daemons_store_serves():
    """Healthy traces are stored with two decisions: those that were gathered ahead, and perhaps those that were gathered anew."""
    pager, jaeger = peers.Pager(), healthy.Jaeger()
    daemon = peers.Daemon(pager.url, jaeger.url, rules=healthy.RULES).start()
    store = f"{daemon.directory}/tracepager.db"
    try:
        peers.wait_for("healthy traces", lambda: daemon.metric("tracepager_baselines_gathered_total") == 1)
        for number in (1, 2):
            body = json.loads(peers.webhook(({"alertname": "SlowOrders", "n": str(number)}, "firing")))
            body["alerts"][0]["startsAt"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            daemon.request("POST", "/webhook/am", json.dumps(body))

        def stored():
            history = daemon.request("GET", "/api/v1/map")[1]
            return json.loads(history)["decisions"] == 2
        peers.wait_for("the decisions", stored)
        answer = json.loads(run("propose", "--store", store, "--format", "json", "--availability", "99.9"))
    finally:
        daemon.finish()
    (signal,) = answer["signals"]
    n = signal["samples"]
    assert (signal["service"], signal["operation"]) == ("frontend", "POST /orders") and n in (40, 80), signal
    assert signal["name"] in ("place_order", "slow_order")
    # order(n, 20) of the stub takes 60 to 64 ms, its calls 20 ms and 40 ms less.
    assert (signal["p50_us"], signal["p99_us"]) == (62000, 64000), signal
    assert [(edge["caller"], edge["callee"], edge["operation"], edge["samples"], edge["p50_us"], edge["p99_us"]) for edge in signal["edges"]] == [
        ("frontend", "checkout", "PlaceOrder", n, 42000, 44000), ("checkout", "ledger", "Book", n, 22000, 24000)]
    # Only requests that did not fail were gathered: what fails is not known, what is needed is.
    assert signal["judged"] == 0 and signal["error_rate"] is None and signal["availability"]["basis"] == "given"
    # 0.1 % for the request's own failures and checkout's, then for checkout's and ledger's.
    assert [edge["availability"]["needed"] for edge in signal["edges"]] == [0.9995, 0.99975]
    assert signal["latency"]["target"] == (0.9 if n == 40 else 0.95) and signal["latency"]["within_us"] == 100000, signal["latency"]


def a_burn_rate_is_on_every_page():
    """Pyrra's rule for a window of 28 days: 14 times over an hour is 14 h of 672 h."""
    trace_id = "0000000000000000000000000000a001"
    pager, jaeger = peers.Pager(), peers.Jaeger({trace_id: peers.shop_trace(trace_id)})
    daemon = peers.Daemon(pager.url, jaeger.url).start()
    text = "orders burns its error budget at least 14 times as fast as allowed over 1 h (2.08 % of the 28-day budget); at that rate all of it " \
           "lasts 2 d; more than 14 % are bad, where 1 % may be"
    expression = 'r:burnrate5m{slo="orders"} > (14 * (1-0.99)) and r:burnrate1h{slo="orders"} > (14 * (1-0.99))'
    try:
        body = json.loads(peers.webhook(({"alertname": "ErrorBudgetBurn", "slo": "orders", "job": "checkout", "long": "1h", "short": "5m",
                                          "exhaustion": "2d", "severity": "critical", "trace_id": trace_id}, "firing")))
        body["alerts"][0]["generatorURL"] = "http://prometheus.example/graph?g0.expr=" + urllib.parse.quote_plus(expression)
        daemon.request("POST", "/webhook/am", json.dumps(body))
        peers.wait_for("the page", pager.events)
        assert pager.events()[0]["payload"]["custom_details"]["burn"] == text, pager.events()[0]
        incident = pager.events()[0]["dedup_key"]
        _, told, _ = daemon.request("GET", f"/api/v1/incidents/{incident}")
        assert json.loads(told)["burn"] == text, told
        _, shown, _ = daemon.request("GET", f"/incidents/{incident}", headers={"Accept": "text/html"})
        assert "Burn rate" in shown and text in shown, shown
        decision = json.loads(json.loads(told)["decision"]) if isinstance(json.loads(told).get("decision"), str) else json.loads(told)["decision"]
        assert decision["burn"]["window_s"] == 28 * 86400 and decision["burn"]["rates"] == [
            {"factor": 14.0, "long_s": 3600, "short_s": 300, "budget_share": 0.020833}], decision["burn"]
        # An alert about no objective has no such line.
        daemon.request("POST", "/webhook/am", peers.webhook(({"alertname": "DiskFull", "instance": "db1"}, "firing")))
        peers.wait_for("the other page", lambda: len(pager.events()) > 1)
        assert "burn" not in pager.events()[1]["payload"]["custom_details"], pager.events()[1]
    finally:
        daemon.finish()


if __name__ == "__main__":
    peers.run(figures_are_those_that_a_script_counts, no_objective_is_stricter_than_the_samples_show, the_example_is_told,
              fast_failures_are_no_latency, names_are_unique, other_programs_can_read_it, wrong_usage_is_told,
              a_daemons_store_serves, a_burn_rate_is_on_every_page)
