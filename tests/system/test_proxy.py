#!/usr/bin/env python3
"""Who has signed in at an authenticating proxy: its header counts from its addresses, once, and for pages and GETs; every other one is ignored."""
import http.client
import json
import os
import re
import sys
import urllib.parse

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import peers  # noqa: E402

peers.skip_unless_wanted()
CONFIG = ("admin_token: admin-secret\ntokens: [{name: carl, token: carl-secret, may: read}]\n"
          "external_url: https://tracepager.shop.example\n"
          "trusted_proxy: {addresses: [\"127.0.0.1\", 10.0.0.0/8], header: X-User, who_may_act: [ann, bob@shop.example]}\n")
TOLD = "the header of trusted_proxy is ignored"


def ask(daemon, method, path, headers=(), form=None, source="127.0.0.1", host=None):
    """headers: pairs, as they are sent."""
    connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=peers.PATIENCE, source_address=(source, 0))
    body = urllib.parse.urlencode(form).encode() if form is not None else None
    connection.putrequest(method, path, skip_host=True)
    connection.putheader("Host", host or f"127.0.0.1:{daemon.port}")
    connection.putheader("Accept", "text/html,*/*")
    for name, value in headers:
        connection.putheader(name, value)
    if body is not None:
        connection.putheader("Content-Type", "application/x-www-form-urlencoded")
        connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body)
    reply = connection.getresponse()
    text = reply.read().decode()
    connection.close()
    return reply.status, reply.getheader("Location") or "", text


def firing(daemon):
    daemon.request("POST", "/webhook/am", peers.webhook(({"alertname": "DiskFull", "severity": "error"}, "firing")),
                   headers={"Authorization": "Bearer am-secret"})
    return peers.wait_for("the incident", lambda: json.loads(ask(daemon, "GET", "/api/v1/incidents", [("X-User", "zoe")])[2])["incidents"])[0]["id"]


def mark(page):
    return re.findall(r'name="n" value="([^"]+)"', page)[-1]


def who_the_proxy_names_acts_under_that_name():
    daemon = peers.Daemon(config=CONFIG).start()
    try:
        incident = firing(daemon)
        path = "/incidents/" + incident
        ann, zoe = [("X-User", "ann")], [("x-user", "zoe")]
        status, _, page = ask(daemon, "GET", path, ann)
        assert status == 200 and 'value="acknowledge"' in page and ">ann<" in page, page
        assert 'action="/logout"' not in page, "who signed in at the proxy cannot sign out here"
        assert ask(daemon, "GET", path, zoe)[0] == 200 and 'value="acknowledge"' not in ask(daemon, "GET", path, zoe)[2]
        form = {"n": mark(page), "act": "acknowledge"}
        assert ask(daemon, "POST", path, zoe, form)[0] == 403, "zoe may read only"
        assert ask(daemon, "POST", path, [("X-User", "bob@shop.example")], form)[0] == 409, "a form of another reader"
        assert ask(daemon, "POST", path, ann, form)[:2] == (303, path + "?done=acknowledge")
        assert ask(daemon, "POST", path, ann, form)[0] == 409, "a form that was sent before"
        assert "ann has it" in ask(daemon, "GET", path, zoe)[2]
        # A token wins over the name: it was shown with intent.
        assert 'value="acknowledge"' not in ask(daemon, "GET", path, ann + [("Authorization", "Bearer carl-secret")])[2]
        # The API changes nothing for a name: a page of another site could make a browser send it.
        assert ask(daemon, "POST", f"/api/v1/incidents/{incident}/resolve", ann)[0] == 401
        assert ask(daemon, "POST", path, ann + [("Origin", "https://evil.example")], form)[0] == 403
        assert TOLD not in daemon.log_text()
    finally:
        daemon.finish()


def no_other_header_counts():
    daemon = peers.Daemon(config=CONFIG).start()
    try:
        for why, headers, source, host in [
                ("another address", [("X-User", "ann")], "127.0.0.2", None),
                ("two headers", [("X-User", "zoe"), ("X-User", "ann")], "127.0.0.1", None),
                ("a list", [("X-User", "zoe, ann")], "127.0.0.1", None),
                ("an empty one", [("X-User", "")], "127.0.0.1", None),
                ("blanks", [("X-User", "ann of sre")], "127.0.0.1", None),
                ("no UTF-8", [("X-User", "\xff")], "127.0.0.1", None),
                ("too long", [("X-User", "a" * 129)], "127.0.0.1", None),
                ("another header", [("X-Forwarded-User", "ann"), ("X_User", "ann")], "127.0.0.1", None),
                ("a forwarded address", [("X-User", "ann"), ("X-Forwarded-For", "127.0.0.1")], "127.0.0.2", None),
                ("a host of another site", [("X-User", "ann")], "127.0.0.1", "evil.example")]:
            for path in ("/", "/incidents/none", "/queue"):
                status, location, _ = ask(daemon, "GET", path, headers, None, source, host)
                assert (status, location[:6]) == (421, "") if host and path == "/" else (303, "/login"), (why, path, status, location)
            assert ask(daemon, "GET", "/api/v1/incidents", headers, None, source, host)[0] == 401, why
            assert ask(daemon, "POST", "/incidents/none", headers, {"n": "x", "act": "resolve"}, source, host)[0] == 303, why
        assert ask(daemon, "GET", "/", [("X-User", "ann")], host="tracepager.shop.example")[0] == 200, "external_url is ours"
        assert ask(daemon, "GET", "/", [("X-User", "a" * 128)])[0] == 200
        peers.wait_for("the log", lambda: TOLD in daemon.log_text())
        assert daemon.log_text().count(TOLD) == 1 and "trusted_proxy.addresses" in daemon.log_text()
    finally:
        daemon.finish()


peers.run(who_the_proxy_names_acts_under_that_name, no_other_header_counts)
