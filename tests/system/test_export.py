#!/usr/bin/env python3
"""tracepager export against the programs that read its files: Alertmanager's amtool, and our own importer.

The rules of tests/system/export-rules are a company of 12 teams that uses every part of the language. 200 random alerts go to the
same pagers by "tracepager explain" (no traces) and by the exported tree. amtool tells the receivers of an alert at any time; which
of them are active now is told by a walk of the same tree here, which must find the receivers that amtool finds.
"""
import datetime
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import zoneinfo

import yaml

import peers

RULES = os.path.join(peers.TOP, "tests", "system", "export-rules")
ALERTS = 200
# Every n-th alert goes through amtool, which reads the whole file each time; the others are walked as it walks.
AMTOOL_EVERY = int(os.environ.get("TP_AMTOOL_EVERY", "8"))
# The labels of decide/signal.c that name a service of an alert whose expression is not known, in its order.
LABELS = ["service", "service_name", "application", "app", "job", "deployment", "statefulset", "daemonset", "container"]


def tracepager(*arguments, **more):
    return subprocess.run([peers.BINARY, *arguments], capture_output=True, encoding="utf-8", check=False, **more)


def exported(kind, *arguments):
    ran = tracepager("export", kind, RULES, *arguments)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout, ran.stderr


def rules():
    merged = {}
    for name in sorted(os.listdir(RULES)):
        with open(os.path.join(RULES, name), encoding="utf-8") as f:
            merged.update(yaml.safe_load(f))
    return merged


# ---- Alertmanager ----

def matcher_holds(text, labels):
    name, op, value = re.fullmatch(r'(\w+)(=~|!~|!=|=)"((?:[^"\\]|\\.)*)"', text, re.S).groups()
    value = re.sub(r'\\(["\\])', r"\1", value)
    has = labels.get(name, "")
    met = re.fullmatch(value, has) is not None if "~" in op else has == value
    return met != op.startswith("!")


def walk(node, labels):
    """The nodes that an alert ends at (Alertmanager: dispatch/route.go, Match)."""
    if not all(matcher_holds(text, labels) for text in node.get("matchers", [])):
        return []
    found = []
    for child in node.get("routes", []):
        ends = walk(child, labels)
        found += ends
        if ends and not child.get("continue"):
            break
    return found or [node]


def range_holds(texts, value, names, end=0):
    for text in texts:
        first, last = (names.index(t) if names else int(t) for t in (text.split(":") * 2)[:2])
        first, last = (n + end + 1 if n < 0 else n for n in (first, last))
        if first <= value <= last:
            return True
    return not texts


def interval_holds(interval, now):
    at = now.astimezone(zoneinfo.ZoneInfo(interval.get("location", "UTC")))
    days = "monday tuesday wednesday thursday friday saturday sunday".split()
    months = ". january february march april may june july august september october november december".split()
    end = ((at.replace(day=28) + datetime.timedelta(days=4)).replace(day=1) - datetime.timedelta(days=1)).day
    clock = at.strftime("%H:%M")
    return (any(t["start_time"] <= clock < t["end_time"] for t in interval.get("times", [{"start_time": "", "end_time": "~"}]))
            and range_holds(interval.get("weekdays", []), at.weekday(), days)
            and range_holds(interval.get("days_of_month", []), at.day, None, end)
            and range_holds(interval.get("months", []), at.month, months)
            and range_holds(interval.get("years", []), at.year, None))


def is_active(node, intervals, now):
    holds = lambda name: any(interval_holds(i, now) for i in intervals[name])
    return ((not node.get("active_time_intervals") or any(map(holds, node["active_time_intervals"])))
            and not any(map(holds, node.get("mute_time_intervals", []))))


def pagers_of(receiver, all_rules):
    """By the receiver's name, which says whom it stands for."""
    sort, _, names = receiver.partition(" ")
    if receiver == "nobody":
        return set()
    if sort in ("pagers", "also"):
        return set(names.split(" + "))
    escalation = names if sort == "escalation" else all_rules["teams"][receiver]["escalation"]
    return set(all_rules["escalations"][escalation]["steps"][0]["page"])


def random_alert(chance):
    known = ["checkout", "cart", "basket", "ledger", "ledger-db", "ledger-reports", "payment-api", "payment-fraud", "search-a", "suggest",
             "catalog", "parcels", "tracking", "login", "warehouse", "etl.nightly", "ios-gateway", "web-gateway", "ingress", "scanner"]
    labels = {"alertname": chance.choice(["HighErrors", "DiskFull", "PlaceOrderErrors", "PayInvoiceErrors", "FindItemsSlow", "KubePodCrash",
                                          "NodeDown", "Canary", "Orphan", "Watchdog"]),
              "severity": chance.choice(["critical", "page", "error", "warning", "info", "low", "none", "P1", "odd"])}
    for name, values in (("env", ["production", "dev", "test-7", "staging"]), ("region", ["eu", "us", "apac"]), ("tier", "0123"),
                         ("namespace", ["shop", "b2b-eu", "kube-system"]), ("service_namespace", ["shop", "b2b-us"]),
                         ("team", ["data", "mobile", "nobody"]), ("instance", ["db1:9100", "web2"])):
        if chance.random() < 0.4:
            labels[name] = chance.choice(list(values))
    if chance.random() < 0.02:
        labels["alertname"] = "LookAtThis"
    for name in chance.sample(LABELS, chance.choice([0, 1, 1, 1, 1, 2])):
        labels[name] = chance.choice(known + ["unknown", "kube-state-metrics", "stranger"])
        if name == "job" and chance.random() < 0.3:
            labels[name] = f"shop/{labels[name]}"
    return labels


def is_told_loss(labels):
    """"the first of its labels whose value these rules know": tracepager takes "stranger" for a service, too, and a signal keeps its
    own name for one; then a label behind it does not count. And "the regular expression of alertname is PCRE's"."""
    if labels["alertname"] == "LookAtThis":
        return True
    values = [labels[name] for name in LABELS if name in labels]
    return len(values) > 1 and "stranger" in values


def random_alerts_go_to_the_same_pagers():
    all_rules, chance = rules(), random.Random(12)
    differences, explained, seen = [], 0, set()
    with tempfile.TemporaryDirectory() as directory:
        config, body = os.path.join(directory, "alertmanager.yml"), os.path.join(directory, "alert.json")
        exported("alertmanager", "-o", config)
        with open(config, encoding="utf-8") as f:
            tree = yaml.safe_load(f)
        intervals = {entry["name"]: entry["time_intervals"] for entry in tree["time_intervals"]}
        for number in range(ALERTS):
            labels = random_alert(chance)
            with open(body, "w", encoding="utf-8") as f:
                json.dump({"labels": labels}, f)
            # Both are asked between two looks at the clock: an interval may begin or end just then.
            before = datetime.datetime.now(datetime.timezone.utc)
            ran = tracepager("explain", "--rules", RULES, "--alert", body, "--format", "json")
            after = datetime.datetime.now(datetime.timezone.utc)
            decision = json.loads(ran.stdout)
            ours = set()
            if decision["page"]:
                ours = set(decision["escalation"]["steps"][0]["pagers"]) | set(decision["escalation"].get("also_notify", []))
            nodes = walk(tree["route"], labels)
            if number % AMTOOL_EVERY == 0:
                asked = subprocess.run(["amtool", "config", "routes", "test", f"--config.file={config}",
                                        *(f"{name}={value}" for name, value in labels.items())],
                                       capture_output=True, encoding="utf-8", check=True)
                assert asked.stdout.strip().split(",") == [n["receiver"] for n in nodes], (labels, asked.stdout, nodes)
            theirs = [set().union(*(pagers_of(n["receiver"], all_rules) for n in nodes if is_active(n, intervals, now)))
                      for now in (before, after)]
            seen.add(decision["owner"]["team"])
            if ours in theirs:
                continue
            if is_told_loss(labels):
                explained += 1
            else:
                differences.append((labels, ours, theirs[0], decision["owner"]))
    for difference in differences:
        print(*difference, sep="\n    ")
    print(f"{ALERTS} alerts of {len(seen)} teams: {len(differences)} differences, {explained} explained by a loss that is told")
    assert not differences
    assert len(seen) == 12 and explained < ALERTS / 20, (seen, explained)


def amtool_accepts_it():
    with tempfile.TemporaryDirectory() as directory:
        config = os.path.join(directory, "alertmanager.yml")
        _, losses = exported("alertmanager", "-o", config)
        checked = subprocess.run(["amtool", "check-config", config], capture_output=True, encoding="utf-8", check=False)
        assert checked.returncode == 0, checked.stdout + checked.stderr
        with open(config, encoding="utf-8") as f:
            text = f.read()
    for secret in ("0123456789abcdef", "secret-text"):
        assert secret not in text and secret not in losses
    # Each loss stands at the top of the file, too, and names its place.
    told = losses.splitlines()
    assert told[-1] == f"{len(told) - 1} losses"
    for line in told[:-1]:
        assert f"#   {line}\n" in text, line
    for place in ("routing.yaml:39: the route asks for a suspect", "routing.yaml:41: the route asks for a sender",
                  "routing.yaml:43: the regular expression", "teams.yaml:35: pager sre-teams (teams) is lost",
                  "teams.yaml:41: escalation ledger: 1 later step", "services.yaml:18: service warehouse"):
        assert any(line.startswith(place) for line in told), place
    assert text == exported("alertmanager")[0]


# ---- Backstage ----

def backstage_comes_back():
    """Rules, exported and imported again: the same owners, titles, channels, criticalities and links."""
    before = rules()
    with tempfile.TemporaryDirectory() as directory:
        catalog = os.path.join(directory, "catalog-info.yaml")
        exported("backstage", "-o", catalog)
        with open(catalog, encoding="utf-8") as f:
            entities = list(yaml.safe_load_all(f))
        ran = tracepager("import", "backstage", "--escalation", "any", "--fallback", "sre", catalog)
        # The rules give "catalog" to two teams, by its namespace: the importer takes the Component of the default namespace.
        lost = [line for line in ran.stderr.splitlines() if ": left out: " in line or "loss" in line]
        assert ran.returncode == 1 and len(lost) == 2 and 'service "catalog": left out' in lost[0], ran.stderr
        after = yaml.safe_load(ran.stdout)
    for entity in entities:
        assert entity["apiVersion"] == "backstage.io/v1alpha1"
        assert re.fullmatch(r"[a-zA-Z0-9]+([-_.][a-zA-Z0-9]+)*", entity["metadata"]["name"]), entity
        if entity["kind"] == "Group":
            assert entity["spec"]["type"] == "team" and entity["spec"]["children"] == []
        else:
            assert entity["kind"] == "Component" and set(entity["spec"]) == {"type", "lifecycle", "owner"}
    assert [e["metadata"]["name"] for e in entities if e["kind"] == "Group"] == list(before["teams"])
    compared = 0
    for key, entry in before["services"].items():
        if entry.get("match"):
            continue
        again = after["services"][key]
        assert (again["owner"], again.get("criticality")) == (entry["owner"], entry.get("criticality")), key
        compared += 1
    assert compared == 15, compared
    assert after["services"]["checkout"]["runbook"] == "https://wiki.shop.example/checkout"
    assert after["services"]["checkout"]["dashboard"] == "https://grafana.shop.example/d/checkout"
    assert after["teams"]["shop"]["channel"] == "#shop" and after["teams"]["ledger"]["name"] == "Ledger & journal"


# ---- Grafana ----

PANELS = {"row", "stat", "text", "alertlist", "timeseries", "bargauge"}
UNITS = {"reqps", "percentunit", "ms", "s", "short", "none"}
NAMES = {"otel": ("traces_span_metrics_calls_total", "traces_span_metrics_duration_milliseconds_bucket", "service_name"),
         "otel-seconds": ("traces_span_metrics_calls_total", "traces_span_metrics_duration_seconds_bucket", "service_name"),
         "otel-old": ("calls_total", "duration_milliseconds_bucket", "service_name"),
         "tempo": ("traces_spanmetrics_calls_total", "traces_spanmetrics_latency_bucket", "service")}


def check_board(board, names):
    """What Grafana 9's schema of a dashboard (kinds/dashboard, and each panel's) asks for, as far as it is used."""
    assert board["id"] is None and board["schemaVersion"] == 36 and board["title"].startswith("Team ")
    assert re.fullmatch(r"[a-zA-Z0-9_-]{1,40}", board["uid"])
    assert set(board["time"]) == {"from", "to"} and board["annotations"] == {"list": []}
    source, service = board["templating"]["list"]
    assert (source["type"], source["query"], source["name"]) == ("datasource", "prometheus", "datasource")
    assert service["type"] == "query" and service["multi"] and service["includeAll"] and service["allValue"]
    assert service["query"]["query"] == service["definition"] and names[0] in service["definition"]
    taken, ids, queries = set(), set(), []
    for panel in board["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert panel["type"] in PANELS and panel["title"] and at["x"] + at["w"] <= 24 and not cells & taken, panel
        taken |= cells
        ids.add(panel["id"])
        if "targets" not in panel:
            continue
        defaults, (target,) = panel["fieldConfig"]["defaults"], panel["targets"]
        assert defaults["unit"] in UNITS and defaults["min"] == 0
        steps = defaults["thresholds"]["steps"]
        assert steps[0] == {"color": "green", "value": None} and len(steps) in (1, 3)
        assert [s["value"] for s in steps[1:]] == sorted(s["value"] for s in steps[1:])
        assert panel["datasource"] == target["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        assert target["refId"] == "A" and target["instant"] != target["range"]
        assert panel["type"] == "stat" or target["legendFormat"], panel["title"]
        queries.append(target["expr"])
    assert len(ids) == len(board["panels"])
    for name in names[:2]:
        assert any(name in query for query in queries), name
    return queries


def dashboards():
    """One dashboard for each team that owns a service by name; each query is one that Prometheus reads."""
    owners = {entry["owner"] for key, entry in rules()["services"].items() if entry.get("match", {}).get("service") != "*"}
    for metrics, names in NAMES.items():
        with tempfile.TemporaryDirectory() as directory:
            exported("grafana", "-o", directory, "--metrics", metrics, "--url", "https://relay.example/")
            boards = {}
            for file in os.listdir(directory):
                with open(os.path.join(directory, file), encoding="utf-8") as f:
                    board = json.load(f)
                assert file == f"{board['uid']}.json"
                boards[board["title"]] = board
            assert len(boards) == len(owners) == 11
            queries = [query for board in boards.values() for query in check_board(board, names)]
            checked = os.path.join(directory, "queries.yml")
            with open(checked, "w", encoding="utf-8") as f:
                records = [{"record": f"r:n{i}", "expr": q.replace("$__rate_interval", "5m").replace("$service", "a|b")}
                           for i, q in enumerate(queries)]
                yaml.safe_dump({"groups": [{"name": "g", "rules": records}]}, f)
            if shutil.which("promtool"):
                ran = subprocess.run(["promtool", "check", "rules", checked], capture_output=True, encoding="utf-8", check=False)
                assert ran.returncode == 0, ran.stdout + ran.stderr
        assert boards["Team Ledger & journal"]["templating"]["list"][1]["allValue"] == "ledger.*"
        assert boards["Team data"]["templating"]["list"][1]["allValue"] == r"ledger-reports|catalog|warehouse|etl\\..*"
        shop = boards["Team Shop"]
        assert [link["url"] for link in shop["links"]] == ["https://relay.example/?team=shop"]
        (text,) = [p["options"]["content"] for p in shop["panels"] if p["type"] == "text"]
        assert "| checkout | high | [Runbook](https://wiki.shop.example/checkout) [Dashboard](https://grafana.shop.example/d/checkout) |" in text
        (alerts,) = [p["options"] for p in shop["panels"] if p["type"] == "alertlist"]
        assert alerts["alertInstanceLabelFilter"] == '{service=~"checkout|cart|basket"}' and alerts["stateFilter"]["firing"]


def usage():
    ran = tracepager("export")
    assert ran.returncode == 0 and [line.split()[0] for line in ran.stdout.splitlines()] == ["alertmanager", "backstage", "grafana"]
    assert (ran := tracepager("export", "nagios", RULES)).returncode == 2 and "no kind of export nagios" in ran.stderr
    assert (ran := tracepager("export", "grafana", RULES)).returncode == 2 and "--output DIR" in ran.stderr
    assert (ran := tracepager("export", "backstage", "/nonexistent")).returncode == 2 and "errors" in ran.stderr
    assert (ran := tracepager("export", "alertmanager", RULES, "--service-label", "a.b")).returncode == 2 and "label's name" in ran.stderr


if __name__ == "__main__":
    peers.skip_unless_wanted()
    if not shutil.which("amtool"):
        print("skipped: there is no amtool (Debian package prometheus-alertmanager)")
        sys.exit(77)
    peers.run(usage, dashboards, backstage_comes_back, amtool_accepts_it, random_alerts_go_to_the_same_pagers)
