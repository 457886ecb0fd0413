#!/usr/bin/env python3
"""The whole path with real sockets: webhook in, trace from Jaeger, page at the right team's endpoint, resolve, reload, drain, a second daemon."""
import json
import os
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
        good = peers.RULES.format(pager=pager.url, directory=daemon.directory)
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


def reload_during_the_start():
    """SIGHUP before the loop runs ends nothing: the start goes on, and the rules are loaded once more."""
    daemon = peers.Daemon(config="admin_token_file: {fifo}\n")
    fifo = daemon.directory + "/token"
    os.mkfifo(fifo)
    with open(daemon.directory + "/tracepager.yaml", encoding="utf-8") as f:
        daemon.write("tracepager.yaml", f.read().replace("{fifo}", fifo))

    def opened():
        try:
            return os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:  # nobody reads it yet
            return None

    daemon.launch()
    try:
        with os.fdopen(peers.wait_for("the daemon to read its options", opened), "wb") as f:
            daemon.child.send_signal(signal.SIGHUP)  # it waits for the token, and is held there
            f.write(b"token\n")
        peers.wait_for("the daemon", daemon.is_ready)
        peers.wait_for("the reload", lambda: daemon.metric('tracepager_reloads_total{result="ok"}') == 1)
    finally:
        daemon.finish()


def sleeping_log_reader():
    """Nobody reads standard error, and its pipe is full: alerts are taken and paged all the same."""
    pager = peers.Pager()
    daemon = peers.Daemon(pager.url)
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    try:
        while True:
            os.write(writer, b"x" * 4096)
    except BlockingIOError:
        os.set_blocking(writer, True)
    daemon.log.close()
    daemon.log = os.fdopen(writer, "wb", 0)
    try:
        daemon.start()
        status, _, _ = daemon.request("POST", "/webhook/am", peers.webhook(({"alertname": "DiskFull"}, "firing")))
        assert status == 202, status
        peers.wait_for("the page", pager.events)
        assert daemon.metric("tracepager_log_lines_dropped_total") > 0
        with open(reader, "rb") as f:
            os.read(f.fileno(), 1 << 20)
            daemon.request("POST", "/webhook/nobody", "{}")
            said = os.read(f.fileno(), 1 << 16).decode()
            assert " lines_dropped=" in said and "sender=nobody" in said, said
            daemon.stop()
    finally:
        daemon.finish()


def undeclared_sender():
    """Its alerts are refused; that is logged, counted and paged once. A slash behind a name is forgiven."""
    pager = peers.Pager()
    daemon = peers.Daemon(pager.url).start()
    body = peers.webhook(({"alertname": "DiskFull"}, "firing"))
    try:
        for _ in range(3):
            status, text, _ = daemon.request("POST", "/webhook/am2", body)
            assert status == 404 and "senders:" in text, (status, text)
        peers.wait_for("the page", pager.events)
        assert daemon.request("POST", "/webhook/am/", body)[0] == 202
        peers.wait_for("the alert's page", lambda: len(pager.events()) > 1)
        first, second = pager.events()
        assert first["routing_key"] == "key-sre", first
        assert "am2 is not declared" in json.dumps(first), first
        assert "DiskFull" in json.dumps(second), second
        assert daemon.log_text().count("are refused\" sender=am2") == 1 and "peer=127.0.0.1" in daemon.log_text()
        assert daemon.metric('tracepager_alerts_total{result="refused"}') == 3
    finally:
        daemon.finish()


def undeclared_sender_from_anywhere():
    """Where others reach the port, only who has some sender's token can make us page."""
    pager = peers.Pager()
    daemon = peers.Daemon(pager.url, config="senders: {am: {format: alertmanager, bearer: am-token}}\n"
                                            "admin_token: admin-token\n")
    with open(daemon.directory + "/tracepager.yaml", encoding="utf-8") as f:
        daemon.write("tracepager.yaml", f.read().replace("listen: 127.0.0.1", "listen: 0.0.0.0"))
    daemon.start()
    try:
        assert daemon.request("POST", "/webhook/stranger", "{}")[0] == 404
        assert daemon.request("POST", "/webhook/am2", "{}", {"Authorization": "Bearer am-token"})[0] == 404
        peers.wait_for("the page", pager.events)
        assert "am2 is not declared" in json.dumps(pager.events()[0]), pager.events()
        assert "sender=stranger" in daemon.log_text()
        daemon.stop()
        assert len(pager.events()) == 1, pager.events()
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


peers.run(trace_by_id, trace_by_search, api_alerts, backend_is_gone, reload_good_and_bad, reload_during_the_start,
          sleeping_log_reader, undeclared_sender, undeclared_sender_from_anywhere, second_daemon_is_refused,
          drain_ends_deliveries, at_once=3)
