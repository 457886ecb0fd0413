#!/usr/bin/env python3
"""tracepager's own traces: one decision is one trace at a collector, with its links and without secrets; a collector that is down delays no page."""
import json
import os
import re
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import collector  # noqa: E402
import peers  # noqa: E402

peers.skip_unless_wanted()
TRACE = "0af7651916cd43dd8448eb211c80319c"
SENDER = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0"
LABELS = {"alertname": "PlaceOrderErrors", "severity": "critical", "customer": "s3cret-label"}
# The ledger's team is paged by a webhook, and by PagerDuty a second later.
RULES = peers.RULES.replace("  sre-pager:", "  ledger-hook: {{kind: webhook, url: \"HOOK/s3cret-path\"}}\n  sre-pager:").replace(
    "ledger: {{steps: [{{page: [ledger-pager], wait: 10m}}]}}",
    "ledger: {{steps: [{{page: [ledger-hook], wait: 1s}}, {{page: [ledger-pager], wait: 10m}}]}}")


def webhook_pager():
    return peers.Peer(lambda request: (202, {}, b""))


def options(url, more=""):
    return f"tracing: {{endpoint: \"{url}\"{more}}}\n"


def post(daemon, labels=None, traceparent=None, status="firing"):
    headers = {"traceparent": traceparent} if traceparent else {}
    got, text, _ = daemon.request("POST", "/webhook/am", peers.webhook((labels or LABELS, status)), headers)
    assert got == 202, (got, text)


def decisions(daemon):
    return json.loads(daemon.request("GET", "/api/v1/decisions")[1])["decisions"]


def check_times(spans):
    for span in spans:
        assert span.start <= span.end, span
        assert abs(span.end / 1e9 - time.time()) < 120, span


def one_decision_is_one_trace():
    receiver, pager, hooks = collector.Collector(), peers.Pager(), webhook_pager()
    jaeger = peers.Jaeger({TRACE: peers.shop_trace(TRACE)})
    source = jaeger.url.replace("//", "//reader:s3cret-user@")
    daemon = peers.Daemon(pager.url, source, options(receiver.url, ", resource: [deployment.environment.name=test]"),
                          RULES.replace("HOOK", hooks.url)).start()
    try:
        post(daemon, LABELS, SENDER + "1")
        peers.wait_for("the second step", pager.events)
        alert = receiver.one("alert")
        hook = receiver.one("POST ledger-hook")
        receiver.one("POST ledger-pager")
        spans = receiver.trace("4bf92f3577b34da6a3ce929d0e0e4736")
        names = sorted(span.name for span in spans)
        assert names.count("fetch") == 2, names  # the failing traces, and fine ones to compare with
        for name in ("accept", "store commit", "locate", "decide", "alert", "POST ledger-hook"):
            assert names.count(name) == 1, (name, names)
        assert names.count("GET jaeger") >= 2, names
        assert set(names) == {"accept", "store commit", "locate", "fetch", "GET jaeger", "decide", "alert", "POST ledger-hook"}, names
        check_times(spans)
        # One tree: below the sender's span the alert, below it everything else, requests below their look-up.
        assert (alert.parent, alert.kind, alert.remote) == ("00f067aa0ba902b7", "consumer", True), alert
        fetches = {span.id for span in spans if span.name == "fetch"}
        for span in spans:
            if span.name == "GET jaeger":
                assert span.parent in fetches and span.kind == "client", span
            elif span is not alert and span.name != "alert":
                assert span.parent == alert.id, span
            assert not span.remote or span.name == "alert", span
        accept, store, locate = (next(s for s in spans if s.name == name) for name in ("accept", "store commit", "locate"))
        decide = next(s for s in spans if s.name == "decide")
        assert alert.start == accept.start <= store.start <= store.end <= locate.start <= decide.start <= alert.end, spans
        assert decide.end <= hook.start, (decide, hook)
        incident = json.loads(daemon.request("GET", "/api/v1/incidents")[1])["incidents"][0]["id"]
        assert alert.attributes == {
            "tracepager.alert.name": "PlaceOrderErrors", "tracepager.sender": "am", "tracepager.decision": "suspect",
            "tracepager.suspect.service": "ledger", "tracepager.suspect.kind": "span", "tracepager.team": "ledger",
            "tracepager.confidence": alert.attributes["tracepager.confidence"], "tracepager.incident.id": incident}, alert.attributes
        assert decide.attributes["tracepager.incident.id"] == incident and decide.attributes["tracepager.traces"] == 1, decide
        assert decide.attributes["tracepager.spans"] == 3 and 0 < decide.attributes["tracepager.confidence"] <= 1, decide
        assert decide.links == [(TRACE, "00000000000000a1")], decide.links
        request = next(s for s in spans if s.name == "GET jaeger" and s.attributes["tracepager.source.question"] == "search")
        assert request.attributes["http.request.method"] == "GET" and request.attributes["http.response.status_code"] == 200, request
        assert request.attributes["url.full"] == jaeger.url + "/api/v3/traces?REDACTED", request
        assert (request.attributes["server.address"], request.attributes["server.port"]) == ("127.0.0.1", jaeger.port), request
        assert not [s for s in spans if s.error], [s for s in spans if s.error]
        assert hook.attributes["url.full"] == hooks.url + "/REDACTED" and hook.attributes["tracepager.page.attempt"] == 1, hook
        assert hook.attributes["tracepager.pager"] == "ledger-hook" and hook.attributes["tracepager.page.result"] == "delivered", hook
        resource = alert.resource
        assert resource["service.name"] == "tracepager" and resource["deployment.environment.name"] == "test", resource
        assert resource["service.version"] and re.fullmatch("[0-9a-f-]{36}", resource["service.instance.id"]), resource
        # The webhook's receiver goes on with the trace; sources and services are told nothing.
        sent = hooks.seen()[0]
        assert sent["headers"]["traceparent"] == f"00-{hook.trace}-{hook.id}-01", sent["headers"]
        others = pager.seen() + jaeger.seen() + receiver.seen()
        assert not [r for r in others if "traceparent" in {name.lower() for name in r["headers"]}]
        # The later step is a trace of its own, which names the decision.
        step = receiver.one("escalate")
        page = receiver.one("POST ledger-pager")
        assert step.trace != alert.trace and step.parent is None and step.links == [(alert.trace, alert.id)], step
        assert (step.attributes["tracepager.escalation.step"], step.attributes["tracepager.incident.id"]) == (2, incident), step
        assert (page.trace, page.parent) == (step.trace, step.id), page
        # The decision, the log and the metrics name the trace.
        assert json.loads(sent["body"])["data"]["decision"]["telemetry"] == {"trace_id": alert.trace}
        assert f"trace_id={alert.trace}" in daemon.log_text(), daemon.log_text()
        text = daemon.request("GET", "/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})[1]
        for name in ("enrich_duration", "alert_to_page", "delivery_duration", "trace_lookup_duration", "accept_duration"):
            # Of each bucket the last one is shown: that of the step's page may stand where that of the first was.
            ids = f"({alert.trace}|{step.trace})" if name == "delivery_duration" else alert.trace
            assert re.search(f'tracepager_{name}_seconds_bucket.* # {{[^}}]*trace_id="{ids}"', text), name
        everything = b"".join(r["body"] for r in receiver.seen())
        for secret in (b"s3cret", b"key-ledger", b"journal is read-only", b"orders fail"):
            assert secret not in everything, secret
        post(daemon, LABELS, status="resolved")
        end = peers.wait_for("the end", lambda: [s for s in receiver.named("tell") if s.attributes["tracepager.page.event"] == "page.resolve"])[0]
        assert end.links == [(alert.trace, alert.id)] and end.trace not in (alert.trace, step.trace), end
    finally:
        daemon.finish()


def untraced_alerts_and_their_senders_choice():
    """An alert about no traced operation; a sender that records nothing; several alerts of one body; a sender's trace as evidence."""
    receiver, pager = collector.Collector(), peers.Pager()
    daemon = peers.Daemon(pager.url, None, options(receiver.url)).start()
    try:
        post(daemon, {"alertname": "Unsampled"}, SENDER + "0")
        post(daemon, {"alertname": "Broken"}, "00-nonsense")
        body = peers.webhook(({"alertname": "DiskFull", "host": "db1"}, "firing"), ({"alertname": "DiskFull", "host": "db2"}, "firing"))
        daemon.request("POST", "/webhook/am", body)
        post(daemon, {"alertname": "Own", "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736"}, SENDER + "1")
        peers.wait_for("four alerts", lambda: len(receiver.named("alert")) == 4)
        alerts = receiver.named("alert")
        assert len({span.trace for span in alerts}) == 4, alerts
        by_name = {span.attributes["tracepager.alert.name"]: span for span in alerts}
        assert set(by_name) == {"Broken", "DiskFull", "Own"}, by_name
        assert by_name["Broken"].parent is None and by_name["Broken"].attributes["tracepager.decision"] == "untraced", by_name
        # It names its trace, and no source is there to be asked.
        assert by_name["Own"].attributes["tracepager.decision"] == "fallback", by_name
        # What the relay does for an alert is no part of the trace that the alert names.
        own = by_name["Own"]
        assert own.parent is None and own.links == [("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7")], own
        for span in receiver.named("store commit"):
            root = next(one for one in alerts if one.trace == span.trace)
            assert root.start <= span.start and span.end <= root.end, (root, span)
    finally:
        daemon.finish()


def failures_are_told_by_their_class():
    receiver = collector.Collector()
    pager = peers.Pager(lambda n, event: (503, {}, b"no s3cret for you") if n == 1 else None)
    daemon = peers.Daemon(pager.url, f"http://127.0.0.1:{peers.free_port()}", "enrich_budget: 300ms\n" + options(receiver.url)).start()
    try:
        post(daemon)
        peers.wait_for("the page", pager.events)
        peers.wait_for("two attempts", lambda: len(receiver.named("POST shop-pager")) >= 2)
        first, second = receiver.named("POST shop-pager")[:2]
        assert first.error and first.attributes["error.type"] == "503" and first.attributes["tracepager.page.result"] == "retry", first
        assert not second.error and second.attributes["tracepager.page.attempt"] == 2 and second.parent == first.parent, second
        request = receiver.one("GET jaeger")
        assert request.error and request.attributes["error.type"] == "connection_refused", request
        assert "http.response.status_code" not in request.attributes, request
        alert = receiver.one("alert")
        assert alert.attributes["tracepager.fallback"] in ("source_error", "budget_spent"), alert
        assert alert.trace == first.trace == request.trace
        assert b"s3cret" not in b"".join(r["body"] for r in receiver.seen())
    finally:
        daemon.finish()


def a_collector_that_is_down_delays_nothing():
    pager = peers.Pager()
    port = peers.free_port()
    daemon = peers.Daemon(pager.url, None, options(f"http://127.0.0.1:{port}")).start()
    try:
        begun = time.monotonic()
        post(daemon, {"alertname": "DiskFull"})
        peers.wait_for("the page", pager.events)
        assert time.monotonic() - begun < 20
        peers.wait_for("a failed export", lambda: daemon.metric('tracepager_span_exports_total{result="retried"}'))
        assert daemon.metric('tracepager_queue_depth{queue="spans"}') >= 4
        assert "the relay's own spans are not taken; pages are not affected" in daemon.log_text()
        receiver = collector.Collector(port=port)  # it comes back: nothing is lost
        dropped = "the relay's own spans are refused, and dropped; pages are not affected"
        receiver.one("alert")
        peers.wait_for("the count", lambda: daemon.metric('tracepager_spans_total{result="exported"}') >= 4)
        receiver.status = 400
        post(daemon, {"alertname": "DiskSlow"})
        peers.wait_for("a refusal", lambda: daemon.metric('tracepager_spans_total{result="rejected"}') >= 4)
        assert daemon.metric('tracepager_queue_depth{queue="spans"}') == 0
        assert daemon.log_text().count(dropped) == 1
        receiver.status = 200
        post(daemon, {"alertname": "DiskFine"})
        peers.wait_for("the spans", lambda: "the relay's own spans are taken again" in daemon.log_text().split(dropped)[1])
        receiver.status = 503
        post(daemon, {"alertname": "DiskGone"})
        peers.wait_for("the fourth page", lambda: len(pager.events()) == 4)
        peers.wait_for("another failed export", lambda: daemon.metric('tracepager_span_exports_total{result="retried"}') >= 2)
        receiver.status = 403  # it only put them off; now they are lost
        peers.wait_for("the loss", lambda: daemon.log_text().count(dropped) == 2)
        post(daemon, {"alertname": "DiskLost"})
        receiver.status = 503
        begun = time.monotonic()
        daemon.stop()  # and does not wait for it
        assert time.monotonic() - begun < 4, time.monotonic() - begun
    finally:
        daemon.finish()


def the_last_spans_leave_with_a_drain():
    receiver, pager = collector.Collector(), peers.Pager()
    daemon = peers.Daemon(pager.url, None, options(receiver.url)).start()
    try:
        post(daemon, {"alertname": "DiskFull"})
        peers.wait_for("the page", pager.events)
        daemon.stop()
        names = sorted(span.name for span in receiver.spans())
        assert names == ["POST sre-pager", "accept", "alert", "decide", "locate", "store commit"], names
    finally:
        daemon.finish()


def a_crash_does_not_end_the_trace():
    """Killed between acceptance and decision: the next start goes on with the same trace and the same root."""
    receiver, pager = collector.Collector(), peers.Pager()
    answers = {"wait": True}
    jaeger = peers.Jaeger({TRACE: peers.shop_trace(TRACE)})
    usual = jaeger.answer

    def slow(request):
        while answers["wait"]:
            time.sleep(0.01)
        return usual(request)

    jaeger.answer = slow
    daemon = peers.Daemon(pager.url, jaeger.url, options(receiver.url)).start()
    try:
        post(daemon, LABELS, SENDER + "1")
        accept = receiver.one("accept")
        peers.wait_for("the question", jaeger.asked)
        daemon.kill()
        answers["wait"] = False
        daemon.start()
        peers.wait_for("the page", pager.events)
        alert = receiver.one("alert")
        page = receiver.one("POST ledger-pager")
        assert alert.attributes["tracepager.alert.recovered"] is True, alert
        assert (alert.trace, alert.id, alert.parent) == (accept.trace, accept.parent, "00f067aa0ba902b7"), (alert, accept)
        assert abs(alert.start - accept.end) < 100e6, (alert, accept)
        assert (page.trace, page.parent) == (alert.trace, alert.id), page
        # And the end, after one more start, still names the decision.
        daemon.kill()
        daemon.start()
        post(daemon, LABELS, status="resolved")
        peers.wait_for("the resolve", lambda: len(pager.events()) > 1)
        end = peers.wait_for("its span", lambda: [s for s in receiver.named("tell") if s.attributes["tracepager.page.event"] == "page.resolve"])[0]
        assert end.links == [(alert.trace, alert.id)], end
    finally:
        answers["wait"] = False
        daemon.finish()


def a_page_that_waits_stays_in_its_trace():
    """Its pager is down; a restart tries again, below the same decision."""
    receiver, pager = collector.Collector(), peers.Pager(lambda n, event: (503, {}, b""))
    daemon = peers.Daemon(pager.url, None, options(receiver.url)).start()
    try:
        post(daemon, {"alertname": "DiskFull"})
        first = receiver.one("POST sre-pager")
        alert = receiver.one("alert")
        before = len(receiver.named("POST sre-pager"))
        daemon.kill()
        pager.refuse = lambda n, event: None
        daemon.start()
        peers.wait_for("the page", pager.events)
        peers.wait_for("its span", lambda: len(receiver.named("POST sre-pager")) > before)
        attempts = receiver.named("POST sre-pager")
        assert {(span.trace, span.parent) for span in attempts} == {(alert.trace, alert.id)}, attempts
        assert first.error and not attempts[-1].error and attempts[-1].attributes["tracepager.page.attempt"] > 1, attempts
        assert attempts[-1].resource["service.instance.id"] != first.resource["service.instance.id"]
    finally:
        daemon.finish()


def secrets_are_read_again():
    receiver = collector.Collector()
    pager = peers.Pager()
    daemon = peers.Daemon(pager.url, None, "tracing: {{endpoint: \"{}\", bearer_file: {{d}}/bearer, headers_file: {{d}}/headers}}\n".format(receiver.url))
    with open(daemon.directory + "/tracepager.yaml", encoding="utf-8") as f:
        text = f.read().replace("{d}", daemon.directory)
    daemon.write("tracepager.yaml", text)
    daemon.write("bearer", "token-1\n")
    daemon.write("headers", "x-scope-orgid=shop\n")
    daemon.start()
    try:
        post(daemon, {"alertname": "One"})
        receiver.one("alert")
        headers = receiver.seen()[0]["headers"]
        assert headers["Authorization"] == "Bearer token-1" and headers["x-scope-orgid"] == "shop", headers
        daemon.write("bearer", "token-2\n")
        before = len(receiver.seen())
        post(daemon, {"alertname": "Two"})
        peers.wait_for("further spans", lambda: len(receiver.seen()) > before)
        assert receiver.seen()[-1]["headers"]["Authorization"] == "Bearer token-2"
        daemon.write("bearer", "token-3\n")
        daemon.child.send_signal(signal.SIGHUP)
        peers.wait_for("the reload", lambda: "tracing.bearer_file" in daemon.log_text())
        assert "token-" not in daemon.log_text()
    finally:
        daemon.finish()


def off_by_default():
    hooks = webhook_pager()
    os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = "http://127.0.0.1:1"  # a pager does not send data out because of a variable
    try:
        rules = RULES.replace("HOOK", hooks.url).replace("sre: {{steps: [{{page: [sre-pager]", "sre: {{steps: [{{page: [ledger-hook]")
        daemon = peers.Daemon(config="", rules=rules).start()
    finally:
        del os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"]
    try:
        post(daemon, {"alertname": "DiskFull"}, SENDER + "1")
        sent = peers.wait_for("the page", hooks.seen)[0]
        assert "traceparent" not in {name.lower() for name in sent["headers"]}, sent["headers"]
        assert "telemetry" not in json.loads(sent["body"])["data"]["decision"]
        assert "trace_id=" not in daemon.log_text() and "traces are exported" not in daemon.log_text()
        assert daemon.metric('tracepager_spans_total{result="exported"}') == 0
    finally:
        daemon.finish()


def the_page_tells_of_every_span_and_attribute():
    """contrib/docs/tracing.md has the rows of tbl/stages.def, word for word."""
    with open(os.path.join(peers.TOP, "include/tracepager/tbl/stages.def"), encoding="utf-8") as f:
        table = f.read()
    with open(os.path.join(peers.TOP, "contrib/docs/tracing.md"), encoding="utf-8") as f:
        rows = re.findall(r"^\| (.+) \|$", f.read(), re.M)
    told = {row.split(" | ")[0].strip("`"): row.split(" | ")[1:] for row in rows}
    stages = re.findall(r'^STAGE\(\w+, "(.*)", (\w+), "(.*)"\)$', table, re.M)
    attributes = re.findall(r'^STAGE_ATTR\(\w+, "(.*)", "(.*)"\)$', table, re.M)
    assert len(stages) == 11 and len(attributes) == 33, (len(stages), len(attributes))
    for name, kind, text in stages:
        assert [kind, text] in ([told[name]] if name else list(told.values())), (name, text)
    for name, text in attributes:
        assert told[name] == [text], (name, told[name])
    assert len([name for name in told if re.match(r"tracepager\.|http\.|url\.|server\.|error\.", name)]) == len(attributes)


peers.run(one_decision_is_one_trace, untraced_alerts_and_their_senders_choice, failures_are_told_by_their_class,
          a_collector_that_is_down_delays_nothing, the_last_spans_leave_with_a_drain, a_crash_does_not_end_the_trace, a_page_that_waits_stays_in_its_trace,
          secrets_are_read_again, off_by_default, the_page_tells_of_every_span_and_attribute, at_once=4)
