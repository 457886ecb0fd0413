#!/usr/bin/env python3
"""Does what the documentation shows: writes its files, runs its commands, and reads what they print.

README.md and contrib/docs/*.md are Markdown. A block fenced as "sh" is run by bash, in the order of its page, in a scratch system: /etc and /var are folders of
it, the daemon's user is the test's, systemctl does nothing, 127.0.0.1:9480 and the addresses of the peers are free ports. A block fenced as "console" is only shown; blocks without a word are drawings and output. A comment
before a block says more:

<!-- file: PATH -->     the block is the file PATH
<!-- config -->         the block is a tracepager.yaml, which is checked
<!-- shows: TEXT -->    its command prints TEXT
<!-- status: N -->      its command ends with N instead of 0
<!-- wait: TEXT -->     its command is run until it prints TEXT
<!-- background -->     its command is a daemon, which goes on
<!-- rules -->          before it, rules of the test are written where the page has written none
<!-- relay -->          before it, a daemon is started on what the page has written, or on rules of the test, and gets an alert
<!-- alertmanager -->   before it, Alertmanager is started with the page's alertmanager.yml
<!-- stop -->           before it, the daemons end
"""
import glob
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile

import backends
import peers

DOCS = sorted(glob.glob(os.path.join(peers.TOP, "contrib/docs/*.md")))
BLOCK = re.compile(r"((?:^<!-- .*? -->\n)*)^```(\w*)\n(.*?)^```$", re.M | re.S)
RULES = """
teams: {payments: {escalation: payments}}
pagers: {screen: {kind: console}}
escalations: {payments: {steps: [{page: [screen]}]}}
services: {ledger: {owner: payments, match: {service: ledger}, peers: [postgresql/ledger]}}
fallback: {team: payments}
"""
OPTIONS = "senders: {alertmanager: {format: alertmanager}}\n"
CATALOGUE = """apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: warehouse}
spec: {type: service, lifecycle: production, owner: stock}
---
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: {name: stock}
spec: {type: team, children: []}
"""
TRACE_ID = "5" * 32


class Block:
    def __init__(self, page, found, line):
        self.page, self.line, self.kind, self.text = page, line, found.group(2), found.group(3)
        comments = re.findall(r"^<!-- (\w+)(?:: (.*?))? -->$", found.group(1), re.M)
        self.says = {word: value for word, value in comments}

    def where(self):
        return f"{self.page}:{self.line}"


def blocks_of(path):
    with open(path, encoding="utf-8") as f:
        text = f.read()
    return [Block(os.path.basename(path), found, text.count("\n", 0, found.start(2)) + 1) for found in BLOCK.finditer(text)]


class System:
    """A scratch system: folders instead of /etc and /var, free ports instead of the known ones."""

    def __init__(self):
        self.root = tempfile.mkdtemp(prefix="tracepager-docs-")
        self.jaeger = peers.Jaeger({TRACE_ID: peers.shop_trace(TRACE_ID)})
        self.ports = {port: peers.free_port() for port in ("9480", "9481", "9093", "9090", "3200", "9411", "4318", "10428")}
        self.ports["16686"] = self.jaeger.port
        self.children = []
        for folder in ("etc/tracepager/rules.d", "etc/prometheus", "var/lib/tracepager", "var/lib/traces", "var/lib/alertmanager", "var/backups", "home/catalog", "home/rules.d", "bin", "run"):
            os.makedirs(os.path.join(self.root, folder))
        self.home = os.path.join(self.root, "home")
        self.fill()

    def fill(self):
        trace = {"data": [backends.to_jaeger(peers.shop_trace(TRACE_ID))], "errors": None}
        files = {"home/trace.json": json.dumps(trace), "home/catalog/catalog-info.yaml": CATALOGUE,
                 "home/body.json": peers.webhook(({"alertname": "PlaceOrderErrors", "severity": "critical"}, "firing")),
                 "bin/tracepager": f'#!/bin/bash\n[ "$1" != run ] || [[ " $* " == *" -c "* ]] || set -- run -c {self.options_path()} "${{@:2}}"\n'
                                   f'exec "{os.path.abspath(peers.BINARY)}" "$@"\n'}
        for name, text in files.items():
            self.write(os.path.join(self.root, name), text)
        self.write(os.path.join(self.root, "bin/systemctl"), "#!/bin/sh\n")
        for name in ("tracepager", "systemctl"):
            os.chmod(os.path.join(self.root, "bin", name), 0o755)
        for name in ("aws.secret", "es.key", "os.password", "dd.api", "dd.app", "tempo.password", "tempo.key", "keys/shop", "payments.key"):
            self.write(os.path.join(self.root, "etc/tracepager", name), "0123456789abcdef0123456789abcdef\n", 0o600)
        self.write(os.path.join(self.root, "run/gcp.token"), "token\n", 0o600)

    def options_path(self):
        return os.path.join(self.root, "etc/tracepager/tracepager.yaml")

    def write(self, path, text, mode=0o644):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(path, mode)

    def here(self, text):
        """The text for this system."""
        text = re.sub(r"\b(sudo -u tracepager|runuser -u tracepager --|sudo) ", "", text).replace(" -o tracepager -g tracepager", "")
        for folder in ("/etc/tracepager", "/etc/prometheus", "/var/lib/", "/var/backups"):
            text = re.sub(rf"(?<![\w./]){folder}", self.root + folder, text)
        text = text.replace("/run/tracepager/", self.root + "/run/").replace("/etc/ssl/certs/shop-ca.pem", "/etc/ssl/certs/ca-certificates.crt")
        return re.sub(r"\b(127\.0\.0\.1|localhost):(\d+)\b", lambda m: f"{m[1]}:{self.ports.get(m[2], m[2])}", text)

    def finish_options(self, text):
        """What a tracepager.yaml of a page leaves to defaults that only a real system has."""
        for name, value in (("listen", f"127.0.0.1:{self.ports['9480']}"), ("rules", f"{self.root}/etc/tracepager/rules.d"),
                            ("store", f"{{path: {self.root}/var/lib/tracepager/tracepager.db}}")):
            if not re.search(rf"^{name}:", text, re.M):
                text += f"{name}: {value}\n"
        return text

    def file(self, path, text):
        text = self.here(text)
        path = self.here(path)
        self.write(os.path.join(self.home, path), self.finish_options(text) if os.path.basename(path) == "tracepager.yaml" else text)

    def environment(self):
        return dict(os.environ, PATH=f"{self.root}/bin:{os.environ['PATH']}", TRACEPAGER_URL=f"http://127.0.0.1:{self.ports['9480']}", HOME=self.home, COLUMNS="100")

    def command(self, text):
        run = subprocess.run(["bash", "-eu", "-o", "pipefail", "-c", self.here(text)], cwd=self.home, env=self.environment(), stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", timeout=peers.PATIENCE * 2, check=False)
        return run.returncode, run.stdout

    def background(self, text, url):
        log = open(os.path.join(self.root, "log"), "ab")
        child = subprocess.Popen(["bash", "-c", "exec " + self.here(text).strip()], cwd=self.home, env=self.environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        log.close()
        self.children.append(child)
        peers.wait_for(text.strip(), lambda: self.answers(child, url))

    def answers(self, child, url):
        if child.poll() is not None:
            with open(os.path.join(self.root, "log"), encoding="utf-8", errors="replace") as f:
                raise AssertionError(f"it ended with {child.returncode}:\n{f.read()[-4000:]}")
        return self.command(f"curl -sf -o /dev/null {url}")[0] == 0

    def rules(self):
        if not os.listdir(os.path.join(self.root, "etc/tracepager/rules.d")):
            self.file("/etc/tracepager/rules.d/rules.yaml", RULES)

    def relay(self):
        if not os.path.exists(self.options_path()):
            self.file("/etc/tracepager/tracepager.yaml", OPTIONS)
        self.rules()
        self.background("tracepager run", "http://127.0.0.1:9480/-/ready")
        status, out = self.command("curl -sf http://127.0.0.1:9480/webhook/alertmanager -d @body.json")
        assert status == 0, out
        peers.wait_for("a decision", lambda: self.command("tracepager audit --store /var/lib/tracepager/tracepager.db")[0] != 2)

    def alertmanager(self):
        self.background("prometheus-alertmanager --config.file=/etc/prometheus/alertmanager.yml --storage.path=/var/lib/alertmanager "
                        "--web.listen-address=127.0.0.1:9093 --cluster.listen-address=", "http://127.0.0.1:9093/-/ready")

    def stop(self):
        for child in self.children:
            child.send_signal(signal.SIGTERM)
            child.wait(peers.PATIENCE)
        self.children = []

    def finish(self):
        self.stop()
        self.jaeger.shutdown()
        self.jaeger.server_close()
        shutil.rmtree(self.root)


def do_block(system, block):
    for word in ("stop", "rules", "relay", "alertmanager"):
        if word in block.says:
            getattr(system, word)()
    if "file" in block.says:
        system.file(block.says["file"], block.text)
    elif "config" in block.says:
        system.file("checked/tracepager.yaml", block.text if "senders:" in block.text else OPTIONS + block.text)
        system.file("/etc/tracepager/rules.d/rules.yaml", RULES)
        status, out = system.command("tracepager run --check -c checked/tracepager.yaml")
        assert status == 0, f"{block.where()}: {out}"
    elif block.kind == "sh" and "background" in block.says:
        system.background(block.text, "http://127.0.0.1:9480/-/ready")
    elif block.kind == "sh":
        run_block(system, block)


def run_block(system, block):
    wanted = block.says.get("wait") or block.says.get("shows") or ""
    last = []

    def runs():
        status, out = system.command(block.text)
        last[:] = [status, out]
        return status == int(block.says.get("status", 0)) and wanted in out

    if "wait" in block.says:
        peers.wait_for(f"{block.where()} to show {wanted}", runs)
    else:
        assert runs(), f"{block.where()} ended with {last[0]}, wanted {wanted!r}:\n{block.text}\n{last[1]}"


def page(path):
    def test():
        system = System()
        try:
            for block in blocks_of(path):
                try:
                    do_block(system, block)
                except (AssertionError, subprocess.TimeoutExpired) as error:
                    raise AssertionError(f"{block.where()}: {error}") from error
        finally:
            system.finish()
    test.__name__ = os.path.basename(path)[:-len(".md")].replace("-", "_")
    return test


def links_lead_somewhere():
    """Every link of a page names a file that is there, and every heading that is named."""
    looked_at = 0
    for path in DOCS + [os.path.join(peers.TOP, "README.md")]:
        with open(path, encoding="utf-8") as f:
            text = f.read()
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            if re.match(r"[a-z]+:", target):
                continue
            name, _, anchor = target.partition("#")
            other = os.path.normpath(os.path.join(os.path.dirname(path), name)) if name else path
            assert os.path.exists(other), f"{path}: {target}"
            if anchor:
                with open(other, encoding="utf-8") as f:
                    headings = [re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in re.findall("^#+ (.*)$", f.read(), re.M)]
                assert anchor in headings, f"{path}: {target}"
            looked_at += 1
    assert looked_at > 40, looked_at


def installed_pages_lead_to_installed_pages():
    """Each page of contrib/docs is installed, all in one folder: no link of theirs leads out of it, and no other README.md takes the index's place."""
    with open(os.path.join(peers.TOP, "contrib/Makefile.inc"), encoding="utf-8") as f:
        installed = set(re.findall(r"\bcontrib/docs/(\S+\.md)", f.read()))
    assert installed == {os.path.basename(path) for path in DOCS}, installed
    for path in DOCS:
        with open(path, encoding="utf-8") as f:
            for target in re.findall(r"\]\(([^)\s#]+)[^)]*\)", f.read()):
                assert re.match(r"[a-z]+:", target) or target in installed, f"{path}: {target} is not beside it where it is installed"
    assert not os.path.exists(os.path.join(peers.TOP, "contrib/debian/tracepager.docs"))


def every_kind_has_its_row():
    """Each format, source and pager kind stands in the table of its page."""
    for table, macro, name in (("formats.def", "FORMAT", "senders.md"), ("sources.def", "SOURCE(?:_LOCAL)?", "sources.md"), ("pagers.def", "PAGER_KIND", "pagers.md")):
        with open(os.path.join(peers.TOP, "include/tracepager/tbl", table), encoding="utf-8") as f:
            kinds = re.findall(rf'^{macro}\([A-Z0-9_]+, "([^"]+)"', f.read(), re.M)
        with open(os.path.join(peers.TOP, "contrib/docs", name), encoding="utf-8") as f:
            rows = [line for line in f.read().splitlines() if line.startswith("| ")]
        assert len(kinds) > 10, table
        for kind in kinds:
            assert any(f"`{kind}`" in row for row in rows), f"{name} has no row for {kind}"


def index_names_every_page():
    with open(os.path.join(peers.TOP, "contrib/docs/README.md"), encoding="utf-8") as f:
        text = f.read()
    for path in DOCS:
        name = os.path.basename(path)
        assert name == "README.md" or f"({name})" in text, f"contrib/docs/README.md does not name {name}"


def readme_is_short():
    """Three screens of 50 lines; and its rules and options can be used as they are."""
    path = os.path.join(peers.TOP, "README.md")
    with open(path, encoding="utf-8") as f:
        assert len(f.read().splitlines()) <= 150
    system = System()
    try:
        for block in blocks_of(path):
            name = re.match("# (/etc/tracepager/[^:]*):", block.text)
            if name:
                system.file(name[1], block.text)
        for command in ("tracepager check /etc/tracepager/rules.d", "tracepager run --check"):
            status, out = system.command(command)
            assert status == 0, out
    finally:
        system.finish()


if __name__ == "__main__":
    peers.skip_unless_wanted()
    peers.run(*[page(path) for path in DOCS], links_lead_somewhere, installed_pages_lead_to_installed_pages, every_kind_has_its_row, index_names_every_page, readme_is_short)
