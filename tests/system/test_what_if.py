#!/usr/bin/env python3
"""What-if: stored decisions and pasted alerts decided under other rules, by the API and by the page; it says what replay says. Rules,
line by line, with their hits.

test_what_if.py 1000: compares so many decisions with replay."""
import html
import json
import os
import re
import sqlite3
import subprocess
import sys

import peers
from browser import Browser, mark

peers.skip_unless_wanted()
DECISIONS = int(sys.argv[1]) if len(sys.argv) > 1 else 40
TRACE = "0af7651916cd43dd8448eb211c80319c"
HOSTILE = "<script>alert(1)</script>\"'&"


def other_rules(rules):
    """Another owner, another severity, and alerts that page nobody any more."""
    for old, new in (("ledger: {owner: ledger}", "ledger: {owner: shop}"),
                     ("routes:\n", "routes:\n  - {when: {alertname: DiskFull}, severity: critical}\n"
                                   "  - {when: {alertname: CpuHot}, page: none}\n"),
                     ("  - when: {severity: info}\n    page: none\n", "  - when: {severity: nothing}\n    page: none\n")):
        assert old in rules, old
        rules = rules.replace(old, new)
    return rules


class Relay:
    def __init__(self, traces=(TRACE,), config=""):
        self.pager = peers.Pager()
        self.jaeger = peers.Jaeger({trace: peers.shop_trace(trace, fails=i % 3 != 2) for i, trace in enumerate(traces)})
        self.daemon = peers.Daemon(self.pager.url, self.jaeger.url, config=config).start()
        self.rules = peers.RULES.format(pager=self.pager.url, directory=self.daemon.directory)
        self.store = os.path.join(self.daemon.directory, "tracepager.db")

    def alert(self, labels):
        assert self.daemon.request("POST", "/webhook/am", peers.webhook((labels, "firing")))[0] == 202

    def decisions(self):
        with sqlite3.connect(f"file:{self.store}?mode=ro", uri=True) as store:
            return [row[0] for row in store.execute("SELECT id FROM decisions ORDER BY id")]

    def ask(self, expected=200, **asked):
        status, text, _ = self.daemon.request("POST", "/api/v1/what-if", json.dumps(asked))
        assert status == expected, (status, text)
        return json.loads(text)


def it_says_what_replay_says():
    traces = [f"{n:032x}" for n in range(1, DECISIONS + 1)]
    relay = Relay(traces)
    try:
        kinds = ({"alertname": "PlaceOrderErrors", "severity": "critical"}, {"alertname": "DiskFull", "severity": "error"},
                 {"alertname": "CpuHot", "severity": "warning"}, {"alertname": "Slow", "severity": "info"},
                 {"alertname": "PlaceOrderSlow", "severity": "error"})
        for n, trace in enumerate(traces):
            labels = {**kinds[n % len(kinds)], "instance": f"host{n}"}
            if labels["alertname"].startswith("PlaceOrder"):
                labels["trace_id"] = trace
            relay.alert(labels)
        peers.wait_for("the decisions", lambda: len(relay.decisions()) >= DECISIONS, patience=300)
        with open(os.path.join(relay.daemon.directory, "other.yaml"), "w", encoding="utf-8") as f:
            f.write(other_rules(relay.rules))
        done = subprocess.run([peers.BINARY, "replay", "--store", relay.store, "--rules", f.name, "--format", "json"],
                              capture_output=True, text=True, timeout=300)
        replayed = json.loads(done.stdout)
        changes = {change["decision"]: change for change in replayed["changes"]}
        ids = relay.decisions()
        assert replayed["decisions"] == len(ids) and len(changes) > DECISIONS // 2, replayed
        agree, differ = 0, []
        for one in ids:
            result = relay.ask(decision=one, rules_text=other_rules(relay.rules))
            change = changes.get(one)
            now, page = result["now"], result["now"]["page"]
            same = result["change"] == (change["change"] if change else None) and result["decision"] == one
            if same and change and page:
                same = (now["owner"]["team"], page["severity"]) == (change["now"]["team"], change["now"]["severity"])
                suspect = now["verdict"]["suspect"]
                same = same and (suspect["service"] if suspect else None) == (change["now"]["suspect"] or None)
            agree += same
            if not same:
                differ.append((one, result["change"], change))
            assert relay.ask(decision=one)["change"] is None, "under the rules that decided, nothing changes"
        print(f"# what-if and replay agree on {agree} of {len(ids)} decisions; {len(changes)} of them change")
        assert not differ, differ[:3]
    finally:
        relay.daemon.finish()


def pasted_texts_are_decided():
    relay = Relay()
    try:
        alert = {"labels": {"alertname": "PlaceOrderErrors", "severity": "critical"}, "startsAt": "2026-09-01T10:00:00Z"}
        trace = peers.shop_trace(TRACE)
        result = relay.ask(alert=alert, traces=trace)
        assert result["now"]["verdict"]["suspect"]["service"] == "ledger" and result["now"]["owner"]["team"] == "ledger"
        assert (result["was"], result["change"], result["basis"]) == (None, None, "traces"), "there is nothing to compare with"
        # As texts.
        result = relay.ask(alert=json.dumps(alert), traces=json.dumps(trace) + "\n", rules_text=other_rules(relay.rules))
        assert result["change"] == "ledger -> shop", result["change"]
        fields = {row["field"]: (row["was"], row["now"]) for row in result["differences"]}
        assert fields["team"] == ("ledger", "shop") and fields["pagers"] == ("ledger-pager", "shop-pager"), fields
        assert {rule["place"] for rule in result["now"]["rules"]["matched"]} == {"pasted.yaml:19", "pasted.yaml:17"}, result["now"]["rules"]
        # Several files.
        head, services, rest = re.split(r"(?m)^(?=services:|signals:)", relay.rules)
        result = relay.ask(alert=alert, traces=[trace], rules_text=f"{head}{rest}--- # teams/own.yaml\n{services}")
        assert "own.yaml:4" in [rule["place"] for rule in result["now"]["rules"]["matched"]], result["now"]["rules"]
        # Nothing of it was kept.
        assert json.loads(relay.daemon.request("GET", "/api/v1/incidents")[1])["incidents"] == [] and relay.decisions() == []
    finally:
        relay.daemon.finish()


def what_is_wrong_is_told():
    relay = Relay()
    try:
        alert = {"labels": {"alertname": "X"}}
        assert "give an alert" in relay.ask(400)["detail"]
        assert "the alert" in relay.ask(400, alert="{]")["detail"]
        assert "no decision" in relay.ask(404, incident="none")["detail"]
        assert "shadow" in relay.ask(404, alert=alert, rules="shadow")["detail"]
        assert "pasted" in relay.ask(400, alert=alert, rules="others")["detail"]
        assert relay.daemon.request("POST", "/api/v1/what-if", "[]")[0] == 400
        assert relay.daemon.request("POST", "/api/v1/what-if", "x" * (8 << 20) + "y")[0] == 413
        result = relay.ask(alert=alert, rules_text="teams: {x: {escalation: y}}\nfallback: {team: x}\n")
        finding = next(f for f in result["findings"] if f["code"] == "E012")
        assert (finding["line"], finding["column"], finding["hint"]) == (1, 25, "define it under \"escalations:\""), finding
        assert result["now"] is None
        result = relay.ask(alert=alert, traces="no trace")
        assert result["now"]["verdict"]["fallback"]["code"] in ("bad_trace", "no_signal") and result["notes"], result
        # No file is read: neither by an include, nor as a secret's.
        result = relay.ask(alert=alert, rules_text=relay.rules + f"include: [{relay.daemon.directory}/rules.yaml]\n")
        assert [f["code"] for f in result["findings"]] == ["E045"] and result["now"] is None, result["findings"]
        result = relay.ask(alert=alert, rules_text=relay.rules.replace("/shop.key", "/none.key"))
        assert result["findings"] == [] and result["now"], "the file of a secret is not looked for"
    finally:
        relay.daemon.finish()


def the_page_asks_and_answers():
    relay = Relay()
    try:
        relay.alert({"alertname": "PlaceOrderErrors", "severity": "critical", "trace_id": TRACE})
        peers.wait_for("the decision", relay.decisions)
        incident = peers.wait_for("the page", lambda: [e["dedup_key"] for e in relay.pager.events()])[0]
        browser = Browser(relay.daemon)
        assert f'href="/what-if?incident={incident}"' in browser.ask("GET", f"/incidents/{incident}")[2]
        page = browser.ask("GET", "/what-if")[2]
        assert "<textarea" in page and "shadow" not in page
        form = {"n": mark(page), "incident": incident, "rules": "force", "alert": "", "traces": "", "rules_text": ""}
        status, reply, _ = browser.ask("POST", "/what-if", form)
        assert (status, reply.getheader("Location")) == (303, f"/what-if?incident={incident}&rules=force")
        page = browser.ask("GET", reply.getheader("Location"))[2]
        assert "The page stays the same" in page and "As it was decided" in page
        assert 'href="/rules?file=rules.yaml&amp;line=17#rules.yaml:17"' in page
        form = {**form, "n": mark(page), "rules": "pasted", "rules_text": other_rules(relay.rules)}
        status, _, page = browser.ask("POST", "/what-if", form)
        assert status == 200 and "The page changes: <b>ledger -&gt; shop</b>" in page, page
        assert html.escape("ledger: {owner: shop}", quote=False) in page, "what was pasted stands in the form again"
        assert browser.ask("POST", "/what-if", form)[0] == 409, "a form counts once"
        page = browser.ask("GET", "/what-if")[2]
        page = browser.ask("POST", "/what-if", {**form, "n": mark(page), "rules_text": f"teams: {{{HOSTILE}: 1}}\n"})[2]
        assert "nothing was decided" in page and "<script>alert" not in page
        assert browser.ask("POST", "/what-if", {**form, "n": mark(page)}, Origin="http://evil.example")[0] == 403
        assert browser.ask("GET", "/what-if?incident=none")[0] == 404
    finally:
        relay.daemon.finish()


def rules_are_shown_with_their_hits():
    relay = Relay()
    try:
        relay.daemon.write("rules.yaml", relay.rules + "# last\n" + "\n" * 500 + f"silences: []  # {HOSTILE}\n")
        secret = "hooks.example/services/T0/SECRET"
        shadow = relay.rules.replace("pagers:\n", "pagers:\n  chat: {kind: slack, webhook_url: \"https://" + secret + "\"}\n")
        os.makedirs(os.path.join(relay.daemon.directory, "rules.shadow.d"))
        relay.daemon.write("rules.shadow.d/shadow.yaml", shadow.replace("ledger: {owner: ledger}", "ledger: {owner: shop}"))
        assert relay.daemon.request("POST", "/-/reload")[0] == 200
        hits = {}

        def count():
            rules = json.loads(relay.daemon.request("GET", "/api/v1/rules")[1])
            for role in ("rules", "shadow"):
                hits[role] = {(row["rule"], row["name"]): row["hits"] for row in rules[role]["hits"]}
            return hits["rules"][("route", None)] == 1 and hits["shadow"][("service", "ledger")] == 1

        relay.alert({"alertname": "PlaceOrderErrors", "severity": "critical", "trace_id": TRACE})
        relay.alert({"alertname": "Slow", "severity": "info"})
        peers.wait_for("the hits", count)
        assert hits["rules"] == {("signal", "place_order"): 1, ("service", "frontend"): 0, ("service", "checkout"): 0,
                                 ("service", "ledger"): 1, ("route", None): 1}, hits
        assert relay.daemon.request("POST", "/-/reload")[0] == 200
        assert count(), "the same rules, loaded again, keep their hits"
        browser = Browser(relay.daemon)
        status, _, page = browser.ask("GET", "/rules")
        assert status == 200 and len(page) < 100 << 10, len(page)
        line = next(n for n, text in enumerate(("x" + relay.rules).splitlines(), 1) if "severity: info" in text)
        assert re.search(rf'<tr class="rule" id="rules.yaml:{line}"><td class="number">{line}</td><td[^>]*>1×</td>', page), page[-9000:]
        assert "Further lines" in page and "silences:" not in page
        page = browser.ask("GET", "/rules?file=rules.yaml&line=530")[2]
        assert "silences:" in page and "<script>alert" not in page
        status, _, page = browser.ask("GET", "/rules?of=shadow")
        assert status == 200 and "ledger: {owner: shop}" in page and "SECRET" not in page and "***" in page
        assert browser.ask("GET", "/what-if")[2].count('value="shadow"') == 1
        assert relay.ask(alert={"labels": {"alertname": "X"}}, rules="shadow")["rules"] == "shadow"
        # A change begins anew.
        relay.daemon.write("rules.yaml", relay.rules)
        assert relay.daemon.request("POST", "/-/reload")[0] == 200
        assert not count() and set(hits["rules"].values()) == {0}, hits
    finally:
        relay.daemon.finish()


def teams_are_told():
    relay = Relay()
    try:
        for name in ("DiskFull", "CpuHot"):
            relay.alert({"alertname": name, "severity": "error"})
        relay.alert({"alertname": "PlaceOrderErrors", "severity": "critical", "trace_id": TRACE})
        opened = peers.wait_for("the incidents", lambda: (lambda found: found if len(found) == 3 else None)(
            {i["team"] + i["summary"][:4]: i["id"] for i in json.loads(relay.daemon.request("GET", "/api/v1/incidents")[1])["incidents"]}))
        peers.wait_for("the pages", lambda: len(relay.pager.events()) == 3)
        mine = next(one for name, one in opened.items() if name.startswith("ledger"))
        for act in ("acknowledge", "useful", "reroute"):
            assert relay.daemon.request("POST", f"/api/v1/incidents/{mine}/{act}", "{}")[0] == 200, act
        resolved = next(one for name, one in opened.items() if name.startswith("sre"))
        assert relay.daemon.request("POST", f"/api/v1/incidents/{resolved}/resolve", "{}")[0] == 200
        browser = Browser(relay.daemon)
        page = browser.ask("GET", "/teams")[2]
        rows = {name: dict(re.findall(r'data-label="([^"]+)">([^<]*)<', cells)) for name, cells in
                re.findall(r'<a href="/teams/([^"]+)">.*?</th>(.*?)</tr>', page, re.S)}
        assert set(rows) == {"shop", "ledger", "sre"}, rows
        ledger = rows["ledger"]
        assert (ledger["Open"], ledger["Pages, 7 days"], ledger["Pages, 30 days"], ledger["Acknowledged"], ledger["Useful"],
                ledger["Handed on"], ledger["Got from others"]) == ("0", "1", "1", "100 %", "1", "1", "0"), ledger
        assert (rows["sre"]["Pages, 7 days"], rows["sre"]["Open"]) == ("2", "1"), rows
        assert (rows["shop"]["Got from others"], rows["shop"]["Open"]) == ("1", "1"), rows
        page = browser.ask("GET", "/teams/ledger")[2]
        assert "ledger-pager; after 10 min without an answer: the fallback team" in page
        assert '#rules.yaml:17"' in page, "its service"
        assert browser.ask("GET", "/teams/none")[0] == 404
    finally:
        relay.daemon.finish()


peers.run(it_says_what_replay_says, pasted_texts_are_decided, what_is_wrong_is_told, the_page_asks_and_answers, rules_are_shown_with_their_hits,
          teams_are_told, at_once=2)
