"""tracepager's own spans in a real backend: one alert, and what the backend's API then has of the relay's trace."""
import json
import time

import apps
import peers
import real

PATIENCE = 20  # a span gathers for a second; a backend shows it soon
STAGES = {"alert", "accept", "store commit", "locate", "fetch", "decide"}


def jaeger_spans(body):
    """(name, service, id, parent, links, start, end) of API v3's OTLP JSON; of the old API's JSON, whose references are parents and links."""
    document = json.loads(body)
    spans = []
    for resource in document.get("result", {}).get("resourceSpans", []):
        service = next(a["value"]["stringValue"] for a in resource["resource"]["attributes"] if a["key"] == "service.name")
        for scope in resource["scopeSpans"]:
            for span in scope["spans"]:
                spans.append((span["name"], service, span["spanId"], span.get("parentSpanId", ""), {k["traceId"] for k in span.get("links", [])},
                              int(span["startTimeUnixNano"]), int(span["endTimeUnixNano"])))
    for trace in document.get("data") or []:
        for span in trace["spans"]:
            service = trace["processes"][span["processID"]]["serviceName"]
            refs = span.get("references", [])
            parents = [r["spanID"] for r in refs if r["refType"] == "CHILD_OF" and r["traceID"] == span["traceID"]]
            spans.append((span["operationName"], service, span["spanID"], parents[0] if parents else "",
                          {r["traceID"] for r in refs if r["traceID"] != span["traceID"]}, span["startTime"] * 1000,
                          (span["startTime"] + span["duration"]) * 1000))
    return spans


def own_spans(backend, trace_id):
    path = backend.trace_path[backend.kind].format(trace_id)
    if backend.rewrite(path) != path:  # it has no API v3
        path = f"/api/traces/{trace_id}"
    status, _, body = real.get(backend.url + path, {"Accept": "application/json"})
    return jaeger_spans(body) if status == 200 else []


def complaints(spans, evidence):
    """What is wrong with the trace, as a list of texts. evidence: the id of the trace that was read."""
    wrong, ids = [], {span[2] for span in spans}
    names = {span[0] for span in spans}
    if not STAGES < names or not any(name.startswith("POST ") for name in names):
        wrong.append(f"spans {sorted(names)}")
    roots = [span for span in spans if not span[3]]
    if [span[0] for span in roots] != ["alert"]:
        wrong.append(f"roots {[span[0] for span in roots]}")
    if [span[0] for span in spans if span[3] and span[3] not in ids]:
        wrong.append("a parent is missing")
    if {span[1] for span in spans} != {"tracepager"}:
        wrong.append(f"services {sorted({span[1] for span in spans})}")
    links = {link for span in spans if span[0] == "decide" for link in span[4]}
    if links != {evidence}:
        wrong.append(f"links {sorted(links)}, to be {evidence}")
    if any(span[5] > span[6] or abs(span[6] / 1e9 - time.time()) > 300 for span in spans):
        wrong.append("times")
    return wrong


def try_own_trace(backend, app, fault, trace_id):
    """One alert with that trace. Returns a row of the report."""
    pager = peers.Peer(lambda request: (200, {}, b"{}"))
    endpoint = backend.spans_url.removesuffix("/v1/traces")
    source = {"kind": backend.kind, "url": backend.url}
    daemon = peers.Daemon(config=f"sources: {json.dumps({'real': source})}\ntracing: {{endpoint: \"{endpoint}\"}}\n")
    daemon.write("rules.yaml", app.rules(pager.url))
    try:
        daemon.start()
        begun = time.monotonic()
        labels = {"alertname": apps.alert_name(fault), "severity": "critical", "trace_id": trace_id}
        status, text, _ = daemon.request("POST", "/webhook/am", peers.webhook((labels, "firing")))
        assert status == 202, (status, text)
        peers.wait_for("the page", pager.seen, PATIENCE)
        own = json.loads(pager.seen()[0]["body"])["data"]["decision"]["telemetry"]["trace_id"]

        def whole():
            spans = own_spans(backend, own)
            return spans if any(s[0].startswith("POST ") for s in spans) and any(s[0] == "alert" for s in spans) else None

        spans = peers.wait_for("the relay's own trace", whole, PATIENCE)
        seconds = time.monotonic() - begun
        exported = daemon.metric('tracepager_spans_total{result="exported"}')
        rejected = daemon.metric('tracepager_spans_total{result="rejected"}')
        wrong = complaints(spans, trace_id) + ([f"rejected {rejected:.0f}"] if rejected else [])
        row = [f"{len(spans)} spans of {exported:.0f}", f"{seconds:.2f} s", "; ".join(wrong) or "ok"]
    except Exception as error:  # one row of many
        row = ["", "", " ".join(repr(error).split())[:400]]
    finally:
        daemon.finish()
        pager.shutdown()
    return [backend.name, "tracepager's own trace", "id", *row]
