#!/usr/bin/env python3
"""Pagers that are ill for a while, with 20 incidents on their way to them: one that hangs (16 s), one that answers 429 with Retry-After 1
(8 s), one that answers 503 (TP_ILL_SECONDS, default 8). How long after it lives again is the backlog there, and how long do a new page and
a new critical one take? Told as "figures"; the bounds are those of the timers: a probe every 10 s (15 s with its jitter), a fresh page one
try at once."""
import os
import threading
import time

import crowds
import peers

peers.skip_unless_wanted()
INCIDENTS = 20
BACKLOG_S, FRESH_S = 20 + 5, 2 + 3  # the promise, and what a busy machine adds


def first_taken(pager, name):
    """When the first trigger of that alert was taken; None: not yet."""
    for at, event in pager.taken(action="trigger"):
        if name in event["payload"]["custom_details"]["alerts"]:
            return at
    return None


def ill(name, seconds, answer):
    """answer(event) while it is ill."""
    lives = time.time() + 3600
    pager = crowds.TimedPager(lambda event: answer(event) if time.time() < lives else None)
    daemon = peers.Daemon(pager.url).start()
    sender = crowds.Sender(daemon)
    sent = {}

    def send(alertname, severity="error"):
        sent[alertname] = time.time()
        sender.post(crowds.webhook({"alertname": alertname, "severity": severity}))

    try:
        lives = time.time() + seconds
        for i in range(INCIDENTS):
            send(f"Ill{i}")
        threading.Event().wait(max(0, lives - 1 - time.time()))
        send("CriticalBefore", "critical")
        threading.Event().wait(max(0, lives + 0.2 - time.time()))
        send("Critical", "critical")
        send("Fresh")
        names = [f"Ill{i}" for i in range(INCIDENTS)]
        peers.wait_for("all pages", lambda: all(first_taken(pager, n) for n in sent), 120)
        backlog = max(first_taken(pager, n) for n in names) - lives
        critical = first_taken(pager, "Critical") - sent["Critical"]
        fresh = first_taken(pager, "Fresh") - sent["Fresh"]
        before = max(0, first_taken(pager, "CriticalBefore") - lives)
        tries = len(pager.seen()) - len(pager.taken())
        crowds.figures(name, ill_s=int(seconds), incidents=INCIDENTS, backlog_s=max(0.0, backlog), first_s=max(
            0.0, min(first_taken(pager, n) for n in names) - lives), new_s=fresh, new_critical_s=critical, critical_of_before_s=before,
            tries_in_vain=tries)
        peers.wait_for("a settled daemon", lambda: crowds.settled(daemon), 120)
        assert len(pager.first_triggers()) == INCIDENTS + 3, pager.first_triggers()
        assert backlog < BACKLOG_S, f"the backlog came {backlog:.1f} s after the pager lived"
        assert fresh < BACKLOG_S, f"a new page took {fresh:.1f} s"
        assert critical < FRESH_S, f"a new critical page took {critical:.1f} s"
    finally:
        sender.close()
        daemon.finish()


def hangs():
    """What was asked while it hung is never answered."""
    def hang(event):
        threading.Event().wait(60)
        return 503, {}, b""

    ill("hangs", 16, hang)


def says_429():
    ill("429", 8, lambda event: (429, {"Retry-After": "1"}, b"{}"))


def says_503():
    ill("503", float(os.environ.get("TP_ILL_SECONDS", "8")), lambda event: (503, {}, b""))


peers.run(hangs, says_429, says_503, at_once=3)
