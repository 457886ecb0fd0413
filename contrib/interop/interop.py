#!/usr/bin/env python3
"""tracepager between real trace backends and a stub pager: real services fail, their spans go through OpenTelemetry's SDK to the backend,
an alert is posted, and the page must name the service that is to blame. Started by run."""
import datetime
import json
import os
import shutil
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tests", "system"))

import apps  # noqa: E402 # after the path
import own  # noqa: E402
import peers  # noqa: E402
import real  # noqa: E402
import street  # noqa: E402

PAGE_PATIENCE = 20  # the budget for the traces is 5 s: a page that comes later does not come
APPLICATIONS = {"hotrod": apps.HotRod, "street": street}  # the others have the shop
HEAD = ["backend", "fault", "by", "suspect, confidence, votes", "took", "result"]


def webhook(fault, trace_id):
    labels = {"alertname": apps.alert_name(fault), "severity": "critical", **({"trace_id": trace_id} if trace_id else {})}
    now = datetime.datetime.now(datetime.timezone.utc)
    return peers.webhook((labels, "firing"), starts_at=now.strftime("%Y-%m-%dT%H:%M:%SZ"))


def one_line(text):
    return " ".join(text.split())[:400]


def complaints(fault, path, decision, ids):
    """What is wrong with a page, as a list of texts. ids: the traces of which one or more must have been looked at, and no other."""
    suspect = decision["verdict"]["suspect"] or {}
    found = {trace["trace_id"]: trace["spans"] for trace in decision["traces"]}
    wrong = []
    if fault.suspect not in (suspect.get("service"), suspect.get("callee")):
        wrong.append(f"suspect {suspect.get('service')}, fallback {decision['verdict']['fallback']}")
    if path != "/" + fault.team:
        wrong.append(f"paged {path}")
    if fault.error not in (suspect.get("error") or ""):
        wrong.append(f"error {suspect.get('error')}")
    if not found or not set(found) <= set(ids):
        wrong.append(f"looked at {sorted(found)}, to be among {ids}")
    if fault.spans and set(found.values()) - {fault.spans}:
        wrong.append(f"{sorted(found.values())} spans, to be {fault.spans}")
    return wrong


def page_for(daemon, pager, fault, trace_id):
    """Posts the alert. (path of the team that was paged, body, seconds)"""
    daemon.start()
    begun = time.monotonic()
    status, text, _ = daemon.request("POST", "/webhook/am", webhook(fault, trace_id))
    assert status == 202, (status, text)
    peers.wait_for("the page", pager.seen, PAGE_PATIENCE)
    page = pager.seen()[0]
    return page["path"], page["body"], time.monotonic() - begun


def try_fault(backend, app, fault, ids, exchanges):
    """One alert, with one trace id or, of several, none; one page. Returns a row of the report."""
    how = "id" if len(ids) == 1 else "search"
    place = os.path.join(exchanges, f"{backend.name}-{fault.suspect}-{how}")
    pager, recorder = peers.Peer(lambda request: (200, {}, b"{}")), real.Recorder(backend, place)
    source = {"kind": backend.kind, "url": recorder.url}
    daemon = peers.Daemon(config=f"sources: {json.dumps({'real': source})}\n")
    daemon.write("rules.yaml", app.rules(pager.url))
    try:
        path, body, seconds = page_for(daemon, pager, fault, ids[0] if how == "id" else None)
        recorder.keep("page.json", body)
        decision = json.loads(body)["data"]["decision"]
        verdict = decision["verdict"]
        said = f"{(verdict['suspect'] or {}).get('service')}, {verdict['confidence']:.2f}, {verdict['agree']} of {verdict['of']}"
        row = [said, f"{seconds:.2f} s", "; ".join(complaints(fault, path, decision, ids)) or "ok"]
    except Exception as error:  # one row of many: the others are tried all the same
        row = ["", "", one_line(repr(error))]
    recorder.keep("tracepager.log", daemon.log_text().encode())
    try:
        daemon.finish()
    except AssertionError as error:
        row[-1] = one_line(str(error))
    recorder.shutdown()
    pager.shutdown()
    return [backend.name, fault.name, how, *row]


def try_backend(backend, cache, application, tell):
    """Tells the rows of one backend, one by one."""
    directory = tempfile.mkdtemp(prefix="tracepager-interop-")
    children = real.Children(directory)
    try:
        backend.start(children, cache)
        real.wait_until_ready(backend)
        if application is street:
            street.try_street(backend, cache, children, tell)
            return
        app = application(children, backend, cache)
        troubles = [(fault, app.trouble(fault)) for fault in app.faults]
        for fault, ids in troubles:
            for one in ids:
                peers.wait_for(f"the spans of {fault.name} in {backend.name}",
                               lambda trace_id=one, of=fault: backend.has(trace_id, of.operation, of.spans))
        for fault, ids in troubles:
            for chosen in (ids[-1:], ids):
                tell(try_fault(backend, app, fault, chosen, os.path.join(cache, "exchanges")))
        if backend.kind == "jaeger" and backend.exporter == "otlp":
            fault, ids = troubles[0]
            tell(own.try_own_trace(backend, app, fault, ids[-1]))
    except Exception as error:  # the other backends are tried all the same
        tell([backend.name, "it did not come up", "", "", "", one_line(repr(error))])
    finally:
        children.end()
        shutil.copy(children.log.name, os.path.join(cache, f"{backend.name}.log"))
        shutil.rmtree(directory)


def report(rows):
    widths = [max(len(row[i]) for row in [HEAD, *rows]) for i in range(len(HEAD) - 1)]
    for row in [HEAD, *rows]:
        print("  ".join([*(cell.ljust(width) for cell, width in zip(row, widths)), row[-1]]))


def main():
    cache, *names = sys.argv[1:]
    rows = []

    def tell(row):
        rows.append(row)
        print("  ".join(row), flush=True)

    shutil.rmtree(os.path.join(cache, "exchanges"), ignore_errors=True)
    if names[0] == "--at":
        try_backend(real.Given(*names[1:]), cache, apps.Shop, tell)
    else:
        for name in names:
            try_backend(real.KNOWN[name](name), cache, APPLICATIONS.get(name, apps.Shop), tell)
    print()
    report(rows)
    failed = sum(row[-1] != "ok" for row in rows)
    print(f"\nwhat was asked and answered: {os.path.join(cache, 'exchanges')}")
    print(f"{len(rows) - failed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
