#!/usr/bin/env python3
"""The log as an operator reads it: a storm of 120 alerts is summed up with its true numbers, and errors are not; lines of JSON are valid
whatever a sender says; lines name alerts by name and labels; the level changes while the relay runs, and returns by itself."""
import json
import os
import re
import subprocess
import time

import peers

peers.skip_unless_wanted()
SENDERS = "senders: {am: {format: alertmanager}, east: {format: alertmanager}}\n"


def command(relay, *arguments):
    done = subprocess.run([peers.BINARY, *arguments, "--url", f"http://127.0.0.1:{relay.port}"], capture_output=True, encoding="utf-8",
                          timeout=peers.PATIENCE, check=False)
    return done.returncode, done.stdout + done.stderr


def whole_log(relay):
    with open(os.path.join(relay.directory, "log"), encoding="utf-8") as f:
        return [line for line in f.read().splitlines() if re.match(r'ts=|\{"ts"', line)]


def lines_of(log, message):
    return [line for line in log if f'msg="{message}"' in line]


def total(log, message):
    """How many lines there would be without sums."""
    return sum(int((re.search(r" more=(\d+)", line) or [0, 1])[1]) for line in lines_of(log, message))


def post(relay, sender, labels, status="firing"):
    answer = relay.request("POST", f"/webhook/{sender}", peers.webhook((labels, status)))
    assert answer[0] == 202, answer


def storm(relay):
    """100 nodes of am are one incident; 20 disks of east, each under a name of its own, are 20."""
    for i in range(100):
        post(relay, "am", {"alertname": "NodeDown", "instance": f"node{i:03}:9100", "cluster": "eu1"})
    for i in range(20):
        post(relay, "east", {"alertname": f"DiskFull{i}", "instance": f"db{i}:9100"})


def a_storm_is_summed_up():
    pager = peers.Pager()
    relay = peers.Daemon(pager.url, config=SENDERS).start()
    try:
        before = len(whole_log(relay))
        storm(relay)
        peers.wait_for("21 triggers", lambda: len([e for e in pager.events() if e["event_action"] == "trigger"]) >= 21)
        peers.wait_for("21 deliveries counted", lambda: relay.metric('tracepager_pages_total{result="delivered"}') >= 21)
        delivered = relay.metric('tracepager_pages_total{result="delivered"}')
        relay.stop()
        log = whole_log(relay)[before:]
        opened, joined = lines_of(log, "incident opened"), lines_of(log, "incident joined")
        print(f"figures storm: 120 alerts, {len(log)} lines, {sum(total([line], m) for line in log for m in re.findall('msg=.([^=]*). ', line))} without sums")
        assert total(log, "incident opened") == 21 and total(log, "incident joined") == 99, log
        assert total(log, "page delivered") == delivered, (delivered, log)
        # On a quiet machine all is one window: 5 lines and a sum for each of three messages, and the two of the end.
        windows = max(len([line for line in lines if " more=" in line]) for lines in (opened, joined))
        assert len(log) <= 3 * 6 * windows + 4, log
        assert relay.metric is not None
        # Whose they were: am's first one opened, its 99 others joined; of those the first five were written.
        if windows == 1:
            assert [line for line in joined if " more=94 " in line and 'by_sender="am 94"' in line and 'by_team="sre 94"' in line
                    and 'by_alert="NodeDown 94"' in line], joined
            assert [line for line in opened if " more=16 " in line and 'by_sender="east 16"' in line], opened
    finally:
        relay.finish()


def a_sum_comes_by_itself():
    """Nothing else is logged meanwhile: the loop wakes up for it."""
    pager = peers.Pager()
    relay = peers.Daemon(pager.url, config=SENDERS).start()
    try:
        for i in range(8):
            post(relay, "am", {"alertname": "NodeDown", "instance": f"node{i}"})
        peers.wait_for("the sum", lambda: [line for line in lines_of(whole_log(relay), "incident joined") if " more=2 " in line], 30)
        assert relay.metric("tracepager_log_lines_summed_total") >= 2
    finally:
        relay.finish()


def errors_are_never_summed_up():
    """Each of 12 incidents is refused by the pager of the only team there is: nobody is reached, and each says so."""
    pager = peers.Pager(lambda n, event: (400, {}, b'{"status": "invalid event"}'))
    relay = peers.Daemon(pager.url, config=SENDERS).start()
    try:
        for i in range(12):
            post(relay, "am", {"alertname": f"DiskFull{i}", "instance": f"db{i}"})
        peers.wait_for("all of them", lambda: len({m[1] for line in whole_log(relay) if "this page has reached nobody" in line
                                                   and (m := re.search(r"incident=(\w+)", line))}) == 12)
        log = whole_log(relay)
        assert len(lines_of(log, "page rejected")) == 12, log
        errors = [line for line in log if " level=error " in line]
        assert errors and not [line for line in errors if " more=" in line], errors
    finally:
        relay.finish()


def lines_name_alerts():
    pager = peers.Pager()
    relay = peers.Daemon(pager.url, config=SENDERS).start()
    try:
        post(relay, "east", {"alertname": "PlaceOrderErrors", "service": "checkout", "instance": "db1:9100", "cluster": "eu1",
                             "namespace": "shop", "severity": "critical"})
        peers.wait_for("the delivery", lambda: lines_of(whole_log(relay), "page delivered"))
        for message in ("incident opened", "page delivered"):
            line = lines_of(whole_log(relay), message)[0]
            for field in ("alert=PlaceOrderErrors", "sender=east", "service=checkout", "instance=db1:9100", "cluster=eu1",
                          "namespace=shop", "team=", "incident="):
                assert f" {field}" in line, (field, line)
        assert " alert_key=prometheus/" in lines_of(whole_log(relay), "incident opened")[0]
        assert " pager=" in lines_of(whole_log(relay), "page delivered")[0]
    finally:
        relay.finish()


def json_is_valid_for_hostile_strings():
    pager = peers.Pager()
    relay = peers.Daemon(pager.url, config=SENDERS + "log_format: json\n").start()
    try:
        name = "Evil\x1b[2J\"},{\n\u009b\u2028\x7f\\"
        post(relay, "am", {"alertname": name, "instance": "x" * 5000, "service": "\u0001" * 700})
        raw = peers.webhook(({"alertname": "Raw"}, "firing")).encode().replace(b"Raw", b"R\xff\xc3w")
        relay.request("POST", "/webhook/am", raw)
        peers.wait_for("two deliveries", lambda: len([line for line in whole_log(relay) if '"page delivered"' in line]) >= 2)
        relay.stop()
        lines = [json.loads(line) for line in whole_log(relay)]
        for line in lines:
            assert list(line)[:2] == ["ts", "level"] and line["msg"], line
        opened = sorted((line for line in lines if line["msg"] == "incident opened"), key=lambda line: line["alert"])
        assert opened[0]["alert"] == name and len(opened[0]["instance"]) <= 97, opened
        assert "\ufffd" in opened[1]["alert"], opened
    finally:
        relay.finish()


def a_command_line_chooses_the_format():
    pager = peers.Pager()
    relay = peers.Daemon(pager.url, config=SENDERS + "log_format: json\n")
    try:
        relay.child = subprocess.Popen([peers.BINARY, "run", "-c", relay.directory + "/tracepager.yaml", "--log-format", "logfmt"],
                                       stdout=relay.log, stderr=relay.log)
        peers.wait_for("the daemon", relay.is_ready)
        assert all(line.startswith("ts=") for line in whole_log(relay)), whole_log(relay)
    finally:
        relay.finish()


def the_level_changes_and_returns():
    pager = peers.Pager()
    relay = peers.Daemon(pager.url, config=SENDERS).start()
    try:
        assert command(relay, "loglevel") == (0, "info, as log_level of the options says\n")
        status, text = command(relay, "loglevel", "debug", "--for", "3s", "--who", "ann")
        assert status == 0 and re.fullmatch(r"debug until \S+Z, set by ann; then info\n", text), text
        # While it is debug, nothing is summed up.
        for i in range(9):
            post(relay, "am", {"alertname": "NodeDown", "instance": f"node{i}"})
        peers.wait_for("the end of it", lambda: [line for line in whole_log(relay) if "from=debug to=info" in line])
        answer = json.loads(relay.request("GET", "/api/v1/log")[1])
        assert (answer["level"], answer["until"], answer["who"]) == ("info", None, None), answer
        assert len(lines_of(whole_log(relay), "incident joined")) == 8, whole_log(relay)
        # Without a time it holds until the option changes.
        assert command(relay, "loglevel", "error", "--who", "bob") == (0, "error, set by bob; log_level of the options is info\n")
        options = open(relay.directory + "/tracepager.yaml", encoding="utf-8").read()
        assert relay.request("POST", "/-/reload")[0] == 200
        assert command(relay, "loglevel")[1].startswith("error, set by bob")
        relay.write("tracepager.yaml", options + "log_level: warn\n")
        status, text, _ = relay.request("POST", "/-/reload")
        assert status == 200 and "log_level: warn is in force" in text, text
        assert command(relay, "loglevel") == (0, "warn, as log_level of the options says\n")
        for words, told in ((("loud",), "no level"), (("--for", "1m"), "needs a level"), (("debug", "--for", "8d"), "from 1s to 7d"),
                            (("debug", "--for", "0s"), "from 1s to 7d"), (("debug", "--for", "999ms"), "1s"), (("debug", "--for", "soon"), "1s to 7d")):
            status, text = command(relay, "loglevel", *words)
            assert status == 2 and told in text, (words, text)
        for seconds in (0, -1, 604801):
            body = json.dumps({"level": "debug", "duration_s": seconds})
            answer = relay.request("POST", "/api/v1/log", body)
            assert answer[0] == 400 and "from 1 to 604800" in answer[1], (seconds, answer)
        assert command(relay, "loglevel") == (0, "warn, as log_level of the options says\n")
        text = json.loads(command(relay, "loglevel", "--format", "json")[1])
        assert text["configured"] == "warn" and text["format"] == "logfmt", text
    finally:
        relay.finish()


def searches_say_what_they_want():
    """Beside a decision that has its trace, others of its searches found nothing: the line tells which."""
    trace_id = "6" * 32
    jaeger = peers.Jaeger({})
    relay = peers.Daemon(peers.Pager().url, jaeger_url=jaeger.url, config=SENDERS + "log_level: debug\n").start()
    try:
        post(relay, "am", {"alertname": "PlaceOrderErrors"})
        for wanted in ("failing", "ordinary", "healthy"):
            peers.wait_for(wanted, lambda wanted=wanted: [line for line in lines_of(whole_log(relay), "trace not fetched") if f" wanted={wanted} " in line])
            jaeger.traces[trace_id] = peers.shop_trace(trace_id)
        assert all(" wanted=" in line for line in lines_of(whole_log(relay), "trace not fetched") if " trace=search " in line)
    finally:
        relay.finish()
        jaeger.shutdown()
        jaeger.server_close()


peers.run(searches_say_what_they_want, the_level_changes_and_returns, a_storm_is_summed_up, a_sum_comes_by_itself, errors_are_never_summed_up, lines_name_alerts, json_is_valid_for_hostile_strings,
          a_command_line_chooses_the_format, at_once=3)
