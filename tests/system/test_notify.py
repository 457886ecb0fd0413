#!/usr/bin/env python3
"""What the daemon tells its service manager, by sd_notify(3): ready once it takes alerts, a reload from its begin to its end, the
watchdog's sign of life, the end; and at a take-over, which process is the service's now."""
import os
import re
import signal
import socket
import subprocess
import time

import peers

peers.skip_unless_wanted()


class Manager:
    """The service manager's socket; abstract, so that nothing is left behind."""

    def __init__(self, name):
        self.name = f"@tracepager/test/{os.getpid()}/{name}"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self.socket.bind("\0" + self.name[1:])
        self.socket.settimeout(peers.PATIENCE)

    def next(self):
        """The assignments of one message, and who sent it."""
        data, control, _, _ = self.socket.recvmsg(4096, 64)
        sender = int.from_bytes(control[0][2][:4], "little")
        return dict(line.split("=", 1) for line in data.decode().split("\n")), sender

    def next_state(self):
        """The same, past signs of life."""
        while True:
            message, sender = self.next()
            if set(message) - {"WATCHDOG", "STATUS"}:
                return message, sender


class Service(peers.Daemon):
    def __init__(self, manager, watchdog_us=None, **options):
        super().__init__(**options)
        self.environment = {**os.environ, "NOTIFY_SOCKET": manager.name, **({"WATCHDOG_USEC": str(watchdog_us)} if watchdog_us else {})}
        self.more = []

    def launch(self):
        self.child = subprocess.Popen([peers.BINARY, "run", *self.more, "-c", self.directory + "/tracepager.yaml"],
                                      stdout=self.log, stderr=self.log, env=self.environment)


def accepts(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


def start_reload_and_end_come_in_order():
    manager = Manager("order")
    service = Service(manager)
    service.launch()
    ready, sender = manager.next_state()
    assert ready == {"READY": "1", "STATUS": "0 incidents open, 0 pages wait"}, ready
    assert sender == service.child.pid
    assert accepts(service.port) and service.request("GET", "/-/ready")[0] == 200

    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    service.child.send_signal(signal.SIGHUP)
    reloading = manager.next_state()[0]
    assert set(reloading) == {"RELOADING", "MONOTONIC_USEC"} and reloading["RELOADING"] == "1", reloading
    assert before <= int(reloading["MONOTONIC_USEC"]) <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    assert manager.next_state()[0]["READY"] == "1"
    with open(service.directory + "/rules.yaml", encoding="utf-8") as f:
        good = f.read()
    service.write("rules.yaml", "teams: {\n")  # a bad reload ends too: the old rules stay in force
    assert service.request("POST", "/-/reload")[0] == 400
    assert set(manager.next_state()[0]) & {"RELOADING", "READY"} == {"RELOADING"}
    kept = manager.next_state()[0]
    assert kept == {"READY": "1", "STATUS": "0 incidents open, 0 pages wait; the new rules were not taken, the old ones stay in force"}, kept
    service.write("rules.yaml", good)
    assert service.request("POST", "/-/reload")[0] == 200
    assert set(manager.next_state()[0]) & {"RELOADING", "READY"} == {"RELOADING"}
    assert manager.next_state()[0] == ready

    service.child.send_signal(signal.SIGTERM)
    assert manager.next_state()[0] == {"STOPPING": "1", "STATUS": "ends what is under way"}
    assert service.child.wait(peers.PATIENCE) == 0
    service.finish()


def the_status_counts_incidents_and_pages():
    """Two incidents whose pager is not there."""
    manager = Manager("status")
    service = Service(manager, watchdog_us=200000)
    service.launch()
    assert manager.next_state()[0]["READY"] == "1"
    for name in ("One", "Two"):
        assert service.request("POST", "/webhook/am", peers.webhook(({"alertname": name}, "firing")))[0] == 202
    peers.wait_for("the status", lambda: manager.next()[0].get("STATUS") == "2 incidents open, 2 pages wait")
    service.finish()


def the_watchdog_is_fed_until_the_loop_is_stuck():
    """Four signs of life in a row, and none of a loop that is stuck."""
    manager = Manager("watchdog")
    service = Service(manager, watchdog_us=400000)
    service.launch()
    assert manager.next_state()[0]["READY"] == "1"
    times = []
    while len(times) < 4:
        if manager.next()[0].get("WATCHDOG") == "1":
            times.append(time.monotonic())
    service.child.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, service.child.pid, os.WSTOPPED)
    manager.socket.setblocking(False)
    try:
        while True:
            manager.next()
    except BlockingIOError:
        pass
    manager.socket.settimeout(1.0)  # five times half of the watchdog's time
    try:
        raise AssertionError(f"a stopped process sent {manager.next()}")
    except socket.timeout:
        pass
    service.child.send_signal(signal.SIGCONT)
    manager.socket.settimeout(peers.PATIENCE)
    peers.wait_for("a sign of life", lambda: manager.next()[0].get("WATCHDOG") == "1")
    service.finish()


def a_watchdog_of_another_process_is_not_fed():
    """Where WATCHDOG_PID names another process, nobody waits for our signs of life; commands tell nothing."""
    manager = Manager("others")
    service = Service(manager, watchdog_us=100000)
    service.environment["WATCHDOG_PID"] = str(os.getpid())
    service.launch()
    assert manager.next_state()[0]["READY"] == "1"
    assert "WATCHDOG" not in manager.next()[0]  # the status
    subprocess.run([peers.BINARY, "check", service.directory + "/rules.yaml"], env=service.environment, check=True, capture_output=True)
    service.child.send_signal(signal.SIGTERM)
    assert manager.next_state()[0]["STOPPING"] == "1"
    service.finish()


def a_successor_is_the_main_process_before_the_old_one_ends():
    """The successor is the main process before the old one ends, and no STOPPING=1 ends the service."""
    manager = Manager("take-over")
    old = Service(manager)
    old.launch()
    assert manager.next_state()[0]["READY"] == "1"
    first = old.child
    old.environment |= {"WATCHDOG_USEC": "200000", "WATCHDOG_PID": str(first.pid)}
    old.more = ["--take-over"]
    old.launch()
    assert manager.next_state() == ({"MAINPID": str(old.child.pid)}, old.child.pid)
    ready, sender = manager.next_state()
    assert (ready["READY"], ready["MAINPID"], sender) == ("1", str(old.child.pid), old.child.pid), ready
    assert first.wait(peers.PATIENCE) == 0
    peers.wait_for("a sign of life", lambda: manager.next()[0].get("WATCHDOG") == "1")
    old.child.send_signal(signal.SIGTERM)
    assert manager.next_state()[0]["STOPPING"] == "1"
    old.finish()


def a_start_that_fails_says_why():
    manager = Manager("failure")
    service = Service(manager)
    service.write("rules.yaml", "teams: {\n")
    service.launch()
    assert manager.next()[0] == {"STATUS": "the rules have errors; the log lists them"}
    assert service.child.wait(peers.PATIENCE) == 1
    with open(service.directory + "/log", encoding="utf-8") as f:
        assert "rules.yaml" in f.read()


def the_journal_takes_a_failed_start_for_an_error():
    """Each line of it: journalctl -p warning shows why."""
    service = peers.Daemon()
    options = service.directory + "/tracepager.yaml"
    right = {name: open(f"{service.directory}/{name}", encoding="utf-8").read() for name in ("tracepager.yaml", "rules.yaml")}
    for name, text, shown in (("tracepager.yaml", right["tracepager.yaml"] + "no_such_option: 1\n", b"no_such_option"), ("rules.yaml", "teams: {\n", b"rules.yaml"),
                              ("tracepager.yaml", right["tracepager.yaml"].replace("tracepager.db", "nowhere/tracepager.db"), b"store")):
        service.write(name, text)
        with open(service.directory + "/stderr", "w+b") as stream:
            status = os.fstat(stream.fileno())
            for journal, is_ours in ((f"{status.st_dev}:{status.st_ino}", True), ("1:1", False)):
                stream.truncate(0)
                stream.seek(0)
                done = subprocess.run([peers.BINARY, "run", "-c", options], stdout=subprocess.DEVNULL, stderr=stream, check=False,
                                      env={**os.environ, "JOURNAL_STREAM": journal}, timeout=peers.PATIENCE)
                stream.seek(0)
                lines = stream.read().splitlines()
                assert done.returncode == 1 and any(shown in line for line in lines), (name, lines)
                assert all((re.match(rb"<[346]>", line) is not None) == is_ours for line in lines), lines
                assert [line for line in lines if shown in line][-1].startswith(b"<3>") == is_ours, lines
        service.write(name, right[name])


peers.run(the_journal_takes_a_failed_start_for_an_error, start_reload_and_end_come_in_order, the_status_counts_incidents_and_pages, the_watchdog_is_fed_until_the_loop_is_stuck,
          a_watchdog_of_another_process_is_not_fed, a_successor_is_the_main_process_before_the_old_one_ends, a_start_that_fails_says_why)
