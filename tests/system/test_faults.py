#!/usr/bin/env python3
"""Faults of an operator's day (faults.py): each is made, and what doctor, run --check, the log and the running relay say of it is compared with
what was written down before. The table at the end says who told; each fault must be told by doctor, and by a second channel where one can know."""
import contextlib
import json
import os
import re
import resource
import shutil
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import tempfile
import threading
import time

import peers
from faults import FAULTS

peers.skip_unless_wanted()
if not shutil.which("openssl"):
    print("skipped: there is no openssl")
    sys.exit(77)

CHANNELS = ("doctor", "check", "log", "state")
ROOT = os.geteuid() == 0
NOBODY = 65534
TLS = tempfile.mkdtemp(prefix="tracepager-faults-")
os.chmod(TLS, 0o755)
BINARY = os.path.join(TLS, "tracepager")  # where nobody may run it
shutil.copy(peers.BINARY, BINARY)
os.chmod(BINARY, 0o755)

OPTIONS = """listen: 127.0.0.1:{port}
store: {{path: {directory}/data/tracepager.db}}
rules: {directory}/rules.d
external_url: {people}
senders: {{am: {{format: alertmanager, bearer_file: {directory}/am.token}}}}
sources: {{jaeger: {{kind: jaeger, url: "{jaeger}"}}}}
heartbeat: {{url_file: {directory}/heartbeat.url}}
enrich_budget: 1s
"""
RULES = """teams:
  sre: {{escalation: sre, location: Europe/Berlin}}
  shop: {{escalation: sre}}
pagers:
  sre-pager: {{kind: telegram, bot_token_file: {directory}/pager.key, chat_id: "1", url: "{pager}"}}
escalations:
  sre: {{steps: [{{page: [sre-pager], wait: 10m}}]}}
services:
  frontend: {{owner: shop}}
signals:
  place_order:
    alerts: {{alertname: PlaceOrder}}
    span: {{service: frontend, operation: "POST /orders"}}
fallback: {{team: sre}}
"""


# ---- certificates ----

def openssl(*words):
    done = subprocess.run(["openssl", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def tls(name):
    return os.path.join(TLS, name)


def make_certificates():
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", tls("ca.key"))
    openssl("req", "-x509", "-new", "-key", tls("ca.key"), "-days", "400", "-subj", "/CN=ca", "-out", tls("ca.pem"))
    with open(tls("ext"), "w", encoding="utf-8") as f:
        f.write("basicConstraints=CA:FALSE\nsubjectAltName=DNS:localhost,IP:127.0.0.1\n")
    for name, days in (("good", "300"), ("over", "-1"), ("soon", "5")):
        openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", tls(name + ".key"))
        openssl("req", "-new", "-key", tls(name + ".key"), "-subj", "/CN=" + name, "-out", tls(name + ".csr"))
        openssl("x509", "-req", "-in", tls(name + ".csr"), "-CA", tls("ca.pem"), "-CAkey", tls("ca.key"), "-set_serial", "1",
                "-days", days, "-extfile", tls("ext"), "-out", tls(name + ".pem"))
    for name in os.listdir(TLS):
        os.chmod(tls(name), 0o755 if name == "tracepager" else 0o644)


def secured(peer, name):
    return peers.secured(peer, tls(name + ".pem"), tls(name + ".key"))


# ---- peers ----

TRACE = "0" * 30 + "a1"


def good_jaeger(request):
    if request["path"].startswith("/api/v3/traces"):
        return 200, {}, json.dumps({"result": peers.shop_trace(TRACE, fails=False)}).encode()
    return 404, {}, b"{}"


def good_telegram(request):
    name = {"id": 1, "is_bot": True, "first_name": "tracepager"}
    return 200, {"Content-Type": "application/json"}, json.dumps({"ok": True, "result": name}).encode()


def no_telegram(request):
    return 401, {"Content-Type": "application/json"}, b'{"ok":false,"error_code":401,"description":"Unauthorized"}'


def fixed(status, body=b"", headers=None):
    return lambda request: (status, headers or {}, body)


def slow(request):
    threading.Event().wait(9)
    return 200, {}, b"{}"


class LatePeer(peers.Peer):
    late_s = 3600


def gone():
    return f"http://127.0.0.1:{peers.free_port()}"


# ---- a relay's place, with everything well ----

class Place:
    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix="tracepager-test-")
        self.port, self.child, self.peers, self.closing = peers.free_port(), None, [], contextlib.ExitStack()
        os.mkdir(self.path("data"), 0o700)
        os.mkdir(self.path("rules.d"), 0o755)
        self.values = {"directory": self.directory, "port": self.port, "people": self.peer(fixed(200, b"tracepager is healthy\n")).url,
                       "jaeger": self.peer(good_jaeger).url, "pager": self.peer(good_telegram).url}
        self.heartbeat = self.peer(fixed(200, b"OK"))
        self.write("am.token", "0123456789abcdef0123456789abcdef\n")
        self.write("pager.key", "1:abc\n")
        self.write("heartbeat.url", self.heartbeat.url + "/ping/secret-path\n")
        self.options, self.rules, self.config = OPTIONS, RULES, "tracepager.yaml"
        self.limit, self.alert, self.as_root, self.reads_log = None, False, False, True

    def peer(self, answer, kind=peers.Peer):
        peer = kind(answer)
        self.peers.append(peer)
        return peer

    def path(self, name):
        return os.path.join(self.directory, name)

    def write(self, name, text, mode=0o600):
        with open(self.path(name), "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(self.path(name), mode)

    def edit(self, old, new):
        assert old in self.options, old
        self.options = self.options.replace(old, new)

    def edit_rules(self, old, new):
        assert old in self.rules, old
        self.rules = self.rules.replace(old, new)

    def settle(self):
        """The files, and whose they are: nobody's where root runs the test, since root may do everything."""
        if self.options is not None:
            self.write("tracepager.yaml", self.options.format(**self.values), 0o644 if not os.path.exists(self.path("tracepager.yaml")) else
                       os.stat(self.path("tracepager.yaml")).st_mode & 0o7777)
        if self.rules is not None:
            self.write("rules.d/rules.yaml", self.rules.format(**self.values), 0o644)
        self.own()

    def own(self):
        if ROOT and not self.as_root:
            os.chmod(self.directory, 0o755)
            for folder, names, files in os.walk(self.directory):
                for name in [folder] + [os.path.join(folder, n) for n in names + files]:
                    if "roots-" not in name:
                        os.chown(name, NOBODY, NOBODY, follow_symlinks=False)

    def words(self):
        return {} if not ROOT or self.as_root else {"user": NOBODY, "group": NOBODY, "extra_groups": []}

    def before(self):
        if self.limit:
            resource.setrlimit(resource.RLIMIT_NOFILE, (self.limit, self.limit))

    def command(self, *words):
        done = subprocess.run([BINARY, *words, "-c", self.path(self.config)], capture_output=True, encoding="utf-8", errors="replace",
                              timeout=peers.PATIENCE, check=False, preexec_fn=self.before if self.limit else None, env=ENVIRONMENT, **self.words())
        return done.returncode, done.stdout + done.stderr

    def start(self):
        """True: it runs. The log is in log_text()."""
        self.log = open(self.path("roots-log"), "ab")
        self.child = subprocess.Popen([BINARY, "run", "-c", self.path(self.config)], stdout=self.log, stderr=self.log,
                                      preexec_fn=self.before if self.limit else None, env=ENVIRONMENT, **self.words())
        peers.wait_for("a start or its end", lambda: self.child.poll() is not None or "tracepager takes alerts" in self.log_text())
        return self.child.poll() is None

    def log_text(self):
        with open(self.path("roots-log"), encoding="utf-8", errors="replace") as f:
            return f.read()

    def request(self, method, path, body=None):
        import http.client
        secure = "tls:" in (self.options or "")
        context = ssl._create_unverified_context() if secure else None
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=peers.PATIENCE, context=context) if secure else \
            http.client.HTTPConnection("127.0.0.1", self.port, timeout=peers.PATIENCE)
        try:
            connection.request(method, path, body, {"Authorization": "Bearer 0123456789abcdef0123456789abcdef"})
            reply = connection.getresponse()
            return reply.status, reply.read().decode("utf-8", "replace")
        finally:
            connection.close()

    def state(self):
        return "\n".join(self.request("GET", path)[1] for path in ("/-/ready", "/metrics"))

    def send(self, name="PlaceOrder"):
        return self.request("POST", "/webhook/am", peers.webhook(({"alertname": name, "severity": "critical"}, "firing")))

    def close(self):
        if self.child and self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)
            self.child.wait(peers.PATIENCE)
        if self.child:
            self.log.close()
        self.closing.close()
        for peer in self.peers:
            peer.shutdown()
            peer.server_close()
        shutil.rmtree(self.directory, ignore_errors=True)


ENVIRONMENT = {k: v for k, v in os.environ.items() if not k.startswith("TRACEPAGER_")}


# ---- how each fault is made: on a place, before its files are settled; what it returns is called with the place afterwards ----

def options_missing(place):
    place.config = "gone.yaml"


def options_indent(place):
    place.edit("senders: {{am: {{format: alertmanager, bearer_file: {directory}/am.token}}}}",
               "senders:\n  am:\n    format: alertmanager\nbearer_file: {directory}/am.token")


def option_unknown(place):
    place.edit("listen:", "listne:")


def wrong_file(place):
    place.config = "rules.d/rules.yaml"


def listen_open(place):
    place.edit("127.0.0.1:{port}", "0.0.0.0:{port}")


def token_weak(place):
    listen_open(place)
    place.write("admin.token", "admin\n")
    place.options += "admin_token_file: {directory}/admin.token\n"


def token_placeholder(place):
    listen_open(place)
    place.write("admin.token", "CHANGE-ME\n")
    place.options += "admin_token_file: {directory}/admin.token\n"


def token_inline(place):
    place.options += "admin_token: 0123456789abcdef0123456789abcdef\n"


def proxy_wide(place):
    listen_open(place)
    place.write("admin.token", "f" * 32 + "\n")
    place.options += "admin_token_file: {directory}/admin.token\ntrusted_proxy: {{addresses: [0.0.0.0/0], may: act}}\n"


def token_shared(place):
    place.options += "tokens: [{{name: ann, file: {directory}/am.token, may: act}}]\n"


def heartbeat_through(place):
    place.edit("heartbeat.url}}", "heartbeat.url, through: place_ordr}}")


def route_sender(place):
    place.rules += "routes: [{{when: {{sender: ma}}, severity: critical}}]\n"


def no_senders(place):
    place.options = re.sub("senders:.*\n", "", place.options)


def no_sources(place):
    place.options = re.sub("sources:.*\n", "", place.options)


def external_url_missing(place):
    place.options = re.sub("external_url:.*\n", "", place.options)


def secret_missing(place):
    os.remove(place.path("am.token"))


def secret_empty(place):
    place.write("am.token", "")


def secret_newline(place):
    place.write("am.token", "\n0123456789abcdef\n")


def secret_blank(place):
    place.write("am.token", "0123456789abcdef \n")


def secret_unreadable(place):
    if not ROOT:
        return "SKIP"
    os.rename(place.path("am.token"), place.path("roots-am.token"))
    place.edit("{directory}/am.token", "{directory}/roots-am.token")


def key_open(place):
    os.chmod(place.path("am.token"), 0o644)


def pager_key_open(place):
    os.chmod(place.path("pager.key"), 0o644)


def made_store(place, change):
    """A store as a relay leaves it, and then a change of it."""
    def after(place):
        assert place.start(), place.log_text()
        place.child.send_signal(signal.SIGTERM)
        place.child.wait(peers.PATIENCE)
        place.log.close()
        os.remove(place.path("roots-log"))
        change(place.path("data/tracepager.db"))
        place.own()
    return after


def store_open(place):
    return made_store(place, lambda path: os.chmod(path, 0o644))


def options_writable(place):
    place.write("tracepager.yaml", "", 0o666)


def rules_writable(place):
    os.chmod(place.path("rules.d"), 0o777)


def store_no_directory(place):
    place.edit("/data/", "/gone/")


def store_read_only(place):
    os.chmod(place.path("data"), 0o500)


def pragma(words):
    def change(path):
        with contextlib.closing(sqlite3.connect(path)) as db:
            db.execute(words)
            db.commit()
    return change


def store_newer(place):
    return made_store(place, pragma("PRAGMA user_version = 99"))


def store_older(place):
    with open(os.path.join(peers.TOP, "tests/lib/schema_5.sql"), encoding="utf-8") as f:
        with contextlib.closing(sqlite3.connect(place.path("data/tracepager.db"))) as db:
            db.executescript(f.read())
    os.chmod(place.path("data/tracepager.db"), 0o600)


def store_damaged(place):
    def change(path):
        size = os.path.getsize(path)
        with open(path, "r+b") as f:
            for at in range(4096 + 50, size, 4096):  # all pages but the first
                f.seek(at)
                f.write(b"\xff" * 200)
    return made_store(place, change)


def store_foreign(place):
    place.write("data/tracepager.db", "this is no database\n" * 100)


def store_of_another(place):
    with contextlib.closing(sqlite3.connect(place.path("data/tracepager.db"))) as db:
        db.execute("CREATE TABLE songs (name TEXT)")
        db.commit()
    os.chmod(place.path("data/tracepager.db"), 0o600)


def disk_full(place):
    if not ROOT or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", place.path("data")], capture_output=True, check=False).returncode:
        return "SKIP"
    place.closing.callback(subprocess.run, ["umount", "-l", place.path("data")], check=False)
    place.alert = "full"
    return None


def second_daemon(place):
    def after(place):
        first = subprocess.Popen([BINARY, "run", "-c", place.path("tracepager.yaml")], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                 encoding="utf-8", env=ENVIRONMENT, **place.words())
        place.closing.callback(first.wait)
        place.closing.callback(first.terminate)
        for line in first.stderr:
            if "tracepager takes alerts" in line:
                break
        threading.Thread(target=first.stderr.read, daemon=True).start()
        # The second one takes another port, as a copied file of options has it.
        place.write("tracepager.yaml", place.options.format(**{**place.values, "port": peers.free_port()}), 0o644)
    return after


def listen_taken(place):
    taken = socket.create_server(("127.0.0.1", place.port))
    place.closing.callback(taken.close)


def listen_elsewhere(place):
    place.edit("127.0.0.1:{port}", "192.0.2.1:{port}")
    token_inline(place)


def descriptors_low(place):
    place.limit = 64


def with_tls(name, key=None, more=""):
    def make(place):
        for word in (name + ".pem", (key or name) + ".key"):
            shutil.copy(tls(word), place.path(word))
            os.chmod(place.path(word), 0o600)
        place.options += f"tls: {{{{cert_file: {{directory}}/{name}.pem, key_file: {{directory}}/{key or name}.key}}}}\n" + more
    return make


tls_over, tls_soon, tls_wrong_key = with_tls("over"), with_tls("soon"), with_tls("good", "soon")


def tls_no_client_ca(place):
    with_tls("good")(place)
    place.edit("bearer_file: {directory}/am.token", "client_names: [am.example.com]")


def rules_missing(place):
    place.edit("{directory}/rules.d", "{directory}/gone.d")


def rules_empty(place):
    place.rules = None


def rules_no_fallback(place):
    place.edit_rules("fallback: {{team: sre}}\n", "")


def rules_indent(place):
    place.edit_rules("  place_order:\n    alerts:", "  place_order:\n   span: {{service: web}}\n    alerts:")


def zone_unknown(place):
    place.edit_rules("Europe/Berlin", "Europe/Berlim")


def rule_test_fails(place):
    place.write("rules.d/first_test.yaml", "tests:\n  - name: an order\n    alert: {labels: {alertname: PlaceOrder}}\n    expect: {team: gardeners}\n", 0o644)


def console_only(place):
    place.edit_rules('{{kind: telegram, bot_token_file: {directory}/pager.key, chat_id: "1", url: "{pager}"}}', "{{kind: console}}")


def source(answer=None, url=None):
    def make(place):
        place.values["jaeger"] = url or place.peer(answer).url
        place.alert = True
    return make


source_slow, source_401, source_404 = source(slow), source(fixed(401)), source(fixed(404, b"not found"))
source_wrong_kind = source(fixed(200, b"<html><title>Grafana</title></html>", {"Content-Type": "text/html"}))
source_dns = source(url="http://nowhere.invalid:16686")
source_no_traces = source(fixed(404, b'{"error":{"httpCode":404,"message":"No traces found"}}'))


def source_down(place):
    source(url=gone())(place)


def source_ca(place):
    place.values["jaeger"] = secured(place.peer(good_jaeger), "good").url
    place.alert = True


def pager_down(place):
    place.values["pager"] = gone()
    place.alert = True


def pager_401(place):
    place.values["pager"] = place.peer(no_telegram).url
    place.alert = True


def pager_dns(place):
    place.values["pager"] = "http://nowhere.invalid"
    place.alert = True


def pager_tls(place):
    place.values["pager"] = secured(place.peer(good_telegram), "good").url
    place.alert = True


def trusted_source(name):
    def make(place):
        place.values["jaeger"] = secured(place.peer(good_jaeger), name).url
        place.edit('url: "{jaeger}"', 'url: "{jaeger}", ca_file: ' + tls("ca.pem"))
        place.alert = True
    return make


source_tls_over, source_tls_soon = trusted_source("over"), trusted_source("soon")


def pager_paused(place):
    place.alert = "paused"


def heartbeat_down(place):
    place.write("heartbeat.url", gone() + "/ping/secret-path\n")


def with_tracing(answer=None):
    """Its own traces go to a receiver that answers so; None: to nobody."""
    def make(place):
        place.values["receiver"] = place.peer(answer).url if answer else gone()
        place.options += 'tracing: {{endpoint: "{receiver}"}}\n'
        place.alert = True
    return make


tracing_401, tracing_down = with_tracing(fixed(401, b"who are you?")), with_tracing()


def external_url_wrong(place):
    place.values["people"] = gone()


def clock_wrong(place):
    place.values["jaeger"] = place.peer(good_jaeger, LatePeer).url
    place.values["pager"] = place.peer(good_telegram, LatePeer).url
    place.alert = True


def old_history(path):
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("INSERT INTO events (at_us, incident, event, who, text) VALUES (?, 'x', 'opened', '', '')",
                   (int((time.time() - 30 * 86400) * 1e6),))
        db.commit()


def sender_silent(place):
    place.edit("senders: {{am: {{", "senders: {{am2: {{format: alertmanager}}, am: {{")
    return made_store(place, old_history)


def bodies_rejected(place):
    place.alert = "rejected"


# ---- who tells it ----

def doctor_text(place):
    """One line for each problem: "id about: sentence, cure, place"."""
    status, text = place.command("doctor", "--format", "json")
    report = json.loads(text.splitlines()[-1])
    lines = []
    for result in report["results"]:
        if result["level"] in ("warning", "failure"):
            peer = result["check"] in ("source", "pager")
            lines.append(f"{result['check']}{' ' if peer else ': '}{result['about'] or ''}: {result['text']} => {result['cure'] or ''}"
                         f" ({result['file'] or ''}:{result['line']})")
    worst = "failure" if any(r["level"] == "failure" for r in report["results"]) else "warning" if lines else "ok"
    assert (status, report["status"]) == ({"ok": 0, "warning": 1, "failure": 2}[worst], worst), text
    for secret in ("0123456789abcdef", "1:abc", "secret-path"):
        assert secret not in text, f"doctor shows {secret}: {text}"
    return "\n".join(lines)


def provoke(place):
    """What shows the fault in a relay that runs."""
    if place.alert == "paused":
        assert place.request("POST", "/api/v1/pagers/sre-pager/pause", '{"who": "ann"}')[0] == 200
    elif place.alert == "rejected":
        place.request("POST", "/webhook/am", '{"alerts": 7')
    elif place.alert == "full":
        with contextlib.suppress(OSError), open(place.path("data/roots-filler"), "wb", buffering=0) as f:
            while True:
                f.write(b"x" * 4096)
        place.send()
    else:
        status, text = place.send()
        assert status == 202, (status, text)
        peers.wait_for("a page that was tried, or a source that was asked",
                       lambda: re.search(r'pages_total\{[^}]*result="\w+"[^}]*\} [1-9]', place.state()))


def listen_to(place, told):
    """What each channel says. The relay runs while doctor looks where the fault shows only then."""
    heard = {"check": place.command("run", "--check")[1]}
    early = doctor_text(place) if not place.alert else ""
    if place.start():
        if place.alert:
            provoke(place)
        with contextlib.suppress(AssertionError):
            if "state" in told:
                peers.wait_for("its words in the state", lambda: re.search(told["state"], place.state()), 20)
        with contextlib.suppress(OSError):
            heard["state"] = place.state()
        with contextlib.suppress(AssertionError):
            if "log" in told:
                peers.wait_for("its words in the log", lambda: re.search(told["log"], place.log_text()), 20)
        heard["doctor"] = early or doctor_text(place)
    else:
        heard["doctor"] = early or doctor_text(place)
    heard["log"] = place.log_text()
    return heard


WELL = {"clock"}  # the clock of a machine without a time server
ALONE = {"external_url_wrong"}  # doctor alone tells it: a relay does not ask for its own address, by which people come


def tell(name, told):
    place = Place()
    try:
        after = globals()[name](place)
        if after == "SKIP":
            return None
        place.settle()
        if after:
            after(place)
        heard = listen_to(place, told)
        if os.environ.get("TP_FAULTS") == "show":
            print(f"==== {name}\n" + "".join(f"-- {channel}\n{heard.get(channel, '')[:3000]}\n" for channel in CHANNELS if channel != "state"))
        return {channel: bool(re.search(told[channel], heard.get(channel, ""), re.S)) for channel in told}, heard
    finally:
        place.close()


def is_well(*changes):
    place = Place()
    try:
        for change in changes:
            change(place)
        place.settle()
        status, told = place.command("run", "--check")
        assert status == 0 and re.fullmatch(r"[^\n]*: no problem\n", told), told
        assert place.start(), place.log_text()
        problems = [line for line in doctor_text(place).splitlines() if line.split(":")[0] not in WELL]
        assert not problems, problems
        # Nobody was paged, and the heartbeat got the relay's requests only.
        assert all("getMe" in r["path"] or r["method"] == "HEAD" for r in place.peers[2].seen()), place.peers[2].seen()
        assert all(r["method"] == "GET" for r in place.heartbeat.seen())
    finally:
        place.close()


def the_place_is_well():
    is_well()


def it_is_well_with_tls():
    is_well(with_tls("good"))


def it_is_well_with_own_traces():
    is_well(with_tracing(fixed(200)))


results, lock = {}, threading.Lock()


def one(name, told):
    outcome = tell(name, told)
    with lock:
        results[name] = outcome


def each_fault_is_told():
    wanted = os.environ.get("TP_FAULT", "").split()
    rows = [(name, told) for name, _, told in FAULTS if not wanted or name in wanted]
    peers.side_by_side(one, rows, 8)
    print(f"\n{'fault':24s} {'doctor':8s} {'--check':8s} {'log':8s} {'state':8s} what is wrong")
    missed, counts, alone = [], {channel: 0 for channel in CHANNELS}, set()
    for name, what, told in FAULTS:
        if name not in results:
            continue
        if results[name] is None:
            print(f"{name:24s} skipped: it needs root{'':14s} {what}")
            continue
        yes, heard = results[name]
        print(f"{name:24s} " + " ".join(f"{'-' if channel not in told else 'tells' if yes[channel] else 'NO':8s}" for channel in CHANNELS) + " " + what)
        for channel in CHANNELS:
            counts[channel] += yes.get(channel, False)
        if sum(yes.values()) < 2:
            alone.add(name)
        missed += [f"{name}: {channel} does not say {told[channel]!r}: {heard.get(channel, '')[-1500:]}" for channel in told if not yes[channel]]
    n = sum(outcome is not None for outcome in results.values())
    print(f"{n} faults: doctor tells {counts['doctor']}, run --check {counts['check']}, the log {counts['log']}, the running relay {counts['state']}; "
          f"{n - len(alone)} are told by at least two, {len(alone)} by one")
    assert not missed, "\n".join(missed)
    assert alone <= ALONE, f"one channel only tells {', '.join(sorted(alone - ALONE))}"


make_certificates()
try:
    peers.run(the_place_is_well, it_is_well_with_tls, it_is_well_with_own_traces, each_fault_is_told)
finally:
    shutil.rmtree(TLS)
