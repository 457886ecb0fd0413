#!/usr/bin/env python3
"""Restarts under load that refuse no post, lose no page and repeat none: by `run --take-over`, where the new daemon takes the listening
socket from the old one, and by a socket that the service manager keeps (systemd's socket units).

    test_drain.py          3 restarts each
    test_drain.py --full   10 restarts each, for the figures"""
import collections
import fcntl
import http.client
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time

import peers

peers.skip_unless_wanted()
RESTARTS = 10 if "--full" in sys.argv else 3
RATE = 200
SENDERS = 8


class Load:
    """RATE alerts a second over SENDERS threads, each alert an incident of its own. Half of the threads keep their connections."""

    def __init__(self, port):
        self.port, self.over, self.lock = port, threading.Event(), threading.Lock()
        self.taken, self.refused, self.slowest = set(), [], 0.0
        self.threads = [threading.Thread(target=self.send_on, args=(i,), daemon=True) for i in range(SENDERS)]
        for thread in self.threads:
            thread.start()

    def send_on(self, which):
        keeps, connection, n = which % 2 == 0, None, 0
        due = time.monotonic()
        while not self.over.is_set():
            name = f"Load{which}x{n}"
            n += 1
            begun = time.monotonic()
            try:
                connection = connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
                connection.request("POST", "/webhook/am", peers.webhook(({"alertname": name}, "firing")))
                reply = connection.getresponse()
                reply.read()
                closes = not keeps or reply.will_close
                ok = reply.status == 202
                why = str(reply.status)
            except (OSError, http.client.HTTPException) as error:
                ok, closes, why = False, True, repr(error)
            with self.lock:
                if ok:
                    self.taken.add(name)
                else:
                    self.refused.append((name, why))
                self.slowest = max(self.slowest, time.monotonic() - begun)
            if closes:
                connection.close()
                connection = None
            due = max(due + SENDERS / RATE, time.monotonic() - 1)
            self.over.wait(max(0, due - time.monotonic()))

    def end(self):
        self.over.set()
        for thread in self.threads:
            thread.join()


class TakingOver(peers.Daemon):
    def launch(self):
        self.child = subprocess.Popen([peers.BINARY, "run", "--take-over", "-c", self.directory + "/tracepager.yaml"], stdout=self.log,
                                      stderr=self.log)

    def restart(self):
        old = self.child
        self.launch()
        assert old.wait(peers.PATIENCE) == 0, self.log_text()


# As a service manager starts a service whose socket it keeps: descriptor 3, LISTEN_FDS and LISTEN_PID.
ACTIVATE = """import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
os.execv(sys.argv[2], sys.argv[2:])
"""


class Activated(peers.Daemon):
    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(("127.0.0.1", self.port))
        self.socket.listen(4096)

    def launch(self):
        fd = self.socket.fileno()
        self.child = subprocess.Popen([sys.executable, "-c", ACTIVATE, str(fd), peers.BINARY, "run", "-c",
                                       self.directory + "/tracepager.yaml"], stdout=self.log, stderr=self.log, pass_fds=(fd,))

    def restart(self):
        self.stop()
        self.launch()

    def finish(self):
        super().finish()
        self.socket.close()


def triggers(pager):
    """How often each dedup key was triggered."""
    return collections.Counter(e["dedup_key"] for e in pager.events() if e["event_action"] == "trigger")


def restarts_under_load(kind, what):
    pager = peers.Pager()
    daemon = kind(pager.url)
    load = None
    try:
        daemon.start()
        load = Load(daemon.port)
        took = []
        for _ in range(RESTARTS):
            threading.Event().wait(1.0)  # of load between two restarts
            begun = time.monotonic()
            daemon.restart()
            peers.wait_for("the new daemon", daemon.is_ready)
            took.append(time.monotonic() - begun)
        threading.Event().wait(1.0)
        load.end()
        peers.wait_for("a page for every alert that was taken", lambda: len(triggers(pager)) >= len(load.taken))
        counts = triggers(pager)
        repeated = sum(n - 1 for n in counts.values())
        print(f"{what}: {RESTARTS} restarts, the longest {max(took):.2f} s; {len(load.taken)} alerts taken, {len(load.refused)} "
              f"refused, the slowest answer after {load.slowest:.2f} s; {len(counts)} incidents paged, {repeated} pages repeated",
              flush=True)
        assert not load.refused, load.refused[:10]
        assert len(counts) == len(load.taken), (len(counts), len(load.taken))
        assert repeated == 0, [key for key, n in counts.items() if n > 1][:10]
    finally:
        if load:
            load.end()
        daemon.finish()


def take_over_refuses_no_post():
    restarts_under_load(TakingOver, "take-over")


def socket_activation_refuses_no_post():
    restarts_under_load(Activated, "socket activation")


def a_second_daemon_without_take_over_is_refused():
    daemon = TakingOver().start()
    try:
        second = subprocess.run([peers.BINARY, "run", "-c", daemon.directory + "/tracepager.yaml"], capture_output=True, text=True,
                                timeout=peers.PATIENCE)
        assert second.returncode == 1 and "is in use by another tracepager" in second.stderr, second
        assert daemon.is_ready()
        assert oct(os.stat(daemon.directory + "/tracepager.db.handover").st_mode & 0o777) == "0o600"
    finally:
        daemon.finish()


def a_successor_that_cannot_start_leaves_the_old_one_alone():
    daemon = TakingOver().start()
    try:
        rules = open(daemon.directory + "/rules.yaml", encoding="utf-8").read()
        daemon.write("rules.yaml", rules + "nonsense: true\n")
        second = subprocess.run([peers.BINARY, "run", "--take-over", "-c", daemon.directory + "/tracepager.yaml"], capture_output=True,
                                text=True, timeout=peers.PATIENCE)
        assert second.returncode == 1, second
        assert daemon.is_ready()
    finally:
        daemon.finish()


def a_drain_without_successor_takes_posts_until_it_is_quiet():
    slow = threading.Event()
    pager = peers.Pager()
    trace = "0af7651916cd43dd8448eb211c80319c"

    def look_up(request):
        slow.wait(3)
        return 200, {}, json.dumps({"result": peers.shop_trace(trace)}).encode()

    jaeger = peers.Peer(look_up)
    daemon = peers.Daemon(pager.url, jaeger.url).start()
    try:
        body = peers.webhook(({"alertname": "PlaceOrderErrors", "trace_id": trace}, "firing"))
        assert daemon.request("POST", "/webhook/am", body)[0] == 202
        peers.wait_for("the look-up", jaeger.asked)
        daemon.child.send_signal(signal.SIGTERM)
        peers.wait_for("the drain", lambda: daemon.request("GET", "/-/ready")[0] == 503)
        assert daemon.request("POST", "/webhook/am", peers.webhook(({"alertname": "Late"}, "firing")))[0] == 202
        slow.set()
        assert daemon.child.wait(peers.PATIENCE) == 0
        assert len(triggers(pager)) == 2, pager.events()
    finally:
        slow.set()
        daemon.finish()


def a_stop_asked_for_twice_stores_every_decision():
    """The second signal ends the loop at once, while decisions gather, are packed, or wait for the store."""
    pager = peers.Pager()
    daemon = peers.Daemon(pager.url).start()
    try:
        body = peers.webhook(*(({"alertname": f"Last{i}"}, "firing") for i in range(200)))
        assert daemon.request("POST", "/webhook/am", body)[0] == 202
        peers.wait_for("the last page", lambda: len(triggers(pager)) >= 200)
        daemon.child.send_signal(signal.SIGTERM)
        daemon.child.send_signal(signal.SIGINT)
        assert daemon.child.wait(peers.PATIENCE) == 0
        with sqlite3.connect(daemon.directory + "/tracepager.db") as store:
            assert store.execute("SELECT count(*) FROM decisions").fetchone()[0] == 200
    finally:
        daemon.finish()


def sockets_that_are_no_use_are_refused():
    for address, port, listens, words in (("127.0.0.1", 0, False, "does not listen for TCP"),
                                          ("0.0.0.0", 0, True, 'reach other machines, but "listen" says 127.0.0.1')):
        with socket.socket() as passed:
            passed.bind((address, port))
            if listens:
                passed.listen()
            daemon = peers.Daemon()
            done = subprocess.run([sys.executable, "-c", ACTIVATE, str(passed.fileno()), peers.BINARY, "run", "-c",
                                   daemon.directory + "/tracepager.yaml"], capture_output=True, text=True, timeout=peers.PATIENCE,
                                  pass_fds=(passed.fileno(),))
            assert done.returncode == 1 and words in done.stderr, done
            daemon.finish()


def sockets_of_another_process_are_left_alone():
    daemon = peers.Daemon()
    os.environ.update(LISTEN_FDS="1", LISTEN_PID="1")
    try:
        daemon.start()
    finally:
        del os.environ["LISTEN_FDS"], os.environ["LISTEN_PID"]
        daemon.finish()


def succeed(daemon):
    return subprocess.run([peers.BINARY, "run", "--take-over", "-c", daemon.directory + "/tracepager.yaml"], capture_output=True, text=True,
                          timeout=peers.PATIENCE)


def takes_posts(daemon):
    return daemon.request("POST", "/webhook/am", peers.webhook(({"alertname": "Still"}, "firing")))[0] == 202


def a_successor_that_listens_elsewhere_is_refused_and_the_old_one_goes_on():
    daemon = TakingOver().start()
    busy = socket.socket()
    try:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        text = open(daemon.directory + "/tracepager.yaml", encoding="utf-8").read()
        for port in (busy.getsockname()[1], peers.free_port()):
            daemon.write("tracepager.yaml", text.replace(str(daemon.port), str(port)))
            second = succeed(daemon)
            assert second.returncode == 1 and f"Write listen: 127.0.0.1:{daemon.port}, or start" in second.stderr, second
            peers.wait_for("the old one to know", lambda: "cannot start; this relay goes on" in daemon.log_text())
            assert daemon.is_ready() and takes_posts(daemon)
        daemon.write("tracepager.yaml", text)
        daemon.restart()  # as if nobody had asked before
        peers.wait_for("the new daemon", daemon.is_ready)
        assert takes_posts(daemon)
    finally:
        busy.close()
        daemon.finish()


def a_store_that_the_successor_cannot_use_is_found_before_the_old_one_ends():
    daemon = TakingOver().start()
    store = sqlite3.connect(daemon.directory + "/tracepager.db", timeout=10, isolation_level=None)
    try:
        version = store.execute("PRAGMA user_version").fetchone()[0]
        store.execute("PRAGMA user_version = 999")
        second = succeed(daemon)
        assert second.returncode == 1 and "was written by a newer tracepager" in second.stderr, second
        assert daemon.is_ready() and takes_posts(daemon)
        store.execute(f"PRAGMA user_version = {version}")
        store.close()
        # The refused successor has nothing of the socket: without another one, posts are taken until all is quiet.
        daemon.stop()
    finally:
        store.close()
        daemon.finish()


def a_socket_that_the_service_manager_does_not_pass_is_not_closed_silently():
    daemon = TakingOver().start()
    with socket.socket() as passed:
        try:
            passed.bind(("127.0.0.1", 0))
            passed.listen()
            done = subprocess.run([sys.executable, "-c", ACTIVATE, str(passed.fileno()), peers.BINARY, "run", "--take-over", "-c",
                                   daemon.directory + "/tracepager.yaml"], capture_output=True, text=True, timeout=peers.PATIENCE,
                                  pass_fds=(passed.fileno(),))
            assert done.returncode == 1 and "that the service manager did not pass" in done.stderr, done
            assert daemon.is_ready() and takes_posts(daemon)
        finally:
            daemon.finish()


def one_that_asks_for_the_sockets_and_goes_away_ends_nobody():
    daemon = TakingOver().start()
    try:
        for n, answer in enumerate((b"", b"0"), 1):
            with socket.socket(socket.AF_UNIX) as asks:
                asks.connect(daemon.directory + "/tracepager.db.handover")
                _, fds, _, _ = socket.recv_fds(asks, 256, 16)
                assert fds
                asks.sendall(answer)
                for fd in fds:
                    os.close(fd)
            peers.wait_for("the word", lambda: daemon.log_text().count("cannot start; this relay goes on") == n)
        assert daemon.is_ready() and takes_posts(daemon)
    finally:
        daemon.finish()


def answer_a_successor(daemon, waits, spoils_store=False):
    """Is a relay that hands over its socket: one that waits for the successor's answer, or one of before, which ends at once. Returns the
    successor, once that is told."""
    with socket.socket() as listening, socket.socket(socket.AF_UNIX) as offer:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", daemon.port))
        listening.listen()
        offer.bind(daemon.directory + "/tracepager.db.handover")
        offer.listen()
        offer.settimeout(peers.PATIENCE)
        lock = open(daemon.directory + "/tracepager.db.lock", "ab")
        fcntl.flock(lock, fcntl.LOCK_EX)
        daemon.launch()
        talk, _ = offer.accept()
        with lock, talk:
            talk.settimeout(peers.PATIENCE)
            socket.send_fds(talk, [f"127.0.0.1:{daemon.port}\0".encode()], [listening.fileno()])
            if waits:
                assert talk.recv(1) == b"1"
            if spoils_store:  # while the successor waits for the lock of the old relay
                store = sqlite3.connect(daemon.directory + "/tracepager.db")
                store.execute("CREATE TABLE strangers (n)")
                store.commit()
                store.close()


def a_relay_that_waits_for_no_answer_is_taken_over():
    daemon = TakingOver()
    try:
        answer_a_successor(daemon, False)
        peers.wait_for("the new daemon", daemon.is_ready)
        assert takes_posts(daemon)
    finally:
        daemon.finish()


def a_successor_that_fails_late_says_that_nobody_takes_alerts():
    daemon = TakingOver()
    try:
        answer_a_successor(daemon, True, spoils_store=True)
        assert daemon.child.wait(peers.PATIENCE) == 1
        assert "has ended, and nobody takes alerts until tracepager run succeeds: " in daemon.log_text(), daemon.log_text()
        assert "not a store of tracepager's" in daemon.log_text(), daemon.log_text()
        daemon.child = None
    finally:
        daemon.finish()


peers.run(take_over_refuses_no_post, socket_activation_refuses_no_post, a_second_daemon_without_take_over_is_refused,
          a_successor_that_cannot_start_leaves_the_old_one_alone, a_drain_without_successor_takes_posts_until_it_is_quiet,
          a_stop_asked_for_twice_stores_every_decision,
          sockets_that_are_no_use_are_refused, sockets_of_another_process_are_left_alone,
          a_successor_that_listens_elsewhere_is_refused_and_the_old_one_goes_on,
          a_store_that_the_successor_cannot_use_is_found_before_the_old_one_ends,
          a_socket_that_the_service_manager_does_not_pass_is_not_closed_silently,
          one_that_asks_for_the_sockets_and_goes_away_ends_nobody, a_relay_that_waits_for_no_answer_is_taken_over,
          a_successor_that_fails_late_says_that_nobody_takes_alerts)
