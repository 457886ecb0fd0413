#!/usr/bin/env python3
"""Debian's Prometheus and Alertmanager in front, a stub Jaeger and a stub pager behind: a rule fires, the page arrives at the right team's
endpoint, and so does its resolve. Once through Alertmanager's webhook, once straight from Prometheus to /api/v2/alerts; and once with the trace's
id in an exemplar only, for which Prometheus is asked."""
import os
import shutil
import subprocess
import sys

import peers

peers.skip_unless_wanted()
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
for program in ("prometheus", "prometheus-alertmanager"):
    if not shutil.which(program):
        print(f"skipped: {program} is not installed")
        sys.exit(77)


class Monitoring:
    """A Prometheus that scrapes a page of ours, whose one number we turn up and down."""

    def __init__(self, daemon, through_alertmanager=False, exemplar=False, port=None):
        self.value, self.exemplar, self.port = 1, exemplar, port or peers.free_port()
        self.metrics = peers.Peer(self.show)
        self.directory, self.children = daemon.directory, []
        self.log = open(os.path.join(self.directory, "monitoring.log"), "ab")
        target = f"127.0.0.1:{daemon.port}"
        if through_alertmanager:
            target = self.start_alertmanager(daemon)
        self.start_prometheus(target)

    def show(self, request):
        if not self.exemplar:
            return 200, {"Content-Type": "text/plain"}, f"orders_failing {self.value}\n".encode()
        text = ("# TYPE orders_failed counter\n"
                f"orders_failed_total {self.value} # {{trace_id=\"{TRACE}\"}} 1\n# EOF\n")
        return 200, {"Content-Type": "application/openmetrics-text; version=1.0.0; charset=utf-8"}, text.encode()

    def write(self, name, text):
        with open(os.path.join(self.directory, name), "w", encoding="utf-8") as f:
            f.write(text)
        return os.path.join(self.directory, name)

    def spawn(self, *command):
        self.children.append(subprocess.Popen(command, stdout=self.log, stderr=self.log, cwd=self.directory))

    def start_alertmanager(self, daemon):
        config = self.write("am.yml", "route: {receiver: tracepager, group_wait: 0s, group_interval: 1s, "
                            "repeat_interval: 1h}\nreceivers:\n  - name: tracepager\n    webhook_configs:\n"
                            f"      - url: http://127.0.0.1:{daemon.port}/webhook/am\n"
                            "        send_resolved: true\n")
        port = peers.free_port()
        self.spawn("prometheus-alertmanager", f"--config.file={config}", f"--web.listen-address=127.0.0.1:{port}",
                   f"--storage.path={self.directory}/am", "--cluster.listen-address=")
        return f"127.0.0.1:{port}"

    def start_prometheus(self, target):
        # A scrape that a busy machine misses must not resolve the alert, nor must a late repeat: Prometheus sends an end of four resend delays.
        metric, trace = ("orders_failed_total", "") if self.exemplar else ("orders_failing", f", trace_id: {TRACE}")
        rules = self.write("alerts.yml", "groups:\n  - name: shop\n    interval: 1s\n    rules:\n"
                           f"      - alert: PlaceOrderErrors\n        expr: last_over_time({metric}[5m]) > 0\n"
                           f"        labels: {{severity: critical{trace}}}\n"
                           "        annotations: {summary: orders fail}\n")
        config = self.write("prometheus.yml", "global: {scrape_interval: 1s, evaluation_interval: 1s}\n"
                            f"rule_files: [{rules}]\n"
                            f"alerting: {{alertmanagers: [{{static_configs: [{{targets: ['{target}']}}]}}]}}\n"
                            "scrape_configs: [{job_name: shop, static_configs: [{targets: ["
                            f"'127.0.0.1:{self.metrics.port}']}}]}}]\n")
        self.spawn("prometheus", f"--config.file={config}", f"--web.listen-address=127.0.0.1:{self.port}",
                   f"--storage.tsdb.path={self.directory}/prometheus", "--rules.alert.resend-delay=10s",
                   "--enable-feature=exemplar-storage")

    def finish(self):
        for child in self.children:
            child.kill()  # nothing of theirs is read afterwards
        for child in self.children:
            child.wait()
        self.log.close()


def path(through_alertmanager):
    pager, jaeger = peers.Pager(), peers.Jaeger({TRACE: peers.shop_trace(TRACE)})
    daemon = peers.Daemon(pager.url, jaeger.url).start()
    monitoring = Monitoring(daemon, through_alertmanager)
    try:
        peers.wait_for("the page", pager.events, 120)
        event = pager.events()[0]
        assert event["routing_key"] == "key-ledger", event
        assert event["payload"]["summary"].startswith("ledger"), event
        monitoring.value = 0
        peers.wait_for("the resolve", lambda: len(pager.events()) > 1, 120)
        assert pager.events()[-1]["event_action"] == "resolve", pager.events()[-1]
        assert pager.events()[-1]["dedup_key"] == event["dedup_key"]
        assert len(pager.events()) == 2, pager.events()
    finally:
        monitoring.finish()
        daemon.finish()


def through_alertmanager():
    path(True)


def straight_from_prometheus():
    path(False)


def trace_from_an_exemplar():
    """The alert names no trace, and a search would not find it: Prometheus knows."""
    port, pager, jaeger = peers.free_port(), peers.Pager(), peers.Jaeger({TRACE: peers.shop_trace(TRACE)})
    daemon = peers.Daemon(pager.url, config="enrich_budget: 20s\nhealthy_every: 0s\nsources:\n"
                          f"  prom: {{kind: prometheus, url: \"http://127.0.0.1:{port}\"}}\n"
                          f"  jaeger: {{kind: jaeger, url: \"{jaeger.url}\"}}\n").start()
    monitoring = Monitoring(daemon, exemplar=True, port=port)
    try:
        peers.wait_for("the page", pager.events, 120)
        assert pager.events()[0]["routing_key"] == "key-ledger", pager.events()[0]
        assert [r["path"] for r in jaeger.asked()] == [f"/api/v3/traces/{TRACE}"], jaeger.asked()
    finally:
        monitoring.finish()
        daemon.finish()


peers.run(through_alertmanager, straight_from_prometheus, trace_from_an_exemplar, at_once=3)
