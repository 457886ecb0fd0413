#!/usr/bin/env python3
"""What a running relay tells of its peers beside what it asks them for: that its clock differs from theirs, by the Date of their replies, and that
one's certificate ends soon. Each by a log line with its cure, and by a metric."""
import os
import re
import shutil
import ssl
import subprocess
import tempfile
import time

import peers

peers.skip_unless_wanted()
HOUR = 3600
QUICK = "enrich_budget: 1s\n"  # no trace comes
DIFFERS, AGREES = 'level=warn msg="the clock differs from those of the peers"', 'level=info msg="the clock agrees with those of the peers again"'
ENDS = 'level=warn msg="a peer\'s certificate ends soon"'


def lines(daemon, words):
    return [line for line in daemon.log_text().splitlines() if words in line]


class Sender:
    """Sends an alert of its own each time, so that a page leaves, and waits for that. The first is about a traced operation: the source is asked."""

    def __init__(self, daemon):
        self.daemon, self.n, self.last = daemon, 0, 0

    def send(self):
        self.n, self.last = self.n + 1, time.monotonic()
        labels = {"alertname": f"Disk{self.n}" if self.n > 1 else "PlaceOrder", "severity": "critical"}
        assert self.daemon.request("POST", "/webhook/am", peers.webhook((labels, "firing")))[0] == 202
        peers.wait_for("a page", lambda: self.daemon.metric('tracepager_pages_total{result="delivered"}') >= self.n)

    def send_each_second(self):
        if time.monotonic() - self.last > 1:
            self.send()


def ahead(daemon):
    """A Date has whole seconds, and a busy machine answers late: within LIMIT_PEER_DATE_TOOK_US, else it does not count."""
    return daemon.metric("tracepager_clock_ahead_seconds")


def one_wrong_peer_is_outvoted():
    jaeger, pager, dead_man = peers.Jaeger({}), peers.Pager(), peers.Peer(lambda request: (200, {}, b"OK"))
    jaeger.late_s = HOUR
    config = QUICK + f"heartbeat: {{url: \"{dead_man.url}/ping\", every: 2s, limit: 1s}}\n"
    daemon = peers.Daemon(pager.url, jaeger.url, config).start()
    try:
        # Of two that contradict each other neither counts; of one alone its word would.
        peers.wait_for("the dead-man's clock", lambda: daemon.metric("tracepager_clock_peers") == 1)
        assert abs(ahead(daemon)) < 3, ahead(daemon)
        sender = Sender(daemon)
        sender.send()
        peers.wait_for("three clocks", lambda: daemon.metric("tracepager_clock_peers") == 3)
        assert abs(ahead(daemon)) < 3, ahead(daemon)
        assert not lines(daemon, DIFFERS), daemon.log_text()
        # Now two of three say so.
        pager.late_s = HOUR + 60
        peers.wait_for("the warning", lambda: sender.send_each_second() or lines(daemon, DIFFERS))
        assert abs(ahead(daemon) - HOUR) < 3, ahead(daemon)
        assert re.search(r"the clock is 3(59|60)\d s ahead of those of 3 peers", lines(daemon, DIFFERS)[0]), lines(daemon, DIFFERS)
    finally:
        daemon.finish()


def one_peer_only_is_told_as_one():
    pager = peers.Pager()
    pager.late_s = -HOUR
    daemon = peers.Daemon(pager.url).start()
    try:
        assert daemon.metric("tracepager_clock_peers") == 0 and ahead(daemon) == 0
        sender = Sender(daemon)
        for _ in range(3):
            sender.send()
        peers.wait_for("the warning", lambda: lines(daemon, DIFFERS))
        assert daemon.metric("tracepager_clock_peers") == 1 and abs(ahead(daemon) + HOUR) < 3, ahead(daemon)
        told = lines(daemon, DIFFERS)
        assert len(told) == 1, told
        assert re.search(r'reason="the clock is 3(59|60)\d s behind that of one peer: .*" cure="set the clock, .*chrony', told[0]), told
        # Its clock is set: that is told once, and the warning stays one.
        pager.late_s = 0
        peers.wait_for("the end of it", lambda: sender.send_each_second() or lines(daemon, AGREES))
        assert abs(ahead(daemon)) < 3, ahead(daemon)
        sender.send()
        assert len(lines(daemon, AGREES)) == 1 and len(lines(daemon, DIFFERS)) == 1, daemon.log_text()
    finally:
        daemon.finish()


def certificate(place, days):
    """Signed by itself, so that the relay trusts it as its own authority."""
    paths = os.path.join(place, f"{days}.pem"), os.path.join(place, f"{days}.key")
    made = subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", str(days), "-subj",
                           "/CN=jaeger", "-addext", "subjectAltName=IP:127.0.0.1", "-out", paths[0], "-keyout", paths[1]],
                          capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    text = subprocess.run(["openssl", "x509", "-enddate", "-noout", "-in", paths[0]], capture_output=True, text=True, check=True).stdout
    return paths, ssl.cert_time_to_seconds(text.strip().partition("=")[2])


def certificate_that_ends(days, is_told):
    place, pager = tempfile.mkdtemp(prefix="tracepager-clock-"), peers.Pager()
    paths, end = certificate(place, days)
    jaeger = peers.secured(peers.Jaeger({}), *paths)
    config = QUICK + f"sources: {{jaeger: {{kind: jaeger, url: \"{jaeger.url}\", ca_file: \"{paths[0]}\"}}}}\n"
    daemon = peers.Daemon(pager.url, config=config).start()
    name = "tracepager_peer_certificate_expiry_timestamp_seconds"
    try:
        assert daemon.metric(name) == 0, daemon.metric(name)
        sender = Sender(daemon)
        for _ in range(3):
            sender.send()
        peers.wait_for("the end of its certificate", lambda: daemon.metric(name) == end)
        told = lines(daemon, ENDS)
        assert len(told) == is_told, daemon.log_text()
        if is_told:
            at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(end))
            assert f'peer=127.0.0.1:{jaeger.port} ends={at} cure="renew it there"' in told[0], told
    finally:
        daemon.finish()
        shutil.rmtree(place)


def a_certificate_of_three_days_is_told_once():
    certificate_that_ends(3, True)


def a_certificate_of_a_month_is_a_number_only():
    certificate_that_ends(30, False)


tests = [one_wrong_peer_is_outvoted, one_peer_only_is_told_as_one]
if shutil.which("openssl"):
    tests += [a_certificate_of_three_days_is_told_once, a_certificate_of_a_month_is_a_number_only]
peers.run(*tests, at_once=4)
