#!/usr/bin/env python3
"""tracepager send: a marked test page to a pager of the rules, with the exchange shown and no secret in it."""
import json
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import peers  # noqa: E402

peers.skip_unless_wanted()
SECRET = "whsec_c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"
RULES = """teams: {{sre: {{escalation: sre}}}}
pagers:
  duty: {{kind: pagerduty, routing_key: 'k3y-"of-duty', url: "{url}/v2/enqueue"}}
  lasting: {{kind: pagerduty, routing_key: k3y, url: "{url}/v2/enqueue", resolve: false}}
  hook: {{kind: webhook, secret: "%s", url: "{url}/hook?token=s3cret"}}
  open-hook: {{kind: webhook, url: "{url}/services/T0/B0/s3cret"}}
  screen: {{kind: console}}
escalations: {{sre: {{steps: [{{page: [duty, lasting, hook, open-hook, screen]}}]}}}}
fallback: {{team: sre}}
""" % SECRET


def send(peer, *words):
    """The exit status, standard output, and standard error."""
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as rules:
        rules.write(RULES.format(url=peer.url if peer else "http://127.0.0.1:1"))
        rules.flush()
        done = subprocess.run([peers.BINARY, "send", "--rules", rules.name, *words], capture_output=True, text=True,
                              timeout=peers.PATIENCE)
    for secret in ("k3y", SECRET, "s3cret"):
        assert secret not in done.stdout + done.stderr, (secret, done.stdout)
    return done.returncode, done.stdout, done.stderr


def a_pager_takes_the_page_and_its_resolve():
    pager = peers.Pager()
    status, text, _ = send(pager, "--pager", "duty")
    trigger, resolve = pager.events()
    assert status == 0, text
    assert trigger["event_action"] == "trigger" and resolve["event_action"] == "resolve"
    assert trigger["routing_key"] == resolve["routing_key"] == 'k3y-"of-duty'
    assert trigger["dedup_key"] == resolve["dedup_key"] and re.fullmatch(r"tracepager-test-\d+", trigger["dedup_key"])
    assert trigger["payload"]["summary"] == "TEST: tracepager reaches pager duty" and trigger["payload"]["severity"] == "info"
    lines = text.splitlines()
    assert lines[0] == "trigger of pager duty (pagerduty):", text
    assert lines[1] == f"> POST {pager.url}/v2/enqueue" and "> Content-Type: application/json" in lines, text
    assert any(line.startswith("> {") and '"routing_key":"***"' in line for line in lines), text
    assert re.search(r"^< HTTP 202, after \d+\.\d\d s$", text, re.M) and '< {"status": "success"' in text, text
    assert text.count("delivered: pager duty took it\n") == 2 and lines[-1] == "delivered: pager duty took it", text


def the_resolve_may_be_left_out():
    for words in (("duty", "--no-resolve"), ("lasting",)):
        pager = peers.Pager()
        status, text, _ = send(pager, "--pager", *words)
        assert status == 0 and [e["event_action"] for e in pager.events()] == ["trigger"], text
    assert "no resolve is sent: the rules say" in text, text


def webhooks_are_signed_and_masked():
    hook = peers.Peer(lambda request: (204, {}, b""))
    status, text, _ = send(hook, "--pager", "hook")
    trigger, resolve = hook.seen()
    assert status == 0 and "> webhook-signature: ***" in text and f"> POST {hook.url}/hook?***\n" in text, text
    assert trigger["headers"]["webhook-signature"].startswith("v1,") and trigger["path"] == "/hook?token=s3cret"
    assert [json.loads(r["body"])["type"] for r in (trigger, resolve)] == ["page.trigger", "page.resolve"]
    status, text, _ = send(hook, "--pager", "open-hook", "--no-resolve")
    assert status == 0 and f"> POST {hook.url}/***\n" in text, text


def what_is_not_taken_is_told():
    pager = peers.Pager(lambda n, event: (400, {}, b'{"status":"invalid event","message":"\x1b[2Jno such key"}'))
    status, text, _ = send(pager, "--pager", "duty")
    assert status == 1 and pager.n == 1, text  # and no resolve
    assert "rejected: HTTP 400" in text and "a running relay would page the fallback team" in text and "\x1b" not in text, text
    pager = peers.Pager(lambda n, event: (503, {}, b""))
    status, text, _ = send(pager, "--pager", "duty")
    assert status == 1 and "not taken: HTTP 503; a running relay would try again" in text, text
    status, text, _ = send(None, "--pager", "duty")
    assert status == 1 and "not taken: no reply: " in text, text


def the_console_shows_the_page():
    status, text, _ = send(None, "--pager", "screen", "--no-resolve")
    assert status == 0 and "TEST: tracepager reaches pager screen" in text and "delivered: pager screen took it" in text, text


def wrong_usage_is_told():
    status, _, text = send(None, "--pager", "dutty")
    assert status == 2 and 'the rules have no pager "dutty"; did you mean "duty"?' in text, text
    assert send(None)[0] == 2
    done = subprocess.run([peers.BINARY, "send", "--pager", "x", "--rules", "/nowhere"], capture_output=True, text=True,
                          timeout=peers.PATIENCE)
    assert done.returncode == 2 and "/nowhere" in done.stderr, done


peers.run(a_pager_takes_the_page_and_its_resolve, the_resolve_may_be_left_out, webhooks_are_signed_and_masked,
          what_is_not_taken_is_told, the_console_shows_the_page, wrong_usage_is_told)
