#!/usr/bin/env python3
"""tracepager doctor: every kind of pager is asked without being paged, no secret is shown, the forms of its output, its exit statuses, and as whom
it looks. What it finds is in test_faults.py."""
import base64
import json
import os
import pwd
import re
import shutil
import socketserver
import subprocess
import tempfile
import threading

import peers

peers.skip_unless_wanted()
SECRETS = ("tg-secret", "xoxb-secret", "dc-secret", "mm-secret", "ntfy-secret", "am-secret", "ga-secret", "po-secret", "smtp-secret", "pd-secret",
           "hook-secret", "beat-secret")
NOBODY = 65534
ROOT = os.geteuid() == 0
ENVIRONMENT = {k: v for k, v in os.environ.items() if not k.startswith("TRACEPAGER_")}


class MailServer(socketserver.ThreadingTCPServer):
    """Greets, takes a login, and keeps every command."""

    allow_reuse_address = daemon_threads = True

    def __init__(self, password):
        self.commands, mail = [], self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                self.wfile.write(b"220 mail.example.com ESMTP\r\n")
                for line in self.rfile:
                    command = line.decode().strip()
                    mail.commands.append(command.split(" ")[0])
                    if command.startswith("EHLO"):
                        self.wfile.write(b"250-mail.example.com\r\n250 AUTH PLAIN\r\n")
                    elif command.startswith("AUTH PLAIN"):
                        given = base64.b64decode(command.split(" ")[2] if len(command.split(" ")) > 2 else self.challenge())
                        good = given.split(b"\0")[1:] == [b"tp", password.encode()]
                        self.wfile.write(b"235 welcome\r\n" if good else b"535 who are you?\r\n")
                    elif command == "QUIT":
                        self.wfile.write(b"221 bye\r\n")
                        return
                    else:
                        self.wfile.write(b"250 ok\r\n")

            def challenge(self):
                self.wfile.write(b"334 \r\n")
                return self.rfile.readline().strip()

        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()
        self.url = f"smtp://127.0.0.1:{self.server_address[1]}"


def service(request):
    """All services at one address: what each answers to a request that pages nobody; anything else is a page."""
    path, token = request["path"], request["headers"].get("Authorization", "")
    good = {"/bottg-secret/getMe": {"ok": True, "result": {"id": 1}}, "/auth.test": {"ok": token == "Bearer xoxb-secret"},
            "/hook/dc-secret": {"id": "1"}, "/api/v4/system/ping": {"status": "OK"}, "/v1/account": {"username": "tp"},
            "/api/v2/status": {"cluster": {}}, "/users/validate.json": {"status": 1}}.get(path)
    if path == "/health":
        return 200, {}, b"ok"
    if good is None and path.startswith(("/bot", "/hook/")):
        return 401, {"Content-Type": "application/json"}, b'{"ok": false}'
    if good is None:
        return 404, {}, b"no such path"
    return 200, {"Content-Type": "application/json"}, json.dumps(good).encode()


PAGERS = {
    "tg": 'kind: telegram, bot_token: tg-secret, chat_id: "1", url: "{url}"',
    "sl": 'kind: slack, token: xoxb-secret, channel: C1, url: "{url}"',
    "dc": 'kind: discord, webhook_url: "{url}/hook/dc-secret"',
    "mm": 'kind: mattermost, webhook_url: "{url}/hooks/mm-secret"',
    "nt": 'kind: ntfy, token: ntfy-secret, url: "{url}/topic"',
    "am": 'kind: alertmanager, bearer: am-secret, url: "{url}"',
    "ga": 'kind: goalert, token: ga-secret, url: "{url}"',
    "po": 'kind: pushover, token: po-secret, user_key: ann, url: "{url}/messages.json"',
    "pd": 'kind: pagerduty, routing_key: pd-secret, url: "{url}/v2/enqueue"',
    "wh": 'kind: webhook, secret: hook-secret, url: "{hook}/page"',
    "ma": 'kind: email, user: tp, password: {password}, from: tp@example.com, to: ann@example.com, url: "{mail}"',
    "co": "kind: console",
}


PLAIN = {"wh": 'kind: webhook, url: "{hook}/page"'}


class Place:
    def __init__(self, pagers=PAGERS, password="smtp-secret"):
        self.directory = tempfile.mkdtemp(prefix="tracepager-test-")
        self.services, self.hook, self.mail = peers.Peer(service), peers.Peer(service), MailServer("smtp-secret")
        values = {"url": self.services.url, "hook": self.hook.url, "mail": self.mail.url, "password": password}
        rules = "".join(f"  {name}: {{{text.format(**values)}}}\n" for name, text in pagers.items())
        self.write("rules.yaml", f"teams: {{sre: {{escalation: e}}}}\npagers:\n{rules}"
                   f"escalations: {{e: {{steps: [{{page: [{', '.join(pagers)}], wait: 10m}}]}}}}\nfallback: {{team: sre}}\n")
        self.write("heartbeat.url", peers.Peer(service).url + "/beat-secret\n")
        self.write("tracepager.yaml", f"listen: 127.0.0.1:{peers.free_port()}\nstore: {{path: {self.directory}/tracepager.db}}\n"
                   f"rules: {self.directory}/rules.yaml\nsenders: {{am: {{format: alertmanager}}}}\n"
                   f"heartbeat: {{url_file: {self.directory}/heartbeat.url}}\n")

    def write(self, name, text):
        with open(os.path.join(self.directory, name), "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(os.path.join(self.directory, name), 0o600)

    def doctor(self, *words, environment=None):
        done = subprocess.run([peers.BINARY, "doctor", "-c", self.directory + "/tracepager.yaml", *words], capture_output=True, encoding="utf-8",
                              timeout=peers.PATIENCE, check=False, env={**ENVIRONMENT, **(environment or {})})
        for secret in SECRETS:
            assert secret not in done.stdout + done.stderr, (secret, done.stdout, done.stderr)
        return done.returncode, done.stdout, done.stderr

    def results(self, *words):
        status, out, err = self.doctor("--format", "json", *words)
        assert err == "", err
        return status, json.loads(out)

    def __enter__(self):
        return self

    def __exit__(self, *args):
        shutil.rmtree(self.directory)


def pagers_are_asked_and_not_paged():
    with Place() as place:
        status, report = place.results("--only", "pager,dns,peer-certificates")
        levels = {r["about"]: r["level"] for r in report["results"] if r["check"] == "pager"}
        assert status == 0 and levels == {**{name: "ok" for name in PAGERS}, "co": "skipped"}, report
        texts = {r["about"]: r["text"] for r in report["results"]}
        assert "knows the key" in texts["tg"] and "knows the key" not in texts["ga"] and "user and password" in texts["ma"], texts
        assert "tracepager send --pager pd" in texts["pd"], texts
        asked = sorted({(r["method"], r["path"]) for r in place.services.seen()})
        assert asked == sorted([("GET", "/api/v2/status"), ("GET", "/api/v4/system/ping"), ("GET", "/auth.test"), ("GET", "/bottg-secret/getMe"),
                                ("GET", "/health"), ("GET", "/hook/dc-secret"), ("GET", "/v1/account"), ("POST", "/users/validate.json")]), asked
        assert place.hook.seen() == []  # a connection, and no request
        assert place.mail.commands == ["EHLO", "AUTH", "NOOP", "QUIT"], place.mail.commands


def refusals_are_told():
    wrong = {name: text.replace("tg-secret", "tg-old").replace("xoxb-secret", "xoxb-old").replace("dc-secret", "dc-old")
             for name, text in PAGERS.items() if name in ("tg", "sl", "dc", "ma")}
    with Place(wrong, "smtp-old") as place:
        status, report = place.results("--only", "pager")
        told = {r["about"]: r for r in report["results"]}
        assert status == 2 and all(told[name]["level"] == "failure" for name in wrong), report
        assert "check user and password" in told["ma"]["cure"] and "tracepager send --pager tg" in told["tg"]["cure"], told
        for old in ("tg-old", "xoxb-old", "dc-old", "smtp-old"):
            assert old not in json.dumps(report), old


def what_answers_must_be_the_service():
    """A 200 proves no service, and a key is blamed for what is said of keys only."""
    url, key = "compare the url of the pager", "take a new key"
    answers = ((200, b"<html>Please log in</html>", "page for people", url), (200, b"AAAA", "not the answer of Alertmanager", url),
               (302, b"", "redirects are not followed", url), (400, b"bad request", "HTTP 400", url), (404, b"", "HTTP 404", url),
               (403, b"", "HTTP 403", key), (503, b"", "HTTP 503", "look at the service"))
    answer = []
    with Place({"am": PAGERS["am"], "po": 'kind: pushover, token: po-secret, user_key: ann, url: "{url}"'}) as place:
        place.services.answer = lambda request: (answer[0][0], {}, answer[0][1])
        for answer[:] in ([a] for a in answers):
            _, report = place.results("--only", "pager")
            told = {r["about"]: r for r in report["results"]}
            assert told["am"]["level"] == "failure" and answer[0][2] in told["am"]["text"] and answer[0][3] in told["am"]["cure"], (answer, told)
            assert "must end in the path of messages.json" in told["po"]["text"] and told["po"]["level"] == "failure", told


def forms_and_statuses():
    with Place(PLAIN) as place:
        well = ("--only", "config,rules", "--only", "store", "--ignore", "config")
        assert place.doctor(*well, "--quiet") == (0, "", "")
        status, out, _ = place.doctor(*well)
        assert status == 0 and re.fullmatch(r"Configuration\n.*rules\nThe store\n.*store\n2 well, 0 warnings, 0 failures, 0 skipped; as \S+, in .*\n", out), out
        status, out, _ = place.doctor(*well, "--verbose")
        assert re.search(r"rules: 1 team, 0 services, 0 signals, 1 pager in\s+\S+rules\.yaml$", out, re.M), out
        status, out, _ = place.doctor(*well, "--format", "plugin")
        assert status == 0 and re.fullmatch(r"TRACEPAGER OK: 2 checks are well \| well=2 warnings=0 failures=0 skipped=0 time=\d+\.\d{3}s\n", out), out
        status, out, _ = place.doctor("--only", "source", "--format", "plugin")
        assert status == 3 and out.startswith("TRACEPAGER UNKNOWN: every check was skipped"), (status, out)
        status, out, _ = place.doctor("--only", "external-url", "--format", "plugin")
        assert status == 1 and out.startswith("TRACEPAGER WARNING: external-url: ") and "warning: external-url" in out, out
        status, report = place.results("--only", "external-url,config")
        found = [r for r in report["results"] if r["level"] != "ok"]
        assert (status, report["status"], report["version"]) == (1, "warning", 1) and report["counts"]["warning"] == 2, report
        assert [(r["check"], r["group"], r["code"]) for r in found] == [("config", "configuration", "C027"), ("external-url", "peers", "C032")], found
        status, out, err = place.doctor("--only", "sourc")
        assert status == 3 and out == "" and 'did you mean "source"' in err, err
        assert place.doctor("--token-file", "/nonexistent/token")[0] == 3
        status, out, _ = place.doctor("--list")
        assert status == 0 and re.findall(r"^[a-z][a-z-]+", out, re.M)[:2] == ["config", "rules"], out
        # It made nothing: no store, no lock.
        assert sorted(os.listdir(place.directory)) == ["heartbeat.url", "rules.yaml", "tracepager.yaml"], os.listdir(place.directory)


def the_receiver_of_own_traces_is_asked():
    """An export without spans: what it says to that, and that nothing else needs it."""
    answers = (((200, b""), "ok", "takes the relay's own traces", None), ((200, b"{}"), "ok", "takes the relay's own traces", None),
               ((200, b"\x0a\x04\x12\x02no"), "ok", "takes the relay's own traces", None),
               ((200, b"<!doctype html><html></html>"), "warning", "with a page (HTML)", "tracing.endpoint"),
               ((200, b"OK"), "warning", "no ExportTraceServiceResponse", "tracing.endpoint"), ((401, b"no"), "warning", "HTTP 401", "tracing.headers"),
               ((404, b"no"), "warning", "HTTP 404", "/v1/traces"), ((503, b"no"), "warning", "HTTP 503", "look at the receiver"))
    with Place(PLAIN) as place:
        answer = []
        receiver = peers.Peer(lambda request: (answer[0][0], {}, answer[0][1]))
        status, report = place.results("--only", "tracing")
        assert (status, [r["level"] for r in report["results"]]) == (0, ["skipped"]), report
        options = open(place.directory + "/tracepager.yaml", encoding="utf-8").read()
        place.write("tracing.headers", "x-tenant=tg-secret")
        place.write("tracepager.yaml", options + f"tracing: {{endpoint: {receiver.url}, headers_file: {place.directory}/tracing.headers}}\n")
        for answer[:], level, text, cure in ([[a], *rest] for a, *rest in answers):
            status, report = place.results("--only", "tracing")
            told, = report["results"]
            assert (told["level"], status) == (level, 0 if level == "ok" else 1) and text in told["text"] and (told["cure"] or "").find(cure or "") >= 0, told
        asked = receiver.seen()
        assert [(r["method"], r["path"], r["body"], r["headers"].get("x-tenant")) for r in asked] == [("POST", "/v1/traces", b"", "tg-secret")] * len(answers), asked
        place.write("tracepager.yaml", options + f"tracing: {{endpoint: 'http://127.0.0.1:{peers.free_port()}'}}\n")
        status, report = place.results("--only", "tracing")
        told, = report["results"]
        assert (status, told["level"]) == (1, "warning") and "refused" in told["text"], told


def a_directory_of_traces_that_cannot_be_read_is_told_once():
    """By the check `source`, as the finding of the options: with their line and its cure, and not once more by asking the source."""
    with Place(PLAIN) as place:
        os.chmod(place.directory, 0o755)
        os.mkdir(place.directory + "/data", 0o700)
        os.mkdir(place.directory + "/traces")
        os.mkdir(place.directory + "/closed", 0o700 if ROOT else 0)
        place.write("program", "#!/bin/sh\n")
        os.chmod(place.directory + "/program", 0o755)
        with open(place.directory + "/tracepager.yaml", encoding="utf-8") as f:
            options = f.read().replace("/tracepager.db", "/data/tracepager.db")
        if ROOT:  # root reads everything; doctor looks as the owner of the store
            for name in ("data", "rules.yaml", "heartbeat.url"):
                os.chown(f"{place.directory}/{name}", NOBODY, NOBODY)
        for name, text, cure in (("traces", None, None), ("gone", "No such file or directory", "make it, or name the directory"),
                                 ("closed", "cannot read the directory", "a directory that the relay's user can read"),
                                 ("program", "cannot read the directory", "a directory that the relay's user can read")):
            path = f"{place.directory}/{name}"
            place.write("tracepager.yaml", options + f"sources: {{f: {{kind: files, path: {path}}}}}\n")
            os.chmod(place.directory + "/tracepager.yaml", 0o644)
            for words in (("--only", "source"), ("--only", "config,source")):
                status, report = place.results(*words)
                told = [r for r in report["results"] if r["level"] not in ("ok", "skipped") and r["code"] != "C027"]
                if not text:
                    assert (status, told) == (0, []) and [r["level"] for r in report["results"] if r["check"] == "source"] == ["ok"], report
                    continue
                assert status == 2 and len(told) == 1, report
                assert (told[0]["check"], told[0]["level"], told[0]["code"], told[0]["line"]) == ("source", "failure", "C030", options.count("\n") + 1), told
                assert path in told[0]["text"] and text in told[0]["text"] and cure in told[0]["cure"], told
        os.chmod(place.directory + "/closed", 0o700)


def the_proxy_of_the_environment_is_obeyed():
    """In capitals too, as the relay does; what runs on this machine is asked directly anyhow."""
    proxy = peers.Peer(lambda request: (502, {}, b""))
    with Place({"am": 'kind: alertmanager, url: "http://127.0.0.2:9"'}) as place:
        for own, asked in (({}, True), ({"NO_PROXY": "127.0.0.2"}, False), ({"no_proxy": "127.0.0.2"}, False),
                           ({"no_proxy": "other.example", "NO_PROXY": "127.0.0.2"}, True)):
            before = len(proxy.seen())
            place.doctor("--only", "pager", environment={"http_proxy": proxy.url, **own})
            assert (len(proxy.seen()) > before) == asked, (own, proxy.seen())


def it_looks_as_the_owner_of_the_store():
    with Place({"wh": PAGERS["wh"]}) as place:
        if os.geteuid() != 0:
            status, report = place.results("--only", "user")
            assert (status, [r["level"] for r in report["results"]]) == (0, ["ok"]), report
            return
        os.chmod(place.directory, 0o755)
        place.write("key", "k\n")  # root's, and nobody else's
        place.write("tracepager.yaml", f"store: {{path: {place.directory}/data/tracepager.db}}\nrules: {place.directory}/rules.yaml\n"
                    f"senders: {{am: {{format: alertmanager, bearer_file: {place.directory}/key}},\n"
                    f"          of: {{format: alertmanager, bearer_file: {place.directory}/group.key}}}}\n")
        place.write("group.key", "k\n")  # the user's own group may read it, whatever group the store has
        os.chmod(place.directory + "/group.key", 0o640)
        os.chown(place.directory + "/group.key", 0, pwd.getpwnam("nobody").pw_gid)
        os.mkdir(place.directory + "/data", 0o700)
        os.chown(place.directory + "/data", NOBODY, 0)
        for name in ("rules.yaml", "tracepager.yaml"):
            os.chown(f"{place.directory}/{name}", NOBODY, NOBODY)
        status, report = place.results("--only", "user,config")
        told = [r["text"] for r in report["results"] if r["level"] == "failure"]
        assert report["user"] in ("nobody", str(NOBODY)) and status == 2, report
        assert len(told) == 1 and "Permission denied" in told[0] and "/key" in told[0], report


def rules_that_were_refused_are_told():
    """A relay runs with the rules before: doctor says so, and how to see what is wrong with the new ones. The rules of the disk are another check."""
    daemon = peers.Daemon(config="admin_token: hook-secret\n").start()
    try:
        def looked():
            done = subprocess.run([peers.BINARY, "doctor", "-c", daemon.directory + "/tracepager.yaml", "--format", "json", "--only", "reload"],
                                  capture_output=True, encoding="utf-8", timeout=peers.PATIENCE, check=False, env=ENVIRONMENT)
            told, = json.loads(done.stdout)["results"]
            return done.returncode, told["level"], told["text"], told["cure"] or ""

        def load(text):
            daemon.write("rules.yaml", text)
            return daemon.request("POST", "/-/reload", headers={"Authorization": "Bearer hook-secret"})[0]

        with open(daemon.directory + "/rules.yaml", encoding="utf-8") as f:
            good = f.read()
        assert looked()[:2] == (0, "ok")
        assert load(good.replace("owner: ledger", "owner: gardeners")) == 400
        status, level, text, cure = looked()
        assert (status, level) == (1, "warning") and "was not taken (invalid)" in text and "older ones are in force" in text, text
        assert f"tracepager check {daemon.directory}/rules.yaml" in cure and "systemctl reload tracepager" in cure, cure
        assert load(good) == 200
        assert looked()[:2] == (0, "ok")
    finally:
        daemon.finish()


def a_sender_with_a_wrong_token_is_told():
    """It posts nothing that could be kept: only the log knew of it."""
    daemon = peers.Daemon(config="admin_token: hook-secret\nsenders: {am: {format: alertmanager, bearer: hook-secret-2}}\n").start()
    try:
        def looked():
            done = subprocess.run([peers.BINARY, "doctor", "-c", daemon.directory + "/tracepager.yaml", "--format", "json", "--only", "rejected"],
                                  capture_output=True, encoding="utf-8", timeout=peers.PATIENCE, check=False, env=ENVIRONMENT)
            return done.returncode, json.loads(done.stdout)["results"]

        assert [r["level"] for r in looked()[1]] == ["ok"]
        for token in ("wrong", "worse"):
            assert daemon.request("POST", "/webhook/am", peers.webhook(({"alertname": "X"}, "firing")), {"Authorization": f"Bearer {token}"})[0] == 401
        status, (told,) = looked()
        assert status == 1 and told["level"] == "warning" and told["text"].startswith("2 requests of senders had no token or a wrong one"), told
    finally:
        daemon.finish()


def a_token_that_the_relay_does_not_know_is_told():
    daemon = peers.Daemon(config="admin_token: hook-secret\n").start()
    try:
        def looked(*words):
            done = subprocess.run([peers.BINARY, "doctor", "-c", daemon.directory + "/tracepager.yaml", "--format", "json", "--only",
                                   "relay,backlog,reload,rejected", *words], capture_output=True, encoding="utf-8", timeout=peers.PATIENCE,
                                  check=False, env=ENVIRONMENT)
            assert "hook-secret" not in done.stdout + done.stderr and done.stderr == "", done
            return done.returncode, {r["check"]: (r["level"], r["text"]) for r in json.loads(done.stdout)["results"]}

        status, told = looked()  # the token of the options
        assert status == 0 and {level for level, _ in told.values()} == {"ok"} and len(told) == 4, told
        daemon.write("other.token", "another-token\n")
        status, told = looked("--token-file", daemon.directory + "/other.token")
        assert status == 1 and told["relay"][0] == "ok" and told["backlog"][0] == "warning" and "HTTP 401" in told["backlog"][1], told
        status, told = looked("--url", f"http://127.0.0.1:{peers.free_port()}")
        assert status == 2 and told["relay"][0] == "failure" and "refused" in told["relay"][1], told
    finally:
        daemon.finish()


peers.run(a_sender_with_a_wrong_token_is_told, a_token_that_the_relay_does_not_know_is_told, rules_that_were_refused_are_told, a_directory_of_traces_that_cannot_be_read_is_told_once,
          pagers_are_asked_and_not_paged, refusals_are_told, what_answers_must_be_the_service, forms_and_statuses,
          it_looks_as_the_owner_of_the_store, the_receiver_of_own_traces_is_asked, the_proxy_of_the_environment_is_obeyed, at_once=2)
