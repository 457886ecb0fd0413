#!/usr/bin/env python3
"""The daemon's options: secrets that are read again at a reload, and what a reload cannot change."""
import json
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import peers  # noqa: E402

peers.skip_unless_wanted()
KEYED = """senders:
  am: {{format: alertmanager, bearer_file: {0}/am.token}}
  open: {{format: alertmanager}}
admin_token_file: {0}/admin.token
"""


class Daemon(peers.Daemon):
    """A sender's token and the admin's come from files."""

    def __init__(self):
        super().__init__(config="senders:")
        self.options = open_text(self, "tracepager.yaml").replace("senders:\n", "").removesuffix("senders:")
        self.options += KEYED.format(self.directory)
        self.write("am.token", "am-1\n")
        self.write("admin.token", "admin-1\n")
        self.write("tracepager.yaml", self.options)

    def post(self, token, sender="am"):
        return self.request("POST", "/webhook/" + sender, peers.webhook(({"alertname": "DiskFull"}, "firing")),
                            {"Authorization": "Bearer " + token})[0]

    def reload(self, token):
        return self.request("POST", "/-/reload", headers={"Authorization": "Bearer " + token})[:2]


def open_text(daemon, name):
    with open(os.path.join(daemon.directory, name), encoding="utf-8") as f:
        return f.read()


def secrets_are_read_again():
    daemon = Daemon().start()
    try:
        assert (daemon.post("am-1"), daemon.post("am-2")) == (202, 401)
        daemon.write("am.token", "am-2\n")
        daemon.write("admin.token", "admin-2\n")
        assert daemon.reload("admin-2")[0] == 401
        status, text = daemon.reload("admin-1")
        assert status == 200 and "senders.am.bearer_file: the new secret is in force\n" in text, (status, text)
        assert "admin_token_file: the new secret is in force\n" in text and "am-2" not in text, text
        assert (daemon.post("am-1"), daemon.post("am-2")) == (401, 202)
        assert daemon.reload("admin-1")[0] == 401
        status, text = daemon.reload("admin-2")
        assert status == 200 and "secret" not in text and "changed" not in text, (status, text)
        daemon.write("am.token", "am-3\n")
        daemon.child.send_signal(signal.SIGHUP)
        peers.wait_for("the new token", lambda: daemon.post("am-3") == 202)
        assert "am-3" not in daemon.log_text() and "option=senders.am.bearer_file" in daemon.log_text()
    finally:
        daemon.finish()


def secrets_in_the_options_are_read_again():
    """A changed value is taken; that a token comes or goes changes who may do what, and is told as a restart's."""
    daemon = Daemon()
    inline = daemon.options.replace(f"bearer_file: {daemon.directory}/am.token", "bearer: am-1") \
        .replace(f"admin_token_file: {daemon.directory}/admin.token", "admin_token: admin-1")
    daemon.write("tracepager.yaml", inline)
    daemon.start()
    try:
        assert (daemon.post("am-1"), daemon.post("am-2")) == (202, 401)
        daemon.write("tracepager.yaml", inline.replace("am-1", "am-2").replace("admin-1", "admin-2"))
        status, text = daemon.reload("admin-1")
        assert status == 200 and "admin_token: the new secret is in force\n" in text, (status, text)
        assert "senders.am.bearer: the new secret is in force\n" in text and "restart" not in text and "am-2" not in text, text
        assert (daemon.post("am-1"), daemon.post("am-2")) == (401, 202)
        assert daemon.reload("admin-1")[0] == 401
        daemon.write("tracepager.yaml", inline.replace("bearer: am-1, ", "").replace(", bearer: am-1", ""))
        status, text = daemon.reload("admin-2")
        assert "senders.am changed: restart to take it" in text and "admin_token: the new secret" in text, (status, text)
        assert daemon.post("am-2") == 202 and daemon.reload("admin-1")[0] == 200
        assert "am-2" not in daemon.log_text() and "admin-2" not in daemon.log_text()
    finally:
        daemon.finish()


TOKENS = """tokens:
  - {{name: ann, file: {0}/ann.token, may: act}}
  - {{name: grafana, token: grafana-1, may: read}}
link_key_file: {0}/link.keys
"""


def tokens_have_rights_and_are_read_again():
    """A token of the API may read, or act too; its secret and the keys of links are read again at a reload."""
    daemon = Daemon()
    daemon.options += TOKENS.format(daemon.directory)
    daemon.write("ann.token", "ann-1\n")
    daemon.write("link.keys", "0123456789abcdef0123456789abcdef\n")
    daemon.write("tracepager.yaml", daemon.options)
    daemon.start()

    def rules(token):
        return daemon.request("GET", "/api/v1/rules", headers={"Authorization": "Bearer " + token} if token else {})

    try:
        for token in ("admin-1", "ann-1", "grafana-1"):
            assert rules(token)[0] == 200, token
        for token in (None, "ann-2", "ann-", "am-1"):
            status, text, headers = rules(token)
            problem = json.loads(text)
            assert status == 401 and headers["Content-Type"] == "application/problem+json" and headers["WWW-Authenticate"] == "Bearer"
            assert problem["status"] == 401 and problem["title"] == "Unauthorized" and "Authorization: Bearer" in problem["detail"]
            assert problem["error"] == problem["detail"] and problem["type"] == "about:blank", problem
        status, text = daemon.reload("grafana-1")
        assert status == 403 and "the API token grafana may read only" in json.loads(text)["error"], (status, text)
        daemon.write("ann.token", "ann-2\n")
        daemon.write("link.keys", "fedcba9876543210fedcba9876543210\n0123456789abcdef0123456789abcdef\n")
        daemon.write("tracepager.yaml", daemon.options.replace("grafana-1", "grafana-2"))
        status, text = daemon.reload("ann-1")
        for told in ("tokens.ann.file", "tokens.grafana.token", "link_key_file"):
            assert status == 200 and f"{told}: the new secret is in force\n" in text, (status, text)
        assert [rules(token)[0] for token in ("ann-1", "ann-2", "grafana-1", "grafana-2")] == [401, 200, 401, 200]
        daemon.write("link.keys", "short\n")
        daemon.write("tracepager.yaml", daemon.options.replace("may: read", "may: act"))
        status, text = daemon.reload("ann-2")
        assert status == 400 and "less than 32 characters" in text and "the old keys stay in force" in text, (status, text)
        assert "tokens.grafana changed: restart to take it" in text and daemon.reload("grafana-1")[0] == 403, text
        log = daemon.log_text()
        assert not re.search(r"(ann|grafana|admin)-[12]|0123456789abc", log), log
    finally:
        daemon.finish()


def unreadable_secret_keeps_the_old():
    daemon = Daemon().start()
    try:
        for text, why in ((None, "No such file"), ("\n", "empty first line"), ("a b\n", "a character that a token cannot have")):
            if text is None:
                os.remove(os.path.join(daemon.directory, "am.token"))
            else:
                daemon.write("am.token", text)
            status, told = daemon.reload("admin-1")
            assert status == 400 and why in told, (why, status, told)
            assert "senders.am.bearer_file: " in told and "the old secret stays in force\n" in told, told
            assert daemon.post("am-1") == 202 and "the old secret stays in force" in daemon.log_text()
        daemon.write("am.token", "am-1\n")
        assert daemon.reload("admin-1")[0] == 200
    finally:
        daemon.finish()


def a_placeholder_is_no_secret_beyond_loopback():
    """A start refuses it and a reload keeps the old secret; on loopback a start warns."""
    daemon = Daemon()
    loopback = daemon.options.replace("  open: {format: alertmanager}\n", "")
    beyond = loopback.replace("listen: 127.0.0.1:", "listen: \":").replace(f":{daemon.port}\n", f":{daemon.port}\"\n")
    assert beyond != loopback and "listen: \":" in beyond, beyond
    daemon.write("tracepager.yaml", beyond)
    daemon.start()
    try:
        for name, old in (("am.token", "am-1\n"), ("admin.token", "admin-1\n")):
            daemon.write(name, "CHANGE-ME\n")
            status, told = daemon.reload("admin-1")
            assert status == 400 and "holds a placeholder" in told and "the old secret stays in force\n" in told, (status, told)
            assert daemon.post("am-1") == 202 and daemon.post("CHANGE-ME") == 401 and daemon.reload("CHANGE-ME")[0] == 401
            daemon.write(name, old)
        assert daemon.reload("admin-1")[0] == 200
        daemon.write("am.token", "CHANGE-ME\n")
    finally:
        daemon.stop()
    done = subprocess.run([peers.BINARY, "run", "-c", daemon.directory + "/tracepager.yaml"], capture_output=True, encoding="utf-8",
                          timeout=peers.PATIENCE, check=False)
    assert done.returncode == 1 and "C054" in done.stderr and "CHANGE-ME" not in done.stderr, done
    daemon.write("tracepager.yaml", loopback)
    daemon.start()
    try:
        assert daemon.post("CHANGE-ME") == 202 and "C054" in daemon.log_text()
    finally:
        daemon.finish()


def other_changes_are_told_by_name():
    daemon = Daemon().start()
    try:
        port = f"127.0.0.1:{daemon.port}"
        changed = daemon.options.replace(port, "127.0.0.1:1").replace("tracepager.db", "other.db") \
            .replace("am.token", "other.token").replace("  open:", "  opened:")
        daemon.write("tracepager.yaml", changed + "log_level: debug\nrules_watch: false\nenrich_late: 2m\n"
                     "sources: {jaeger: {kind: jaeger, url: \"http://127.0.0.1:1\"}}\n")
        status, text = daemon.reload("admin-1")
        told = {line.split(" changed: ")[0] for line in text.splitlines() if line.endswith(" changed: restart to take it")}
        assert status == 200 and told == {"listen", "store.path", "rules_watch", "enrich_late", "senders.am",
                                          "senders.open", "senders.opened", "sources.jaeger"}, (status, text)
        assert "log_level: debug is in force" in text and "msg=\"the log level changes\" from=info to=debug" in daemon.log_text(), text
        assert "option=listen" in daemon.log_text() and daemon.post("am-1") == 202
        # A file that a restart could not read is told, and changes nothing.
        daemon.write("tracepager.yaml", daemon.options + "listne: 1\n")
        status, text = daemon.reload("admin-1")
        assert status == 400 and "C001" in text and "the old options stay in force" in text, (status, text)
        assert daemon.post("am-1") == 202
        daemon.write("tracepager.yaml", daemon.options)
        assert daemon.reload("admin-1")[0] == 200
    finally:
        daemon.finish()


RULES = """teams: {shop: {escalation: shop}}
pagers: {out: {kind: webhook, url: "http://127.0.0.1:1/page"}}
escalations: {shop: {steps: [{page: [out]}]}}
fallback: {team: shop}
"""


class Place:
    """A directory with options and rules, for run --check."""

    def __init__(self, options, rules=RULES):
        self.directory = tempfile.mkdtemp(prefix="tracepager-test-")
        os.chmod(self.directory, 0o700)
        self.write("rules.yaml", rules)
        self.options = options
        self.write("tracepager.yaml", options.format(self.directory))

    def write(self, name, text, mode=0o600):
        path = os.path.join(self.directory, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(path, mode)

    def check(self):
        """The exit status, and code and line of each finding."""
        done = subprocess.run([peers.BINARY, "run", "--check", "-c", os.path.join(self.directory, "tracepager.yaml")],
                              capture_output=True, encoding="utf-8", timeout=peers.PATIENCE, check=False)
        self.text = done.stdout + done.stderr
        return done.returncode, re.findall(r"^.*/(\w+\.yaml)(?::(\d+))?[:\d]*: \w+\[(\w+)\]", self.text, re.M)

    def __enter__(self):
        return self

    def __exit__(self, *args):
        shutil.rmtree(self.directory)


SOUND = """listen: 127.0.0.1:0
external_url: https://tracepager.shop.example
store: {{path: {0}/tracepager.db}}
rules: {0}/rules.yaml
senders: {{am: {{format: alertmanager}}}}
sources: {{files: {{kind: files, path: {0}}}}}
"""


def check_tells_all_in_one_pass():
    taken = socket.create_server(("127.0.0.1", 0))
    with Place(SOUND) as place:
        assert place.check() == (0, []) and place.text == "1 sender, 1 source; rules of 1 file, 1 team, 1 pager, 0 services, 0 signals: no problem\n", place.text
    bad = f"""listen: 127.0.0.1:{taken.getsockname()[1]}
store: {{{{path: {{0}}/gone/tracepager.db}}}}
rules: {{0}}/rules.yaml
admin_token: in-the-open
senders:
  am: {{{{format: alertmanager, bearer_file: {{0}}/gone.token}}}}
  empty: {{{{format: alertmanager, bearer_file: {{0}}/empty.token}}}}
  wide: {{{{format: alertmanager, bearer_file: {{0}}/wide.token}}}}
  misspelt: {{{{format: alertmanager, baerer: s3cret}}}}
  inline: {{{{format: alertmanager, basic: {{{{username: am, password: in-the-open-too}}}}}}}}
"""
    with Place(bad, RULES.replace("team: shop", "team: shpo")) as place:
        place.write("empty.token", "")
        place.write("wide.token", "token\n", 0o644)
        status, told = place.check()
        assert status == 1 and told == [
            ("rules.yaml", "4", "E012"), ("tracepager.yaml", "", "C027"), ("tracepager.yaml", "", "C032"), ("tracepager.yaml", "1", "C025"),
            ("tracepager.yaml", "2", "C024"), ("tracepager.yaml", "4", "C029"), ("tracepager.yaml", "6", "C004"),
            ("tracepager.yaml", "7", "C004"), ("tracepager.yaml", "8", "C028"), ("tracepager.yaml", "9", "C001"),
            ("tracepager.yaml", "10", "C029")], place.text
        assert "1 pager, 0 services, 0 signals: 6 errors, 5 warnings; a start would fail\n" in place.text, place.text
        for secret in ("in-the-open", "in-the-open-too", "s3cret"):
            assert secret not in place.text, place.text
        for cure in ("take another port", f"mkdir -p {place.directory}/gone", f"chmod 600 {place.directory}/wide.token",
                     "admin_token_file: ", "add: sources: ", "write the secret on the first line"):
            assert cure in place.text, (cure, place.text)
    taken.close()
    with Place("rules: {0}/rules.yaml\nstore: {{path: {0}/tracepager.db}}\nexternal_url: http://a\nlisten: 127.0.0.1:0\nsenders: {{am: {{format: alertmanager}}}}\n"
               "sources: {{f: {{kind: files, path: {0}/none}}, g: {{kind: files, path: {0}}}, h: {{kind: jaeger, url: \"http://[::1]:16686\"}}}}\n") as place:
        status, told = place.check()
        assert status == 1 and told == [("tracepager.yaml", "6", "C030")] and f"{place.directory}/none" in place.text, place.text
    with Place("rules: {0}/rules.yaml\nstore: {{path: {0}/tracepager.db}}\nlisten: 127.0.0.1:0\n") as place:
        status, told = place.check()
        assert status == 0 and [code for _, _, code in told] == ["C027", "C027", "C032"], place.text
        assert "0 senders, 0 sources; rules of 1 file, 1 team, 1 pager, 0 services, 0 signals: 3 warnings; a start would succeed\n" in place.text, place.text
        assert "pages have no links to acknowledge them" in place.text and "add: external_url: https://" in place.text, place.text


def wrong_depth_is_told_once():
    """Members beside their sender or source, and a section among senders: one finding, and how to indent."""
    for options, place_of, cure in (
            ("senders:\n  am:\n  format: alertmanager\n  bearer: t\n", ("2", "C002"), 'indent "format" deeper than "am"'),
            ("senders:\n  am: {{format: alertmanager}}\n  heartbeat: 5m\n  group: a\n", ("3", "C001"), "deeper than the sender that it belongs to"),
            ("senders:\n  am: {{format: alertmanager}}\n  sources:\n    j: {{kind: jaeger, url: \"http://[::1]:16686\"}}\n", ("3", "C001"),
             'at the column where "senders" begins'),
            ("sources:\n  j:\n  kind: jaeger\n  url: \"http://[::1]:16686\"\n", ("2", "C002"), 'indent "kind" deeper than "j"')):
        with Place(options + "listen: 127.0.0.1:0\nexternal_url: http://a\nrules: {0}/rules.yaml\nstore: {{path: {0}/tracepager.db}}\n"
                   ) as place:
            status, told = place.check()
            told = [finding[1:] for finding in told if finding[2] not in ("C027", "C029")]
            assert (status, told) == (1, [place_of]) and cure in place.text, place.text
            assert not ("sources:" in options and "no sources" in place.text), place.text


def check_as_root_sees_what_the_relay_may_not():
    """The store's owner is the relay's user; root reads every file, and says which ones that user cannot."""
    if os.geteuid() != 0:
        return
    with Place("listen: 127.0.0.1:0\nexternal_url: http://a\nstore: {{path: {0}/st/tracepager.db}}\nrules: {0}/rules.yaml\n"
               "senders: {{am: {{format: alertmanager, bearer_file: {0}/am.token}}}}\nsources: {{f: {{kind: files, path: {0}}}}}\n",
               RULES.replace("kind: webhook, url: \"http://127.0.0.1:1/page\"", "kind: pagerduty, routing_key_file: KEY")) as place:
        os.chmod(place.directory, 0o755)
        os.mkdir(place.directory + "/st")
        os.chown(place.directory + "/st", 65534, 65534)
        key = place.directory + "/p.key"
        place.write("p.key", "0123456789abcdef0123456789abcdef\n", 0o600)
        place.write("am.token", "token\n", 0o600)
        with open(place.directory + "/rules.yaml", encoding="utf-8") as f:
            rules = f.read()
        assert "KEY" in rules, rules
        place.write("rules.yaml", rules.replace("KEY", key))
        status, told = place.check()
        assert status == 0 and [code for _, _, code in told if code in ("C053", "W055")] == ["W055", "C053"], place.text
        assert re.search(rf"cannot read {key} \(mode 0600\)[^$]*chgrp \S+ {key} && chmod 640 {key}, or [^\n]*credential:NAME", place.text), place.text
        for name in ("p.key", "am.token"):
            os.chown(f"{place.directory}/{name}", 0, 65534)
            os.chmod(f"{place.directory}/{name}", 0o640)
        status, told = place.check()
        assert status == 0 and not [code for _, _, code in told if code in ("C053", "W055")], place.text
        os.chmod(place.directory, 0o700)
        status, told = place.check()
        assert f"the directory {place.directory} is closed (mode 0700)" in place.text, place.text


def check_beside_a_running_relay():
    daemon = Daemon().start()
    try:
        done = subprocess.run([peers.BINARY, "run", "--check", "-c", daemon.directory + "/tracepager.yaml"],
                              capture_output=True, encoding="utf-8", timeout=peers.PATIENCE, check=False)
        assert done.returncode == 0 and "warning[C026]" in done.stderr and "C025" not in done.stderr, done
        assert "this is usual while the service runs: a reload takes rules, secrets and log_level" in done.stderr, done
        later = time.time() + 60
        os.utime(daemon.directory + "/tracepager.yaml", (later, later))
        done = subprocess.run([peers.BINARY, "run", "--check", "-c", daemon.directory + "/tracepager.yaml"],
                              capture_output=True, encoding="utf-8", timeout=peers.PATIENCE, check=False)
        assert done.returncode == 0 and "this file was written since it started" in done.stderr, done
        os.chmod(daemon.directory + "/tracepager.db", 0o644)
        assert daemon.reload("admin-1")[0] == 200
    finally:
        daemon.stop()
    try:
        daemon.start()
        assert daemon.log_text().count("tracepager.db is open to other users") == 1, daemon.log_text()
    finally:
        daemon.finish()


def cores_are_off():
    for option, limit in (([], "0"), (["--core"], None)):
        with Place(SOUND) as place:
            child = subprocess.Popen([peers.BINARY, "run", *option, "-c", place.directory + "/tracepager.yaml"],
                                     stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, encoding="utf-8")
            try:
                for line in child.stderr:
                    if "tracepager takes alerts" in line:
                        break
                with open(f"/proc/{child.pid}/limits", encoding="utf-8") as f:
                    found = re.search(r"^Max core file size +(\S+) +(\S+)", f.read(), re.M).groups()
                own = [str(n) if n != resource.RLIM_INFINITY else "unlimited" for n in resource.getrlimit(resource.RLIMIT_CORE)]
                assert list(found) == ([limit, limit] if limit else own), (option, found)
            finally:
                child.terminate()
                child.communicate(timeout=peers.PATIENCE)


peers.run(check_tells_all_in_one_pass, wrong_depth_is_told_once, check_as_root_sees_what_the_relay_may_not, check_beside_a_running_relay, cores_are_off, secrets_are_read_again,
          tokens_have_rights_and_are_read_again, secrets_in_the_options_are_read_again, unreadable_secret_keeps_the_old,
          a_placeholder_is_no_secret_beyond_loopback, other_changes_are_told_by_name, at_once=3)
