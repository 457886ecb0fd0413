#!/usr/bin/env python3
"""The service map: its edges are those that a script counts over the same traces, by the API, by the command and on the page; what the
page shows of a part; what is refused; names of strangers."""
import html
import json
import os
import re
import subprocess
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import fleet  # noqa: E402
import peers  # noqa: E402

peers.skip_unless_wanted()
HOSTILE = "<script>alert(1)</script>\"'&\x1b[31m\u202e|n0[x]\\N{#;"
RULES = """
teams: {{shop: {{escalation: all}}, data: {{escalation: all}}, sre: {{escalation: all}}}}
pagers: {{all: {{kind: pagerduty, routing_key_file: "{directory}/sre.key", url: "{pager}/v2/enqueue"}}}}
escalations: {{all: {{steps: [{{page: [all], wait: 10m}}]}}}}
services:
  svc-0: {{owner: shop, match: {{service: "svc-00*"}}}}
  svc-1: {{owner: sre, match: {{service: "svc-01*"}}}}
  outside: {{owner: data, peers: [api-0.example.com:443, api-1.example.com]}}
signals: {{orders: {{alerts: {{alertname: "PlaceOrder*"}}, span: {{operation: "POST /orders"}}, owner: shop}}}}
fallback: {{team: sre}}
defaults: {{resolve_hold: 0s}}
"""
OTHER_NAMES = {"api-0.example.com:443": "outside", "api-1.example.com:443": "outside"}


def seen(daemon, n):
    """Waits until so many decisions are stored."""
    peers.wait_for("the decisions", lambda: asked(daemon)["decisions"] >= n)


def asked(daemon, query=""):
    status, text, _ = daemon.request("GET", "/api/v1/map" + query)
    assert status == 200, text
    return json.loads(text)


def page(daemon, query=""):
    status, text, _ = daemon.request("GET", "/map" + query, headers={"Accept": "text/html"})
    assert status == 200, text
    return text


def told(answer):
    return {(edge["caller"], edge["callee"]): (edge["calls"], edge["errors"], edge["traces"], edge["p50_us"], edge["p95_us"])
            for edge in answer["edges"]}


def differences(found, expected):
    return [(edge, found.get(edge), expected.get(edge)) for edge in sorted(found.keys() | expected.keys())
            if found.get(edge) != expected.get(edge)]


def relay(traces, ids, rules=RULES):
    """A relay that was told of alerts with these traces."""
    pager, jaeger = peers.Pager(), peers.Jaeger({trace: traces[trace] for trace in traces})
    daemon = peers.Daemon(pager.url, jaeger.url, rules=rules).start()
    for at, trace in enumerate(ids):
        daemon.request("POST", "/webhook/am", peers.webhook(({"alertname": "PlaceOrderErrors", "n": str(at), "trace_id": trace}, "firing")))
    seen(daemon, len(ids))
    return daemon


def command(daemon, *arguments):
    done = subprocess.run([peers.BINARY, "map", "--store", f"{daemon.directory}/tracepager.db", *arguments], capture_output=True,
                          timeout=peers.PATIENCE, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.decode()


def its_edges_are_those_that_a_script_counts():
    made = fleet.Fleet(40, seed=7)
    traces = {f"{number:032x}": made.trace(number) for number in range(1, 31)}
    ids = list(traces)
    # Some traces are stored with two decisions: their calls count once.
    daemon = relay(traces, ids + ids[:8])
    try:
        expected, unnamed = fleet.edges(traces.values(), OTHER_NAMES)
        assert len(expected) > 60 and unnamed
        answer = asked(daemon)
        assert not differences(told(answer), expected), differences(told(answer), expected)[:10]
        calling = sum(bool(fleet.edges([trace])[0]) for trace in traces.values())
        assert (answer["calls_unnamed"], answer["calls_left_out"], answer["traces"]) == (unnamed, 0, calling), (answer, unnamed, calling)
        assert answer["decisions"] == 38 and answer["decisions_waiting"] == 0
        answer = json.loads(command(daemon, "--format", "json"))
        assert not differences(told(answer), expected), differences(told(answer), expected)[:10]

        # The page says the same: its table has all edges, or the first 200 of them.
        text = page(daemon, "?sort=calls")
        rows = re.findall(r'<tr><td><a href="[^"]*">([^<]*)</a>.*?<td><a href="[^"]*">([^<]*)</a>.*?</td><td>(\d+)</td><td[^>]*>(\d+)', text)
        assert len(rows) == min(len(expected), 200)
        assert all(expected[caller, callee][:2] == (int(calls), int(failed)) for caller, callee, calls, failed in rows)
        assert [int(row[2]) for row in rows] == sorted((int(row[2]) for row in rows), reverse=True)
        assert text.count('class="node') == len({end for edge in expected for end in edge})
        assert len(re.findall("<path [^>]*stroke-width", text)) == len(expected)
        assert len(text) <= 400 << 10, len(text)

        # Owners, and what no rule names.
        nodes = {node["name"]: node for node in answer["services"]}
        assert (nodes["svc-005"]["team"], nodes["svc-015"]["team"], nodes["outside"]["team"]) == ("shop", "sre", "data")
        assert not nodes["svc-025"]["documented"] and nodes["svc-025"]["team"] is None
        for edge in answer["edges"]:
            assert edge["documented"] == all(nodes[edge[end]]["documented"] for end in ("caller", "callee"))

        # Parts.
        near = told(asked(daemon, "?service=svc-005"))
        assert near == {edge: figures for edge, figures in expected.items() if "svc-005" in edge} and near
        wrong = told(asked(daemon, "?errors=1"))
        assert wrong == {edge: figures for edge, figures in expected.items() if figures[1]}
        of_team = told(asked(daemon, "?team=data"))
        assert of_team == {edge: figures for edge, figures in expected.items() if "outside" in edge} and of_team
        assert "No call is like that" in page(daemon, "?team=nobody")
        for query in ("?depth=3", "?errors=yes", "?sort=colour", "?team=a&team=b"):
            assert daemon.request("GET", "/map" + query)[0] == 400, query
            assert daemon.request("GET", "/api/v1/map" + query)[0] == 400, query

        # Ten readers at once, each has the whole.
        sizes, lock = [], threading.Lock()

        def read():
            size = len(told(asked(daemon)))
            with lock:
                sizes.append(size)
        readers = [threading.Thread(target=read) for _ in range(10)]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()
        assert sizes == [len(expected)] * 10
        assert "CALLER" in command(daemon) and "digraph" in command(daemon, "--format", "dot")
        assert command(daemon, "--format", "mermaid").startswith("flowchart LR\n")
        assert "dependsOn:" in command(daemon, "--format", "backstage")
        assert "svc-005" in command(daemon, "--service", "svc-005", "--depth", "2")
    finally:
        daemon.finish()


def names_of_strangers_are_harmless():
    made = fleet.Fleet(3, seed=3, names=[HOSTILE, HOSTILE + "2", "ledger"])
    traces = {f"{number:032x}": made.trace(number) for number in range(1, 6)}
    daemon = relay(traces, list(traces))
    try:
        text = page(daemon)
        assert "<script>alert" not in text and "\x1b" not in text and "\u202e" not in text
        assert html.escape("<script>alert(1)</script>", quote=False) in text
        dot = command(daemon, "--format", "dot")
        for line in dot.splitlines()[2:-1]:
            assert re.fullmatch(r'  n\d+ (-> n\d+ )?\[label="(?:[^"\\]|\\.)*"(, [a-z]+=[a-z0-9.]+)*\];', line), line
        mermaid = command(daemon, "--format", "mermaid")
        for line in mermaid.splitlines()[1:]:
            assert re.fullmatch(r'  (n\d+(\[|\[\(|\(\[)"[^"<>|\[\]`{}\\]*<br/>[^"<>|\[\]`{}\\]*"(\]|\)\]|\]\))|n\d+ -\.?-?>'
                                r'\|\d+(, \d+ failed)?\| n\d+|linkStyle \d+ stroke:#b3201c)', line), line
        assert "\x1b" not in command(daemon)
        for name in re.findall(r"^  name: (.*)$", command(daemon, "--format", "backstage"), re.M):
            assert re.fullmatch(r'"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?"', name), name
    finally:
        daemon.finish()


def it_is_empty_without_traces():
    daemon = peers.Daemon().start()
    try:
        assert "No traces are stored yet" in page(daemon)
        answer = asked(daemon)
        assert (answer["services"], answer["edges"], answer["decisions"]) == ([], [], 0)
    finally:
        daemon.finish()


if __name__ == "__main__":
    peers.run(its_edges_are_those_that_a_script_counts, names_of_strangers_are_harmless, it_is_empty_without_traces)
