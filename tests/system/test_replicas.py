#!/usr/bin/env python3
"""Replicas of monitoring: two Prometheus and two Alertmanagers, which disagree, stop, start again and lag. An observer computes from what was
posted and taken (2xx) when an alert fires by what its senders have told us, and from what the pager took when its incident is open. Wanted:
no second in which it fires and nothing is open (2 s are allowed for each thing), and no second trigger.

Each scenario is one alert of its own, so that all of them run side by side on the same four peers. Prometheus posts to a relay of the
test, which records, and sends each alert the way that its label says: straight to the daemon, to one shared Alertmanager, or to the
Alertmanager of that Prometheus' own. TP_LONG=1 stretches the times, and adds repeat intervals below and above expire_after (4 minutes)."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

import crowds
import peers

peers.skip_unless_wanted()
for program in ("prometheus", "prometheus-alertmanager"):
    if not shutil.which(program):
        print(f"skipped: {program} is not installed")
        sys.exit(77)

STRETCH = 4 if crowds.LONG else 1
END = 14 * STRETCH  # when everything stops firing
LAG = 6 * STRETCH   # by how much the second Alertmanager's replica stops later
HOLD = 6 * STRETCH
ALLOWED_S = 2
ALWAYS = ((0, END),)


# (alert, way, when it fires at the first Prometheus, when at the second): intervals in seconds.
SCENARIOS = [
    ("DirectOneFires", "direct", ALWAYS, ()),
    ("DirectFirstStops", "direct", ((0, END / 3),), ALWAYS),
    ("DirectSecondStops", "direct", ALWAYS, ((0, END / 3),)),
    ("DirectFlutter", "direct", ALWAYS, tuple((s, s + 1) for s in range(0, int(END), 2))),
    ("SharedOneFires", "shared", ALWAYS, ()),
    ("SharedFirstStops", "shared", ((0, END / 3),), ALWAYS),
    ("SharedSecondStops", "shared", ALWAYS, ((0, END * 0.8),)),  # when the first one has been restarted
    ("SharedFlutter", "shared", ALWAYS, tuple((s, s + 1) for s in range(0, int(END), 2))),
    ("OwnSecondLags", "own", ((0, END - LAG),), ALWAYS),
    ("OwnFirstLags", "own", ALWAYS, ((0, END - LAG),)),
    ("NamedSecondLags", "named", ((0, END - LAG),), ALWAYS),  # as the two above, each Alertmanager declared as a sender
    ("NamedFirstLags", "named", ALWAYS, ((0, END - LAG),)),
]


class Word:
    """One alert in one body that the daemon took."""

    def __init__(self, at, source, alert, api):
        self.at, self.api, self.name = at, api, alert["labels"]["alertname"]
        self.starts, ends = alert.get("startsAt", ""), alert.get("endsAt", "")
        self.until = ends
        self.began = crowds.unix_time(self.starts) if self.starts else at
        self.source = (source, alert.get("generatorURL", "")) if api else (source,)
        self.ends = crowds.unix_time(ends) if ends and not ends.startswith("0001") else at + 86400
        self.firing = self.ends > at if api else alert["status"] == "firing"
        if not api and self.firing:
            self.ends = at + 86400


class Recorder:
    """Stands before the daemon: keeps every alert that was taken, with its time."""

    def __init__(self, daemon):
        self.daemon, self.words, self.lock = daemon, [], threading.Lock()

    def post(self, path, body):
        """The daemon's status; 503 while it is dead, which is what a proxy says."""
        try:
            status = self.daemon.request("POST", path, body, timeout=10)[0]
        except OSError:
            return 503
        except peers.http.client.HTTPException:
            return 503
        if status in (200, 202):
            document, api = json.loads(body), path == "/api/v2/alerts"
            with self.lock:
                now = time.time()
                self.words += [Word(now, "api" if api else path, alert, api) for alert in (document if api else document["alerts"])]
        return status

    def fires(self, name, until):
        """Intervals in which the alert fires by what was told, and whether that is in doubt. Each copy (of the API: source and start; of a
        webhook: sender) fires until it is told to have ended, or ends by itself. A webhook's end of an earlier start is none: an Alertmanager
        that merged two Prometheus says so of the one while the other fires on. Where it is the last word, the daemon waits for another."""
        copies, spans, doubt = {}, [], False
        for word in sorted((w for w in self.words if w.name == name), key=lambda w: w.at):
            key = word.source + ((word.starts,) if word.api else ())
            begun = copies.pop(key, None)
            doubt = bool(begun and not word.api and not word.firing and word.ends < begun[2])
            if doubt:
                copies[key] = begun
                continue
            if begun:
                spans.append((begun[0], min(begun[1], word.at)))
            if word.firing:
                copies[key] = (word.at, word.ends, word.began)
        spans += [(begun, min(ends, until)) for begun, ends, _ in copies.values()]
        return union(spans), doubt


def union(spans):
    out = []
    for begun, ended in sorted(spans):
        if ended <= begun:
            continue
        if out and begun <= out[-1][1] + 0.001:
            out[-1] = (out[-1][0], max(out[-1][1], ended))
        else:
            out.append((begun, ended))
    return out


def seconds_without(spans, others):
    """How long the spans are outside of the others."""
    total = sum(ended - begun for begun, ended in spans)
    return total - sum(max(0, min(e1, e2) - max(b1, b2)) for b1, e1 in spans for b2, e2 in others)


def open_spans(pager, name, until):
    """From each trigger of an incident of the alert to its resolve; and how many incidents there were."""
    spans = []
    for (key, _), (at, event) in pager.first_triggers().items():
        if name in event["payload"]["custom_details"]["alerts"]:
            resolved = [at for at, _ in pager.taken(key=key, action="resolve")]
            spans.append((at, resolved[0] if resolved else until))
    return union(spans), len(spans)


class Replica:
    """A Prometheus with a page of ours to scrape, whose numbers follow the scenarios."""

    def __init__(self, number, directory, relay_port, begun):
        self.number, self.directory, self.begun, self.child = number, os.path.join(directory, f"p{number}"), begun, None
        os.mkdir(self.directory)
        self.page, self.port = peers.Peer(self.show), peers.free_port()
        groups = "".join(f"  - name: {name}\n    interval: 1s\n    rules:\n      - alert: {name}\n        expr: fires{{scenario=\"{name}\"}} > 0\n"
                         f"        labels: {{severity: error, way: {way}}}\n" for name, way, _, _ in SCENARIOS)
        self.write("alerts.yml", "groups:\n" + groups)
        self.write("prometheus.yml", "global: {scrape_interval: 500ms, scrape_timeout: 500ms, evaluation_interval: 1s}\n"
                   f"rule_files: [{self.directory}/alerts.yml]\n"
                   f"alerting: {{alertmanagers: [{{static_configs: [{{targets: ['127.0.0.1:{relay_port}']}}]}}]}}\n"
                   "scrape_configs: [{job_name: fleet, metric_relabel_configs: [{regex: 'instance|job', action: labeldrop}], static_configs: "
                   f"[{{targets: ['127.0.0.1:{self.page.port}']}}]}}]\n")
        self.log = open(os.path.join(self.directory, "log"), "ab")
        self.start()

    def write(self, name, text):
        with open(os.path.join(self.directory, name), "w", encoding="utf-8") as f:
            f.write(text)

    def show(self, request):
        now = time.time() - self.begun()
        lines = "".join(f'fires{{scenario="{row[0]}"}} {int(any(a <= now < b for a, b in row[1 + self.number]))}\n' for row in SCENARIOS)
        return 200, {"Content-Type": "text/plain"}, lines.encode()

    def start(self):
        self.child = subprocess.Popen(["prometheus", f"--config.file={self.directory}/prometheus.yml", f"--web.listen-address=127.0.0.1:{self.port}",
                                       f"--web.external-url=http://replica{self.number}", "--web.route-prefix=/",
                                       f"--storage.tsdb.path={self.directory}/data", "--rules.alert.resend-delay=1s"],
                                      stdout=self.log, stderr=self.log)

    def is_ready(self):
        return is_up(f"http://127.0.0.1:{self.port}/-/ready")

    def stop(self):
        self.child.kill()
        self.child.wait()


def is_up(url):
    try:
        with urllib.request.urlopen(url, timeout=5) as reply:
            return reply.status == 200
    except OSError:
        return False


class Alertmanager:
    """Sends each alert to the receiver that its way says."""

    def __init__(self, number, directory, recorder_port, repeat="1s"):
        self.number, self.directory, self.port = number, os.path.join(directory, f"am{number}"), peers.free_port()
        os.mkdir(self.directory)
        url = f"http://127.0.0.1:{recorder_port}/webhook"
        with open(os.path.join(self.directory, "am.yml"), "w", encoding="utf-8") as f:
            f.write(f"route:\n  receiver: am\n  group_by: [alertname]\n  group_wait: 0s\n  group_interval: 1s\n  repeat_interval: {repeat}\n"
                    f"  routes: [{{receiver: named, matchers: ['way=named']}}]\nreceivers:\n"
                    f"  - {{name: am, webhook_configs: [{{url: '{url}/am', send_resolved: true}}]}}\n"
                    f"  - {{name: named, webhook_configs: [{{url: '{url}/am{number}', send_resolved: true}}]}}\n")
        self.log = open(os.path.join(self.directory, "log"), "ab")
        self.start()

    def start(self):
        self.child = subprocess.Popen(["prometheus-alertmanager", f"--config.file={self.directory}/am.yml",
                                       f"--web.listen-address=127.0.0.1:{self.port}", f"--storage.path={self.directory}/data",
                                       "--cluster.listen-address="], stdout=self.log, stderr=self.log)

    def is_ready(self):
        return is_up(f"http://127.0.0.1:{self.port}/-/ready")

    def post(self, alerts):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/api/v2/alerts", json.dumps(alerts).encode(),
                                         {"Content-Type": "application/json"})
        try:
            urllib.request.urlopen(request, timeout=10).close()
        except OSError:
            pass  # it is being restarted

    def stop(self):
        """It writes down what it has told. One that is killed forgets that, and never tells the end of what it had told to fire."""
        self.child.terminate()
        self.child.wait()


def split(recorder, number, alertmanagers, request):
    """What Prometheus posts goes the way of each alert."""
    alerts = json.loads(request["body"])
    by_way = {}
    for alert in alerts:
        way = alert["labels"]["way"]
        by_way.setdefault("own" if way == "named" else way, []).append(alert)
    status = 200
    if "direct" in by_way:
        status = recorder.post("/api/v2/alerts", json.dumps(by_way["direct"]))
    if "shared" in by_way:
        alertmanagers[0].post(by_way["shared"])
    if "own" in by_way:
        alertmanagers[number].post(by_way["own"])
    return status, {}, b""


class World:
    """The daemon with its recorder, and a pager; peers that a test adds."""

    def __init__(self, config="", hold=HOLD):
        self.pager = crowds.TimedPager()
        self.daemon = peers.Daemon(self.pager.url, rules=peers.RULES.replace("resolve_hold: 0s", f"resolve_hold: {hold}s"), config=config
                                   + "senders: {am: {format: alertmanager}, am1: {format: alertmanager}, am2: {format: alertmanager}}\n")
        self.daemon.start()
        self.recorder = Recorder(self.daemon)
        self.before = peers.Peer(lambda request: (self.recorder.post(request["path"], request["body"]), {}, b""))
        self.directory, self.children = tempfile.mkdtemp(prefix="tracepager-replicas-"), []

    def restart(self):
        """kill -9, and again."""
        self.daemon.kill()
        self.daemon.start()

    def judge(self, name, alerts):
        """Of each alert: seconds that fired without an incident, triggers; the worst are told. Fails where they are too many."""
        now, worst, more, bad = time.time(), 0.0, 0, []
        for alert in alerts:
            fires, doubt = self.recorder.fires(alert, now)
            spans, triggers = open_spans(self.pager, alert, now)
            without = seconds_without(fires, spans)
            worst, more = max(worst, without), more + max(0, triggers - 1)
            if not fires or without > ALLOWED_S or triggers != 1 or (spans[-1][1] == now) != doubt:
                bad.append(f"{alert}: fires {[(round(a - now, 1), round(b - now, 1)) for a, b in fires]}, open "
                           f"{[(round(a - now, 1), round(b - now, 1)) for a, b in spans]}, {triggers} triggers, {without:.1f} s without; words: "
                           + "; ".join(f"{w.at - now:.1f} {'fires' if w.firing else 'ended'} since {w.starts} until {w.until}" for w in self.recorder.words
                                       if w.name == alert))
        crowds.figures(name, alerts=len(alerts), words=len([w for w in self.recorder.words if w.name in alerts]),
                       worst_s_firing_and_nothing_open=worst, triggers_beyond_one=more)
        assert not bad, "\n".join(bad)

    def finish(self):
        for child in self.children:
            child.stop()
        self.daemon.finish()
        shutil.rmtree(self.directory)


def wait_for_resolves(world, alerts, patience):
    """Where they do not come, the judgement tells more than that."""
    try:
        peers.wait_for("the resolves", lambda: resolved(world, alerts), patience)
    except AssertionError:
        pass


def resolved(world, alerts):
    """Everything was told to have ended and the pager knows; what is in doubt stays open for half an hour."""
    now = time.time()
    for alert in alerts:
        fires, doubt = world.recorder.fires(alert, now)
        spans, _ = open_spans(world.pager, alert, now)
        if not fires or not spans or not doubt and (fires[-1][1] >= now or spans[-1][1] >= now):
            return False
    return True


def replicas():
    """All scenarios side by side, with a restart of each program in the middle."""
    world, begun = World(), [None]
    try:
        alertmanagers = [Alertmanager(i + 1, world.directory, world.before.port) for i in range(2)]
        world.children += alertmanagers
        relays = [peers.Peer(lambda request, i=i: split(world.recorder, i, alertmanagers, request)) for i in range(2)]
        prometheus = [Replica(i + 1, world.directory, relays[i].port, lambda: begun[0] or time.time() + 3600) for i in range(2)]
        world.children += prometheus
        peers.wait_for("the peers", lambda: all(c.is_ready() for c in world.children), 120)
        begun[0] = time.time()

        def at(part, what):
            threading.Event().wait(max(0, begun[0] + END * part - time.time()))
            what()

        def again(peer):
            peer.stop()
            peer.start()

        at(0.3, lambda: again(prometheus[0]))
        at(0.6, lambda: again(alertmanagers[0]))
        at(0.7, world.restart)
        names = [row[0] for row in SCENARIOS]
        wait_for_resolves(world, names, 60 + 2 * END)
        world.judge("replicas", names)
    finally:
        world.finish()


def words_by_hand():
    """Two copies of one alert, of which one goes on firing while the other is told as ended again and again: each way round. By hand, since
    no Prometheus does it to order; the times are those of a real pair, shrunk by 15 to 30."""
    world = World(hold=3)
    names = ("FirstGoesOn", "SecondGoesOn")
    try:
        for name, fires_on in zip(names, (100, 101)):
            started = time.time()

            def post(start, ends, name=name, started=started):
                body = [{"labels": {"alertname": name, "service": "c"}, "startsAt": crowds.rfc3339(started - start),
                         "endsAt": crowds.rfc3339(ends)}]
                assert world.recorder.post("/api/v2/alerts", json.dumps(body)) == 200

            ended = 201 - fires_on
            post(100, started + 16)
            post(101, started + 16)
            threading.Event().wait(0.2)
            post(ended, started - 1)
            for _ in range(8):
                post(fires_on, time.time() + 16)
                threading.Event().wait(0.3)
                post(ended, started - 1)
                threading.Event().wait(0.3)
            post(fires_on, time.time() - 0.01)
        wait_for_resolves(world, names, 30)
        world.judge("words by hand", names)
    finally:
        world.finish()


def repeats():
    """Alertmanager repeats below and above expire_after, whose least is a minute. Above it the first silence ends the alert once, since
    nobody can know the interval; from then on it is known. Only in the long form: 4 minutes."""
    below, above = World(config="expire_after: 1m\n", hold=3), World(config="expire_after: 1m\n", hold=3)
    stop = threading.Event()
    try:
        pairs = [(below, "30s"), (above, "90s")]
        alertmanagers = [Alertmanager(i + 1, world.directory, world.before.port, repeat) for i, (world, repeat) in enumerate(pairs)]
        for (world, _), alertmanager in zip(pairs, alertmanagers):
            world.children.append(alertmanager)
        peers.wait_for("the Alertmanagers", lambda: all(a.is_ready() for a in alertmanagers), 60)
        started, alert = time.time(), {"alertname": "Repeats", "severity": "error", "way": "shared"}
        while time.time() < started + 290:
            for alertmanager in alertmanagers:
                alertmanager.post([{"labels": alert, "startsAt": crowds.rfc3339(started), "endsAt": crowds.rfc3339(time.time() + 60)}])
            stop.wait(10)
        for name, world in (("repeats below expire_after", below), ("repeats above expire_after", above)):
            now = time.time()
            spans, triggers = open_spans(world.pager, "Repeats", now)
            crowds.figures(name, triggers=triggers, s_firing_and_nothing_open=seconds_without(world.recorder.fires("Repeats", now)[0], spans))
            assert triggers == (1 if world is below else 2), triggers
    finally:
        below.finish()
        above.finish()


peers.run(replicas, words_by_hand, *([repeats] if crowds.LONG else []), at_once=3)
