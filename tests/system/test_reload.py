#!/usr/bin/env python3
"""New rules for a running daemon: watched files, swapped config maps, bad sets, failing rule tests, shadow rules, reloads under load."""
import json
import os
import shutil
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import peers  # noqa: E402

peers.skip_unless_wanted()
DISK = {"alertname": "DiskFull"}


class Daemon(peers.Daemon):
    """Its rules are a directory, rules.d, with rules.yaml in it."""

    def __init__(self, pager, config="", rules=None):
        super().__init__(pager.url, config=config)
        os.mkdir(os.path.join(self.directory, "rules.d"))
        os.remove(os.path.join(self.directory, "rules.yaml"))
        self.good = (rules or peers.RULES).format(pager=pager.url, directory=self.directory)
        self.write("rules.d/rules.yaml", self.good)
        with open(os.path.join(self.directory, "tracepager.yaml"), encoding="utf-8") as f:
            options = f.read()
        self.write("tracepager.yaml", options.replace("/rules.yaml\n", "/rules.d\n"))

    def paging(self, team):
        return self.good.replace("fallback: {team: sre}", f"fallback: {{team: {team}}}")

    def rules(self):
        return json.loads(self.request("GET", "/api/v1/rules")[1])

    def hash(self):
        return self.rules()["rules"]["hash"]

    def reload(self):
        status, text, _ = self.request("POST", "/-/reload")
        return status, text

    def fire(self, *labels):
        status, text, _ = self.request("POST", "/webhook/am", peers.webhook(*((one, "firing") for one in labels)))
        assert status == 202, (status, text)


def changed_file_is_taken():
    pager = peers.Pager()
    daemon = Daemon(pager).start()
    try:
        before = daemon.rules()["rules"]
        assert before["watch"] == "polling" and before["teams"] == 3, before
        assert before["files"] == [daemon.directory + "/rules.d/rules.yaml"], before
        daemon.write("rules.d/rules.yaml", daemon.paging("ledger"))
        peers.wait_for("the new rules", lambda: daemon.hash() != before["hash"])
        after = daemon.rules()["rules"]
        # The look that follows the start may be the one that sees it.
        assert after["last"]["cause"] in ("watch", "start") and after["last"]["result"] == "taken", after
        assert after["since"] != before["since"], (before, after)
        daemon.fire(DISK)
        peers.wait_for("the page", pager.events)
        assert pager.events()[0]["routing_key"] == "key-ledger", pager.events()
        assert daemon.metric(f'tracepager_rules_info{{set="live",hash="{after["hash"]}"}}') == 1
        assert daemon.metric(f'tracepager_rules_info{{set="live",hash="{before["hash"]}"}}') is None
    finally:
        daemon.finish()


def included_file_is_watched():
    pager = peers.Pager()
    daemon = Daemon(pager)
    os.mkdir(daemon.directory + "/shared")
    try:
        fallback = "fallback: {team: %s}\n"
        daemon.write("shared/fallback.txt", fallback % "sre")
        daemon.write("rules.d/rules.yaml",
                     "include: [../shared/fallback.txt]\n" + daemon.good.replace(fallback % "sre", ""))
        daemon.start()
        before = daemon.hash()
        daemon.write("shared/fallback.txt", fallback % "shop")
        peers.wait_for("the new rules", lambda: daemon.hash() != before)
        daemon.fire(DISK)
        peers.wait_for("the page", pager.events)
        assert pager.events()[0]["routing_key"] == "key-shop", pager.events()
    finally:
        daemon.finish()


def config_map_is_swapped():
    """As the kubelet does it: rules.yaml -> ..data/rules.yaml, and ..data is renamed over."""
    pager = peers.Pager()
    daemon = Daemon(pager)
    rules = daemon.directory + "/rules.d"

    def swap(number, text):
        os.mkdir(f"{rules}/..{number}")
        with open(f"{rules}/..{number}/rules.yaml", "w", encoding="utf-8") as f:
            f.write(text)
        os.symlink(f"..{number}", rules + "/..data_tmp")
        os.rename(rules + "/..data_tmp", rules + "/..data")

    try:
        os.remove(rules + "/rules.yaml")
        swap(1, daemon.good)
        os.symlink("..data/rules.yaml", rules + "/rules.yaml")
        daemon.start()
        for number, team in ((2, "shop"), (3, "ledger")):
            before = daemon.hash()
            swap(number, daemon.paging(team))
            shutil.rmtree(f"{rules}/..{number - 1}")
            peers.wait_for("the new rules", lambda before=before: daemon.hash() != before)
        daemon.fire(DISK)
        peers.wait_for("the page", pager.events)
        assert pager.events()[0]["routing_key"] == "key-ledger", pager.events()
        assert daemon.rules()["rules"]["last"]["cause"] == "watch"
    finally:
        daemon.finish()


def bad_set_keeps_the_old():
    pager = peers.Pager()
    daemon = Daemon(pager).start()
    failures = 'tracepager_reload_failures_total{cause="%s"}'
    try:
        good = daemon.hash()
        daemon.write("rules.d/rules.yaml", daemon.paging("nobody"))
        peers.wait_for("the failure", lambda: daemon.metric(failures % "invalid") == 1)
        rules = daemon.rules()["rules"]
        assert rules["hash"] == good and rules["last"]["result"] == "invalid", rules
        finding = rules["last"]["findings"][-1]
        assert finding["file"].endswith("rules.yaml") and finding["line"] > 1 and "nobody" in finding["text"], finding
        page = daemon.request("GET", "/-/rules")[1]
        assert good in page and "the old ones stay in force" in page and "nobody" in page, page
        assert "nobody" in daemon.log_text() and "the old ones stay in force" in daemon.log_text()
        assert daemon.metric("tracepager_rules_last_reload_successful") == 0
        shutil.move(daemon.directory + "/rules.d", daemon.directory + "/away")
        peers.wait_for("the next failure", lambda: daemon.metric(failures % "unreadable") == 1)
        daemon.fire(DISK)
        peers.wait_for("the page", pager.events)
        assert pager.events()[0]["routing_key"] == "key-sre", pager.events()
        daemon.write("away/rules.yaml", daemon.good)
        shutil.move(daemon.directory + "/away", daemon.directory + "/rules.d")
        peers.wait_for("the good ones", lambda: daemon.metric("tracepager_rules_last_reload_successful") == 1)
        assert daemon.hash() == good
    finally:
        daemon.finish()


RULE_TEST = """
tests:
  - name: a full disk
    alert: {labels: {alertname: DiskFull}}
    expect: {team: %s}
"""


def failing_rule_test_keeps_the_old():
    pager = peers.Pager()
    daemon = Daemon(pager)
    try:
        daemon.write("rules.d/disk_test.yaml", RULE_TEST % "sre")
        daemon.start()
        good = daemon.hash()
        daemon.write("rules.d/rules.yaml", daemon.paging("ledger"))
        status, text = daemon.reload()
        assert status == 400 and "disk_test.yaml:" in text and "their tests failed (1 of 1)" in text, (status, text)
        rules = daemon.rules()["rules"]
        assert rules["hash"] == good and rules["last"]["result"] == "tests_failed", rules
        assert (rules["last"]["tests"], rules["last"]["tests_failed"]) == (1, 1), rules
        assert daemon.metric('tracepager_reload_failures_total{cause="tests"}') >= 1
        daemon.write("rules.d/disk_test.yaml", RULE_TEST % "ledger")
        peers.wait_for("the new rules", lambda: daemon.hash() != good)
        assert "tests passed: 1" in daemon.request("GET", "/-/rules")[1]
    finally:
        daemon.finish()


def rule_tests_can_be_left_out():
    daemon = Daemon(peers.Pager(), config="rules_test: false\nrules_watch: false\n")
    try:
        daemon.write("rules.d/disk_test.yaml", RULE_TEST % "shop")
        daemon.start()
        good = daemon.hash()
        daemon.write("rules.d/rules.yaml", daemon.paging("ledger"))
        status, text = daemon.reload()
        assert status == 200, (status, text)
        rules = daemon.rules()["rules"]
        assert rules["hash"] != good and rules["watch"] == "off" and rules["last"]["cause"] == "request", rules
    finally:
        daemon.finish()


def shadow_rules_decide_along():
    pager = peers.Pager()
    daemon = Daemon(pager).start()
    shadow = daemon.directory + "/rules.shadow.d"

    def kept():
        return json.loads(daemon.request("GET", "/api/v1/shadow")[1])

    try:
        live = daemon.hash()
        assert daemon.rules()["shadow"]["hash"] is None
        os.mkdir(shadow)
        daemon.write("rules.shadow.d/rules.yaml", daemon.paging("ledger"))
        peers.wait_for("the shadow rules", lambda: daemon.rules()["shadow"]["hash"])
        daemon.fire(DISK, {"alertname": "PlaceOrderErrors"})
        peers.wait_for("both decisions", lambda: kept()["decisions"] == 2)
        peers.wait_for("the pages", lambda: len(pager.events()) == 2)
        assert {event["routing_key"] for event in pager.events()} == {"key-sre", "key-shop"}, pager.events()
        told = kept()
        assert told["different"] == 1 and told["by"]["team"] == 1 and told["by"]["page"] == 0, told
        one = told["latest"][0]
        assert one["rules"] == live and one["shadow_rules"] == told["hash"] != live, one
        team = next(d for d in one["differences"] if d["what"] == "team")
        assert (team["from"]["value"], team["to"]["value"]) == ("sre", "ledger"), team
        assert team["from"]["rule"].startswith("rules.yaml:") and team["to"]["rule"].startswith("rules.yaml:"), team
        assert daemon.metric('tracepager_shadow_differences_total{what="team"}') == 1
        assert daemon.metric('tracepager_shadow_decisions_total{result="same"}') == 1
        assert 'what=team' in daemon.log_text()
        page = daemon.request("GET", "/-/rules")[1]
        assert "sre (rules.yaml:" in page and "-> ledger (rules.yaml:" in page, page
        # A bad shadow touches nothing.
        daemon.write("rules.shadow.d/rules.yaml", "teams: [\n")
        peers.wait_for("the failure", lambda: daemon.metric('tracepager_shadow_reloads_total{result="failed"}') == 1)
        assert daemon.hash() == live and daemon.rules()["shadow"]["hash"] == told["hash"]
        assert daemon.metric("tracepager_rules_last_reload_successful") == 1
        assert daemon.reload()[0] == 200
        shutil.rmtree(shadow)
        peers.wait_for("its end", lambda: daemon.rules()["shadow"]["hash"] is None)
        assert daemon.rules()["shadow"]["last"]["result"] == "gone"
    finally:
        daemon.finish()


def status_is_for_the_admin():
    """The rules name teams and addresses: where a token is set, it is asked for."""
    daemon = Daemon(peers.Pager(), config="admin_token: admin-token\n").start()
    token = {"Authorization": "Bearer admin-token"}
    try:
        for method, path in (("GET", "/-/rules"), ("GET", "/api/v1/rules"), ("GET", "/api/v1/shadow"),
                             ("POST", "/-/reload")):
            assert daemon.request(method, path)[0] == 401, path
            assert daemon.request(method, path, headers=token)[0] == 200, path
    finally:
        daemon.finish()


SIDES = """
teams:
  {side}: {{{{escalation: {side}}}}}
pagers:
  hook: {{{{kind: webhook, url: "{{pager}}/{side}"}}}}
escalations:
  {side}: {{{{steps: [{{{{page: [hook], wait: 10m}}}}]}}}}
fallback: {{{{team: {side}}}}}
defaults: {{{{group_by: ["..."]}}}}
"""


def reloads_under_load():
    """Ten a second, good and bad in turn, while alerts come: each decision is one set's, and none is lost."""
    seconds = float(os.environ.get("TP_RELOAD_SECONDS", "3"))
    hooks = peers.Peer(lambda request: (200, {}, b"{}"))
    daemon = Daemon(hooks, config="rules_watch: false\n", rules=SIDES.format(side="alpha"))
    texts = {side: SIDES.format(side=side).format(pager=hooks.url) for side in ("alpha", "beta")}
    hashes, sent, done, problems = {}, [], threading.Event(), []

    def send():
        try:
            while not done.is_set():
                hosts = [f"host{len(sent) + i}" for i in range(5)]
                daemon.fire(*({"alertname": "DiskFull", "host": host} for host in hosts))
                sent.extend(hosts)
                done.wait(0.01)
        except Exception as error:  # told by the test's own thread
            problems.append(error)

    try:
        daemon.start()
        for side, text in texts.items():
            daemon.write("rules.d/rules.yaml", text)
            assert daemon.reload()[0] == 200
            hashes[daemon.hash()] = side
        sender = threading.Thread(target=send)
        sender.start()
        begun, reloads, due = time.monotonic(), 0, [(texts["alpha"], 200), ("teams: [\n", 400), (texts["beta"], 200),
                                                     (texts["beta"].replace("[hook]", "[hock]"), 400)]
        while time.monotonic() - begun < seconds:
            text, want = due[reloads % 4]
            daemon.write("rules.d/rules.yaml", text)
            status, said = daemon.reload()
            assert status == want, (status, said)
            reloads += 1
            done.wait(max(0.0, begun + reloads / 10 - time.monotonic()))
        done.set()
        sender.join()
        assert not problems, problems
        peers.wait_for("all pages", lambda: len(hooks.seen()) >= len(sent))
        paged = {}
        for request in hooks.seen():
            decision = json.loads(request["body"])["data"]["decision"]
            side = hashes[decision["rules"]["hash"]]
            assert decision["owner"]["team"] == side and request["path"] == "/" + side, (request["path"], decision)
            paged.setdefault(decision["alert"]["labels"]["host"], set()).add(side)
        assert set(paged) == set(sent), (len(paged), len(sent))
        sides = [side for by in paged.values() for side in by]
        assert len(sides) == len(sent) and set(sides) == {"alpha", "beta"}, (len(sides), len(sent), set(sides))
        print(f"     {reloads} reloads and {len(sent)} alerts in {seconds:g} s: {sides.count('alpha')} decided by one set, "
              f"{sides.count('beta')} by the other, longest turn "
              f"{daemon.metric('tracepager_loop_longest_turn_seconds') * 1000:.1f} ms")
    finally:
        done.set()
        daemon.finish()


peers.run(changed_file_is_taken, included_file_is_watched, config_map_is_swapped, bad_set_keeps_the_old,
          failing_rule_test_keeps_the_old, rule_tests_can_be_left_out, shadow_rules_decide_along,
          status_is_for_the_admin, reloads_under_load, at_once=8)
