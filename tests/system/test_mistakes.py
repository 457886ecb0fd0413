#!/usr/bin/env python3
"""Options that load, and mean something else than their author thinks: run --check tells each at its line, with a cure, and shows no secret.
Beside each mistake stand look-alikes that are right, of which it says nothing."""
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import peers  # noqa: E402

peers.skip_unless_wanted()
KEY = "0123456789abcdef0123456789abcdef"
OPTIONS = """listen: LISTEN
external_url: https://tracepager.shop.example
store: {path: DIR/tracepager.db}
rules: DIR/rules.yaml
admin_token_file: DIR/admin.token
"""
SENDERS = "senders: {am: {format: alertmanager, bearer_file: DIR/am.token}, zabbix-eu: {format: zabbix, bearer_file: DIR/zabbix.token}}\n"
SOURCES = "sources: {files: {kind: files, path: DIR}}\n"
RULES = """teams: {sre: {escalation: sre}}
pagers: {sre-hook: {kind: webhook, url: "http://127.0.0.1:1/page"}}
escalations: {sre: {steps: [{page: [sre-hook], wait: 10m}]}}
signals: {place_order: {alerts: {alertname: PlaceOrder}, span: {service: web, operation: "POST /orders"}}}
fallback: {team: sre}
"""


def check(more, rules="", files=None, listen="127.0.0.1:0", replace=None):
    """The status, [(level, code)] of the findings, and all that was printed. more stands behind the lines of OPTIONS; senders and sources are added
    where it has none, and the line of the option `replace` is left out."""
    directory = tempfile.mkdtemp(prefix="tracepager-test-")
    try:
        options = re.sub(f"^{replace}:.*\n", "", OPTIONS, flags=re.M) + more
        options += "" if re.search("^senders:", more, re.M) else SENDERS
        options += "" if re.search("^sources:", more, re.M) else SOURCES
        files = {"admin.token": "a" + KEY, "am.token": "b" + KEY, "zabbix.token": "c" + KEY, **(files or {})}
        files |= {"tracepager.yaml": options.replace("LISTEN", listen).replace("DIR", directory), "rules.yaml": RULES + rules}
        for name, text in files.items():
            with open(os.path.join(directory, name), "w", encoding="utf-8") as f:
                f.write(text + ("" if text.endswith("\n") else "\n"))
            os.chmod(os.path.join(directory, name), 0o600)
        done = subprocess.run([peers.BINARY, "run", "--check", "-c", directory + "/tracepager.yaml"], capture_output=True, encoding="utf-8",
                              timeout=peers.PATIENCE, check=False)
        text = done.stderr.replace(directory, "DIR")
        return done.returncode, re.findall(r"^\S+: (error|warning)\[(\w+)\]: ", text, re.M), text
    finally:
        shutil.rmtree(directory)


def tells(rows):
    """Each row is (what is wrong, options, keywords of check(), level, code, words of the finding and its hint)."""
    for what, more, words, level, code, wanted in rows:
        status, found, text = check(more, **words)
        assert found == [(level, code)] and (status == 1) == (level == "error"), (what, status, text)
        assert re.search(wanted, text, re.S), (what, text)
        assert KEY not in text and "s3cret" not in text, (what, text)


def says_nothing(rows):
    for what, more, words in rows:
        status, found, text = check(more, **words)
        assert (status, found, text) == (0, [], ""), (what, status, text)


def through_names_a_signal():
    beat = "heartbeat: {url_file: DIR/beat, through: %s}\n"
    files = {"beat": "https://hc.example/ping"}
    tells([("a slip", beat % "place_ordr", {"files": files}, "warning", "C055",
            r'tracepager\.yaml:6:\d+: .*"place_ordr".*no heartbeat leaves.*did you mean "place_order"')])
    says_nothing([("a signal", beat % "place_order", {"files": files}), ("no signal is named", beat.replace(", through: %s", ""), {"files": files})])


def routes_ask_for_declared_senders():
    route = "routes: [{when: {sender: %s}, page: none}]\n"
    tells([("a slip", "", {"rules": route % "zabix-eu"}, "warning", "C056", r'rules\.yaml:6:26: .*"zabix-eu".*did you mean "zabbix-eu"'),
           ("a glob", "", {"rules": route % '"nagios*"'}, "warning", "C056", r'rules\.yaml:6:26: .*known here: am, zabbix-eu'),
           ("one of a list", "", {"rules": route % "[am, zabix-eu]"}, "warning", "C056", r"rules\.yaml:6:31: .*zabix-eu")])
    says_nothing([("a sender", "", {"rules": route % "am"}), ("a glob", "", {"rules": route % '"zabbix*"'}),
                  ("the relay's own", "", {"rules": route % "tracepager"}), ("senders", "", {"rules": route % "[am, zabbix-eu]"})])
    # A sender that stands at a wrong depth may be the one that is meant: only that is told.
    assert [code for _, code in check("senders:\n  am:\n  format: alertmanager\n", rules=route % "zabbix")[1]] == ["C002"]


def a_proxy_has_addresses_of_its_own():
    proxy = "trusted_proxy: {addresses: [127.0.0.1, %s], may: %s}\n"
    wide, everywhere = "0.0.0.0/0", {"listen": "0.0.0.0:0"}
    tells([("everybody acts", proxy % (wide, "act"), everywhere, "error", "C057", r"yaml:6:40: .*0\.0\.0\.0/0.*and may act.*the proxy's own addresses"),
           ("everybody of IPv6 acts", proxy % ('"::/0"', "act"), everywhere, "error", "C057", r"::/0"),
           ("a public /8", proxy % ("8.0.0.0/8", "act"), everywhere, "error", "C057", r"8\.0\.0\.0/8"),
           ("named people act", proxy % (wide, "read, who_may_act: [ann]"), everywhere, "error", "C057", r"and may act"),
           ("everybody reads", proxy % (wide, "read"), everywhere, "warning", "C057", r"says who he is\n"),
           ("on loopback", proxy % (wide, "act"), {}, "warning", "C057", r"and may act")])
    says_nothing([("a private /8", proxy % ("10.0.0.0/8", "act"), everywhere), ("a public /9", proxy % ("8.0.0.0/9", "act"), everywhere),
                  ("private IPv6", proxy % ('"fd00::/8"', "act"), everywhere), ("one network", proxy % ('"2001:db8::/48"', "act"), everywhere)])


def addresses_lead_where_they_are_meant_to():
    source = 'sources: {s: {kind: %s, url: "%s"}}\n'
    tracing, people = 'tracing: {endpoint: "%s"}\n', "https://tracepager.shop.example"
    tells([(url, source % (kind, url), {}, "warning", "C058", r"yaml:6:.*" + wanted) for kind, url, wanted in (
        ("jaeger", "http://jaeger:16686/search", "leave /search out"), ("tempo", "http://tempo:3200/api/search", "leave /api/search out"),
        ("jaeger", "http://jaeger:16686/jaeger/api/traces/", "leave /api/traces out"), ("jaeger", "http://jaeger:4317", "usually 16686"),
        ("tempo", "http://tempo:4318", "usually 3200"), ("jaeger", "http://[::1]:16685", "by gRPC.*usually 16686"),
        ("elastic", "https://es:9200/_search?q=1", "leave /_search out"), ("prometheus", "http://p:9090/graph", "leave /graph out"))])
    says_nothing([(url, source % (kind, url), {}) for kind, url in (
        ("jaeger", "http://jaeger:16686"), ("jaeger", "http://jaeger:16686/jaeger"), ("jaeger", "http://search:80/"), ("tempo", "http://[::4317]:3200"),
        ("elastic", "https://proxy/search"), ("zipkin", "http://zipkin:9411/zipkin"), ("victoriatraces", "http://vt:10428/select/jaeger"),
        ("jaeger", "http://jaeger:43170"), ("jaeger", "http://jaeger/research"))])
    listen = {"listen": f"127.0.0.1:{peers.free_port()}"}
    port = listen["listen"].split(":")[1]
    tells([(url, tracing % url, listen, "warning", "C058", r"yaml:6:.*" + wanted) for url, wanted in (
        (f"http://localhost:{port}", "the relay's own address"), (people, "the relay's own address"), ("http://collector:4317", "by HTTP, usually 4318"),
        ("http://jaeger:16686", "takes none"))])
    says_nothing([(url, tracing % url, listen) for url in ("http://127.0.0.1:4318", f"http://collector:{port}", "https://otlp.shop.example/otlp")])
    tells([(url, f"external_url: {url}\n", {"replace": "external_url"}, "warning", "C058", r"leave " + wanted) for url, wanted in (
        (people + "/webhook/am", "/webhook/am out"), (people + "/api/v1/incidents", "/api/v1/incidents out"), (people + "/x/metrics", "/metrics out"))])
    says_nothing([(url, f"external_url: {url}\n", {"replace": "external_url"}) for url in (people + "/pager/", people + "/webhooks", people + "/api")])
    tells([("a URL", "hosts: https://relay.shop.example:8443/x\n", {}, "warning", "C058", "write hosts: relay.shop.example\n")])
    says_nothing([("names", "hosts: relay.shop.example relay\n", {})])


def passwords_and_headers_of_sources():
    source = 'sources: {s: {kind: jaeger, url: "%s"}}\n'
    headers = "sources: {s: {kind: jaeger, url: \"http://jaeger:16686\", headers: {%s: Bearer s3cret}}}\n"
    tells([("a password", source % "http://u:s3cret@jaeger:16686", {}, "warning", "C029", r"yaml:6:.*password_file: /path"),
           ("in a link", "trace_link: \"http://u:s3cret@jaeger:16686/trace/{trace_id}\"\n", {}, "warning", "C029", "leave the user"),
           ("Authorisation", headers % "Authorisation", {}, "warning", "C059", r"yaml:6:.*write Authorization"),
           ("autorization", headers % "autorization", {}, "warning", "C059", "write Authorization")])
    says_nothing([("a path with @", source % "http://jaeger:16686/a:b@c", {}), ("a user", source % "http://u@jaeger:16686", {})] +
                 [(name, headers % name, {}) for name in ("authorization", "X-Authorization", "Proxy-Authorization", "Authentication", "X-Auth")])


def each_token_is_one():
    tokens = "tokens: [{name: ann, file: DIR/ann.token, may: act}, {name: grafana, file: DIR/grafana.token, may: %s}]\n"

    def files(ann, grafana):
        return {"files": {"ann.token": ann + KEY, "grafana.token": grafana + KEY}}

    tells([("two of one value", tokens % "read", files("x", "x"), "warning", "C060", "ann and grafana have one token.*nor what each may do"),
           ("both act", tokens % "act", files("x", "x"), "warning", "C060", r"cannot be told apart\n"),
           ("the admin's", tokens % "read", files("x", "a"), "warning", "C060", "admin and grafana"),
           ("a sender's", tokens % "read", files("x", "c"), "warning", "C060", "grafana is that of sender zabbix-eu"),
           ("one file", (tokens % "read").replace("grafana.token", "ann.token"), files("x", "x"), "warning", "C060", "ann and grafana"),
           ("the admin's, a sender's", "", {"files": {"am.token": "a" + KEY}}, "warning", "C060", "admin is that of sender am")])
    says_nothing([("each its own", tokens % "read", files("x", "y")), ("two senders with one", "", {"files": {"am.token": "c" + KEY}})])


def a_watchdog_is_one_alert():
    sender = "senders: {am: {format: alertmanager, bearer_file: DIR/am.token, heartbeat: 15m, watchdog: {%s}}}\n"
    tells([("a glob", sender % 'alertname: "*"', {}, "warning", "C061", "no alert is the watchdog"),
           ("each alert of a severity", sender % "severity: critical", {}, "warning", "C061", 'every alert with severity "critical"')])
    says_nothing([("an alert", sender % "alertname: Watchdog", {}), ("of a cluster", sender % "alertname: Watchdog, cluster: eu", {}),
                  ("by a label of its own", sender % 'deadman: "yes"', {})])


def times_are_not_too_short():
    tells([(line, line + "\n", {}, "warning", "C062", r"yaml:6:") for line in ("ack_timeout: 9s", "expire_after: 9m", "healthy_every: 1s")])
    says_nothing([(line, line + "\n", {}) for line in ("ack_timeout: 0s", "ack_timeout: 10s", "expire_after: 10m", "healthy_every: 0s",
                                                       "healthy_every: 10s")])


def a_secrets_file_holds_the_secret_only():
    inline = 'senders: {am: {format: alertmanager, bearer: "Bearer s3cret"}}\n'
    tells([("quotes", "", {"files": {"am.token": f'"{KEY}"'}}, "warning", "C063", "am.token is in quotes.*remove the quotes"),
           ("Bearer", "", {"files": {"am.token": "Bearer " + KEY}}, "error", "C018", "leave the word Bearer out"),
           ("a comment", "", {"files": {"am.token": "# of am\n" + KEY}}, "error", "C018", "leave the comment out")])
    status, found, text = check(inline)
    assert status == 1 and ("error", "C018") in found and "leave the word Bearer out" in text and "s3cret" not in text, text
    says_nothing([("a quote", "", {"files": {"am.token": '"' + KEY}}), ("a #", "", {"files": {"am.token": "#" + KEY}})])


def what_could_not_be_read_is_not_judged():
    """Defaults that the file does not use are no findings."""
    codes = [code for _, code in check("senders: {am: {format: [}}\n")[1]]
    assert codes == ["E002"], codes
    directory = tempfile.mkdtemp(prefix="tracepager-test-")
    try:
        with open(directory + "/tracepager.yaml", "w", encoding="utf-8") as f:
            f.write("senders: {am: {format: [}}\n")
        done = subprocess.run([peers.BINARY, "doctor", "--verbose", "--only", "config,rules,somebody,disk,store,store-size", "-c", f.name],
                              capture_output=True, encoding="utf-8", timeout=peers.PATIENCE, check=False)
        assert done.stdout.count("the options cannot be read") == 5 and "/var/lib" not in done.stdout and "/etc" not in done.stdout, done.stdout
    finally:
        shutil.rmtree(directory)
    for line in ("store: /srv/tracepager.db\n", "store: {path: [a]}\n"):
        status, found, text = check(line, replace="store")
        assert status == 1 and found == [("error", "C002")] and "mkdir" not in text, text
    text = check("zzzzzz: 1\n")[2]
    assert text.count(" tls,") == 1 and text.count(" tracing,") == 1 and text.count(" heartbeat,") == 1, text


def a_caret_stands_under_its_value():
    for line, value in (("heartbeat: {url_file: DIR/beat, every: 500ms}", "500ms"), ("heartbeat: {url_file: DIR/beat, every: 1m, limit: 2m}", "2m")):
        text = check(line + "\n", files={"beat": "https://hc.example/ping"})[2]
        assert re.search(r"C005\].*\n.*\n *\| +\^{%d}\n" % len(value), text), text


peers.run(through_names_a_signal, routes_ask_for_declared_senders, a_proxy_has_addresses_of_its_own, addresses_lead_where_they_are_meant_to,
          passwords_and_headers_of_sources, each_token_is_one, a_watchdog_is_one_alert, times_are_not_too_short, a_secrets_file_holds_the_secret_only,
          what_could_not_be_read_is_not_judged, a_caret_stands_under_its_value)
