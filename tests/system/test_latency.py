#!/usr/bin/env python3
"""An operation is slow and nothing failed: the daemon gathers healthy traces ahead, compares those of the alert with them,
and pages the owner of the service that is slower than usual. A stub of Jaeger answers by the window that is asked for."""
import json
import os
import shutil
import subprocess
import time

import peers
from slow_orders import RULES, Jaeger


def check_capture(daemon, incident):
    """What was decided is kept with the healthy traces of then: a test that is made of it holds."""
    folder = os.path.join(daemon.directory, "captured")
    os.mkdir(folder)

    def captured():
        return subprocess.run([peers.BINARY, "capture", incident, "--store", f"{daemon.directory}/tracepager.db", "--output",
                               folder], capture_output=True, check=False).returncode == 0
    peers.wait_for("the record", captured)
    assert any(name.endswith(".evidence") for name in os.listdir(folder)), os.listdir(folder)
    shutil.copy(os.path.join(daemon.directory, "rules.yaml"), folder)
    ran = subprocess.run([peers.BINARY, "test", folder], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def slow_operation():
    pager, jaeger = peers.Pager(), Jaeger()
    daemon = peers.Daemon(pager.url, jaeger.url, rules=RULES).start()
    try:
        # Both signals of the rules are one operation.
        peers.wait_for("healthy traces", lambda: daemon.metric("tracepager_baselines_gathered_total") == 1)
        body = json.loads(peers.webhook(({"alertname": "SlowOrders"}, "firing")))
        body["alerts"][0]["startsAt"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        daemon.request("POST", "/webhook/am", json.dumps(body))
        peers.wait_for("the page", pager.events)
        event = pager.events()[0]
        assert event["routing_key"] == "key-ledger", event
        details = json.dumps(event["payload"])
        assert "in 10 of 10 traces ledger spends" in details, details
        check_capture(daemon, event["dedup_key"])
    finally:
        daemon.finish()


peers.run(slow_operation)
