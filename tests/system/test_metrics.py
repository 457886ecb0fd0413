#!/usr/bin/env python3
"""GET /metrics of a live relay: promtool finds nothing, Prometheus reads both formats and the exemplars, and the labels of pagers, sources and
senders are those of the rules and of tracepager.yaml."""
import json
import os
import shutil
import subprocess
import sys
import urllib.parse

import peers

peers.skip_unless_wanted()
TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPEN = "application/openmetrics-text; version=1.0.0; charset=utf-8"
# What Prometheus 2.42 and 3.0 send, and others.
ACCEPTS = [
    (None, TEXT),
    ("*/*", TEXT),
    ("text/plain", TEXT),
    ("text/html,application/xhtml+xml,*/*;q=0.8", TEXT),
    ("application/openmetrics-text", OPEN),
    ("application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
     OPEN),
    ("application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,"
     "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1", OPEN),
    ("text/plain;version=0.0.4, application/openmetrics-text; q=0.5", TEXT),
    ("application/openmetrics-text; version=0.0.1", TEXT),
    ("application/openmetrics-text;q=0", TEXT),
    ("application/openmetrics-texts", TEXT),
    ("APPLICATION/OpenMetrics-Text; Q=0.9, text/plain; q=0.9", OPEN),
]


def promtool(text):
    if not shutil.which("promtool"):
        return
    ran = subprocess.run(["promtool", "check", "metrics"], input=text, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert ran.returncode == 0 and not ran.stdout.strip(), ran.stdout


def formats():
    daemon = peers.Daemon().start()
    try:
        assert daemon.request("POST", "/webhook/am", peers.webhook(({"alertname": "Any"}, "firing")))[0] == 202
        for accept, wanted in ACCEPTS:
            status, text, headers = daemon.request("GET", "/metrics", None, {"Accept": accept} if accept else {})
            assert status == 200 and headers["Content-Type"] == wanted, (accept, status, headers)
            assert text.endswith("# EOF\n") == (wanted == OPEN), (accept, text[-200:])
            assert headers["Vary"] == "Accept", headers
        promtool(daemon.request("GET", "/metrics")[1])
    finally:
        daemon.finish()


def prometheus_reads_it():
    """A page with exemplars that are known, and the relay itself."""
    if not shutil.which("prometheus"):
        return
    page = subprocess.run([os.path.join(peers.BUILD, "tests/lib/metrics_page")], stdout=subprocess.PIPE, check=True).stdout
    asked = []

    def answer(request):
        asked.append(request["headers"].get("Accept", ""))
        return 200, {"Content-Type": OPEN}, page

    daemon, known, port = peers.Daemon().start(), peers.Peer(answer), peers.free_port()
    daemon.write("prometheus.yml", "global: {scrape_interval: 1s}\nscrape_configs:\n"
                 f"  - {{job_name: known, static_configs: [{{targets: ['127.0.0.1:{known.port}']}}]}}\n"
                 f"  - {{job_name: relay, static_configs: [{{targets: ['127.0.0.1:{daemon.port}']}}]}}\n")
    child = subprocess.Popen(["prometheus", f"--config.file={daemon.directory}/prometheus.yml", f"--web.listen-address=127.0.0.1:{port}",
                              f"--storage.tsdb.path={daemon.directory}/prometheus", "--enable-feature=exemplar-storage"],
                             stdout=daemon.log, stderr=daemon.log)

    def ask(path, **arguments):
        connection = peers.http.client.HTTPConnection("127.0.0.1", port, timeout=peers.PATIENCE)
        try:
            connection.request("GET", f"/api/v1/{path}?{urllib.parse.urlencode(arguments)}")
            return json.loads(connection.getresponse().read())["data"]
        except (OSError, KeyError, ValueError):
            return []
        finally:
            connection.close()

    def value(query):
        data = ask("query", query=query)
        return float(data["result"][0]["value"][1]) if data and data["result"] else None

    def traces(query):
        return [(e["labels"], e["value"]) for series in ask("query_exemplars", query=query, start="0", end="9999999999")
                for e in series["exemplars"]]

    try:
        peers.wait_for("both targets", lambda: value("sum(up)") == 2)
        found = peers.wait_for("the exemplars", lambda: traces("tracepager_delivery_duration_seconds_bucket"))
        assert found == [({"trace_id": "4bf92f3577b34da6a3ce929d0e0e4736", "span_id": "00f067aa0ba902b7"}, "0.03")], found
        found = traces("tracepager_source_lookup_duration_seconds_bucket")
        assert found == [({"trace_id": "0123456789abcdef0123456789abcdef"}, "0.12")], found
        assert value('tracepager_source_lookups_total{source="quote \\" and \\\\ and\\nline",result="found"}') == 7
        assert "application/openmetrics-text" in asked[0], asked
        kinds = {m["metric"]: m["type"] for m in ask("targets/metadata", match_target='{job="relay"}')}
        assert kinds["tracepager_pages"] == "counter" and kinds["tracepager_connections"] == "gauge", kinds
        assert kinds["tracepager_alert_to_page_seconds"] == "histogram", kinds
        assert daemon.request("POST", "/webhook/am", peers.webhook(({"alertname": "Any"}, "firing")))[0] == 202
        peers.wait_for("a new scrape", lambda: value('tracepager_alerts_total{job="relay",result="accepted"}') == 1)
    finally:
        child.kill()
        child.wait()
        daemon.finish()


if not shutil.which("promtool") or not shutil.which("prometheus"):
    print("promtool or prometheus is not installed: what they would say is not tested")
peers.run(formats, prometheus_reads_it)
