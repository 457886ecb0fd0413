#!/usr/bin/env python3
"""The commands that talk to a running relay from a terminal: what they ask, what they print, and how they end."""
import datetime
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import tempfile
import termios
import time
import urllib.parse

import peers

peers.skip_unless_wanted()

TOKEN = "s3cret-token-of-ann"
NOW = datetime.datetime.now(datetime.timezone.utc)


def ago(**time):
    return (NOW - datetime.timedelta(**time)).strftime("%Y-%m-%dT%H:%M:%SZ")


def incident(identity, severity="critical", state="open", team="ledger", summary="ledger: disk is full", **more):
    return {"id": identity.ljust(32, "0"), "team": team, "state": state, "severity": severity, "summary": summary,
            "opened_at": ago(minutes=30), "acknowledged_by": "", "alerts": 1, "firing": 1, "unreached": False, **more}


METRICS = """tracepager_alerts_total{result="accepted"} 41
tracepager_queue_depth{queue="pages"} 3
tracepager_rules_last_reload_successful 1
tracepager_rules_last_reload_success_timestamp_seconds 1e9
"""


class Relay(peers.Peer):
    """The API of a relay with these incidents; acts are kept in `acts`, and refused for an id in `over`."""

    def __init__(self, incidents, token=None, page=1000, over=()):
        self.incidents, self.token, self.page, self.over = incidents, token, page, over
        self.acts, self.pagers, self.away = [], None, False
        super().__init__(self.serve)

    def problem(self, status, detail):
        body = {"type": "about:blank", "title": "Refused", "status": status, "detail": detail, "error": detail}
        return status, {"Content-Type": "application/problem+json"}, json.dumps(body).encode()

    def json(self, value):
        return 200, {"Content-Type": "application/json"}, json.dumps(value).encode()

    def serve(self, request):
        if self.away:
            raise ConnectionError  # no answer
        url = urllib.parse.urlsplit(request["path"])
        query = dict(urllib.parse.parse_qsl(url.query))
        if self.token and request["headers"].get("Authorization") != f"Bearer {self.token}":
            return self.problem(401, "give a token")
        if url.path == "/metrics":
            return 200, {"Content-Type": "text/plain; version=0.0.4"}, METRICS.encode()
        if url.path == "/api/v1/pagers" and self.pagers is not None:
            return self.json({"pagers": self.pagers, "next": None})
        if url.path == "/api/v1/incidents":
            over = query.get("state") == "closed"
            found = [one for one in self.incidents if (one["state"] == "closed") == over and all(one[name] == query[name] for name in ("team", "severity") if name in query)]
            start = int(query.get("cursor", 0))
            more = start + self.page < len(found)
            return self.json({"incidents": found[start:start + self.page], "next": str(start + self.page) if more else None})
        parts = url.path.split("/")[4:]
        one = next((one for one in self.incidents if parts and one["id"] == parts[0]), None)
        if not one:
            return self.problem(404, f'there is no incident "{parts[0] if parts else ""}"')
        if request["method"] == "GET":
            return self.json(one)
        if one["id"] in self.over:
            return self.problem(409, "the incident is resolved; the act is noted")
        self.acts.append((*parts, json.loads(request["body"])))
        return self.json({"outcome": "done", "text": f"{parts[1]}: noted"})


def tracepager(*arguments, **environment):
    """Status, standard output, standard error."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("TRACEPAGER_") and k != "COLUMNS"}
    done = subprocess.run([peers.BINARY, *arguments], capture_output=True, encoding="utf-8", timeout=peers.PATIENCE, check=False,
                          env={**inherited, "LC_ALL": "C.UTF-8", "TZ": "UTC", **environment})
    return done.returncode, done.stdout, done.stderr


def on_terminal(*arguments, columns=80):
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", 24, columns, 0, 0))
    variables = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "COLUMNS") and not k.startswith("TRACEPAGER_")}
    child = subprocess.Popen([peers.BINARY, *arguments], stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs,
                             env={**variables, "TERM": "xterm", "LC_ALL": "C.UTF-8"})
    os.close(theirs)
    text = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # nobody is left at the other end
            break
        if not piece:
            break
        text += piece
    os.close(ours)
    child.wait(peers.PATIENCE)
    return text.decode("utf-8", "replace").replace("\r\n", "\n")


class Terminal:
    """The program in a terminal of its own; `text` is all that it wrote."""

    def __init__(self, *arguments, columns=80, lines=24):
        self.ours, self.theirs = pty.openpty()
        self.resize(columns, lines)
        self.before = termios.tcgetattr(self.theirs)
        variables = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "COLUMNS") and not k.startswith("TRACEPAGER_")}
        self.child = subprocess.Popen([peers.BINARY, *arguments], stdin=self.theirs, stdout=self.theirs, stderr=self.theirs,
                                      start_new_session=True, env={**variables, "TERM": "xterm", "LC_ALL": "C.UTF-8", "USER": "ann"})
        self.text = ""

    def resize(self, columns, lines):
        fcntl.ioctl(self.theirs, termios.TIOCSWINSZ, struct.pack("4H", lines, columns, 0, 0))

    def press(self, keys):
        os.write(self.ours, keys.encode())

    def read(self, seconds):
        if select.select([self.ours], [], [], seconds)[0]:
            self.text += os.read(self.ours, 65536).decode("utf-8", "replace")

    def until(self, words):
        """Reads until a frame that is newer than the last call holds the words; returns that frame."""
        seen, end = len(self.text), time.monotonic() + peers.PATIENCE
        while True:
            frames = self.text[seen:].split("\033[H")
            found = [frame for frame in frames if re.search(words, plain(frame)) and "\033[J" in frame]
            if found:
                return plain(found[-1])
            assert time.monotonic() < end, f"never drawn: {words}: {self.text[-900:]!r}"
            self.read(1)

    def ended(self):
        """The exit status; the terminal must be as it was."""
        status = self.child.wait(peers.PATIENCE)
        self.read(0)
        assert self.text.endswith("\033[?25h\033[?1049l"), self.text[-200:]
        assert termios.tcgetattr(self.theirs) == self.before
        os.close(self.ours)
        os.close(self.theirs)
        return status


def plain(text):
    return re.sub(r"\033\[[0-9;?]*[A-Za-z]", "", text).replace("\r", "")


def token_file(text=TOKEN):
    file = tempfile.NamedTemporaryFile("w", prefix="tracepager-token-", encoding="utf-8")
    file.write(text + "\n")
    file.flush()
    return file


LIST = [incident("aaaa1111", "warning", summary="a disk is nearly full"),
        incident("bbbb2222", summary="障害: 台帳のデータベースが接続を拒否しています", opened_at=ago(minutes=5)),
        incident("bbbb3333", state="acknowledged", acknowledged_by="ann", opened_at=ago(hours=3), team="web")]


def list_for_people():
    relay = Relay(LIST)
    status, out, err = tracepager("incidents", "--url", relay.url)
    lines = out.splitlines()
    assert (status, err) == (0, ""), err
    assert lines[0].split() == ["ID", "SEVERITY", "STATE", "TEAM", "AGE", "SUMMARY"], out
    assert [line[:8] for line in lines[1:4]] == ["bbbb2222", "bbbb3333", "aaaa1111"], out
    assert re.match(r"bbbb2222  critical  open     ledger  5 min   障害: 台帳のデータベースが接続を拒…$", lines[1]) and "ack ann" in lines[2], out
    assert lines[4:] == ["3 incidents: 2 open, 1 acknowledged"], out
    assert tracepager("incidents", "list", TRACEPAGER_URL=relay.url + "/")[1] == out
    assert tracepager("incidents", TRACEPAGER_URL=relay.url, http_proxy="http://127.0.0.1:1")[1] == out
    seen = urllib.parse.urlsplit(relay.seen()[0]["path"])
    assert seen.path == "/api/v1/incidents" and "Authorization" not in relay.seen()[0]["headers"]
    empty = Relay([])
    assert tracepager("incidents", "--url", empty.url) == (0, "no incidents\n", "")


def list_fits_the_terminal():
    relay = Relay(LIST)
    for columns in (80, 60, 120):
        out = on_terminal("incidents", "--url", relay.url, columns=columns)
        plain = re.sub(r"\033\[[0-9;]*m", "", out)
        assert "\033[31mcritical\033[0m" in out, out
        assert all(len(line) + len(re.findall("[\u3000-\u9fff\uff00-\uffef]", line)) <= columns for line in plain.splitlines()), plain


def list_for_scripts():
    relay = Relay(LIST, page=1)  # a cursor for each
    status, out, err = tracepager("incidents", "list", "--format", "json", "--url", relay.url)
    assert (status, err) == (0, "") and len(out.splitlines()) == 3
    assert sorted((json.loads(line) for line in out.splitlines()), key=lambda one: one["id"]) == LIST
    assert len(relay.seen()) == 3
    # The relay lists the oldest first: the limit cuts what was sorted.
    out = tracepager("incidents", "--format", "json", "--url", relay.url, "--limit", "2")[1]
    assert [json.loads(line)["id"][:8] for line in out.splitlines()] == ["bbbb2222", "bbbb3333"], out
    assert "2 incidents: 1 open, 1 acknowledged; there are more" in tracepager("incidents", "--limit", "2", "--url", relay.url)[1]
    tracepager("incidents", "--url", relay.url, "--team", "we&b", "--severity", "warning", "--state", "open")
    query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(relay.seen()[-1]["path"]).query))
    assert (query["team"], query["severity"], query["state"]) == ("we&b", "warning", "open"), query


def show_by_a_beginning():
    story = incident("cccc4444", due_at="2030-01-01T00:00:00Z", escalation="ledger", run=1, step=1,
                     recipients=[{"pager": "sre", "role": "step", "state": "reached", "n": 1}],
                     events=[{"at": ago(minutes=30), "event": "opened", "who": "", "text": ""}],
                     links=[{"text": "runbook", "href": "https://wiki.example/" + "x" * 100}])
    relay = Relay(LIST + [story])
    status, out, err = tracepager("incidents", "show", "cccc", "--url", relay.url)
    assert (status, err) == (0, ""), err
    assert out.startswith("critical, open: ledger: disk is full\n") and story["id"] in out and story["links"][0]["href"] in out, out
    assert tracepager("incidents", "show", story["id"], "--url", relay.url)[1].splitlines()[0] == out.splitlines()[0]
    assert json.loads(tracepager("incidents", "show", "cccc", "--format", "json", "--url", relay.url)[1]) == story
    # One that is over is found, too; a current one goes before it.
    relay.incidents += [incident("cccc9999", state="closed", closed_at=ago(minutes=1)), incident("9999eeee", state="closed")]
    assert tracepager("incidents", "show", "9999", "--url", relay.url)[1].startswith("critical, closed: ")
    assert story["id"] in tracepager("incidents", "show", "cccc", "--url", relay.url)[1]
    status, out, err = tracepager("incidents", "show", "bbbb", "--url", relay.url)
    assert status == 1 and not out and '2 incidents begin with "bbbb"' in err and "bbbb2222" in err and "bbbb3333" in err, err
    status, out, err = tracepager("incidents", "show", "dddd", "--url", relay.url)
    assert status == 1 and not out and f'no incident at {relay.url} begins with "dddd"' in err, err
    status, out, err = tracepager("incidents", "show", "d" * 32, "--url", relay.url)
    assert status == 1 and "there is no incident" in err and relay.url in err, err


def acts():
    relay = Relay(LIST, over=(LIST[1]["id"],))
    status, out, err = tracepager("incidents", "ack", "aaaa", "bbbb3", "-m", "looking", "--url", relay.url, USER="ann")
    assert (status, err) == (0, ""), err
    assert out == f"{LIST[0]['id']}  acknowledge: noted\n{LIST[2]['id']}  acknowledge: noted\n", out
    for one, (identity, act, body) in zip((LIST[0], LIST[2]), relay.acts, strict=True):
        assert (identity, act, body["text"]) == (one["id"], "acknowledge", "looking") and re.match(r"ann(@[^.]+)?$", body["who"]), body
        assert "team" not in body
    del relay.acts[:]
    status, out, err = tracepager("incidents", "reroute", "aaaa", "--team", "web", "--who", "bob", "--url", relay.url)
    assert status == 0 and relay.acts == [(LIST[0]["id"], "reroute", {"who": "bob", "team": "web"})], relay.acts
    for act in ("acknowledge", "resolve", "reroute", "comment", "useful", "noise"):
        del relay.acts[:]
        words = ["-m", "a word"] if act == "comment" else []
        assert tracepager("incidents", act, "aaaa", *words, "--url", relay.url)[0] == 0 and relay.acts[0][1] == act
    # One is refused: the others are done, and the status says so.
    del relay.acts[:]
    status, out, err = tracepager("incidents", "resolve", "bbbb2", "aaaa", "--url", relay.url)
    assert status == 1 and "the incident is resolved" in err and [act[0] for act in relay.acts] == [LIST[0]["id"]], (out, err)
    # One id is wrong: nothing is done.
    del relay.acts[:]
    status, out, err = tracepager("incidents", "resolve", "aaaa", "bbbb", "--url", relay.url)
    assert status == 1 and not relay.acts and not out
    told = json.loads(tracepager("incidents", "ack", "aaaa", "--format", "json", "--url", relay.url)[1])
    assert told["outcome"] == "done"


def tokens():
    relay = Relay(LIST, token=TOKEN)
    with token_file() as good, token_file("another") as bad:
        assert tracepager("incidents", "--url", relay.url, "--token-file", good.name)[0] == 0
        assert tracepager("incidents", "--url", relay.url, TRACEPAGER_TOKEN_FILE=good.name)[0] == 0
        for arguments, told in ((["--token-file", bad.name], bad.name), ([], "--token-file FILE")):
            status, out, err = tracepager("incidents", "--url", relay.url, *arguments)
            assert status == 1 and not out and told in err and relay.url in err and "another" not in err, err
            assert len(err.splitlines()) == 1
        status, _, err = tracepager("incidents", "--url", relay.url, "--token-file", good.name + "-gone")
        assert status == 2 and good.name + "-gone" in err, err
        for text in (tracepager("incidents", "--url", relay.url, "--token-file", good.name, "--format", f) for f in ("text", "json")):
            assert TOKEN not in "".join(map(str, text))


def strangers():
    """Nobody listens, or somebody else does."""
    port = peers.free_port()
    status, out, err = tracepager("incidents", "--url", f"http://127.0.0.1:{port}")
    assert status == 3 and not out and f"http://127.0.0.1:{port}" in err and "--url" in err and len(err.splitlines()) == 1, err
    web = peers.Peer(lambda request: (200, {"Content-Type": "text/html"}, b"<html>hello</html>"))
    status, out, err = tracepager("incidents", "--url", web.url)
    assert status == 3 and "no tracepager listens there" in err, err
    moved = peers.Peer(lambda request: (302, {"Location": "https://elsewhere.example/"}, b""))
    status, out, err = tracepager("incidents", "--url", moved.url)
    assert status == 3 and "302" in err, err
    status, out, err = tracepager("incidents", "--url", "localhost:9480")
    assert status == 2 and "http://" in err, err


def top_once():
    relay = Relay(LIST, page=2)
    status, out, err = tracepager("top", "--once", "--url", relay.url)
    assert (status, err) == (0, ""), err
    lines = out.splitlines()
    assert lines[0].startswith(f"tracepager {relay.url} ") and len(lines[0]) == 80, out
    assert lines[1] == "incidents  3 incidents: 2 open, 1 acknowledged" and "41 since the relay's start" in lines[2], out
    assert lines[3].startswith("pages      3 wait; ") and lines[7].startswith("ID  ") and lines[8].startswith("bbbb2222"), out
    assert "\033" not in out and "q quits" not in out
    relay.pagers = [{"name": "sre", "state": "paused", "waiting": 3, "oldest_at": ago(minutes=4)}]
    assert "pages      3 wait, the oldest for 4 min; paused: sre;" in tracepager("top", "--once", "--url", relay.url)[1]
    status, out, err = tracepager("top", "--once", "--url", f"http://127.0.0.1:{peers.free_port()}")
    assert status == 3 and not out and "cannot reach" in err, err
    locked = Relay(LIST, token=TOKEN)
    assert tracepager("top", "--once", "--url", locked.url)[0] == 1
    status, out, err = tracepager("top", "--url", relay.url)
    assert status == 2 and "--once" in err and not out, err
    assert tracepager("top", "--once", "--interval", "1ms")[0] == 2


def top_live():
    relay = Relay(LIST)
    top = Terminal("top", "--url", relay.url, "--interval", "200ms")
    frame = top.until("ID ")
    assert len(frame.splitlines()) == 24 and frame.splitlines()[-1] == "q quits, up and down choose, a acknowledges", frame
    assert all(len(line) + len(re.findall("[\u3000-\u9fff]", line)) <= 80 for line in frame.splitlines()), frame
    assert "\033[?1049h" in top.text
    assert frame.splitlines()[-2].startswith("bbbb2222"), frame
    top.press("\033[B")
    top.until(r"\nbbbb3333: acknowledged by ann\n")
    top.press("jj")  # the last one stays
    top.until(r"\naaaa1111")
    # A newer one comes: the chosen one stays chosen.
    relay.incidents = LIST + [incident("dddd4444", opened_at=ago(seconds=5))]
    frame = top.until("dddd4444")
    assert frame.splitlines()[-2].startswith("aaaa1111"), frame
    top.press("a")
    top.until(r"\nacknowledge aaaa1111 \(a disk is nearly full\)\? y/n")
    top.press("n")
    top.until(r"\nq quits")
    assert not relay.acts
    top.press("a")
    top.until(r"\nacknowledge aaaa1111")
    top.press("y")
    top.until(r"\nacknowledge: noted")
    assert [act[:2] for act in relay.acts] == [(LIST[0]["id"], "acknowledge")] and relay.acts[0][2]["who"].startswith("ann")
    top.resize(50, 12)
    os.kill(top.child.pid, signal.SIGWINCH)
    frame = top.until("ID ")
    while len(frame.splitlines()) != 12:
        frame = top.until("ID ")
    assert all(len(line) <= 50 for line in frame.splitlines()), frame
    top.press("q")
    assert top.ended() == 0


def top_is_suspended():
    relay = Relay(LIST)
    top = Terminal("top", "--url", relay.url, "--interval", "100ms")
    top.until("bbbb2222")
    os.kill(top.child.pid, signal.SIGTSTP)
    assert os.WIFSTOPPED(os.waitpid(top.child.pid, os.WUNTRACED)[1])
    assert termios.tcgetattr(top.theirs) == top.before
    top.read(1)
    assert top.text.endswith("\033[?1049l"), top.text[-100:]
    os.kill(top.child.pid, signal.SIGCONT)
    top.until("bbbb2222")
    assert termios.tcgetattr(top.theirs) != top.before
    top.press("q")
    assert top.ended() == 0


def top_outlives_the_relay():
    relay = Relay(LIST)
    top = Terminal("top", "--url", relay.url, "--interval", "100ms")
    top.until("bbbb2222")
    relay.away = True
    frame = top.until("trying again")
    assert "cannot reach" in frame and "bbbb2222" in frame and "last answer" in frame, frame
    relay.incidents, relay.away = [incident("eeee5555")], False
    frame = top.until("eeee5555")
    assert "trying again" not in frame
    for number in (signal.SIGTERM, signal.SIGINT):
        os.kill(top.child.pid, number)
        assert top.ended() == 0
        top = Terminal("top", "--url", relay.url, "--interval", "100ms")
        top.until("tracepager")
    top.press("q")
    assert top.ended() == 0


def a_real_relay():
    """From the page to the end of its incident, all from the terminal."""
    pager = peers.Pager()
    jaeger = peers.Peer(lambda request: (200, {}, json.dumps({"result": peers.shop_trace("0" * 30 + "a1")}).encode()))
    with token_file() as acting, token_file("another-token-that-may-read") as reading:
        tokens = f'tokens: [{{name: ann, file: "{acting.name}", may: act}}, {{name: dash, file: "{reading.name}", may: read}}]\n'
        daemon = peers.Daemon(pager.url, jaeger.url, config=tokens).start()
        try:
            place = {"TRACEPAGER_URL": f"http://127.0.0.1:{daemon.port}"}
            act = {**place, "TRACEPAGER_TOKEN_FILE": acting.name}
            read = {**place, "TRACEPAGER_TOKEN_FILE": reading.name}
            labels = {"alertname": "PlaceOrderErrors", "severity": "critical"}
            assert daemon.request("POST", "/webhook/am", peers.webhook((labels, "firing")))[0] == 202
            one = json.loads(peers.wait_for("the incident", lambda: tracepager("incidents", "--format", "json", **read)[1]))
            beginning = one["id"][:6]
            peers.wait_for("its page", lambda: pager.seen())
            assert tracepager("incidents", **place)[0] == 1  # without a token
            status, out, err = tracepager("incidents", "show", beginning, **read)
            assert status == 0 and "who has it  nobody yet" in out and "frontend > checkout > ledger" in out, (out, err)
            assert re.search(r"^  \d\d:\d\d:\d\d  opened", out, re.M), out
            assert re.search(r"^  next step   .*, in \d+ min: pages the fallback team sre$", out, re.M), out
            status, out, err = tracepager("incidents", "ack", beginning, **read)
            assert status == 1 and not out and reading.name in err and "dash" in err, err
            status, out, err = tracepager("incidents", "ack", beginning, "-m", "looking at it", "--who", "bob", **act)
            assert status == 0 and out.startswith(one["id"]) and "acknowledged" in out, (out, err)
            assert "ack bob" in tracepager("incidents", **read)[1] or "ack ann" in tracepager("incidents", **read)[1]
            assert tracepager("incidents", "comment", beginning, "-m", "a remark of mine", **act)[0] == 0
            assert tracepager("incidents", "useful", beginning, **act)[0] == 0
            out = tracepager("incidents", "show", beginning, **read)[1]
            assert "looking at it" in out and "a remark of mine" in out and "useful" in out, out
            assert tracepager("incidents", "reroute", beginning, "--team", "sre", "-m", "their disk", **act)[0] == 0
            assert json.loads(tracepager("incidents", "--format", "json", **read)[1])["team"] == "sre"
            status, out, err = tracepager("incidents", "reroute", beginning, "--team", "nobody", **act)
            assert status == 1 and "nobody" in err, err
            assert "1 incident: 1 open" in tracepager("top", "--once", **read)[1]
            assert tracepager("pause", "shop-pager", **act)[0] == 0
            assert re.search("^pages +0 wait; paused: shop-pager; ", tracepager("top", "--once", **read)[1], re.M)
            assert tracepager("incidents", "resolve", beginning, **act)[0] == 0
            peers.wait_for("its end", lambda: not tracepager("incidents", "--format", "json", **read)[1])
            assert beginning in tracepager("incidents", "--state", "closed", **read)[1]
            status, out, err = tracepager("incidents", "show", beginning, **read)
            assert status == 0 and ", closed: " in out and "resolved" in out, out
            status, out, err = tracepager("incidents", "ack", beginning, **act)
            assert status == 1 and "over" in err, err
        finally:
            daemon.finish()


def misuse():
    for arguments, told in [(["shwo"], 'did you mean "show"'), (["list", "aaaa"], "list takes no id"), (["ack"], "needs the id"),
                            (["show", "aaa"], "too short"), (["comment", "aaaa"], "-m TEXT"), (["ack", "aaaa", "--team", "x"], "--team"),
                            (["show", "aaaa", "--who", "x"], "--who"), (["ack", "aaaa", "--state", "open"], "--state")]:
        status, out, err = tracepager("incidents", *arguments)
        assert status == 2 and not out and told in err, (arguments, err)


if __name__ == "__main__":
    peers.run(list_for_people, list_fits_the_terminal, list_for_scripts, show_by_a_beginning, acts, tokens, strangers, misuse, top_once, top_live, top_is_suspended, top_outlives_the_relay, a_real_relay)
