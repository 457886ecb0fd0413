#!/usr/bin/env python3
"""The store beside the running daemon: a copy, its check, and a restore; what damage, a removed file and a removed lock do."""
import contextlib
import glob
import json
import os
import random
import shutil
import sqlite3
import subprocess

import peers

peers.skip_unless_wanted()


def tracepager(*arguments):
    done = subprocess.run([peers.BINARY, *arguments], capture_output=True, text=True, timeout=peers.PATIENCE, check=False)
    return done.returncode, done.stdout, done.stderr


def fire(daemon, *names):
    body = peers.webhook(*[({"alertname": name, "severity": "error", "host": name}, "firing") for name in names])
    assert daemon.request("POST", "/webhook/am", body)[0] == 202


def triggers(pager, name):
    return [e for e in pager.events() if name in json.dumps(e) and e.get("event_action") == "trigger"]


def wait_paged(pager, name):
    peers.wait_for(f"a page about {name}", lambda: triggers(pager, name))


def count(store, what):
    """Rows of the store; the connection must not outlive the question, or the daemon's own is not the last when it ends."""
    with contextlib.closing(sqlite3.connect(store)) as connection:
        return connection.execute("SELECT count(*) FROM " + what).fetchone()[0]


def put_store(daemon, file):
    """As the manual says: the store is moved away with its files, and the copy put in its place."""
    for old in glob.glob(daemon.directory + "/tracepager.db*"):
        os.rename(old, daemon.directory + "/old-" + os.path.basename(old))
    shutil.copy(file, daemon.directory + "/tracepager.db")


def a_copy_is_restored():
    pager = peers.Pager()
    daemon = peers.Daemon(pager.url)
    store, copy = daemon.directory + "/tracepager.db", daemon.directory + "/copy.db"
    try:
        daemon.start()
        fire(daemon, "Before")
        wait_paged(pager, "Before")
        # Its page is settled in the store, so that the copy has nothing that waits.
        peers.wait_for("a settled page and its decision", lambda: count(store, "decisions") == 1 and count(store, "pages WHERE state = 1") == 1)
        status, out, err = tracepager("store", "backup", "--store", store, "-o", copy)
        assert status == 0 and "0 problems" in out and "1 decision unpacked" in out, (status, out, err)
        assert os.stat(copy).st_mode & 0o777 == 0o600
        # It is no file that is written over.
        status, _, err = tracepager("store", "backup", "--store", store, "-o", copy)
        assert status == 2 and "File exists" in err, (status, err)
        fire(daemon, "After")
        wait_paged(pager, "After")
        peers.wait_for("its decision", lambda: count(store, "decisions") == 2)
        # The daemon's own store is checked while it runs, too.
        status, out, err = tracepager("store", "check", "--store", store)
        assert status == 0 and "2 decisions unpacked, 0 problems" in out, (status, out, err)
        daemon.stop()
        put_store(daemon, copy)
        daemon.start()
        assert "found what was accepted before" in daemon.log_text()
        # What fired before the copy is known: its repeat pages nobody again, and its end goes where its page went.
        key = triggers(pager, "Before")[0]["dedup_key"]
        fire(daemon, "Before", "After")
        peers.wait_for("a second page about After", lambda: len(triggers(pager, "After")) == 2)
        assert len(triggers(pager, "Before")) == 1
        body = peers.webhook(({"alertname": "Before", "severity": "error", "host": "Before"}, "resolved"))
        assert daemon.request("POST", "/webhook/am", body)[0] == 202
        peers.wait_for("its end", lambda: [e for e in pager.events() if e.get("event_action") == "resolve" and e["dedup_key"] == key])
    finally:
        daemon.finish()


def check_tells_damage():
    daemon = peers.Daemon(peers.Pager().url)
    store = daemon.directory + "/tracepager.db"
    try:
        daemon.start()
        fire(daemon, *[f"Many{i}" for i in range(100)])
        peers.wait_for("decisions", lambda: count(store, "decisions") == 100)
        daemon.stop()
        assert tracepager("store", "check", "--store", store)[0] == 0
        with open(store, "r+b") as f:
            f.seek(4096 * 40)
            f.write(b"\xa5" * 4096)
        status, out, err = tracepager("store", "check", "--store", store)
        assert status == 1 and "problems" in out and " 0 problems" not in out, (status, out, err)
        status, out, err = tracepager("store", "check", "--store", daemon.directory + "/rules.yaml")
        assert status == 2 and "not a database" in err, (status, out, err)
        status, out, err = tracepager("store", "check", "--store", daemon.directory + "/missing.db")
        assert status == 2 and "No such file" in err, (status, out, err)
        assert tracepager("store", "mend", "--store", store)[0] == 2
        assert tracepager("store", "backup", "--store", store)[0] == 2
    finally:
        daemon.finish()


def flipped_bits():
    """The relay starts, pages about the damage and about a new alert, and keeps most of what it knew."""
    first = peers.Daemon(peers.Pager().url)
    try:
        first.start()
        for i in range(5):
            fire(first, *[f"Old{i}x{j}" for j in range(100)])
        peers.wait_for("decisions", lambda: count(first.directory + "/tracepager.db", "pages WHERE state = 1") == 500)
        first.stop()
        replaced = 0
        for seed in range(3):
            pager = peers.Pager()
            daemon = peers.Daemon(pager.url)
            store = daemon.directory + "/tracepager.db"
            with open(first.directory + "/tracepager.db", "rb") as f:
                data = bytearray(f.read())
            rng = random.Random(seed)
            for _ in range(300):
                data[rng.randrange(4096, len(data))] ^= 1 << rng.randrange(8)
            with open(store, "wb") as f:
                f.write(data)
            try:
                daemon.start()
                fire(daemon, "Fresh")
                wait_paged(pager, "Fresh")
                if glob.glob(store + ".damaged-*"):
                    replaced += 1
                    wait_paged(pager, "StoreDamaged")
                    assert tracepager("store", "check", "--store", store)[0] == 0
            finally:
                daemon.finish()
        # 300 bits in some 1,500 pages: by this seed at least one of three hits what holds a page together.
        assert replaced
    finally:
        first.finish()


def removed_files():
    """kill -9 after the removal: every alert that was answered 202 is on the disk."""
    daemon = peers.Daemon(peers.Pager().url)
    store = daemon.directory + "/tracepager.db"
    try:
        for n, tails in enumerate((["-wal"], ["-shm"], ["-wal", "-shm"])):
            daemon.start()
            fire(daemon, f"First{n}")
            for tail in tails:
                os.unlink(store + tail)
            fire(daemon, f"Second{n}")
            fire(daemon, f"Third{n}")
            daemon.kill()
            assert "a file of the store was removed while in use" in daemon.log_text()
        daemon.start()
        daemon.stop()
        with contextlib.closing(sqlite3.connect(store)) as connection:
            docs = "".join(row[0] for row in connection.execute("SELECT doc FROM alerts"))
        lost = [f"{which}{n}" for which in ("First", "Second", "Third") for n in range(3) if f'"{which}{n}"' not in docs]
        assert not lost, lost
    finally:
        daemon.finish()


def a_removed_lock():
    daemon, second = peers.Daemon().start(), peers.Daemon()
    try:
        os.unlink(daemon.directory + "/tracepager.db.lock")
        with open(second.directory + "/tracepager.yaml", encoding="utf-8") as f:
            text = f.read()
        second.write("tracepager.yaml", text.replace(second.directory + "/tracepager.db", daemon.directory + "/tracepager.db"))
        status, _, err = tracepager("run", "-c", second.directory + "/tracepager.yaml")
        assert status == 1 and "is in use by another tracepager" in err, (status, err)
    finally:
        daemon.finish()
        second.finish()


peers.run(a_copy_is_restored, check_tells_damage, flipped_bits, removed_files, a_removed_lock)
