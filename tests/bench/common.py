"""What the benchmarks of whole programs share: who runs on which core, the servers that are measured, their load and their peers (both in C),
and how a row of the table is told."""
import contextlib
import json
import os
import re
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "system"))
import peers  # noqa: E402

ROUNDS = 3
CPUS = sorted(os.sched_getaffinity(0))
SERVER, LOAD = {CPUS[0]}, {CPUS[-1]}  # every server on one core; load, receiver and backend on another
TOOLS = os.path.join(peers.BUILD, "tests", "bench")
TICKS = os.sysconf("SC_CLK_TCK")
MANAGER = "prometheus-alertmanager"


def row(name, figure, beside="", ratio=None):
    """One row of the table that tests/bench/run writes: a figure, what it is compared with, and how many times that it is."""
    print(f"row: {name} | {figure} | {beside or '—'} | {'—' if ratio is None else f'{ratio:.2f}'}", flush=True)


def median(rounds, key):
    return statistics.median(r[key] for r in rounds)


def ask_until(what, condition, seconds):
    """peers.wait_for(), but seldom: asking costs the server, whose CPU is measured."""
    end = time.monotonic() + peers.PATIENCE
    while not condition():
        assert time.monotonic() < end, f"never came: {what}"
        time.sleep(seconds)


@contextlib.contextmanager
def pinned(cpus):
    """What is started in here inherits the pinning."""
    os.sched_setaffinity(0, cpus)
    try:
        yield
    finally:
        os.sched_setaffinity(0, CPUS)


def load(port, path, *options):
    """Runs tests/bench/load to its end; gives what it tells, and the lines before that."""
    with pinned(LOAD):
        done = subprocess.run([os.path.join(TOOLS, "load"), *map(str, options), str(port), path], capture_output=True, text=True, check=True)
    *lines, report = done.stdout.splitlines()
    return {**json.loads(report), "lines": lines}


def cpu_seconds(pid):
    """Of all its threads, those that have ended too."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def resident(pid):
    """In MB."""
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return int(re.search(r"VmRSS:\s+(\d+)", f.read()).group(1)) / 1024


class Stub:
    """tests/bench/stub: the receiver of pages and the trace backend."""

    def __init__(self):
        with pinned(LOAD):
            self.child = subprocess.Popen([os.path.join(TOOLS, "stub")], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.url = f"http://127.0.0.1:{int(self.child.stdout.readline())}"

    def get(self, path):
        with urllib.request.urlopen(self.url + path, timeout=peers.PATIENCE) as reply:
            return reply.read().decode()

    def counts(self):
        return json.loads(self.get("/counts"))

    def wait_for_pages(self, n):
        ask_until(f"{n} pages", lambda: self.counts()["distinct"] >= n, 0.05)
        return self.counts()

    def finish(self):
        self.child.stdin.close()
        self.child.stdout.close()
        self.child.wait()


class Server:
    """A server that takes alerts at /api/v2/alerts."""

    path = "/api/v2/alerts"

    def cpu(self):
        return cpu_seconds(self.pid)


class Alertmanager(Server):
    """One webhook for each alert, at once; or to nobody, where there is no url."""

    config = "route: {receiver: hook, group_by: ['...'], group_wait: 0s, group_interval: 5m, repeat_interval: 4h}\n"

    def __init__(self, url=None):
        self.directory = tempfile.mkdtemp(prefix="alertmanager-")
        self.port = peers.free_port()
        config = os.path.join(self.directory, "am.yml")
        with open(config, "w", encoding="ascii") as f:
            f.write(self.config + f"receivers: [{{name: hook, webhook_configs: [{{url: '{url}/', send_resolved: false}}]}}]\n" if url else
                    "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n")
        with pinned(SERVER):
            self.child = subprocess.Popen([MANAGER, f"--config.file={config}", "--cluster.listen-address=",
                                           f"--web.listen-address=127.0.0.1:{self.port}", f"--storage.path={self.directory}"],
                                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.pid = self.child.pid
        peers.wait_for(MANAGER, self.ready)

    def ready(self):
        try:
            with peers.socket.create_connection(("127.0.0.1", self.port)):
                return True
        except OSError:
            return False

    def settle(self, decisions=0):
        pass

    def finish(self):
        self.child.terminate()
        self.child.wait()
        shutil.rmtree(self.directory)


RULES = """
teams: {{all: {{escalation: all}}}}
pagers: {{hook: {{kind: webhook, url: "{pager}/"}}}}
escalations: {{all: {{steps: [{{page: [hook], wait: 10m}}]}}}}
services: {{ledger: {{owner: all, match: {{service: "ledger-*"}}}}}}
fallback: {{team: all}}
defaults: {{group_by: ["..."]}}
"""


class Tracepager(Server):
    """The daemon, whose every alert is an incident and pages the url."""

    def __init__(self, url=None, backend=None, env=None):
        self.daemon = peers.Daemon(url or "http://127.0.0.1:1", backend, "log_level: warn\n", RULES if url else None)
        self.port, self.directory = self.daemon.port, self.daemon.directory
        with pinned(SERVER), environment(env or {}):
            self.daemon.start()
        self.pid = self.daemon.child.pid

    def metric(self, name):
        return self.daemon.metric(name)

    def mean_ms(self, histogram):
        return self.metric(f"tracepager_{histogram}_duration_seconds_sum") / self.metric(f"tracepager_{histogram}_duration_seconds_count") * 1000

    def longest_turn(self):
        """Of the loop, in ms: by its thread's CPU clock, and by the wall clock."""
        return tuple(self.metric(f"tracepager_loop_longest_turn_{clock}seconds") * 1000 for clock in ("cpu_", ""))

    def settle(self, decisions=0):
        """Until nothing waits: all is decided, delivered, written; and until so many decisions are stored or told to be lost: they are
        written behind the pages."""
        def settled():
            metrics = dict(re.findall(r"^(\S+) (\S+)$", self.daemon.request("GET", "/metrics")[1], re.M))
            return (all(metrics[f'tracepager_queue_depth{{queue="{q}"}}'] == "0" for q in ("alerts", "pages", "store"))
                    and (not decisions or self.stored("decisions") + int(metrics["tracepager_records_lost_total"]) >= decisions))

        ask_until("a settled daemon", settled, 0.2)

    def stored(self, table):
        """Rows on disk, read while the daemon runs."""
        with contextlib.closing(sqlite3.connect(f"file:{self.directory}/tracepager.db?mode=ro", uri=True)) as db:
            return db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]

    def finish(self):
        self.daemon.finish()


@contextlib.contextmanager
def environment(values):
    before = dict(os.environ)
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def machine_load():
    return f"load of the machine {os.getloadavg()[0]:.1f} on {len(CPUS)} cores, {time.strftime('%H:%M')}"
