#!/usr/bin/env python3
"""Looking back: what a real daemon decided is read beside it, and after kill -9, by replay, audit and capture."""
import json
import os
import random
import sqlite3
import subprocess
import zlib

import peers

peers.skip_unless_wanted()
UNPACK = os.path.abspath(os.path.join(peers.BUILD, "tests/lib/unpack"))
TRACE = "0af7651916cd43dd8448eb211c80319c"
ORDERS = {"alertname": "PlaceOrderErrors", "severity": "critical", "trace_id": TRACE}


def tracepager(*arguments):
    done = subprocess.run([peers.BINARY, *arguments], capture_output=True, text=True, timeout=peers.PATIENCE)
    return done.returncode, done.stdout, done.stderr


class Past:
    """A daemon that has decided three alerts: one by its trace, one without, one that is not paged."""

    def __init__(self, trace=None, rules=None):
        self.pager = peers.Pager()
        self.jaeger = peers.Jaeger({TRACE: trace or peers.shop_trace(TRACE)})
        self.daemon = peers.Daemon(self.pager.url, self.jaeger.url, rules=rules).start()
        self.store = os.path.join(self.daemon.directory, "tracepager.db")
        for labels in (ORDERS, {"alertname": "DiskFull", "severity": "error"},
                       {"alertname": "Slow", "severity": "info"}):
            status = self.daemon.request("POST", "/webhook/am", peers.webhook((labels, "firing")))[0]
            assert status == 202, status
        peers.wait_for("the pages", lambda: len(self.pager.events()) == 2)
        peers.wait_for("the records", lambda: self.replay(self.rules())[1]["decisions"] == 3)
        self.incident = next(e["dedup_key"] for e in self.pager.events() if e["routing_key"] == "key-ledger")

    def rules(self, *changes):
        """A file of the daemon's rules with texts exchanged."""
        text = peers.RULES.format(pager=self.pager.url, directory=self.daemon.directory)
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new)
        self.daemon.write("new.yaml", text)
        return os.path.join(self.daemon.directory, "new.yaml")

    def replay(self, rules):
        status, out, err = tracepager("replay", "--store", self.store, "--rules", rules, "--format", "json")
        assert status in (0, 1), (status, err)
        return status, json.loads(out)

    def audit(self, *arguments):
        status, out, err = tracepager("audit", "--store", self.store, "--format", "json", *arguments)
        assert status in (0, 1), (status, err)
        return status, json.loads(out)


def decided_again():
    past = Past()
    try:
        to_shop = past.rules(("ledger: {owner: ledger}", "ledger: {owner: shop}"))
        for killed in (False, True):
            if killed:
                past.daemon.kill()
            status, again = past.replay(past.rules())
            assert (status, again["decisions"], again["changes"]) == (0, 3, []), again
            status, again = past.replay(past.rules(("ledger: {owner: ledger}", "ledger: {owner: shop}")))
            assert status == 1 and len(again["changes"]) == 1, again
            change = again["changes"][0]
            assert (change["alert"], change["change"], change["by"]) == ("PlaceOrderErrors", "ledger -> shop", "traces")
            assert change["was"]["team"] == "ledger" and change["now"]["team"] == "shop", change
            assert change["incident"] == past.incident and change["now"]["suspect"] == "ledger", change
            assert change["now"]["rule"].startswith("new.yaml:"), change
        status, again = past.replay(past.rules(("when: {severity: info}", "when: {severity: error}")))
        assert sorted(c["change"] for c in again["changes"]) == ["new", "no longer sent"], again
        status, out, _ = tracepager("replay", "--store", past.store, "--rules",
                                    past.rules(("ledger: {owner: ledger}", "ledger: {owner: shop}")))
        assert status == 1 and out.startswith("1 page changes: 1 ledger -> shop; 3 decisions since "), out
        assert "  PlaceOrderErrors  ledger/critical/ledger -> shop/critical/ledger  new.yaml:" in out, out
        assert to_shop
    finally:
        past.daemon.finish()


def many_of_one():
    """Twenty alerts of one incident are one page that changes, and one line."""
    past = Past()
    try:
        disks = [({"alertname": "NodeDown", "severity": "error", "host": f"db{n}"}, "firing") for n in range(20)]
        assert past.daemon.request("POST", "/webhook/am", peers.webhook(*disks))[0] == 202
        peers.wait_for("the records", lambda: past.replay(past.rules())[1]["decisions"] == 23)
        rules = past.rules(("fallback: {team: sre}", "fallback: {team: shop}"))
        out = tracepager("replay", "--store", past.store, "--rules", rules)[1]
        # DiskFull is a page of its own.
        assert out.startswith("2 pages change: 2 sre -> shop; 21 of 23 decisions since "), out
        assert out.count("NodeDown") == 1 and "(20 times, until " in out, out
        assert past.replay(rules)[1]["pages_changed"] == 2
        assert {row["team"]: row["pages"] for row in past.audit()[1]["pages_by_team"]} == {"ledger": 1, "sre": 2}
    finally:
        past.daemon.finish()


def decided_again_without_traces():
    past = Past()
    try:
        past.daemon.kill()
        with sqlite3.connect(past.store) as store:
            assert store.execute("DELETE FROM traces").rowcount == 1
        store.close()
        status, again = past.replay(past.rules())
        assert (status, again["by_suspect"], again["changes"]) == (0, 1, []), again
        status, again = past.replay(past.rules(("ledger: {owner: ledger}", "ledger: {owner: shop}")))
        assert status == 1 and [c["by"] for c in again["changes"]] == ["suspect"], again
        status, out, err = tracepager("capture", past.incident, "--store", past.store, "--output",
                                      past.daemon.directory)
        assert status == 1 and "not kept any more" in err and out == "", (status, out, err)
    finally:
        past.daemon.finish()


def large_trace():
    """20,000 spans beside the path, of names that nothing can pack: a megabyte does not hold them."""
    chance, trace = random.Random(1), peers.shop_trace(TRACE)
    spans = trace["resourceSpans"]
    spans.append(peers.span(TRACE, "00000000000000b0", "00000000000000a1", "catalog", "List", start=5, duration=50))
    beside = spans[-1]["scopeSpans"][0]["spans"]
    for i in range(20000):
        beside += peers.span(TRACE, f"{i + 0x10000:016x}", "00000000000000b0", "catalog",
                             f"{chance.getrandbits(512):0128x}", kind=1, start=5, duration=50)["scopeSpans"][0]["spans"]
    return trace


def decided_again_by_paths():
    past = Past(large_trace())
    try:
        status, again = past.replay(past.rules())
        assert (status, again["by_paths"], again["changes"]) == (0, 1, []), again
        status, again = past.replay(past.rules(("ledger: {owner: ledger}", "ledger: {owner: shop}")))
        assert [(c["by"], c["change"]) for c in again["changes"]] == [("paths", "ledger -> shop")], again
        # The path and what stands beside it, and nothing of what is below that.
        status, out, err = tracepager("capture", past.incident, "--store", past.store, "--output",
                                      past.daemon.directory)
        assert status == 0, err
        trace = next(line for line in out.split() if line.endswith(".pb"))
        status, out, _ = tracepager("explain", "--format", "json", trace)
        decided = json.loads(out)["traces"][0]
        assert decided["spans"] == 4 and [s["service"] for s in decided["path"]] == \
            ["frontend", "checkout", "ledger"], decided
    finally:
        past.daemon.finish()


def audited():
    past = Past()
    try:
        status, found = past.audit()  # by the rules that the store has
        assert status == 0, found
        assert found["pages_by_team"] == [{"team": "ledger", "pages": 1, "percent": 50},
                                          {"team": "sre", "pages": 1, "percent": 50}], found
        lesser = past.rules(("  checkout: {owner: shop}\n", "  billing: {owner: shop, reviewed_at: 2020-01-01}\n"))
        proposal = os.path.join(past.daemon.directory, "proposal.yaml")
        status, found = past.audit("--rules", lesser, "--write", proposal)
        assert status == 1, found
        assert [(s["service"], s["traces"], s["called_by"]) for s in found["unowned_services"]] == \
            [("checkout", 1, "frontend")], found
        assert [(c["caller"], c["callee"]) for c in found["unnamed_calls"]] == [("frontend", "checkout")], found
        assert [e["entry"] for e in found["unseen_entries"]] == ["billing"], found
        assert [e["reviewed_at"] for e in found["unreviewed_entries"]] == ["2020-01-01"], found
        with open(proposal, encoding="utf-8") as f:
            text = f.read()
        assert text.count("# owner: ?") == 1, text
        assert tracepager("check", "--no-secrets", lesser, proposal)[0] == 1  # nothing was invented
        past.daemon.write("proposal.yaml", text.replace("# owner: ?", "owner: shop"))
        status, out, err = tracepager("check", "--no-secrets", lesser, proposal)
        assert status == 0, (out, err)
        for form, title in (("text", "Services in traces"), ("markdown", "## Services in traces")):
            status, out, _ = tracepager("audit", "--store", past.store, "--rules", lesser, "--format", form)
            assert status == 1 and title in out and "checkout" in out, out
    finally:
        past.daemon.finish()


def broad_alerts():
    past = Past()
    try:
        assert past.audit()[1]["broad_alerts"] == []
        labels = {"alertname": "ShopSlow", "service": "frontend", "trace_id": TRACE}
        assert past.daemon.request("POST", "/webhook/am", peers.webhook((labels, "firing")))[0] == 202
        peers.wait_for("the record", lambda: past.replay(past.rules())[1]["decisions"] == 4)
        status, found = past.audit()
        assert status == 0, found  # a broad alert is no mistake
        rule = ('"ShopSlow frontend": {alerts: {alertname: "ShopSlow", "service": "frontend"}, '
                'span: {service: "frontend", operation: "POST /orders"}}')
        assert found["broad_alerts"] == [{"alert": "ShopSlow", "service": "frontend", "decisions": 1, "signal": rule}], found
        assert rule in tracepager("audit", "--store", past.store)[1]  # is not cut
        pasted = past.rules(("signals:\n", f"signals:\n  {rule}\n"))
        status, out, err = tracepager("check", "--no-secrets", pasted)
        assert status == 0, (out, err)
    finally:
        past.daemon.finish()


def links_and_pagers():
    past = Past()
    pages = peers.Peer(lambda request: (404 if "gone" in request["path"] else 200, {}, b"here"))
    try:
        rules = past.rules(
            ("ledger: {owner: ledger}", f'ledger: {{owner: ledger, runbook: "{pages.url}/gone", '
                                        f'dashboard: "{pages.url}/there"}}'),
            ("checkout: {owner: shop}", f'checkout: {{owner: shop, runbook: "http://127.0.0.1:{peers.free_port()}/"}}'))
        assert "dead_links" not in past.audit("--rules", rules)[1]
        assert pages.seen() == []
        status, found = past.audit("--rules", rules, "--check-links")
        assert status == 1, found
        assert sorted((link["entry"], link["kind"]) for link in found["dead_links"]) == \
            [("checkout", "runbook"), ("ledger", "runbook")], found
        assert {link["entry"]: link["answer"] for link in found["dead_links"]}["ledger"] == "HTTP 404", found
        past.daemon.kill()
        with sqlite3.connect(past.store) as store:
            store.execute("UPDATE pages SET state = 2, error = 'HTTP 400: no such key' WHERE pager = 'sre-pager'")
        store.close()
        assert [(p["pager"], p["pages"], p["error"]) for p in past.audit()[1]["refusing_pagers"]] == \
            [("sre-pager", 1, "HTTP 400: no such key")]
    finally:
        past.daemon.finish()


def captured():
    past = Past()
    try:
        folder = os.path.join(past.daemon.directory, "captured")
        os.mkdir(folder)
        status, out, err = tracepager("capture", past.incident, "--store", past.store, "--output", folder)
        assert status == 0, err
        names = sorted(os.path.basename(line) for line in out.split())
        test = next(name for name in names if name.endswith("_test.yaml"))
        assert sorted(os.listdir(folder)) == names and len(names) >= 2, names
        with open(os.path.join(folder, test), encoding="utf-8") as f:
            text = f.read()
        for line in ('suspect: "ledger"', "fallback: none", 'team: "ledger"', "page: sent", 'severity: "critical"',
                     past.incident, '"alertname": "PlaceOrderErrors"'):
            assert line in text, (line, text)
        trace = os.path.join(folder, next(name for name in names if name.endswith(".pb")))
        status, out, err = tracepager("explain", "--rules", past.rules(), "--format", "json", trace)
        decision = json.loads(out)
        assert decision["verdict"]["suspect"]["service"] == "ledger", decision
        assert decision["traces"][0]["trace_id"] == TRACE, decision
        # The test that was written holds under the rules that decided.
        rules = os.path.join(folder, "rules.yaml")
        os.rename(past.rules(), rules)
        status, out, err = tracepager("test", folder)
        assert status == 0, (out, err)
        os.remove(rules)
        assert tracepager("capture", past.incident, "--store", past.store, "--output", folder)[0] == 2
        assert sorted(os.listdir(folder)) == names  # as it was
        assert tracepager("capture", "feedfeed", "--store", past.store)[0] == 1
    finally:
        past.daemon.finish()


def handed_on():
    """A team says "not ours": pages and answers are counted, the rule is told as wrong, a draft of a test is written."""
    past = Past()
    try:
        folder = os.path.join(past.daemon.directory, "drafts")
        os.mkdir(folder)
        status, out, err = tracepager("capture", "--rerouted", "--store", past.store, "--output", folder)
        assert (status, out) == (0, "") and "no team has said" in err and not os.listdir(folder), (status, out, err)
        status, text, _ = past.daemon.request("POST", f"/api/v1/incidents/{past.incident}/reroute", json.dumps(
            {"team": "shop", "text": "their journal\nis full: see \"there\"", "who": "ann"}))
        assert status == 200, text
        peers.wait_for("the page of shop", lambda: [e for e in past.pager.events() if e["routing_key"] == "key-shop"])
        assert past.daemon.request("POST", f"/api/v1/incidents/{past.incident}/acknowledge", json.dumps({"who": "bob"}))[0] == 200
        status, found = past.audit("--pages")
        teams = {team["team"]: team for team in found["teams"]}
        assert status == 0 and {team: row["pages"] for team, row in teams.items()} == {"ledger": 1, "shop": 1, "sre": 1}, found
        assert [teams[team]["not_ours"] for team in ("ledger", "shop", "sre")] == [1, 0, 0], teams
        assert [teams[team]["acknowledged"] for team in ("ledger", "shop", "sre")] == [0, 1, 0], teams
        assert [teams[team]["false_pages"] for team in ("ledger", "shop", "sre")] == [1, 0, 0], teams
        assert not any(team["escalated"] for team in teams.values()), teams
        status, found = past.audit()
        assert status == 1 and [(row["decisions"], row["not_ours"], row["percent"]) for row in found["wrong_rules"]] == \
            [(1, 1, 100)], found["wrong_rules"]
        place = found["wrong_rules"][0]["rule"]
        assert place.startswith("rules.yaml:"), place
        kinds = {row["kind"]: row["not_ours"] for row in found["verdict_kinds"]}
        assert sorted(kinds.values()) == [0, 1], kinds

        status, out, err = tracepager("capture", "--rerouted", "--store", past.store, "--output", folder)
        assert status == 0, err
        draft = next(line for line in out.split() if line.endswith("_test.yaml.draft"))
        with open(draft, encoding="utf-8") as f:
            text = f.read()
        for line in ("# DRAFT of a rule test", 'Team ledger said "not ours" at ', ' UTC (ann): their journal is full: see "there"\n',
                     "# Since then team shop has had the incident.\n", f"# The rules decided for team ledger by {place}, with the"
                     " suspect ledger.\n", '    expect:\n      team: "shop"\n      page: sent\n'):
            assert line in text, (line, text)
        # What is there stays, and a person's own capture refuses to write over it.
        names = sorted(os.listdir(folder))
        assert tracepager("capture", "--rerouted", "--store", past.store, "--output", folder) == (0, "", "")
        assert tracepager("capture", past.incident, "--store", past.store, "--output", folder)[0] == 2
        assert sorted(os.listdir(folder)) == names
        # A draft counts as nothing; named as a test it fails until the rules say what people said.
        os.rename(past.rules(), os.path.join(folder, "rules.yaml"))
        assert tracepager("test", folder)[0] == 2
        os.rename(draft, draft[:-len(".draft")])
        status, out, err = tracepager("test", folder)
        assert status == 1 and "shop" in out, (status, out, err)
        os.rename(past.rules(("ledger: {owner: ledger}", "ledger: {owner: shop}")), os.path.join(folder, "rules.yaml"))
        assert tracepager("test", folder)[0] == 0
        assert tracepager("capture", "--rerouted", "--store", past.store, "--output", folder) == (0, "", "")
        # The incident of nobody's "not ours" gives a test.
        other = next(e["dedup_key"] for e in past.pager.events() if e["routing_key"] == "key-sre")
        status, out, err = tracepager("capture", other, "--store", past.store, "--output", folder)
        assert status == 0 and out.strip().endswith("_test.yaml"), (out, err)
        past.daemon.kill()
        with sqlite3.connect(past.store) as store:
            store.execute("DELETE FROM traces")
        store.close()
        status, out, err = tracepager("capture", "--rerouted", "--store", past.store)
        assert status == 1 and "not kept any more" in err and out == "", (status, out, err)
    finally:
        past.daemon.finish()


def secrets_stay_out():
    """The rules are kept for the record, their secrets are not."""
    past = Past(rules=peers.RULES.replace('routing_key_file: "{directory}/ledger.key"', "routing_key: key-ledger"))
    try:
        past.daemon.kill()
        with sqlite3.connect(past.store) as store:
            packed = store.execute("SELECT texts FROM rules").fetchone()[0]
        store.close()
        texts = subprocess.run([UNPACK], input=packed, stdout=subprocess.PIPE, check=True).stdout.decode()
        assert "routing_key: xxx" in texts and "key-ledger" not in texts, texts
    finally:
        past.daemon.finish()


def hidden_rules_load():
    """Secrets of all forms are hidden in the stored rules, which are still rules; where they are none, no file that is gone is named."""
    hooks = """pagers:
  one: {{kind: webhook, url: "http://127.0.0.1:1/a", headers: {{X-S_file: /k-secret, X-T: "k-secret"}}}}
  two:
    kind: webhook
    url: http://127.0.0.1:1/b
    headers:
      X-S: k-secret
      X-T: k-secret
"""
    past = Past(rules=peers.RULES.replace("pagers:\n", hooks))
    try:
        past.daemon.kill()
        assert past.audit()[1]["pages_by_team"]
        for arguments in (["audit", "--pages"], ["slo", "propose"]):
            status, _, err = tracepager(*arguments, "--store", past.store)
            assert status in (0, 1) and "rules" not in err, (arguments, status, err)
        with sqlite3.connect(past.store) as store:
            packed = store.execute("SELECT texts FROM rules").fetchone()[0]
            texts = subprocess.run([UNPACK], input=packed, stdout=subprocess.PIPE, check=True).stdout
            assert b"X-T: xxxxxxxx" in texts and b"k-secret" not in texts, texts
            store.execute("UPDATE rules SET texts = ?", (zlib.compress(texts.replace(b"fallback", b"fallbakc"), 0),))
        store.close()
        status, _, err = tracepager("audit", "--store", past.store)
        assert status == 2 and "the rules stored with the decision/rules.yaml:" in err, err
        assert "the rules stored with the decision have errors" in err and "tracepager-audit" not in err, err
    finally:
        past.daemon.finish()


def included_rules_load():
    """The store keeps the files that others include, and the entries of catalogues, under names without a directory."""
    daemon = peers.Daemon()
    try:
        for name in ("teams", "more", "catalog"):
            os.mkdir(os.path.join(daemon.directory, name))
        daemon.write("teams/rules.yaml", "services: {cart: {owner: shop}}\n")
        daemon.write("more/rules.yaml", "services: {stock: {owner: sre}}\n")
        daemon.write("catalog/catalog-info.yaml", "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: basket}\n"
                     "spec: {type: service, owner: shop}\n")
        with open(os.path.join(daemon.directory, "rules.yaml"), encoding="utf-8") as f:
            daemon.write("rules.yaml", "include: [teams/rules.yaml, 'more/*.yaml', {catalogue: backstage, path: catalog}]\n" + f.read())
        daemon.start()
        assert daemon.request("POST", "/webhook/am", peers.webhook(({"alertname": "DiskFull"}, "firing")))[0] == 202
        store = os.path.join(daemon.directory, "tracepager.db")
        peers.wait_for("the rules", lambda: "no rules" not in tracepager("audit", "--store", store)[2])
        status, out, err = tracepager("audit", "--store", store)
        assert status in (0, 1) and err == "", (status, out, err)
    finally:
        daemon.finish()


def wrong_usage():
    for arguments in (["replay"], ["replay", "--store", "x"], ["replay", "--store", "x", "--rules", "y", "z"],
                      ["replay", "--store", "/nowhere/x.db", "--rules", os.devnull], ["replay", "--format", "xml"],
                      ["replay", "--store", "x", "--rules", "y", "--since", "soon"],
                      ["audit"], ["audit", "--store", "/nowhere/x.db"], ["audit", "--days", "0"],
                      ["audit", "--format", "xml"], ["audit", "--pages"], ["audit", "--pages", "--since", "soon", "--store", "x"],
                      ["audit", "--pages", "--store", "/nowhere/x.db"], ["capture"], ["capture", "1"],
                      ["capture", "--store", "x"], ["capture", "--rerouted", "1", "--store", "x"], ["capture", "1", "2", "--store", "x"],
                      ["capture", "1", "--store", "/nowhere/x.db"]):
        status, out, err = tracepager(*arguments)
        assert status == 2 and out == "" and f"tracepager {arguments[0]}: " in err, (arguments, status, out, err)
    for command in ("replay", "audit", "capture"):
        status, out, _ = tracepager(command, "--help")
        assert status == 0 and out.startswith(f"usage: tracepager {command} "), out


peers.run(decided_again, many_of_one, decided_again_without_traces, decided_again_by_paths, audited, broad_alerts,
           links_and_pagers, captured, handed_on, secrets_stay_out, hidden_rules_load, included_rules_load, wrong_usage)
