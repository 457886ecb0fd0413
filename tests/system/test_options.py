#!/usr/bin/env python3
"""What a reload takes: the column RELOAD of options.def, sender_options.def and source_options.def, tried option by option at a running relay. Of files
that connections read (CONNECTION, AUTHORITIES) only that another path is told."""
import http.client
import os
import re
import shutil
import ssl
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import peers  # noqa: E402

peers.skip_unless_wanted()
if not shutil.which("openssl"):
    print("skipped: there is no openssl")
    sys.exit(77)

TABLES = os.path.join(peers.TOP, "include", "tracepager", "tbl")
TEXT = r'"((?:[^"\\]|\\.)*)"'
# Of RELOAD: a changed path is told, and waits for a restart.
BY_PATH = ("FILE", "CONNECTION", "AUTHORITIES")
HEX_KEY = "0123456789abcdef0123456789abcdef"


def rows(table, macro, pattern):
    with open(os.path.join(TABLES, table), encoding="utf-8") as f:
        found = re.findall(rf"^{macro}\({pattern}", f.read(), re.M)
    assert len(found) > 5, table
    return [[re.sub(r"\\(.)", r"\1", word) for word in row] for row in found]


OPTIONS = rows("options.def", "OPTION", TEXT + r", (\w+), (\w+), [\w.]+, (?:NULL|" + TEXT + ")")
EXAMPLES = dict(rows("option_examples.def", "OPTION_EXAMPLE", TEXT + ", " + TEXT))
SENDER_OPTIONS = rows("sender_options.def", "SENDER_OPTION", TEXT + r", (\w+), (\w+), " + TEXT)
SOURCE_OPTIONS = rows("source_options.def", "SOURCE_OPTION", TEXT + r", (\w+), (\w+), \w+, " + TEXT)


def openssl(*words):
    done = subprocess.run(["openssl", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def make_certificate(path):
    """PATH.pem, which signs itself, and PATH.key."""
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "400", "-subj", "/CN=relay",
            "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", path + ".key", "-out", path + ".pem")


def text_of(values, senders, sources):
    """A tracepager.yaml of these options by their keys of the table; a value is YAML."""
    maps, lines = {}, []
    for key, value in values.items():
        name, dot, member = key.partition(".")
        if dot:
            maps.setdefault(name, []).append(f"{member}: {value}")
        else:
            lines.append(f"{key}: {value}")
    lines += [f"{name}: {{{', '.join(members)}}}" for name, members in maps.items()]
    for name, entries in (("senders", senders), ("sources", sources)):
        lines.append(f"{name}: {{{', '.join(f'{key}: {{{value}}}' for key, value in entries.items())}}}")
    return "\n".join(lines) + "\n"


class Relay(peers.Daemon):
    """With every option set, and with TLS; `twin` is "_file" where its secrets come from files."""

    def __init__(self, twin):
        super().__init__()
        self.twin, self.admin = twin, "admin-1"
        for name in ("relay", "clients"):
            make_certificate(os.path.join(self.directory, name))
        for name in ("ca.pem", "client.pem", "client.key"):
            shutil.copy(os.path.join(self.directory, "relay." + name[-3:]), os.path.join(self.directory, name))
        self.write("link_key_file", HEX_KEY + "\n")
        place = self.directory + "/"
        own = {"listen": f"127.0.0.1:{self.port}", "store.path": place + "tracepager.db", "rules": place + "rules.yaml",
               "tls.cert_file": place + "relay.pem", "tls.key_file": place + "relay.key", "tls.client_ca_file": place + "clients.pem",
               "trusted_proxy.addresses": "[192.0.2.7]", "external_url": "https://relay.shop.example", "link_key_file": place + "link_key_file",
               "tracing.endpoint": '"http://127.0.0.1:1"', "tracing.ca_file": place + "ca.pem", "tracing.cert_file": place + "client.pem",
               "tracing.key_file": place + "client.key"}
        self.values = {}
        for key, kind, _, value in OPTIONS:
            if kind == "SECRET":
                self.values[key + twin] = self.secret(key, 1)
            elif key in own or value:
                self.values[key] = own.get(key) or f'"{value}"' if kind == "TEXT" else own.get(key, value)
        self.senders, self.sources = {"am": "format: alertmanager"}, {}

    def secret(self, key, number):
        """The secret's value of that number as YAML; where it comes from a file, that is written, and this is its path."""
        value = {"heartbeat.url": f"http://127.0.0.1:1/{number}", "tracing.headers": f"k=v{number}"}.get(key, f"{key.split('.')[-1].split('_')[0]}-{number}")
        if not self.twin:
            return f'"{value}"'
        self.write(key, value + "\n")
        return os.path.join(self.directory, key)

    def put(self, values=None, senders=None, sources=None):
        self.write("tracepager.yaml", text_of(self.values if values is None else values, self.senders if senders is None else senders,
                                              self.sources if sources is None else sources))

    def request(self, method, path, body=None, headers=None, timeout=peers.PATIENCE):
        anything = ssl.create_default_context()
        anything.check_hostname, anything.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=timeout, context=anything)
        try:
            connection.request(method, path, body, headers or {})
            reply = connection.getresponse()
            return reply.status, reply.read().decode("utf-8", "replace"), dict(reply.getheaders())
        finally:
            connection.close()

    def reload(self):
        """What it took, and what waits for a restart."""
        status, text, _ = self.request("POST", "/-/reload", headers={"Authorization": "Bearer " + self.admin})
        assert status == 200, (status, text)
        lines = text.splitlines()
        return ([line.split(": ")[0] for line in lines if " in force" in line], [line.split(" changed: ")[0] for line in lines if "restart" in line])

    def back(self):
        """To the options that it was started with; an inline secret that was taken is taken back."""
        self.put()
        self.reload()


def other_value(key, kind):
    """A value that differs from the one in force, and is allowed beside it."""
    if kind == "FLAG":
        return "false"
    return {"listen": "127.0.0.1:1", "heartbeat.limit": "20s", "heartbeat.every": "2m"}.get(key) or EXAMPLES[key]


def try_other_value(relay, key, kind, reload):
    changed = dict(relay.values, **{key: other_value(key, kind)})
    assert changed[key] != relay.values.get(key), key
    relay.put(changed)
    told = relay.reload()
    assert told == (([key], []) if reload == "VALUE" else ([], [key])), (key, reload, told)
    relay.back()


def try_secret(relay, key):
    """A new value is in force; without the secret, or with it elsewhere, that waits for a restart."""
    option = key + relay.twin
    relay.put(dict(relay.values, **{option: relay.secret(key, 2)}))
    if key == "admin_token":
        relay.admin = "admin-1"
    told = relay.reload()
    assert told == ([option], []), (option, told)
    if key == "admin_token":
        relay.admin = "admin-2"
    without = {name: value for name, value in relay.values.items() if name != option}
    relay.write("elsewhere", "http://127.0.0.1:1/3\n" if key == "heartbeat.url" else "k=v3\n" if key == "tracing.headers" else "secret-3\n")
    relay.put(dict(without, **{key + "_file": relay.directory + "/elsewhere"}))
    assert relay.reload() == ([], [key]), option
    relay.values[option] = relay.secret(key, 2)
    relay.back()


def try_file(relay, key):
    """What stands in the file is read again."""
    if key == "link_key_file":
        relay.write("link_key_file", HEX_KEY[::-1] + "\n")
        assert relay.reload() == (["link_key_file"], [])
        return
    make_certificate(os.path.join(relay.directory, "clients" if key == "tls.client_ca_file" else "relay"))
    told = relay.reload()
    assert told == (["tls.cert_file"], []), (key, told)


def options_of_the_daemon(twin):
    relay = Relay(twin)
    relay.put()
    relay.start()
    try:
        tried = 0
        for key, kind, reload, _ in OPTIONS:
            tried += 1
            if reload == "SECRET":
                try_secret(relay, key)
                continue
            try_other_value(relay, key, kind, reload)
            if reload == "FILE":
                try_file(relay, key)
            assert reload in ("RESTART", "VALUE") + BY_PATH, (key, reload)
        assert tried == len(OPTIONS)
    finally:
        relay.finish()


def options_with_secrets_inline():
    options_of_the_daemon("")


def options_with_secrets_in_files():
    options_of_the_daemon("_file")


def inner_secret(key, number):
    return {"bearer": f"bearer: token-of-s-{number}", "basic": f"basic: {{username: u, password: word-{number}}}",
            "sign": f"sign: {{scheme: grafana, secret: word-{number}}}"}[key]


def options_of_senders():
    """Each with a sender of its own, to which it is given while the relay runs; of a secret, whose value changes."""
    relay = Relay("")
    formats = {"mapping": "generic", "topics": "sns", "sign": "grafana"}
    taken = {"bearer": "senders.bearer.bearer", "basic": "senders.basic.basic.password", "sign": "senders.sign.sign.secret"}
    before = {"am": "format: alertmanager"}
    for key, _, reload, _ in SENDER_OPTIONS:
        before[key] = f"format: {formats.get(key, 'alertmanager')}" if key != "mapping" else "format: generic, mapping: {id: /key, name: /title}"
        if reload != "RESTART":
            before[key] += ", " + inner_secret(key, 1)
    relay.senders = before
    relay.put()
    relay.start()
    try:
        for key, _, reload, example in SENDER_OPTIONS:
            if reload != "RESTART":
                relay.put(senders=dict(before, **{key: before[key].replace(inner_secret(key, 1), inner_secret(key, 2))}))
                assert relay.reload() == ([taken[key]], []), key
                relay.back()
                relay.put(senders=dict(before, **{key: before[key].replace(", " + inner_secret(key, 1), "")}))
            else:
                plain = {"mapping": "format: generic", "format": "group: theirs"}.get(key, before[key])
                relay.put(senders=dict(before, **{key: f"{plain}, {key}: {'grafana' if key == 'format' else example}"}))
            told = relay.reload()
            assert told == ([], ["senders." + key]), (key, reload, told)
            relay.back()
    finally:
        relay.finish()


def source_option(relay, key, kind, number):
    """The option as YAML; a secret's value of that number."""
    if kind == "HEADERS":
        return f"headers: {{X-Key: v{number}}}"
    pairs = {"basic": f'"u:v{number}"', "password": f"v{number}"}
    if kind == "SECRET":
        return f"{key}: {pairs.get(key, f'v{number}')}" + (", username: u" if key == "password" else "")
    if kind == "FILE":
        return f"{key}: {relay.directory}/{number}.pem" + (f", cert_file: {relay.directory}/1.pem" if key == "key_file" else "")
    values = {"url": ('"http://127.0.0.1:1"', '"http://127.0.0.1:2"'), "path": (relay.directory, "/tmp"), "tenant": ("a", "b"), "timeout": ("1s", "2s"),
              "trace_link": ('"http://a/{trace_id}"', '"http://b/{trace_id}"'), "rate": ("1/s", "2/s"), "prefer": ("1", "2"),
              "username": ("u, password: p", "v, password: p")}
    return f"{key}: {values.get(key, ('a', 'b'))[number - 1]}"


def options_of_sources():
    """Each with a source of its own. No value that stands in the options is taken; what a question reads again, it reads without a reload."""
    relay = Relay("")
    for number in ("1", "2"):
        shutil.copy(os.path.join(relay.directory, "relay.pem"), os.path.join(relay.directory, number + ".pem"))
        with open(os.path.join(relay.directory, number + ".pem"), "ab") as f, open(os.path.join(relay.directory, "relay.key"), "rb") as key:
            f.write(key.read())
    kinds = {"path": "files", "app_key": "datadog", "project": "gcptrace", "index": "elastic", "session_token": "xray", "region": "xray", "api_key": "elastic"}
    needs = {"app_key": ", api_key: k", "project": ", bearer: b", "session_token": ", region: a, username: u, password: p", "region": ", username: u, password: p"}

    def source(key, kind, number):
        return (f"kind: {kinds.get(key, 'jaeger')}, {source_option(relay, key, kind, number)}" + needs.get(key, "")
                + ("" if key in ("url", "path") else ', url: "http://127.0.0.1:1"'))

    relay.sources = {key: source(key, kind, 1) for key, kind, _, _ in SOURCE_OPTIONS}
    relay.put()
    relay.start()
    try:
        for key, kind, reload, _ in SOURCE_OPTIONS:
            assert reload in ("RESTART", "QUESTION") + BY_PATH, (key, reload)
            relay.put(sources=dict(relay.sources, **{key: source(key, kind, 2)}))
            told = relay.reload()
            assert told == ([], ["sources." + key]), (key, reload, told)
            relay.back()
    finally:
        relay.finish()


def secrets_of_sources_are_read_again_before_each_question():
    sources = {"bearer": "bearer_file: {0}/bearer", "basic": "basic_file: {0}/basic", "password": "username: u, password_file: {0}/password",
               "headers": "headers: {{X-Key_file: {0}/headers}}"}
    assert all(reload == "QUESTION" for key, _, reload, _ in SOURCE_OPTIONS if key in sources)
    backend = peers.Jaeger({})
    relay = Relay("")
    for key in sources:
        relay.write(key, "u:one\n" if key == "basic" else "one\n")
    relay.sources = {key: f'kind: jaeger, url: "{backend.url}/{key}", ' + text.format(relay.directory) for key, text in sources.items()}
    relay.put()
    relay.start()

    def shown(key):
        asked = [r["headers"] for r in backend.seen() if r["path"].startswith(f"/{key}/")]
        return asked and (asked[-1].get("Authorization") or asked[-1].get("X-Key"))

    def ask(trace):
        labels = {"alertname": "PlaceOrderErrors", "trace_id": trace * 32, "n": trace}
        assert relay.request("POST", "/webhook/am", peers.webhook((labels, "firing")))[0] == 202

    try:
        ask("a")
        peers.wait_for("the first questions", lambda: all(shown(key) for key in sources))
        before = {key: shown(key) for key in sources}
        for key in sources:
            relay.write(key, "u:another\n" if key == "basic" else "another\n")
        ask("b")
        peers.wait_for("the new secrets", lambda: all(shown(key) != before[key] for key in sources))
    finally:
        relay.finish()
        backend.shutdown()
        backend.server_close()


if __name__ == "__main__":
    peers.run(options_with_secrets_inline, options_with_secrets_in_files, options_of_senders, options_of_sources,
              secrets_of_sources_are_read_again_before_each_question, at_once=3)
