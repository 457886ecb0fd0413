#!/usr/bin/env python3
"""A pager's service, and a source, answer 400 and quote the whole request. No secret of theirs is told: not in the log, the tap, the page of
another team, the API, doctor's text and JSON, nor by "tracepager send"."""
import base64
import subprocess

import peers

peers.skip_unless_wanted()
SECRET = "EchoedS3cret"
FORMS = [SECRET] + [base64.b64encode(b" " * n + SECRET.encode() + b" " * 4)[4:16].decode() for n in range(3)]
RULES = """
teams: {{a: {{escalation: a}}, b: {{escalation: b}}}}
pagers:
  tg: {{kind: telegram, url: "{pager}", bot_token: "123456:EchoedS3cret", chat_id: "1"}}
  dc: {{kind: discord, webhook_url: "{pager}/api/webhooks/1/EchoedS3cret"}}
  pd: {{kind: pagerduty, url: "{pager}/v2/enqueue", routing_key: EchoedS3cret}}
  og: {{kind: opsgenie, url: "{pager}", api_key: EchoedS3cret}}
  sn: {{kind: servicenow, url: "{pager}", user: tp, password: EchoedS3cret}}
  wh: {{kind: webhook, url: "{pager}/hook?token=EchoedS3cret", headers: {{X-Token: "Bearer EchoedS3cret"}}}}
  con: {{kind: console}}
escalations: {{a: {{steps: [{{page: [tg, dc, pd, og, sn, wh]}}]}}, b: {{steps: [{{page: [con]}}]}}}}
routes: [{{when: {{alertname: X}}, team: a}}]
signals: {{orders: {{alerts: {{alertname: X}}, span: {{service: shop}}, owner: a}}}}
fallback: {{team: b}}
"""
PAGERS = ("tg", "dc", "pd", "og", "sn", "wh")


def echo(request):
    """As frameworks answer that say what they could not route, and proxies that quote the request."""
    headers = " ".join(f"{name}: {value}" for name, value in request["headers"].items() if name not in ("Host", "Accept", "Content-Type"))
    body = request["body"].decode(errors="replace").replace("\n", " ")
    start = body.find(SECRET)
    parts = [request["path"], headers[-110:], body[max(start - 20, 0):start + 60] if start >= 0 else ""]
    # Each answer quotes another part first: a judgement shows the beginning.
    echo.turn += 1
    turn = echo.turn % 3
    return 400, {"X-Echo": request["path"]}, f"Cannot {request['method']} {' '.join(parts[turn:] + parts[:turn])}".encode()


echo.turn = 0


def check(where, text):
    assert text, f"{where} is empty"
    for form in FORMS:
        assert form not in text, f"{where} tells the secret: {[line for line in text.splitlines() if form in line]}"


def command(*words):
    done = subprocess.run([peers.BINARY, *words], capture_output=True, text=True, timeout=peers.PATIENCE)
    return done.stdout + done.stderr


def nothing_that_a_relay_tells_has_a_secret_that_was_quoted():
    peer = peers.Peer(echo)
    relay = peers.Daemon(peer.url, rules=RULES, config=f'sources: {{j: {{kind: jaeger, url: "{peer.url}", bearer: {SECRET}}}}}\n')
    relay.start()
    tap = subprocess.Popen([peers.BINARY, "tap", "--url", f"http://127.0.0.1:{relay.port}"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        peers.wait_for("the tap's reader", lambda: relay.metric("tracepager_tap_readers") == 1)
        assert relay.request("POST", "/webhook/am", peers.webhook(({"alertname": "X"}, "firing")))[0] == 202
        peers.wait_for("the page of the fallback team, which quotes the refusals", lambda: "Cannot" in relay.log_text() and
                       all(f"pager={name} " in relay.log_text() for name in PAGERS))
        incident = relay.log_text().split("incident=")[1].split()[0]
        check("the API", relay.request("GET", f"/api/v1/incidents/{incident}")[1])
        check("the API's list", relay.request("GET", "/api/v1/incidents")[1])
        assert "***" in relay.log_text()
    finally:
        relay.stop()
        tap.terminate()
        check("the tap", b"".join(tap.communicate(timeout=peers.PATIENCE)).decode())
        check("the log and the console's page", relay.log_text())
        relay.finish()


def doctor_and_send_hide_it_too():
    peer = peers.Peer(echo)
    relay = peers.Daemon(peer.url, rules=RULES, config=f'sources: {{j: {{kind: jaeger, url: "{peer.url}", bearer: {SECRET}}}}}\n')
    config, rules = f"{relay.directory}/tracepager.yaml", f"{relay.directory}/rules.yaml"
    for words in ((), ("--format", "json")):
        text = command("doctor", "-c", config, *words)
        assert "***" in text, text
        check(f"doctor {words}", text)
    for name in PAGERS:
        text = command("send", "--pager", name, "--rules", rules)
        assert "rejected: HTTP 400: Cannot POST" in text and "***" in text, text
        check(f"send --pager {name}", text)
    relay.finish()


peers.run(nothing_that_a_relay_tells_has_a_secret_that_was_quoted, doctor_and_send_hide_it_too)
