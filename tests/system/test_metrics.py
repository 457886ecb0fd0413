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


def by_name():
    """A trace is found at one of two sources, a page leaves, another waits; then a reload takes the pager away."""
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    pager = peers.Pager()
    jaeger = peers.Jaeger({trace: peers.shop_trace(trace)})
    daemon = peers.Daemon(pager.url, config="senders: {am: {format: alertmanager}, quiet: {format: alertmanager, heartbeat: 24h}}\n"
                          f"healthy_every: 0s\nsources:\n  gone: {{kind: jaeger, url: \"http://127.0.0.1:{peers.free_port()}\"}}\n"
                          f"  jaeger: {{kind: jaeger, url: \"{jaeger.url}\"}}\n").start()

    def metric(name, **labels):
        inside = ",".join(f'{label}="{value}"' for label, value in labels.items())
        return daemon.metric(name + (f"{{{inside}}}" if inside else ""))

    try:
        assert metric("tracepager_pager_pages_total", pager="shop-pager", result="delivered") == 0
        body = peers.webhook(({"alertname": "PlaceOrderErrors", "trace_id": trace, "severity": "critical"}, "firing"))
        assert daemon.request("POST", "/webhook/am", body)[0] == 202
        peers.wait_for("the page", lambda: metric("tracepager_pager_pages_total", pager="ledger-pager", result="delivered") == 1)
        assert metric("tracepager_pager_delivery_duration_seconds_count", pager="ledger-pager") == 1
        assert metric("tracepager_pager_state", pager="ledger-pager", state="working") == 1
        assert metric("tracepager_pager_state", pager="ledger-pager", state="failing") == 0
        assert metric("tracepager_sender_alerts_total", sender="am", result="accepted") == 1
        assert metric("tracepager_sender_alerts_total", sender="quiet", result="accepted") == 0
        assert metric("tracepager_sender_alerts_total", sender="api", result="accepted") == 0
        assert metric("tracepager_sender_alerts_total", sender="other", result="refused") == 0
        assert metric("tracepager_pager_pages_total", pager="other", result="rejected") == 0
        heard = metric("tracepager_sender_last_alert_timestamp_seconds", sender="am")
        assert abs(heard - peers.time.time()) < 60, heard
        assert metric("tracepager_sender_last_alert_timestamp_seconds", sender="quiet") == 0
        assert metric("tracepager_sender_silent", sender="quiet") == 0
        assert metric("tracepager_source_lookups_total", source="jaeger", result="found") >= 1
        assert metric("tracepager_source_lookups_total", source="gone", result="failed") >= 1
        assert metric("tracepager_source_last_answer_timestamp_seconds", source="gone") == 0
        assert metric("tracepager_source_last_answer_timestamp_seconds", source="jaeger") > heard - 60
        # A body that is refused, and one of a sender that nobody declared.
        assert daemon.request("POST", "/webhook/quiet", "{")[0] == 400
        assert daemon.request("POST", "/webhook/stranger", body)[0] == 404
        assert metric("tracepager_sender_alerts_total", sender="quiet", result="refused") == 1
        assert metric("tracepager_sender_alerts_total", sender="other", result="refused") == 1
        assert "stranger" not in daemon.request("GET", "/metrics")[1]
        # Pages that wait for a pager that a person paused.
        assert daemon.request("POST", "/api/v1/pagers/sre-pager/pause", "{}")[0] == 200
        assert daemon.request("POST", "/webhook/am", peers.webhook(({"alertname": "DiskFull"}, "firing")))[0] == 202
        peers.wait_for("it to wait", lambda: metric("tracepager_pager_pages_waiting", pager="sre-pager"))
        assert metric("tracepager_pager_state", pager="sre-pager", state="paused") == 1
        peers.wait_for("a second", lambda: metric("tracepager_queue_oldest_age_seconds", queue="pages") > 1)
        assert metric("tracepager_pager_oldest_page_age_seconds", pager="sre-pager") > 1
        assert metric("tracepager_queue_oldest_age_seconds", queue="alerts") == 0
        # The signal place_order was hit, the route of severity info never.
        assert metric("tracepager_rules", sort="signal") == metric("tracepager_rule_hits_total", sort="signal") == 1
        assert metric("tracepager_rules_never_hit", sort="signal") == 0
        assert metric("tracepager_rules_never_hit", sort="route") == metric("tracepager_rules", sort="route") == 1
        hits = metric("tracepager_rule_hits_total", sort="service")
        assert hits >= 1, hits
        # Another name for the ledger's pager.
        rules = peers.RULES.replace("ledger-pager", "book-pager").format(pager=pager.url, directory=daemon.directory)
        daemon.write("rules.yaml", rules)
        assert daemon.request("POST", "/-/reload")[0] == 200
        text = daemon.request("GET", "/metrics")[1]
        assert 'pager="ledger-pager"' not in text
        assert metric("tracepager_pager_pages_total", pager="book-pager", result="delivered") == 0
        assert metric("tracepager_rule_hits_total", sort="service") == hits
        assert metric("tracepager_rules_never_hit", sort="signal") == 1
        # The resolve goes to the pager that was paged, which has no name any more.
        body = peers.webhook(({"alertname": "PlaceOrderErrors", "trace_id": trace, "severity": "critical"}, "resolved"))
        assert daemon.request("POST", "/webhook/am", body)[0] == 202
        peers.wait_for("the resolve", lambda: metric("tracepager_pager_pages_total", pager="other", result="delivered") == 1)
        promtool(daemon.request("GET", "/metrics")[1])
    finally:
        daemon.finish()


def of_the_process():
    daemon = peers.Daemon().start()
    try:
        pid, text = daemon.child.pid, daemon.request("GET", "/metrics")[1]
        with open(f"/proc/{pid}/limits", encoding="ascii") as f:
            most = next(line.split()[3] for line in f if line.startswith("Max open files"))
        # The kernel's pages were counted a little before or after.
        with open(f"/proc/{pid}/statm", encoding="ascii") as f:
            size, resident = (int(n) * os.sysconf("SC_PAGESIZE") for n in f.read().split()[:2])
        assert daemon.metric("process_max_fds") == float(most), most
        assert abs(daemon.metric("process_open_fds") - len(os.listdir(f"/proc/{pid}/fd"))) <= 4
        assert abs(daemon.metric("process_virtual_memory_bytes") - size) < size / 4, size
        assert abs(daemon.metric("process_resident_memory_bytes") - resident) < resident / 4, resident
        assert abs(daemon.metric("process_start_time_seconds") - os.stat(f"/proc/{pid}").st_mtime) < 30
        assert 0 <= daemon.metric("process_cpu_seconds_total") < 60
        version = subprocess.run([peers.BINARY, "--version"], stdout=subprocess.PIPE, text=True, check=True).stdout.split()[1]
        assert f'tracepager_build_info{{version="{version}",compiler="' in text, text[-3000:]
        assert daemon.metric("tracepager_heartbeat_interval_seconds") == 0
        assert daemon.metric("tracepager_ready") == daemon.metric("tracepager_store_writable") == 1
        disk = os.statvfs(daemon.directory)
        assert daemon.metric("tracepager_store_filesystem_size_bytes") == disk.f_blocks * disk.f_frsize
        assert abs(daemon.metric("tracepager_store_free_bytes") - disk.f_bavail * disk.f_frsize) < 1 << 30
        for file, end in (("database", ""), ("wal", "-wal")):
            peers.wait_for(f"the size of the {file}", lambda: daemon.metric(f'tracepager_store_size_bytes{{file="{file}"}}') ==
                           os.stat(f"{daemon.directory}/tracepager.db{end}").st_size)
        assert daemon.metric("tracepager_store_commits_in_progress") == daemon.metric("tracepager_store_commit_age_seconds") == 0
    finally:
        daemon.finish()


def of_the_process_where_proc_is_cut():
    """As below the systemd unit (ProcSubset=pid): of /proc there are the processes alone, no /proc/stat."""
    cut = ["unshare", "--mount", "sh", "-c", 'mount -t proc -o subset=pid proc /proc && exec "$@"', "sh"]
    if subprocess.run([*cut, "test", "!", "-e", "/proc/stat"], stderr=subprocess.DEVNULL).returncode != 0:
        print("only root may mount /proc: that a /proc without /proc/stat is enough is not tested")
        return
    daemon = peers.Daemon()
    daemon.wrapper = cut
    daemon.start()
    try:
        begun = os.stat(f"/proc/{daemon.child.pid}").st_mtime
        assert abs(daemon.metric("process_start_time_seconds") - begun) < 30, (daemon.metric("process_start_time_seconds"), begun)
        assert daemon.metric("process_resident_memory_bytes") > 0 and daemon.metric("process_open_fds") > 0
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
peers.run(formats, by_name, of_the_process, of_the_process_where_proc_is_cut, prometheus_reads_it)
