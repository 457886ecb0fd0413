#!/usr/bin/env python3
"""The whole path with real sockets: webhook in, trace from Jaeger, page at the right team's endpoint, resolve, reload, drain, a second daemon."""
import json
import signal
import subprocess
import time

import peers

peers.skip_unless_wanted()
TRACE = "0af7651916cd43dd8448eb211c80319c"
LABELS = {"alertname": "PlaceOrderErrors", "severity": "critical"}


def page_and_resolve(labels):
    pager, jaeger = peers.Pager(), peers.Jaeger({TRACE: peers.shop_trace(TRACE)})
    daemon = peers.Daemon(pager.url, jaeger.url).start()
    try:
        status, text, _ = daemon.request("POST", "/webhook/am", peers.webhook((labels, "firing")))
        assert status == 202 and json.loads(text)["accepted"] == 1, (status, text)
        peers.wait_for("the page", pager.events)
        event = pager.events()[0]
        assert event["routing_key"] == "key-ledger" and event["event_action"] == "trigger", event
        assert event["payload"]["summary"].startswith("ledger"), event["payload"]["summary"]
        assert event["payload"]["severity"] == "critical"
        assert "journal is read-only" in json.dumps(event)
        daemon.request("POST", "/webhook/am", peers.webhook((labels, "resolved")))
        peers.wait_for("the resolve", lambda: len(pager.events()) > 1)
        last = pager.events()[-1]
        assert last["event_action"] == "resolve" and last["dedup_key"] == event["dedup_key"], last
        assert last["routing_key"] == "key-ledger"
    finally:
        daemon.finish()


def trace_by_id():
    page_and_resolve({**LABELS, "trace_id": TRACE})


def trace_by_search():
    page_and_resolve(LABELS)


def api_alerts():
    pager = peers.Pager()
    daemon = peers.Daemon(pager.url).start()
    try:
        alerts = [{"labels": {"alertname": "DiskFull"}, "endsAt": "2099-01-01T00:00:00Z"}, {"labels": {}}]
        status, text, _ = daemon.request("POST", "/api/v2/alerts", json.dumps(alerts[:1]))
        assert (status, text) == (200, ""), (status, text)
        peers.wait_for("the page", pager.events)
        status, text, _ = daemon.request("POST", "/api/v2/alerts", json.dumps(alerts))
        assert status == 400 and isinstance(json.loads(text), str), (status, text)
        assert daemon.request("GET", "/api/v2/status")[0] == 200
    finally:
        daemon.finish()


def backend_is_gone():
    pager = peers.Pager()
    daemon = peers.Daemon(pager.url, f"http://127.0.0.1:{peers.free_port()}", "enrich_budget: 500ms\n").start()
    try:
        daemon.request("POST", "/webhook/am", peers.webhook((LABELS, "firing")))
        peers.wait_for("the page without a trace", pager.events)
        assert pager.events()[0]["routing_key"] == "key-shop", pager.events()[0]
    finally:
        daemon.finish()


def reload_good_and_bad():
    pager = peers.Pager()
    daemon = peers.Daemon(pager.url).start()
    try:
        good = peers.RULES.format(pager=pager.url)
        daemon.write("rules.yaml", good.replace("fallback: {team: sre}", "fallback: {team: nobody}"))
        status, text, _ = daemon.request("POST", "/-/reload")
        assert status == 400 and "nobody" in text and "rules.yaml:" in text, (status, text)
        assert daemon.metric("tracepager_rules_last_reload_successful") == 0
        daemon.write("rules.yaml", good.replace("fallback: {team: sre}", "fallback: {team: ledger}"))
        daemon.child.send_signal(signal.SIGHUP)
        peers.wait_for("the reload", lambda: daemon.metric("tracepager_rules_last_reload_successful") == 1)
        daemon.request("POST", "/webhook/am", peers.webhook(({"alertname": "DiskFull"}, "firing")))
        peers.wait_for("the page", pager.events)
        assert pager.events()[0]["routing_key"] == "key-ledger", pager.events()[0]
    finally:
        daemon.finish()


def second_daemon_is_refused():
    daemon = peers.Daemon().start()
    try:
        second = subprocess.run([peers.BINARY, "run", "-c", daemon.directory + "/tracepager.yaml"],
                                capture_output=True, text=True, timeout=peers.PATIENCE, check=False)
        assert second.returncode == 1, second
        assert "tracepager.db" in second.stderr, second.stderr
        assert daemon.request("GET", "/-/healthy")[0] == 200
    finally:
        daemon.finish()


def drain_ends_deliveries():
    """SIGTERM while a page is on its way: it still arrives, and the exit is clean."""
    pager = peers.Pager()
    take = pager.take
    arrived = peers.threading.Event()

    def slow(request):
        arrived.set()
        time.sleep(0.5)  # the pager's own slowness, not the test's waiting
        return take(request)

    pager.answer = slow
    daemon = peers.Daemon(pager.url).start()
    try:
        daemon.request("POST", "/webhook/am", peers.webhook(({"alertname": "DiskFull"}, "firing")))
        assert arrived.wait(peers.PATIENCE)
        daemon.stop()
        assert len(pager.events()) == 1
        daemon.start()
        daemon.request("POST", "/webhook/am", peers.webhook(({"alertname": "DiskFull"}, "resolved")))
        peers.wait_for("the resolve", lambda: len(pager.events()) == 2)
    finally:
        daemon.finish()


peers.run(trace_by_id, trace_by_search, api_alerts, backend_is_gone, reload_good_and_bad, second_daemon_is_refused,
          drain_ends_deliveries)
