#!/usr/bin/env python3
"""tracepager import alertmanager against Alertmanager itself: random trees of routes, and random alerts, which amtool routes by the
configuration and tracepager by the rules that were made of it. The same receivers must be told. The seed is fixed, so that a failure can be seen
again; TP_SEED=N tries another one."""
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile

import peers

peers.skip_unless_wanted()
if not shutil.which("amtool"):
    print("skipped: amtool is not installed")
    sys.exit(77)
SEED = int(os.environ.get("TP_SEED", "20261129"))
CONFIGURATIONS, ALERTS = 20, 10
LABELS = {"severity": ["critical", "warning", "info"], "team": ["a", "b", "c"], "service": ["web", "db", "web-2"], "env": ["prod", "test"]}
RECEIVERS = ["payments", "shop", "sre", "log", "on call", "night", "void"]  # "void" has no notifier: alerts end there
REGEXES = ["{0}|{1}", "^({0}|{1})$", "{0}.*", ".+", "[a-w].*", ".*{1}"]


def matcher_of(chance):
    """(name, operator, value)"""
    name = chance.choice(sorted(LABELS))
    op = chance.choice(["=", "=", "=", "!=", "=~", "!~"])
    values = chance.sample(LABELS[name], 2)
    return name, op, chance.choice(REGEXES).format(*values) if "~" in op else chance.choice(values + [""])


def conditions_of(chance):
    """In one of the three forms that Alertmanager takes."""
    some = [matcher_of(chance) for _ in range(chance.choice([0, 1, 1, 2]))]
    form = chance.choice(["match", "matchers", "braces"])
    if form == "match":
        return {"match": {n: v for n, op, v in some if op == "="}, "match_re": {n: v for n, op, v in some if op == "=~"}}
    texts = [f"{n}{op}{json.dumps(v)}" for n, op, v in some]
    return {"matchers": ["{" + ",".join(texts) + "}"] if form == "braces" and texts else texts}


def route_of(chance, depth=0):
    route = conditions_of(chance)
    if chance.random() < 0.8:
        route["receiver"] = chance.choice(RECEIVERS)
    if chance.random() < 0.4:
        route["continue"] = True
    if depth < 3 and chance.random() < 0.6:
        route["routes"] = [route_of(chance, depth + 1) for _ in range(chance.randrange(1, 4))]
    return route


def configuration_of(chance):
    receivers = [{"name": name, **({} if name == "void" else {"pagerduty_configs": [{"routing_key": f"secret-of-{name}"}]})} for name in RECEIVERS]
    root = {"receiver": chance.choice(RECEIVERS), "group_by": ["alertname"], "routes": [route_of(chance) for _ in range(chance.randrange(2, 6))]}
    return {"route": root, "receivers": receivers}


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, timeout=peers.PATIENCE, check=False)


def by_amtool(path, labels):
    """The receivers that can be told."""
    done = run("amtool", "config", "routes", "test", f"--config.file={path}", *[f"{n}={v}" for n, v in labels.items()])
    assert done.returncode == 0, done.stderr + done.stdout
    return set(done.stdout.strip().split(",")) - {"void"}


def by_tracepager(path, alert):
    """(pagers, team): in these rules a pager has the name of its receiver."""
    done = run(peers.BINARY, "explain", "--format", "json", "--rules", path, "--alert", alert)
    assert done.returncode in (0, 1) and done.stdout, done.stderr
    decision = json.loads(done.stdout)
    steps = decision["escalation"]
    if not steps:
        return set(), None
    return {pager for step in steps["steps"] for pager in step["pagers"]} | set(steps["also_notify"]), steps["policy"]


def compare(directory, number, chance):
    paths = [os.path.join(directory, f"{number}.{end}") for end in ("yml", "yaml", "json")]
    keys = os.path.join(directory, "keys")
    config = configuration_of(chance)
    with open(paths[0], "w", encoding="utf-8") as file:
        json.dump(config, file, indent=1)  # JSON is YAML
    done = run(peers.BINARY, "import", "alertmanager", "--keys", keys, "-o", paths[1], paths[0])
    assert done.returncode == 1 and "[secret]" in done.stderr, done.stderr
    with open(paths[1], encoding="utf-8") as file:
        rules = file.read()
    assert "secret-of" not in rules + done.stdout + done.stderr, rules
    done = run(peers.BINARY, "check", "--no-secrets", paths[1])
    assert done.returncode == 0, done.stdout + done.stderr + rules
    for _ in range(ALERTS):
        labels = {"alertname": "A", **{n: chance.choice(values) for n, values in LABELS.items() if chance.random() < 0.8}}
        with open(paths[2], "w", encoding="utf-8") as file:
            json.dump({"labels": labels}, file)
        wanted, (told, team) = by_amtool(paths[0], labels), by_tracepager(paths[1], paths[2])
        assert told == wanted, f"seed {SEED}, configuration {number}, {labels}: Alertmanager {wanted}, tracepager {told}\n{json.dumps(config)}\n{rules}"
        assert (team in wanted) if wanted else team is None, f"{team} of {wanted}"


def same_receivers():
    chance = random.Random(SEED)
    with tempfile.TemporaryDirectory() as directory:
        for number in range(CONFIGURATIONS):
            compare(directory, number, chance)


peers.run(same_receivers)
