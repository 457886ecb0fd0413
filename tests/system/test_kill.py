#!/usr/bin/env python3
"""kill -9 under load. On one side a ledger of the alerts that were answered with 2xx, on the other what the pager took.

Each round sends distinct alerts from several threads, kills the daemon at a random moment, and starts it again. In the
end every alert of the ledger must have been paged, and by dedup key and alert no alert opened two incidents. What a pager
sees twice is counted too: never under two dedup keys, under one key at most once in each life of the daemon, and in three lives at
most: what was taken and written down is not sent again, and only what the kill cut off before that is in doubt.
TP_ROUNDS sets the rounds (default 8), TP_SEED the moments.
"""
import json
import os
import random
import threading
import time

import peers

peers.skip_unless_wanted()
ROUNDS = int(os.environ.get("TP_ROUNDS", "8"))
SENDERS = 4
RULES = peers.RULES


class Load:
    """Threads that send one alert after the other, and write down which were accepted."""

    def __init__(self, daemon, round_number):
        self.daemon, self.round, self.accepted, self.stop = daemon, round_number, [], threading.Event()
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.send, args=(i,)) for i in range(SENDERS)]

    def send(self, sender):
        n = 0
        while not self.stop.is_set():
            name = f"Kill{self.round}x{sender}x{n}"
            n += 1
            try:
                status = self.daemon.request("POST", "/webhook/am",
                                             peers.webhook(({"alertname": name, "severity": "error"}, "firing")),
                                             timeout=5)[0]
            except (OSError, peers.http.client.HTTPException):
                continue  # killed in the middle: nobody promised anything
            if status == 202:
                with self.lock:
                    self.accepted.append(name)

    def run(self, seconds, enough):
        for thread in self.threads:
            thread.start()
        moment = threading.Event()
        moment.wait(seconds)
        peers.wait_for("some accepted alerts", lambda: len(self.accepted) >= enough)
        self.daemon.kill()
        self.stop.set()
        for thread in self.threads:
            thread.join()


def alerts_of(event):
    """Names of the alerts that a trigger speaks of."""
    return set(peers.re.findall(r"Kill\d+x\d+x\d+", json.dumps(event)))


def repeats(pager, starts):
    """Triggers that the pager took again, by key and recipient: in a later life of the daemon, and in one and the same; and in how
    many lives one was taken at most. What a killed daemon had sent is counted in its life, however late the pager reads it."""
    lives, later, same = {}, 0, 0
    for request in pager.seen():
        event = request.get("event")
        if not request.get("taken") or event["event_action"] != "trigger":
            continue
        life = sum(start <= request["at"] for start in starts)
        before = lives.setdefault((event["dedup_key"], event["routing_key"]), set())
        later += bool(before) and life not in before
        same += life in before
        before.add(life)
    return later, same, max((len(of_one) for of_one in lives.values()), default=0)


def ledger():
    seed = int(os.environ.get("TP_SEED", random.randrange(1 << 30)))
    chance = random.Random(seed)
    print(f"seed {seed}, {ROUNDS} rounds")

    def sometimes_ill(n, event):
        return (503, {}, b"") if n % 17 == 0 else None

    pager = peers.Pager(sometimes_ill)
    daemon = peers.Daemon(pager.url, rules=RULES)
    accepted, starts = [], []
    try:
        for number in range(ROUNDS):
            starts.append(time.time())
            daemon.start()
            load = Load(daemon, number)
            load.run(chance.uniform(0, 0.3), chance.randrange(1, 20))
            accepted += load.accepted
        starts.append(time.time())
        daemon.start()
        peers.wait_for("all pages", lambda: daemon.metric('tracepager_queue_depth{queue="pages"}') == 0 and
                       daemon.metric('tracepager_queue_depth{queue="alerts"}') == 0)
    finally:
        daemon.finish()
    incidents = {}
    for event in pager.events():
        if event["event_action"] == "trigger":
            for name in alerts_of(event):
                incidents.setdefault(name, set()).add(event["dedup_key"])
    lost = [name for name in accepted if name not in incidents]
    twice = [name for name, keys in incidents.items() if len(keys) > 1]
    later, same, most = repeats(pager, starts)
    print(f"figures kill -9: rounds {ROUNDS}, accepted {len(accepted)}, delivered {len(pager.events())}, lost {len(lost)}, "
          f"twice under two keys {len(twice)}, again under one key {later}, within one life {same}, in {most} lives at most")
    assert not lost, f"lost: {lost[:10]}"
    assert not twice, f"two incidents: {twice[:10]}"
    assert not same, f"{same} triggers were taken again within one life of the daemon"
    assert most <= 3, f"a trigger was taken in {most} lives of the daemon: what was taken is not written down"
    assert len(accepted) >= ROUNDS


peers.run(ledger)
