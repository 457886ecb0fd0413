#!/usr/bin/env python3
"""kill -9 while incidents escalate. Each incident pages four pagers one after the other, one step each; people acknowledge
some of them. In the end every incident that nobody acknowledged has rung all four pagers once, and no acknowledged one has
rung a pager anew after the answer to its acknowledgement.

A pager deduplicates by key: what it takes again under the same key is no second ring.
TP_ROUNDS sets the kills (default 6), TP_INCIDENTS how many incidents a round opens (default 10), TP_WAIT the seconds of a
step, TP_SEED the moments.
"""
import json
import os
import random
import threading
import time

import peers

peers.skip_unless_wanted()
ROUNDS = int(os.environ.get("TP_ROUNDS", "6"))
INCIDENTS = int(os.environ.get("TP_INCIDENTS", "10"))
WAIT = int(os.environ.get("TP_WAIT", "2"))
STEPS = 4
RULES = """
teams: {{sre: {{escalation: sre}}}}
pagers:
""" + "".join(f'  step{n}: {{{{kind: pagerduty, routing_key: key-{n}, url: "{{pager}}/v2/enqueue"}}}}\n'
              for n in range(STEPS)) + f"""
escalations:
  sre:
    steps:
""" + "".join(f"      - {{{{page: [step{n}]{f', wait: {WAIT}s' if n < STEPS - 1 else ''}}}}}\n" for n in range(STEPS)) + """
fallback: {{team: sre}}
"""


class Rings:
    """What the pager took, by incident: the pagers in the order in which their pages were made, by the pages' own word, and when each came
    first. A pager that is slow may get the page of a step behind that of the next one, which goes to another pager."""

    def __init__(self, pager):
        self.first = {}
        for request in pager.seen():
            event = request.get("event")
            if request.get("taken") and event["event_action"] == "trigger":
                self.first.setdefault((event["dedup_key"], event["routing_key"]), (event["payload"]["timestamp"], request["at"]))

    def incidents(self):
        return sorted({key.partition("#")[0] for key, _ in self.first})

    def of(self, incident):
        return sorted((made, at, routing) for (key, routing), (made, at) in self.first.items() if key.partition("#")[0] == incident)


def acknowledge(daemon, incident):
    """The moment of the answer; None: it was not answered, and nobody promised anything."""
    try:
        status = daemon.request("POST", f"/api/v1/incidents/{incident}/acknowledge", json.dumps({"who": "ann"}),
                                {"Content-Type": "application/json"}, timeout=5)[0]
    except (OSError, peers.http.client.HTTPException):
        return None
    return time.time() if status == 200 else None


def fire(daemon, number):
    body = peers.webhook(*[({"alertname": f"Kill{number}x{n}", "severity": "error"}, "firing") for n in range(INCIDENTS)])
    peers.wait_for("an accepted body", lambda: daemon.request("POST", "/webhook/am", body, timeout=5)[0] == 202)


def escalations():
    seed = int(os.environ.get("TP_SEED", random.randrange(1 << 30)))
    chance = random.Random(seed)
    print(f"seed {seed}, {ROUNDS} kills, {INCIDENTS} incidents each, {STEPS} steps of {WAIT} s")
    pager = peers.Pager()
    daemon = peers.Daemon(pager.url, rules=RULES)
    acked, asked = {}, set()
    try:
        for number in range(ROUNDS):
            daemon.start()
            fire(daemon, number)
            threading.Event().wait(chance.uniform(0, WAIT / 2))
            known = [i for i in Rings(pager).incidents() if i not in asked]
            for incident in chance.sample(known, min(len(known), INCIDENTS // 5)):
                asked.add(incident)
                at = acknowledge(daemon, incident)
                if at:
                    acked[incident] = at
            threading.Event().wait(chance.uniform(0, WAIT / 4))
            daemon.kill()
        daemon.start()
        wanted = ROUNDS * INCIDENTS - len(asked)
        peers.wait_for("all steps", lambda: sum(len(Rings(pager).of(i)) >= STEPS for i in Rings(pager).incidents()
                                                if i not in asked) >= wanted, patience=STEPS * WAIT + 60)
        threading.Event().wait(2 * WAIT)
    finally:
        daemon.finish()
    rings = Rings(pager)
    lost = doubled = late = disordered = 0
    for incident in rings.incidents():
        of_one = rings.of(incident)
        steps = [routing for _, _, routing in of_one]
        doubled += len(steps) - len(set(steps))
        disordered += steps != sorted(steps)
        if incident in acked:
            late += sum(at > acked[incident] for _, at, _ in of_one)
        elif incident not in asked:
            lost += STEPS - len(set(steps))
    lost += STEPS * (ROUNDS * INCIDENTS - len(rings.incidents()))
    print(f"figures escalations: kills {ROUNDS}, incidents {ROUNDS * INCIDENTS}, acknowledged {len(acked)}, steps rung "
          f"{len(rings.first)}, lost {lost}, doubled {doubled}, out of order {disordered}, after an acknowledgement {late}")
    assert not (lost or doubled or disordered or late)
    assert acked


peers.run(escalations)
