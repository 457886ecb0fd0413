#!/usr/bin/env python3
"""TLS of the HTTP server: who is let in and who is not, what they are told, and that certificates are exchanged under load without a refused
post. All certificates are made here, with openssl."""
import http.client
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import warnings

import peers

peers.skip_unless_wanted()
if not shutil.which("openssl"):
    print("skipped: there is no openssl")
    sys.exit(77)

PLACE = tempfile.mkdtemp(prefix="tracepager-tls-")
GOOD = peers.webhook(({"alertname": "Good"}, "firing"))
BOTH = "am: {format: alertmanager}, mesh: {format: alertmanager, client_names: [am.example.com, spare.example.com]}"
POSTED = 202


# ---- certificates ----

def openssl(*words):
    done = subprocess.run(["openssl", *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def path(name):
    return os.path.join(PLACE, name)


def key(name):
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", path(name))
    os.chmod(path(name), 0o600)


def authority(name):
    key(name + ".key")
    openssl("req", "-x509", "-new", "-key", path(name + ".key"), "-days", "400", "-subj", "/CN=" + name, "-out", path(name + ".pem"))


def issue(name, by="ca", names="DNS:localhost,IP:127.0.0.1", common="relay", days="300", serial=None):
    """A certificate and its key, NAME.pem and NAME.key."""
    key(name + ".key")
    with open(path(name + ".ext"), "w", encoding="utf-8") as f:
        f.write("basicConstraints=CA:FALSE\n" + (f"subjectAltName={names}\n" if names else ""))
    openssl("req", "-new", "-key", path(name + ".key"), "-subj", "/CN=" + common, "-out", path(name + ".csr"))
    openssl("x509", "-req", "-in", path(name + ".csr"), "-CA", path(by + ".pem"), "-CAkey", path(by + ".key"), "-set_serial",
            str(serial or int.from_bytes(os.urandom(7), "big") + 1), "-days", days, "-extfile", path(name + ".ext"), "-out",
            path(name + ".pem"))


for one in ("ca", "other-ca", "client-ca"):
    authority(one)
issue("relay")
issue("over", days="-1")
issue("soon", days="5")


# ---- the daemon, and who talks to it ----

def trusting(ca="ca", client=None, most=None, least=None):
    context = ssl.create_default_context(cafile=path(ca + ".pem"))
    if client:
        context.load_cert_chain(path(client + ".pem"), path(client + ".key"))
    if most:
        context.set_ciphers("DEFAULT@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            context.minimum_version = context.maximum_version = most
    if least:
        context.minimum_version = least
    return context


class TlsDaemon(peers.Daemon):
    def __init__(self, cert="relay", extra="", senders="am: {format: alertmanager}", config=""):
        super().__init__(config=f"tls: {{cert_file: {PLACE}/live-{id(self)}.pem, key_file: {PLACE}/live-{id(self)}.key{extra}}}\n"
                         f"senders: {{{senders}}}\n{config}")
        self.trust = trusting()
        self.exchange(cert)

    def exchange(self, cert, cert_only=False):
        """As what renews certificates does it; each file changes at once, both do not."""
        for end in ("pem",) if cert_only else ("key", "pem"):
            shutil.copy(path(f"{cert}.{end}"), path(f"live-{id(self)}.new"))
            os.rename(path(f"live-{id(self)}.new"), path(f"live-{id(self)}.{end}"))

    def connect(self, context=None, timeout=peers.PATIENCE):
        return http.client.HTTPSConnection("localhost", self.port, timeout=timeout, context=context or self.trust)

    def is_ready(self):
        if self.child.poll() is not None:
            raise AssertionError(f"the daemon ended with {self.child.returncode}:\n{self.log_text()}")
        anything = ssl.create_default_context()
        anything.check_hostname, anything.verify_mode = False, ssl.CERT_NONE
        try:
            return self.request("GET", "/-/ready", context=anything)[0] == 200
        except OSError:
            return False

    def request(self, method, path, body=None, headers=None, timeout=peers.PATIENCE, context=None):
        connection = self.connect(context, timeout)
        try:
            connection.request(method, path, body, headers or {})
            reply = connection.getresponse()
            return reply.status, reply.read().decode("utf-8", "replace"), dict(reply.getheaders())
        finally:
            connection.close()

    def post(self, context=None, sender="am", body=GOOD):
        return self.request("POST", "/webhook/" + sender, body, context=context)[:2]

    def serial(self):
        """Of the certificate that a new connection sees."""
        with socket.create_connection(("127.0.0.1", self.port)) as s, self.trust.wrap_socket(s, server_hostname="localhost") as tls:
            return tls.getpeercert()["serialNumber"].lstrip("0")

    def told(self, text):
        return peers.wait_for(text, lambda: text in self.log_text())


def with_daemon(**options):
    def around(test):
        def run():
            daemon = TlsDaemon(**options)
            try:
                test(daemon.start())
            finally:
                daemon.finish()
        run.__name__ = test.__name__
        return run
    return around


def refused(what, daemon, context, sender="am"):
    try:
        answer = daemon.post(context, sender)
    except (ssl.SSLError, OSError) as error:
        return str(error)
    raise AssertionError(f"{what} was let in: {answer}")


def handshakes(daemon, result):
    return daemon.metric(f'tracepager_tls_handshakes_total{{result="{result}"}}')


# ---- tests ----

@with_daemon()
def posts_are_taken(daemon):
    assert daemon.post()[0] == POSTED
    # Connections stay open, and the server says which protocol is inside.
    with socket.create_connection(("127.0.0.1", daemon.port)) as s:
        context = trusting()
        context.set_alpn_protocols(["h2", "http/1.1"])
        with context.wrap_socket(s, server_hostname="localhost") as tls:
            assert (tls.version(), tls.selected_alpn_protocol()) == ("TLSv1.3", "http/1.1")
            for _ in range(3):
                tls.sendall(b"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n")
                assert tls.recv(4096).startswith(b"HTTP/1.1 200")
            # What evhttp answers by itself, and what closes behind the reply.
            tls.sendall(b"BREW /pot HTTP/1.1\r\nHost: localhost\r\n\r\n")
            answer = b""
            while piece := tls.recv(4096):
                answer += piece
            assert answer.startswith(b"HTTP/1.1 501") and answer.endswith(b"}\n"), answer
    ends = ssl.cert_time_to_seconds(subprocess.run(["openssl", "x509", "-in", path("relay.pem"), "-noout", "-enddate"], text=True,
                                                   capture_output=True, check=True).stdout.strip().partition("=")[2])
    assert daemon.metric("tracepager_tls_certificate_expiry_timestamp_seconds") == ends
    context = trusting()
    context.set_alpn_protocols(["h2"])
    assert "alert" in refused("HTTP/2", daemon, context).lower()


@with_daemon()
def large_bodies_are_taken(daemon):
    connection = daemon.connect()
    for size in (64 << 10, 4 << 20, 64 << 10):
        connection.request("POST", "/webhook/am", GOOD.ljust(size))
        reply = connection.getresponse()
        assert (reply.status, reply.read() != b"") == (POSTED, True)
    connection.request("POST", "/webhook/am", b"x" * (17 << 20))
    reply = connection.getresponse()
    assert reply.status == 413 and b"body larger" in reply.read()
    connection.close()


@with_daemon()
def handshakes_that_fail_are_told(daemon):
    assert "verify failed" in refused("who trusts another authority", daemon, trusting("other-ca"))
    daemon.told("give it the authority that signed it")
    assert refused("TLS 1.1", daemon, trusting(most=ssl.TLSVersion.TLSv1_1))
    assert daemon.post(trusting(most=ssl.TLSVersion.TLSv1_2))[0] == POSTED
    # A probe of the port is no failure.
    socket.create_connection(("127.0.0.1", daemon.port)).close()
    with socket.create_connection(("127.0.0.1", daemon.port)) as s:
        s.sendall(b"no TLS at all, and no HTTP\r\n" * 9)
        while s.recv(4096):
            pass
    assert [handshakes(daemon, r) for r in ("untrusted", "version", "other", "plain_http")] == [1, 1, 1, 0]
    assert len(re.findall("a TLS handshake failed", daemon.log_text())) == 1  # a minute


@with_daemon(extra=', min_version: "1.3"')
def version_can_be_raised(daemon):
    assert refused("TLS 1.2", daemon, trusting(most=ssl.TLSVersion.TLSv1_2))
    assert daemon.post(trusting(least=ssl.TLSVersion.TLSv1_3))[0] == POSTED


@with_daemon()
def plain_http_is_told(daemon):
    connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=peers.PATIENCE)
    connection.request("POST", "/webhook/am", GOOD.ljust(1 << 20))
    reply = connection.getresponse()
    assert (reply.status, json.loads(reply.read())["error"]) == (400, "this port speaks TLS: use https://")
    connection.close()
    assert handshakes(daemon, "plain_http") == 1
    daemon.told("write https:// in its URL")


def clients_are_known_by_their_certificates():
    issue("right", "client-ca", "DNS:am.example.com", "anything")
    issue("second", "client-ca", "DNS:first.example.com,DNS:spare.example.com", "anything")
    issue("common", "client-ca", None, "am.example.com")
    issue("hidden", "client-ca", "DNS:nobody.example.com", "am.example.com")
    issue("stranger", "other-ca", "DNS:am.example.com", "am.example.com")
    issue("gone", "client-ca", "DNS:am.example.com", "anything", days="-1")
    daemon = TlsDaemon(extra=f", client_ca_file: {PLACE}/client-ca.pem", senders=BOTH)
    try:
        daemon.start()
        for client in ("right", "second", "common"):
            assert daemon.post(trusting(client=client), "mesh")[0] == POSTED, client
        status, body = daemon.post(None, "mesh")
        assert status in (401, 403) and "must show a client certificate" in body, body
        status, body = daemon.post(trusting(client="hidden"), "mesh")
        assert status in (401, 403) and "nobody.example.com" in body, body
        # A sender that declares no names needs none.
        assert daemon.post(None, "am")[0] == daemon.post(trusting(client="hidden"), "am")[0] == POSTED
        for client in ("stranger", "gone"):
            assert refused(client, daemon, trusting(client=client), "am")
        assert handshakes(daemon, "client_certificate") == 2
        daemon.told("tls.client_ca_file")
    finally:
        daemon.finish()


def check(daemon):
    done = subprocess.run([peers.BINARY, "run", "--check", "-c", daemon.directory + "/tracepager.yaml"], capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def check_finds_bad_certificates():
    openssl("pkey", "-in", path("relay.key"), "-aes128", "-passout", "pass:secret", "-out", path("locked.key"))
    shutil.copy(path("relay.pem"), path("locked.pem"))
    shutil.copy(path("relay.pem"), path("misfit.pem"))
    shutil.copy(path("soon.key"), path("misfit.key"))
    with open(path("relay.pem"), encoding="ascii") as f, open(path("torn.pem"), "w", encoding="ascii") as torn:
        torn.write(f.read()[:300])
    shutil.copy(path("relay.key"), path("torn.key"))
    for cert, code, says, fails in (("relay", None, "", 0), ("locked", "C039", "passphrase", 1), ("misfit", "C039", "of another certificate", 1),
                                    ("torn", "C039", "tls.cert_file", 1), ("over", "C040", "the certificate ended at", 1),
                                    ("soon", "C041", "ends in 4 days", 0)):
        daemon = TlsDaemon(cert, senders=BOTH if cert == "soon" else "am: {format: alertmanager}")
        status, told = check(daemon)
        assert (status != 0) == bool(fails), (cert, told)
        assert not code or (code in told and says in told), (cert, told)
        assert cert != "soon" or "C042" in told, told
        assert cert != "relay" or "C03" not in told.replace("C032", ""), told
        os.unlink(path(f"live-{id(daemon)}.key"))
        assert cert != "relay" or "C039" in check(daemon)[1]
        daemon.finish()


def what_is_over_is_exchanged():
    """A relay starts with a certificate that is over, since it has pages to send."""
    daemon = TlsDaemon("over")
    try:
        daemon.start()
        daemon.told("senders refuse the certificate of this relay")
        assert "expired" in refused("a certificate that is over", daemon, None)
        daemon.exchange("relay")
        daemon.child.send_signal(signal.SIGHUP)
        peers.wait_for("the new certificate", lambda: daemon.post()[0] == POSTED if "serial=" in daemon.log_text() else False)
    finally:
        daemon.finish()


@with_daemon()
def bad_certificates_are_not_taken(daemon):
    serial = daemon.serial()
    issue("next")
    for cert, cert_only, says in (("next", True, "of another certificate"), ("over", False, "the certificate ended at")):
        daemon.exchange(cert, cert_only)
        status, told, _ = daemon.request("POST", "/-/reload")
        assert status != 200 and says in told and "the old certificate stays in force" in told, told
        assert daemon.serial() == serial and daemon.post()[0] == POSTED
    kept = daemon.connect()
    kept.request("GET", "/-/healthy")
    kept.getresponse().read()
    daemon.exchange("next")
    status, told, _ = daemon.request("POST", "/-/reload")
    assert status == 200 and "the new certificate is in force" in told, told
    assert daemon.serial() != serial
    # The open connection has its old certificate, and goes on; a reload of the same files says nothing.
    kept.request("POST", "/webhook/am", GOOD)
    assert kept.getresponse().status == POSTED
    kept.close()
    assert "certificate" not in daemon.request("POST", "/-/reload")[1]


class Senders:
    """Post steadily, half of them on one connection each, half on a new one each time."""

    def __init__(self, daemon, n):
        self.daemon, self.over, self.taken, self.failed = daemon, threading.Event(), 0, []
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.send_on, args=(i % 2 == 0,), daemon=True) for i in range(n)]
        for thread in self.threads:
            thread.start()

    def send_on(self, keeps):
        connection, context = None, trusting()
        while not self.over.wait(0.01):
            try:
                connection = connection or self.daemon.connect(context)
                connection.request("POST", "/webhook/am", GOOD)
                reply = connection.getresponse()
                reply.read()
                why, closes = None if reply.status == POSTED else str(reply.status), not keeps or reply.will_close
            except (OSError, http.client.HTTPException) as error:
                why, closes = repr(error), True
            with self.lock:
                self.taken += not why
                if why:
                    self.failed.append(why)
            if closes:
                connection.close()
                connection = None

    def go_on(self):
        """Until each has posted a few times more."""
        wanted = self.taken + 5 * len(self.threads)
        peers.wait_for("posts", lambda: self.taken >= wanted or self.failed)

    def end(self):
        self.over.set()
        for thread in self.threads:
            thread.join()
        return self.taken, self.failed


@with_daemon()
def certificates_are_exchanged_under_load(daemon):
    senders, sighted = Senders(daemon, 8), set()
    for n in range(20):
        issue("turn", serial=0x1000 + n)
        daemon.exchange("turn")
        daemon.child.send_signal(signal.SIGHUP)
        peers.wait_for(f"exchange {n}", lambda: daemon.serial() == f"{0x1000 + n:X}")
        sighted.add(daemon.serial())
    taken, failed = senders.end()
    print(f"     {taken} posts, {len(failed)} refused, {len(sighted)} certificates")
    assert not failed and taken > 100 and len(sighted) == 20, failed[:5]


class TakingOver(TlsDaemon):
    def launch(self):
        self.child = subprocess.Popen([peers.BINARY, "run", "--take-over", "-c", self.directory + "/tracepager.yaml"], stdout=self.log,
                                      stderr=self.log)


def take_over_refuses_no_post():
    daemon = TakingOver()
    try:
        daemon.start()
        senders = Senders(daemon, 4)
        for _ in range(3):
            senders.go_on()
            old = daemon.child
            daemon.launch()
            assert old.wait(peers.PATIENCE) == 0, daemon.log_text()
            peers.wait_for("the successor", daemon.is_ready)
        senders.go_on()
        assert not senders.end()[1], senders.failed[:5]
    finally:
        daemon.finish()


# As a service manager starts a service whose socket it keeps: descriptor 3, LISTEN_FDS and LISTEN_PID.
ACTIVATE = """import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
os.execv(sys.argv[2], sys.argv[2:])
"""


class Activated(TlsDaemon):
    def __init__(self):
        super().__init__()
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(("127.0.0.1", self.port))
        self.socket.listen(4096)

    def launch(self):
        fd = self.socket.fileno()
        self.child = subprocess.Popen([sys.executable, "-c", ACTIVATE, str(fd), peers.BINARY, "run", "-c",
                                       self.directory + "/tracepager.yaml"], stdout=self.log, stderr=self.log, pass_fds=(fd,))


def socket_activation_refuses_no_post():
    daemon = Activated()
    try:
        daemon.start()
        senders = Senders(daemon, 4)
        for _ in range(2):
            senders.go_on()
            daemon.stop()
            daemon.launch()
            peers.wait_for("the successor", daemon.is_ready)
        senders.go_on()
        assert not senders.end()[1], senders.failed[:5]
    finally:
        daemon.finish()
        daemon.socket.close()


@with_daemon()
def slow_handshakes_are_ended(daemon):
    """40 that send nothing, half a ClientHello, or a byte a second; posts go on beside them."""
    begun, halves = time.monotonic(), []
    for i in range(40):
        s = socket.create_connection(("127.0.0.1", daemon.port))
        s.sendall((b"", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"\x16")[i % 3])
        halves.append(s)
    slowest = 0.0
    while time.monotonic() - begun < 30 and daemon.metric("tracepager_connections") > 1:
        for s in halves[2::3]:
            try:
                s.send(b"\x03")
            except OSError:
                pass
        at = time.monotonic()
        assert daemon.post()[0] == POSTED
        slowest = max(slowest, time.monotonic() - at)
        time.sleep(0.5)
    for s in halves:
        s.settimeout(peers.PATIENCE)
        try:
            while s.recv(4096):
                pass
        except ConnectionError:
            pass
        s.close()
    assert slowest < 5, slowest
    assert time.monotonic() - begun > 9
    assert handshakes(daemon, "timeout") + handshakes(daemon, "other") == 40


@with_daemon()
def handshakes_of_one_peer_are_capped(daemon):
    """900 that hold half a handshake: some give way, posts of their own address and of others go on."""
    halves = []
    for _ in range(900):
        s = socket.socket()
        s.bind(("127.0.0.5", 0))
        s.connect(("127.0.0.1", daemon.port))
        s.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
        halves.append(s)
        if len(halves) % 100 == 0:
            assert daemon.post()[0] == POSTED
    own = http.client.HTTPSConnection("127.0.0.1", daemon.port, timeout=peers.PATIENCE, source_address=("127.0.0.5", 0), context=daemon.trust)
    own.request("POST", "/webhook/am", GOOD)
    assert own.getresponse().status == POSTED
    assert 400 < daemon.metric("tracepager_connections") <= 510
    for s in (own, *halves):
        s.close()


@with_daemon()
def commands_talk_tls(daemon):
    def incidents(*words, **environment):
        done = subprocess.run([peers.BINARY, "incidents", *words], capture_output=True, text=True,
                              env={**os.environ, "TRACEPAGER_URL": f"https://localhost:{daemon.port}", **environment})
        return done.returncode, done.stdout + done.stderr

    assert daemon.post()[0] == POSTED
    assert "Good" in peers.wait_for("the incident", lambda: incidents("--ca-file", path("ca.pem"))[1])
    assert incidents(TRACEPAGER_CA_FILE=path("ca.pem"))[0] == 0
    status, told = incidents()
    assert status == 3 and "--ca-file" in told, told
    status, told = incidents("--ca-file", path("nothing.pem"))
    assert status == 2 and "nothing.pem" in told, told
    status, told = incidents("--url", f"http://localhost:{daemon.port}")
    assert status != 0 and "use https://" in told, told


try:
    peers.run(posts_are_taken, large_bodies_are_taken, handshakes_that_fail_are_told, version_can_be_raised, plain_http_is_told,
              clients_are_known_by_their_certificates, check_finds_bad_certificates, what_is_over_is_exchanged,
              bad_certificates_are_not_taken, certificates_are_exchanged_under_load, take_over_refuses_no_post,
              socket_activation_refuses_no_post, slow_handshakes_are_ended, handshakes_of_one_peer_are_capped, commands_talk_tls, at_once=2)
finally:
    shutil.rmtree(PLACE)
