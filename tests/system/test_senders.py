#!/usr/bin/env python3
"""How senders show who they are, against the real daemon: signatures of each preset, made here and by the openssl program, tokens and
passwords that are exchanged, addresses, mappings, a watchdog, and Prometheus through Alertmanager with the configuration that
"tracepager senders" prints."""
import base64
import hashlib
import hmac
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import peers  # noqa: E402

peers.skip_unless_wanted()
KEY, OLD = b"0123456789abcdefghijklmn", b"zyxwvutsrqponmlkjihgfedc"  # 24 bytes, as Standard Webhooks wants


class Relay(peers.Daemon):
    def __init__(self, senders, more="", files=None):
        self.pager = peers.Pager()
        super().__init__(self.pager.url, config=senders + more)
        for name, text in (files or {}).items():
            self.write(name, text)
        with open(self.directory + "/tracepager.yaml", encoding="utf-8") as f:
            self.write("tracepager.yaml", f.read().replace("DIR", self.directory))

    def post(self, sender, body, headers=None):
        return self.request("POST", "/webhook/" + sender, body, headers or {})[0]

    def pages(self):
        return [e["payload"]["summary"] for e in self.pager.events() if e["event_action"] == "trigger"]

    def paged(self, *names):
        """Each of these alerts has paged, and no other one."""
        peers.wait_for(f"pages about {names}", lambda: len(self.pages()) >= len(names))
        assert len(self.pages()) == len(names) and all(any(n in p for p in self.pages()) for n in names), (names, self.pages())


def body_of(name):
    return peers.webhook(({"alertname": name}, "firing")).encode()


# ---- signatures: (headers of a good request), by scheme ----

def hex_of(key, text):
    return hmac.new(key, text, hashlib.sha256).hexdigest()


def standard(key, body, at):
    mac = base64.b64encode(hmac.new(key, b"msg_1." + str(at).encode() + b"." + body, hashlib.sha256).digest()).decode()
    return {"webhook-id": "msg_1", "webhook-timestamp": str(at), "webhook-signature": "v1,bm90IGl0 v1," + mac}


def grafana(key, body, at):
    return {"X-Grafana-Alerting-Signature": hex_of(key, body)}


def grafana_timed(key, body, at):
    return {"X-Sig": hex_of(key, str(at).encode() + b":" + body), "X-Sig-Time": str(at)}


def github(key, body, at):
    return {"X-Hub-Signature-256": "sha256=" + hex_of(key, body)}


def pagerduty(key, body, at):
    return {"X-PagerDuty-Signature": "v1=" + "0" * 64 + ",v1=" + hex_of(key, body)}


def sentry(key, body, at):
    return {"Sentry-Hook-Signature": hex_of(key, body)}


def slack(key, body, at):
    return {"X-Slack-Request-Timestamp": str(at), "X-Slack-Signature": "v0=" + hex_of(key, f"v0:{at}:".encode() + body)}


PRESETS = {  # sender: scheme and further options, how it signs, whether the time counts
    "standard": ("standard-webhooks", "", standard, True),
    "grafana": ("grafana", "", grafana, False),
    "timed": ("grafana", ", header: X-Sig, time_header: X-Sig-Time", grafana_timed, True),
    "github": ("github", "", github, False),
    "pagerduty": ("pagerduty", "", pagerduty, False),
    "sentry": ("sentry", "", sentry, False),
    "slack": ("slack", "", slack, True),
}


def secret_of(sender, key):
    return "whsec_" + base64.b64encode(key).decode() if sender == "standard" else key.decode()


def presets(secrets):
    return "senders:\n" + "".join(f"  {name}: {{format: alertmanager, sign: {{scheme: {scheme}, {secrets(name)}{more}}}}}\n"
                                  for name, (scheme, more, _, _) in PRESETS.items())


def signatures_are_verified():
    relay = Relay(presets(lambda name: f"secret: \"{secret_of(name, KEY)}\"")).start()
    try:
        good = []
        for name, (_, _, sign, timed) in PRESETS.items():
            body, now = body_of("Alert-" + name), int(time.time())
            assert relay.post(name, body) == 401, name
            assert relay.post(name, body, sign(OLD, body, now)) == 401, name
            assert relay.post(name, body + b" ", sign(KEY, body, now)) == 401, name
            if timed:
                assert relay.post(name, body, sign(KEY, body, now - 3600)) == 401, name
                assert relay.post(name, body, sign(KEY, body, now + 3600)) == 401, name
            relay.paged(*good)
            assert relay.post(name, body, sign(KEY, body, now)) == 202, name
            good.append("Alert-" + name)
            relay.paged(*good)
        assert relay.metric('tracepager_alerts_total{result="refused"}') in (0, None)
    finally:
        relay.finish()


def secrets_are_exchanged():
    """Two files at once; then their contents change: after a reload the old ones are refused, and the new ones taken."""
    relay = Relay(presets(lambda name: f"secret_file: [DIR/{name}.1, DIR/{name}.2]"),
                  files={f"{name}.{n}": secret_of(name, key) + "\n" for name in PRESETS for n, key in ((1, KEY), (2, OLD))}).start()
    try:
        def post(name, key):
            body = body_of("Alert-" + name)
            return relay.post(name, body, PRESETS[name][2](key, body, int(time.time())))
        for name in PRESETS:
            assert (post(name, KEY), post(name, OLD), post(name, b"n" * 24)) == (202, 202, 401), name
            relay.write(name + ".1", secret_of(name, b"n" * 24) + "\n")
            relay.write(name + ".2", secret_of(name, KEY) + "\n")
        assert post("github", OLD) == 202, "a file counts when it is read again"
        status, text, _ = relay.request("POST", "/-/reload")
        assert status == 200, text
        for name in PRESETS:
            assert (post(name, KEY), post(name, OLD), post(name, b"n" * 24)) == (202, 401, 202), name
        relay.paged(*["Alert-" + name for name in PRESETS])
    finally:
        relay.finish()


def ed25519_is_verified():
    """A signature that the openssl program makes, and its public key."""
    if not shutil.which("openssl"):
        print("ed25519 is not tried: openssl is not installed")
        return
    with tempfile.TemporaryDirectory() as directory:
        verify_ed25519(directory + "/ed.pem", directory + "/signed")


def verify_ed25519(key, signed):
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", key], check=True, capture_output=True)
    public = subprocess.run(["openssl", "pkey", "-in", key, "-pubout", "-outform", "DER"], check=True, capture_output=True).stdout[-32:]
    relay = Relay("senders:\n  ed: {format: alertmanager, sign: {scheme: standard-webhooks, secret: \"whpk_"
                  + base64.b64encode(public).decode() + "\"}}\n").start()

    def sign(body, at):
        with open(signed, "wb") as f:
            f.write(f"msg_1.{at}.".encode() + body)
        made = subprocess.run(["openssl", "pkeyutl", "-sign", "-inkey", key, "-rawin", "-in", signed], check=True, capture_output=True)
        return {"webhook-id": "msg_1", "webhook-timestamp": str(at), "webhook-signature": "v1a," + base64.b64encode(made.stdout).decode()}
    try:
        body, now = body_of("Signed"), int(time.time())
        headers = sign(body, now)
        assert relay.post("ed", body + b"\n", headers) == 401 and relay.post("ed", body, {**headers, "webhook-id": "msg_2"}) == 401
        assert relay.post("ed", body, sign(body, now - 3600)) == 401 and relay.post("ed", body) == 401
        assert relay.pages() == []
        assert relay.post("ed", body, headers) == 202
        relay.paged("Signed")
    finally:
        relay.finish()


def tokens_passwords_and_addresses():
    relay = Relay("senders:\n  token: {format: alertmanager, bearer_file: [DIR/token.1, DIR/token.2]}\n"
                  "  basic: {format: alertmanager, basic: {username: am, password_file: DIR/password}}\n"
                  "  near: {format: alertmanager, addresses: [127.0.0.0/8]}\n"
                  "  far: {format: alertmanager, addresses: [10.0.0.0/8], bearer: t}\n",
                  files={"token.1": "one\n", "token.2": "two\n", "password": "pass:word\n"}).start()
    try:
        bearer = lambda token: {"Authorization": "Bearer " + token}  # noqa: E731
        assert [relay.post("token", body_of("Token"), bearer(t)) for t in ("one", "two", "on", "")] == [202, 202, 401, 401]
        relay.write("token.1", "three\n")
        assert relay.request("POST", "/-/reload")[0] == 200
        assert [relay.post("token", body_of("Token"), bearer(t)) for t in ("one", "two", "three")] == [401, 202, 202]
        assert relay.post("near", body_of("Near")) == 202
        assert relay.post("far", body_of("Far"), bearer("t")) == 403
        url = f"http://127.0.0.1:{relay.port}/webhook/basic"
        if shutil.which("curl"):
            for user, status in (("am:pass:word", "202"), ("am:other", "401"), ("ma:pass:word", "401")):
                done = subprocess.run(["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--noproxy", "*", "-u", user, "--data-binary",
                                       body_of("Basic").decode(), url], capture_output=True, text=True, timeout=peers.PATIENCE)
                assert done.stdout == status, (user, done.stdout, done.stderr)
        else:
            credentials = base64.b64encode(b"am:pass:word").decode()
            assert relay.post("basic", body_of("Basic"), {"Authorization": "Basic " + credentials}) == 202
        relay.paged("Token", "Near", "Basic")
    finally:
        relay.finish()


def mappings_and_a_watchdog():
    relay = Relay("senders:\n"
                  "  ours: {format: generic, mapping: {items: /events, id: /key, name: /title,\n"
                  "    status: {from: /state, values: {open: firing, closed: resolved}}, label: {team: /who/team}}}\n"
                  "  keep: {format: generic, mapping: keep}\n"
                  "  am: {format: alertmanager, watchdog: {alertname: Watchdog}, heartbeat: 1h}\n").start()
    try:
        one = {"key": "e-1", "title": "Orders fail", "state": "open", "who": {"team": "shop"}}
        assert relay.post("ours", json.dumps({"events": [one]})) == 202
        assert relay.post("keep", json.dumps({"id": "k-1", "fingerprint": "f", "name": "Disk full", "status": "firing", "severity": "high",
                                              "lastReceived": "2026-09-01T10:00:00.000Z", "source": ["x"]})) == 202
        status, text, _ = relay.request("POST", "/webhook/am", body_of("Watchdog"))
        assert status == 202 and json.loads(text)["accepted"] == 0, text
        assert relay.post("am", body_of("Real")) == 202
        relay.paged("Orders fail", "Disk full", "Real")
        assert relay.post("ours", json.dumps({"events": [{**one, "state": "closed"}]})) == 202
        peers.wait_for("the resolve", lambda: any(e["event_action"] == "resolve" for e in relay.pager.events()))
        assert relay.request("GET", "/api/v1/rejected")[1].startswith('{"rejected":[]'), relay.request("GET", "/api/v1/rejected")
    finally:
        relay.finish()


# ---- what "tracepager senders" prints ----

def senders(*words):
    done = subprocess.run([peers.BINARY, "senders", *words], capture_output=True, text=True, timeout=peers.PATIENCE,
                          env={**os.environ, "COLUMNS": "120", "LC_ALL": "C.UTF-8"})
    return done.returncode, done.stdout, done.stderr


def setups_are_printed():
    relay = Relay("senders:\n  am1: {format: alertmanager, bearer_file: DIR/token}\n  gr: {format: grafana}\n", "external_url: https://tp.example/r\n")
    config = ["-c", relay.directory + "/tracepager.yaml"]
    try:
        status, out, _ = senders(*config)
        assert status == 0 and "  https://tp.example/r/webhook/am1  bearer token" in out and "coroot  " in out, out
        assert " gr" not in out.split("\n")[0] and "nothing (loopback)" in out, out
        status, out, _ = senders("am1", *config)
        assert status == 0 and "url: https://tp.example/r/webhook/am1\n" in out and "credentials_file: /etc/alertmanager/" in out, out
        assert senders("nobody", *config)[0] == 2 and senders("-c", "/nowhere")[0] == 2
        for name in ("grafana", "pagerduty-v2", "opsgenie", "sns", "generic", "robusta"):
            assert senders(name)[0] == 0, name
        for name, program, command in (("alertmanager", "amtool", ["check-config"]), ("prometheus", "promtool", ["check", "config"])):
            if not shutil.which(program):
                continue
            directory = "/etc/" + name
            snippet = senders(name)[1].split("---\n")[1].replace(directory, relay.directory)
            relay.write("snippet.yml", snippet)
            relay.write(f"tracepager-{name}.token", "t\n")
            done = subprocess.run([program, *command, relay.directory + "/snippet.yml"], capture_output=True, text=True, timeout=peers.PATIENCE)
            assert done.returncode == 0, (snippet, done.stdout, done.stderr)
    finally:
        relay.finish()


def prometheus_through_alertmanager():
    """With the receiver that "tracepager senders" prints, and a token in a file."""
    if not shutil.which("prometheus") or not shutil.which("prometheus-alertmanager"):
        print("prometheus and prometheus-alertmanager are not installed")
        return
    relay = Relay("senders:\n  am1: {format: alertmanager, bearer_file: DIR/relay.token}\n", files={"relay.token": "t0ken\n"}).start()
    relay.write("tracepager-am1.token", "t0ken\n")
    children, directory = [], relay.directory
    try:
        status, out, _ = senders("am1", "-c", directory + "/tracepager.yaml")
        assert status == 0, out
        receiver = out.split("---\n")[1].replace("/etc/alertmanager", directory)
        relay.write("am.yml", receiver.replace("  receiver: tracepager\n", "  receiver: tracepager\n  group_wait: 0s\n  group_interval: 1s\n"))
        relay.write("rules.yml", "groups:\n  - name: shop\n    interval: 1s\n    rules: [{alert: AlwaysFires, expr: vector(1)}]\n")
        am_port, port = peers.free_port(), peers.free_port()
        relay.write("prometheus.yml", f"global: {{evaluation_interval: 1s}}\nrule_files: [{directory}/rules.yml]\n"
                    f"alerting: {{alertmanagers: [{{static_configs: [{{targets: ['127.0.0.1:{am_port}']}}]}}]}}\n")
        with open(directory + "/monitoring.log", "ab") as log:
            for command in (["prometheus-alertmanager", f"--config.file={directory}/am.yml", f"--web.listen-address=127.0.0.1:{am_port}",
                             f"--storage.path={directory}/am", "--cluster.listen-address="],
                            ["prometheus", f"--config.file={directory}/prometheus.yml", f"--web.listen-address=127.0.0.1:{port}",
                             f"--storage.tsdb.path={directory}/prometheus", "--rules.alert.resend-delay=1s"]):
                children.append(subprocess.Popen(command, stdout=log, stderr=log, cwd=directory))
        peers.wait_for("the page", relay.pages, 120)
        relay.paged("AlwaysFires")
    finally:
        for child in children:
            child.kill()
        for child in children:
            child.wait()
        relay.finish()


if __name__ == "__main__":
    peers.run(signatures_are_verified, secrets_are_exchanged, ed25519_is_verified, tokens_passwords_and_addresses, mappings_and_a_watchdog,
              setups_are_printed, prometheus_through_alertmanager, at_once=3)
