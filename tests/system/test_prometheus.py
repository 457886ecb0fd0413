#!/usr/bin/env python3
"""Debian's Prometheus and Alertmanager in front, a stub Jaeger and a stub pager behind: a rule fires, the page arrives at the right team's
endpoint, and so does its resolve. Once through Alertmanager's webhook, once straight from Prometheus to /api/v2/alerts."""
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

    def __init__(self, daemon, through_alertmanager):
        self.value = 1
        self.metrics = peers.Peer(lambda request: (200, {"Content-Type": "text/plain"},
                                                   f"orders_failing {self.value}\n".encode()))
        self.directory, self.children = daemon.directory, []
        self.log = open(os.path.join(self.directory, "monitoring.log"), "ab")
        target = f"127.0.0.1:{daemon.port}"
        if through_alertmanager:
            target = self.start_alertmanager(daemon)
        self.start_prometheus(target)

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
        rules = self.write("alerts.yml", "groups:\n  - name: shop\n    interval: 1s\n    rules:\n"
                           "      - alert: PlaceOrderErrors\n        expr: orders_failing > 0\n"
                           f"        labels: {{severity: critical, trace_id: {TRACE}}}\n"
                           "        annotations: {summary: orders fail}\n")
        config = self.write("prometheus.yml", "global: {scrape_interval: 1s, evaluation_interval: 1s}\n"
                            f"rule_files: [{rules}]\n"
                            f"alerting: {{alertmanagers: [{{static_configs: [{{targets: ['{target}']}}]}}]}}\n"
                            "scrape_configs: [{job_name: shop, static_configs: [{targets: ["
                            f"'127.0.0.1:{self.metrics.port}']}}]}}]\n")
        self.spawn("prometheus", f"--config.file={config}", f"--web.listen-address=127.0.0.1:{peers.free_port()}",
                   f"--storage.tsdb.path={self.directory}/prometheus", "--rules.alert.resend-delay=1s")

    def finish(self):
        for child in self.children:
            child.terminate()
        for child in self.children:
            try:
                child.wait(20)
            except subprocess.TimeoutExpired:
                child.kill()
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


peers.run(through_alertmanager, straight_from_prometheus)
