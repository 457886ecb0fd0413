#!/usr/bin/env python3
"""tracepager tap and GET /api/v1/tap: filters; a reader that takes nothing holds neither the relay nor its memory, and learns how many
events it missed; strangers' strings forge nothing; the 17th reader is refused; the command outlives a restart of the relay."""
import http.client
import atexit
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time

import peers

peers.skip_unless_wanted()
TOKENS = "tokens:\n  - {{name: ann, file: \"{0}/ann.token\", may: read}}\n"


class Relay(peers.Daemon):
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def readers(self):
        return self.metric("tracepager_tap_readers")

    def post(self, name, status="firing", sender="am", **labels):
        answer = self.request("POST", f"/webhook/{sender}", peers.webhook(({"alertname": name, **labels}, status)))
        assert answer[0] == 202, answer


class Tap:
    """tracepager tap, whose output is gathered."""

    def __init__(self, relay, *options, readers=1):
        self.child = subprocess.Popen([peers.BINARY, "tap", "--url", relay.url(), *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.out = b""
        atexit.register(self.child.kill)  # a test that fails leaves none behind
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        if readers:
            peers.wait_for("the reader", lambda: relay.readers() == readers)

    def read(self):
        while piece := self.child.stdout.read1():
            self.out += piece

    def heard(self, text, n=1):
        peers.wait_for(f"{text} in the output", lambda: self.out.decode().count(text) >= n)
        return self

    def end(self, signo=signal.SIGINT):
        if signo:
            self.child.send_signal(signo)
        self.child.wait(peers.PATIENCE)
        self.reader.join()
        return self.child.returncode, self.out.decode(), self.child.stderr.read().decode()


def filters_let_through():
    pager = peers.Pager()
    relay = Relay(pager.url, config="senders: {am: {format: alertmanager}, east: {format: alertmanager}}\n").start()
    try:
        taps = [Tap(relay, *words, "--format", "json", readers=i + 1) for i, words in enumerate((
            (), ("--kind", "page"), ("--sender", "east"), ("--alert", "Disk*", "--kind", "alert"), ("--service", "check*", "--kind", "alert"),
            ("--team", "nobody"), ("--kind", "rejected", "--kind", "alert", "-n", "3")))]
        relay.post("NodeDown", instance="db1", service="checkout")
        relay.post("DiskFull", sender="east", instance="db2")
        assert relay.request("POST", "/webhook/am", "{no")[0] == 400
        assert relay.request("POST", "/-/reload", "", {"Host": "evil.example"})[0] == 421
        peers.wait_for("three deliveries", lambda: relay.metric('tracepager_pages_total{result="delivered"}') == 3)
        relay.post("NodeDown", "resolved", instance="db1", service="checkout")
        peers.wait_for("the resolve", lambda: relay.metric('tracepager_pages_total{result="delivered"}') == 4)
        status, out, _ = taps[6].end(None)  # by its count
        assert status == 0 and [json.loads(line)["kind"] for line in out.splitlines()] == ["alert", "alert", "rejected"], out
        taps[0].heard('"event":"delivered"', 4)
        taps[1].heard('"event":"delivered"', 4)
        taps[2].heard('"event":"reached"')
        taps[3].heard("firing")
        taps[4].heard("resolved")
        relay.post("CpuHigh", instance="db3", service="checkout")
        relay.post("CpuHigh", instance="db3", service="checkout")
        relay.post("Never", "resolved", service="checkout")
        taps[4].heard("not firing")
        taps[0].heard('"event":"delivered"', 5)
        events = []
        for tap in taps[:6]:
            status, out, err = tap.end()
            assert status == 0 and not err, (status, err)
            events.append([json.loads(line) for line in out.splitlines()])
        everything, pages, east, disks, checkout, nobody = events
        assert {e["kind"] for e in everything} == {"alert", "decision", "page", "incident", "rejected"}, everything
        assert pages == [e for e in everything if e["kind"] == "page"]
        assert [(e["event"], e["page"]) for e in pages if e["alert"] == "NodeDown"] == [
            ("queued", "trigger"), ("delivered", "trigger"), ("queued", "resolve"), ("delivered", "resolve")], pages
        assert east and all(e["sender"] == "east" for e in east) and east == [e for e in everything if e.get("sender") == "east"]
        assert [e["event"] for e in disks] == ["firing"] and disks[0]["labels"] == {"instance": "db2"}, disks
        assert [e["event"] for e in checkout] == ["firing", "resolved", "firing", "repeated", "not firing"] and not nobody, (checkout, nobody)
        story = [e["event"] for e in everything if e["kind"] == "incident" and e["alert"] == "NodeDown"]
        assert [(e["kind"], e["event"]) for e in everything if e.get("alert") == "NodeDown"][0] == ("alert", "firing"), everything
        assert story == ["opened", "paged", "reached", "ended", "resolved"], story
        refused = [e for e in everything if e["kind"] == "rejected"]
        assert [(e["event"], e.get("sender")) for e in refused] == [("body", "am"), ("request", None)], refused
        assert "line 1, column 2" in refused[0]["text"] and "another site" in refused[1]["text"], refused
        peers.wait_for("nobody reads", lambda: relay.readers() == 0)
    finally:
        relay.finish()


def causes_come_before_effects():
    """Of an alert without traces all of it happens in one turn: what it says, its decision, the incident's story, then the page."""
    pager = peers.Pager()
    relay = Relay(pager.url).start()
    try:
        tap = Tap(relay, "--format", "json")
        relay.post("NodeDown", instance="db1")
        tap.heard('"event":"reached"')
        relay.post("NodeDown", instance="db2")  # it joins
        tap.heard('"event":"joined"')
        events = [json.loads(line) for line in tap.end()[1].splitlines()]
        told = [(e["kind"], e["event"]) for e in events]
        assert told[:5] == [("alert", "firing"), ("decision", "no suspect"), ("incident", "opened"), ("incident", "paged"), ("page", "queued")], told
        at = told.index(("incident", "joined"))
        assert told[at - 2:at] == [("alert", "firing"), ("decision", "no suspect")], told
        assert len({e["incident"] for e in events if e["kind"] != "alert"}) == 1, events
    finally:
        relay.finish()


def a_slow_reader_holds_nothing():
    """6,000 alerts are some 9 MB of events. A reader that takes none of them gets what its buffers hold, and the number of the rest."""
    pager = peers.Pager()
    relay = Relay(pager.url).start()
    try:
        slow = socket.socket()
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect(("127.0.0.1", relay.port))
        slow.sendall(b"GET /api/v1/tap HTTP/1.1\r\nHost: localhost\r\n\r\n")
        peers.wait_for("the reader", lambda: relay.readers() == 1)
        longest, posted = 0, 0
        for round_ in range(6):
            body = peers.webhook(*[({"alertname": "NodeDown", "instance": f"node{round_}-{i}:9100", "service": "s" * 100, "cluster": "c" * 100},
                                    "firing") for i in range(1000)])
            assert relay.request("POST", "/webhook/am", body)[0] == 202
            posted += 1000
            begun = time.monotonic()
            assert relay.request("GET", "/-/healthy")[0] == 200
            longest = max(longest, time.monotonic() - begun)
        decided = lambda: sum(relay.metric(f'tracepager_decisions_total{{outcome="{o}"}}') for o in ("suspect", "fallback", "untraced")) >= posted
        peers.wait_for("all decisions", decided, 120)
        lost = relay.metric("tracepager_tap_events_dropped_total")
        assert lost > 0, "nothing was dropped: the events fit the buffers"
        # Now it reads: what was kept, and the numbers of what was not.
        slow.settimeout(peers.PATIENCE)
        text, told = b"", []
        while sum(told) < lost:
            piece = slow.recv(1 << 20)
            assert piece, text[-200:]
            text += piece
            told = [int(n) for n in re.findall(rb'data: \{"kind":"dropped","dropped":(\d+)\}', text)]
        events = sum(text.count(b'"kind":"%s"' % kind) for kind in (b"alert", b"decision", b"incident", b"page"))
        print(f"figures slow reader: {events} events in its buffers, {sum(told)} of {events + sum(told)} dropped and told in {len(told)} lines, "
              f"longest answer meanwhile {longest * 1000:.0f} ms")
        assert sum(told) == lost == relay.metric("tracepager_tap_events_dropped_total"), (told, lost)
        slow.close()
        peers.wait_for("nobody reads", lambda: relay.readers() == 0)
    finally:
        relay.finish()


def stream(relay, headers=None, method="GET", path="/api/v1/tap"):
    connection = http.client.HTTPConnection("127.0.0.1", relay.port, timeout=peers.PATIENCE)
    connection.request(method, path, headers=headers or {})
    return connection, connection.getresponse()


def the_seventeenth_is_refused():
    relay = Relay(peers.Pager().url).start()
    try:
        kept = [stream(relay) for _ in range(16)]
        assert [reply.status for _, reply in kept] == [200] * 16
        assert kept[0][1].headers["Content-Type"] == "text/event-stream"
        for _ in range(100):
            connection, reply = stream(relay)
            told = json.loads(reply.read())["detail"]
            assert reply.status == 503 and "16 readers" in told, (reply.status, told)
            connection.close()
        status, out, err = Tap(relay, readers=0).end(None)
        assert status == 1 and not out and "16 readers" in err, (status, out, err)
        relay.post("NodeDown", instance="db1")
        for _, reply in kept:  # all of them hear it
            while b'"event":"firing"' not in reply.readline():
                pass
        for connection, reply in kept:
            reply.close()
            connection.close()
        peers.wait_for("room", lambda: relay.readers() == 0)
        connection, reply = stream(relay)
        assert reply.status == 200
        connection.close()
    finally:
        relay.finish()


def strangers_forge_nothing():
    """Neither a line of the stream, nor a line of the text, nor what a terminal obeys."""
    relay = Relay(peers.Pager().url).start()
    try:
        as_json, as_text = Tap(relay, "--format", "json"), Tap(relay, readers=2)
        name = "Evil\n\ndata: {\"kind\":\"page\"}\n\n\x1b[2J\u009b\u202e"
        relay.post(name, instance="a\r\nevent: x\n", service="\x1b]0;t\x07")
        peers.wait_for("the delivery", lambda: relay.metric('tracepager_pages_total{result="delivered"}') == 1)
        status, out, _ = as_json.heard("reached").end()
        events = [json.loads(line) for line in out.split("\n") if line]
        assert status == 0 and events[0]["alert"] == name and events[0]["labels"]["instance"] == "a\r\nevent: x\n", events[0]
        assert all(e.get("alert") == name for e in events), events
        status, out, _ = as_text.heard("reached").end()
        lines = out.splitlines()
        assert len(lines) == len(events) and all(re.match(r"\d\d:\d\d:\d\d\.\d{3}  \w+", line) for line in lines), lines
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", out), out
    finally:
        relay.finish()


def lines_are_for_people():
    relay = Relay(peers.Pager().url).start()
    try:
        tap = Tap(relay)
        relay.post("NodeDown", instance="db1:9100", service="checkout")
        peers.wait_for("the delivery", lambda: relay.metric('tracepager_pages_total{result="delivered"}') == 1)
        lines = tap.heard("reached").end()[1].splitlines()
        assert lines[0][12:] == "  alert     firing        NodeDown service=checkout instance=db1:9100 sender=am  orders fail", lines[0]
        tap = Tap(relay)
        relay.post("NodeDown", instance='db2 sender=x "y"', service="checkout")
        line = tap.heard("firing").end()[1].splitlines()[0]  # no value looks like further fields
        assert r' instance="db2 sender=x \"y\"" sender=am  ' in line, line
        page = [line for line in lines if "  page      delivered     " in line]
        assert re.search(r"NodeDown service=checkout instance=db1:9100 page=trigger pager=\S+ team=\w+ sender=am incident=[0-9a-f]{8}$", page[0]), page
    finally:
        relay.finish()


def rights_and_secrets():
    relay = Relay(peers.Pager().url, config="admin_token: adm1n-s3cret\nsenders: {am: {format: alertmanager, bearer: s3nder-secret}}\n")
    relay.write("ann.token", "ann-s3cret\n")
    relay.write("bad.token", "wr0ng-token\n")
    relay.write("tracepager.yaml", open(relay.directory + "/tracepager.yaml", encoding="utf-8").read() + TOKENS.format(relay.directory))
    relay.start()
    try:
        status, out, err = Tap(relay, readers=0).end(None)
        assert status == 1 and "wants a token" in err, (status, err)
        status, out, err = Tap(relay, "--token-file", relay.directory + "/bad.token", readers=0).end(None)
        assert status == 1 and "does not know the token" in err, (status, err)
        tap = Tap(relay, "--token-file", relay.directory + "/ann.token", "--format", "json")
        good = {"Authorization": "Bearer s3nder-secret"}
        assert relay.request("POST", "/webhook/am", peers.webhook(({"alertname": "X"}, "firing")), {"Authorization": "Bearer wr0ng"})[0] == 401
        assert relay.request("POST", "/webhook/am", '{"password": "hunter2", "alerts": 7}', good)[0] == 400
        assert relay.request("POST", "/webhook/am", peers.webhook(({"alertname": "X"}, "firing")), good)[0] == 202
        peers.wait_for("deliveries", lambda: relay.metric('tracepager_pages_total{result="delivered"}') == 2)
        status, out, err = tap.heard("reached", 2).end()
        refused = [e for e in map(json.loads, out.splitlines()) if e["kind"] == "rejected"]
        assert [(e["event"], e["sender"]) for e in refused] == [("request", "am"), ("body", "am")] and "token" in refused[0]["text"], refused
        for secret in ("s3cret", "wr0ng", "hunter2", "s3nder-secret", "key-sre"):
            assert secret not in out + err, (secret, out)
    finally:
        relay.finish()


def the_command_outlives_the_relay():
    relay = Relay(peers.Pager().url).start()
    try:
        tap = Tap(relay, "--kind", "alert")
        relay.post("Before", instance="a")
        begun = time.monotonic()
        relay.stop()  # a reader holds no drain
        assert time.monotonic() - begun < 3
        relay.start()
        peers.wait_for("the reader", lambda: relay.readers() == 1, 30)
        relay.post("After", instance="a")
        relay.kill()  # without a word
        relay.start()
        peers.wait_for("the reader", lambda: relay.readers() == 1, 30)
        relay.post("Later", instance="a")
        status, out, err = tap.heard("Later").end()
        assert status == 0 and re.findall("Before|After|Later", out) == ["Before", "After", "Later"], (status, out, err)
        assert err.count("trying again") == 2 and err.count("the relay is back") == 2, err
    finally:
        relay.finish()


def what_is_no_stream():
    relay = Relay(peers.Pager().url).start()
    try:
        assert relay.request("GET", "/api/v1/tap?kind=pages")[0] == 400
        assert relay.request("GET", "/api/v1/tap?team=a&team=b")[0] == 400
        assert relay.request("HEAD", "/api/v1/tap")[0] == 200
        with socket.create_connection(("127.0.0.1", relay.port)) as old:
            old.sendall(b"GET /api/v1/tap HTTP/1.0\r\n\r\n")
            assert old.makefile("rb").readline().split()[1] == b"400"
        assert relay.readers() == 0
        status, _, err = Tap(relay, "--kind", "pages", readers=0).end(None)
        assert status == 1 and "kind is one of" in err, (status, err)
        # It stops where nobody reads its output, and a terminal's ^C is no error.
        tap = subprocess.Popen(f"{peers.BINARY} tap --url {relay.url()} | head -1", shell=True, stdout=subprocess.PIPE)
        peers.wait_for("the reader", lambda: relay.readers() == 1)
        names = iter(range(1000))
        peers.wait_for("its end", lambda: relay.post(f"N{next(names)}", instance="a") or tap.poll() is not None)
        assert tap.returncode == 0
        peers.wait_for("nobody reads", lambda: relay.readers() == 0)
    finally:
        relay.finish()
    done = subprocess.run([peers.BINARY, "tap", "--url", "http://127.0.0.1:1"], capture_output=True, timeout=peers.PATIENCE, check=False)
    assert done.returncode == 3 and b"is the relay running" in done.stderr, done


peers.run(filters_let_through, causes_come_before_effects, a_slow_reader_holds_nothing, the_seventeenth_is_refused, strangers_forge_nothing, lines_are_for_people,
          rights_and_secrets, the_command_outlives_the_relay, what_is_no_stream, at_once=3)
