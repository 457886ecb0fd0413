#!/usr/bin/env python3
"""The pages for people: the open incidents and one of them, with and without tokens: signing in and out, acting by a form, and what must
not act: no session, a forged or foreign one, a form that was sent before, a form of another site, a token that may read only."""
import html
import http.client
import json
import os
import re
import sys
import threading
import urllib.parse

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import peers  # noqa: E402
from browser import Browser, FORM, mark  # noqa: E402

peers.skip_unless_wanted()
TOKENS = ("admin_token: admin-secret\n"
          "tokens:\n  - {name: ann, token: ann-secret, may: act}\n  - {name: bob, token: bob-secret, may: read}\n")
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&\x1b[31m\u202e"


def firing(daemon, name="DiskFull", count=1, **labels):
    known = len(opened(daemon))
    daemon.request("POST", "/webhook/am", peers.webhook(({"alertname": name, "severity": "error", **labels}, "firing")),
                   headers={"Authorization": "Bearer am-secret"})
    peers.wait_for("the incident", lambda: len(opened(daemon)) == known + count)
    return opened(daemon)[-1]["id"]


def opened(daemon):
    return json.loads(daemon.request("GET", "/api/v1/incidents", headers={"Authorization": "Bearer admin-secret"})[1])["incidents"]


def one(daemon, incident):
    return json.loads(daemon.request("GET", "/api/v1/incidents/" + incident, headers={"Authorization": "Bearer admin-secret"})[1])


def relay(config=""):
    pager = peers.Pager()
    return peers.Daemon(pager.url, config=config).start()


def a_browser_gets_pages_and_a_terminal_paths():
    daemon = relay()
    try:
        assert "GET    /metrics" in daemon.request("GET", "/")[1], "no list of paths"
        status, reply, page = Browser(daemon).ask("GET", "/")
        assert status == 200 and reply.getheader("Content-Type") == "text/html; charset=utf-8"
        assert "Nothing is open" in page
        policy = reply.getheader("Content-Security-Policy")
        assert "default-src 'none'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy, policy
        for name in re.findall(r'(?:href|src)="(/static/[^"]+)"', page):
            status, reply, text = Browser(daemon).ask("GET", name)
            assert status == 200 and len(text) > 1000 and "immutable" in reply.getheader("Cache-Control"), name
        assert Browser(daemon).ask("GET", "/static/none.css")[0] == 404
        assert Browser(daemon).ask("GET", "/incidents/none")[0] == 404
    finally:
        daemon.finish()


def an_incident_is_shown_and_acted_on():
    daemon = relay()
    try:
        incident = firing(daemon, instance=HOSTILE)
        browser = Browser(daemon)
        page = browser.ask("GET", "/")[2]
        assert f'href="/incidents/{incident}"' in page and "nobody has it" in page
        page = browser.ask("GET", f"/incidents/{incident}")[2]
        for text in (page, browser.ask("GET", "/")[2]):
            assert "<script>alert" not in text and "<img" not in text and "\x1b" not in text and "\u202e" not in text
        assert html.escape("<script>alert(1)</script>", quote=False) in page
        status, reply, _ = browser.ask("POST", f"/incidents/{incident}", {"n": mark(page), "from": "sre", "act": "acknowledge"})
        assert (status, reply.getheader("Location")) == (303, f"/incidents/{incident}?done=acknowledge")
        page = browser.ask("GET", reply.getheader("Location"))[2]
        assert "You have it" in page and "local has it" in page
        status, reply, text = browser.ask("POST", f"/incidents/{incident}", {"n": mark(page), "act": "comment", "text": " "})
        assert status in (303, 409), text
        status, _, _ = browser.ask("POST", f"/incidents/{incident}", {"n": mark(browser.ask("GET", f"/incidents/{incident}")[2]),
                                                                     "act": "comment", "text": "looking <at> it"})
        assert status == 303
        page = browser.ask("GET", f"/incidents/{incident}")[2]
        assert "looking &lt;at&gt; it" in page
        assert browser.ask("POST", f"/incidents/{incident}", {"n": mark(page), "act": "resolve"})[0] == 303
        peers.wait_for("its end", lambda: not [i for i in opened(daemon) if i["state"] != "resolved"])
        page = browser.ask("GET", f"/incidents/{incident}")[2]
        assert "It is over" in page and 'value="acknowledge"' not in page
    finally:
        daemon.finish()


def its_trace_is_drawn():
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    pager, jaeger = peers.Pager(), peers.Jaeger({trace: peers.shop_trace(trace)})
    daemon = peers.Daemon(pager.url, jaeger.url).start()
    try:
        incident = firing(daemon, "PlaceOrderErrors", trace_id=trace)
        browser = Browser(daemon)
        peers.wait_for("the decision", lambda: "<svg" in browser.ask("GET", f"/incidents/{incident}")[2])
        page = browser.ask("GET", f"/incidents/{incident}")[2]
        rows = re.findall(r'class="row([^"]*)"><title>(\S+)', page)
        assert [service for flags, service in rows if "end" in flags] == ["ledger"], rows
        assert all(f'id="{name}"' in page for name in re.findall(r'href="#(span-[^"]+)" class="row', page))
        zoom = html.unescape(re.findall(r'href="(\?trace=[^"]+&amp;span=[^"]+)#trace"', page)[-1])
        zoomed = browser.ask("GET", f"/incidents/{incident}{zoom}")[2]
        assert "Show the whole trace" in zoomed and zoomed.count('class="row') < len(rows)
        assert "has no such trace" in browser.ask("GET", f"/incidents/{incident}?trace=none")[2]
    finally:
        daemon.finish()


def the_past_is_searched():
    daemon = relay()
    try:
        for name in ("DiskFull", "CpuHot"):
            incident = firing(daemon, name)
            daemon.request("POST", f"/api/v1/incidents/{incident}/resolve")
            peers.wait_for("its end", lambda: not [i for i in opened(daemon) if i["id"] == incident])
        browser = Browser(daemon)

        def names(query):
            return re.findall(r'">(DiskFull|CpuHot)', browser.ask("GET", "/past" + query)[2])
        peers.wait_for("both", lambda: names("") == ["CpuHot", "DiskFull"])
        assert names("?text=diskfull") == ["DiskFull"]
        assert names("?text=nothing") == [] and names("?text=FULL&team=sre") == ["DiskFull"] and names("?text=CpuHot&team=ledger") == []
        assert names("?severity=critical") == []
        assert names("?team=sre&severity=error") == ["CpuHot", "DiskFull"], names("?team=sre&severity=error")
        assert browser.ask("GET", "/past?cursor=nonsense")[0] == 400
        assert "It is over" in browser.ask("GET", f"/incidents/{incident}")[2]
    finally:
        daemon.finish()


def silences_are_made_and_ended():
    daemon = relay()
    try:
        browser = Browser(daemon)
        page = browser.ask("GET", "/silences")[2]
        form = {"n": mark(page), "act": "add", "matchers": "alertname=DiskFull\r\ninstance=~db.*", "duration": "1800", "reason": HOSTILE[:40]}
        status, reply, text = browser.ask("POST", "/silences", form)
        assert (status, reply.getheader("Location")) == (303, "/silences"), text
        page = browser.ask("GET", "/silences")[2]
        assert "DiskFull" in page and "active" in page and "<script>alert" not in page
        status, _, text = browser.ask("POST", "/silences", {"n": mark(page), "act": "add", "duration": "1800", "reason": "all"})
        assert status == 400 and "role=\"alert\"" in text, (status, text)
        end = re.search(r'value="(end:[0-9a-f]+)"', page)[1]
        assert browser.ask("POST", "/silences", {"n": mark(text), "act": end})[0] == 303
        assert "ended" in browser.ask("GET", "/silences")[2]
    finally:
        daemon.finish()


def the_queue_is_shown_and_acted_on():
    pager = peers.Pager(refuse=lambda *_: True)
    daemon = peers.Daemon(pager.url).start()
    try:
        browser = Browser(daemon)
        name = re.search(r'value="pause:([^"]+)"', browser.ask("GET", "/queue")[2])[1]
        assert browser.ask("POST", "/queue", {"n": mark(browser.ask("GET", "/queue")[2]), "act": "pause:" + name})[0] == 303
        page = browser.ask("GET", "/queue")[2]
        assert f'value="resume:{name}"' in page and "by local since" in page, page
        assert browser.ask("POST", "/queue", {"n": mark(page), "act": "pause:nobody"})[0] == 409
        assert browser.ask("POST", "/queue", {"n": mark(browser.ask("GET", "/queue")[2]), "act": "drop-page:12"})[0] == 409
        assert browser.ask("POST", "/queue", {"n": mark(browser.ask("GET", "/queue")[2]), "act": "resume:" + name})[0] == 303
        assert f'value="pause:{name}"' in browser.ask("GET", "/queue")[2]
    finally:
        daemon.finish()


def rejected_bodies_are_shown():
    daemon = relay()
    try:
        assert "Nothing was rejected" in Browser(daemon).ask("GET", "/rejected")[2]
        daemon.request("POST", "/webhook/am", '{"alerts": [{"labels": "<b>\x00&'.encode())
        page = Browser(daemon).ask("GET", "/rejected")[2]
        assert "&lt;b&gt;" in page and "<b>" not in page.split("<main")[1] and "am" in page
    finally:
        daemon.finish()


def filters_and_orders():
    daemon = relay()
    try:
        for severity in ("error", "critical", "warning"):
            firing(daemon, "Of" + severity, severity=severity)
        browser = Browser(daemon)

        def names(query):
            return re.findall(r'">Of(\w+)', browser.ask("GET", "/" + query)[2])
        assert names("") == ["critical", "error", "warning"], names("")
        assert names("?sort=age") == ["error", "critical", "warning"], names("?sort=age")
        assert names("?sort=new") == ["warning", "critical", "error"]
        assert names("?severity=warning") == ["warning"]
        assert names("?team=nobody") == []
        assert names("?state=acknowledged") == []
        assert browser.ask("GET", "/?team=a&team=b")[0] == 400
    finally:
        daemon.finish()


def signing_in_and_out():
    daemon = relay(TOKENS)
    try:
        incident = firing(daemon)
        browser = Browser(daemon)
        status, reply, _ = browser.ask("GET", f"/incidents/{incident}?a=b")
        assert (status, reply.getheader("Location")) == (303, f"/login?next=%2Fincidents%2F{incident}%3Fa%3Db"), reply.getheader("Location")
        status, reply, page = browser.sign_in("wrong")
        assert status == 403 and "no API token" in page and not browser.cookie
        status, reply, _ = browser.sign_in("ann-secret", f"/incidents/{incident}")
        assert (status, reply.getheader("Location")) == (303, f"/incidents/{incident}")
        cookie = reply.getheader("Set-Cookie")
        assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and "ann-secret" not in cookie, cookie
        page = browser.ask("GET", f"/incidents/{incident}")[2]
        assert browser.ask("POST", f"/incidents/{incident}", {"n": mark(page), "act": "acknowledge"})[0] == 303
        assert one(daemon, incident)["acknowledged_by"] == "ann"
        daemon.stop()
        daemon.start()
        page = browser.ask("GET", "/")[2]
        assert "ann has it" in page, "the session ended with the program"
        assert browser.ask("GET", "/api/v1/incidents")[0] == 200, "a session reads the API"
        status, reply, _ = browser.ask("POST", "/logout", {"n": mark(page)})
        assert (status, reply.getheader("Location"), browser.cookie) == (303, "/login", None)
        assert browser.ask("GET", "/")[0] == 303
    finally:
        daemon.finish()


def what_must_not_act():
    daemon = relay(TOKENS)
    try:
        incident = firing(daemon)
        path, good = f"/incidents/{incident}", Browser(daemon)
        good.sign_in("ann-secret")
        reads = Browser(daemon)
        reads.sign_in("bob-secret")
        assert 'name="act"' not in reads.ask("GET", path)[2], "who may read only has buttons"

        def fresh():
            return {"n": mark(good.ask("GET", path)[2]), "act": "resolve", "from": "sre"}

        def like(cookie):
            browser = Browser(daemon)
            browser.cookie = cookie
            return browser
        used = fresh()
        good.ask("POST", path, {**used, "act": "comment", "text": "once"})
        name, value = good.cookie.split("=", 1)
        parts = value.split(".")
        cases = {
            "no session": (Browser(daemon), fresh(), {}, 303),
            "a token that may read only": (reads, fresh(), {}, 403),
            "a session whose time was changed": (like(f"{name}={parts[0]}.9999999999.{parts[2]}.{parts[3]}"), fresh(), {}, 303),
            "a session of another name": (like(f"{name}={'admin'.encode().hex()}.{'.'.join(parts[1:])}"), fresh(), {}, 303),
            "a session without a signature": (like(f"{name}={'.'.join(parts[:3])}"), fresh(), {}, 303),
            "an empty session": (like(f"{name}="), fresh(), {}, 303),
            "another cookie": (like(f"other={value}"), fresh(), {}, 303),
            "no mark": (good, {"act": "resolve"}, {}, 400),
            "a forged mark": (good, {**fresh(), "n": "A" * 40}, {}, 409),
            "the mark of another session": (good, {**fresh(), "n": mark(reads.ask("GET", "/")[2])}, {}, 409),
            "the mark of the form to sign in": (good, {**fresh(), "n": mark(Browser(daemon).ask("GET", "/login")[2])}, {}, 409),
            "a form that was sent before": (good, used, {}, 409),
            "another site": (good, fresh(), {"Origin": "https://evil.example"}, 403),
            "another site, told by the browser": (good, fresh(), {"Sec-Fetch-Site": "cross-site"}, 403),
            "a sister site": (good, fresh(), {"Sec-Fetch-Site": "same-site"}, 403),
            "JSON": (good, fresh(), {"Content-Type": "application/json"}, 400),
            "plain text": (good, fresh(), {"Content-Type": "text/plain"}, 400),
            "an unknown act": (good, {**fresh(), "act": "explode"}, {}, 400),
            "a comment without words": (good, {**fresh(), "act": "comment"}, {}, 400),
            "another team's page": (good, {**fresh(), "act": "reroute", "from": "nobody"}, {}, 409),
            "too long a text": (good, {**fresh(), "text": "x" * 2001}, {}, 400),
            "too long a form": (good, {**fresh(), "text": "x" * 70000}, {}, 413),
        }
        for what, (browser, form, headers, wanted) in cases.items():
            status, _, text = browser.ask("POST", path, form, **headers)
            assert status == wanted, f"{what}: {status}, not {wanted}: {text[:300]}"
            assert one(daemon, incident)["state"] == "open", what
        # By a GET nothing acts, whatever it says.
        good.ask("GET", path + "?act=resolve&n=" + fresh()["n"])
        # Nor does a cookie act by the API.
        assert good.ask("POST", f"/api/v1/incidents/{incident}/resolve")[0] == 401
        assert one(daemon, incident)["state"] == "open"
        assert good.ask("POST", path, fresh(), Origin=f"http://127.0.0.1:{daemon.port}")[0] == 303
    finally:
        daemon.finish()


def guessing_is_slowed():
    daemon = relay(TOKENS)
    try:
        browser = Browser(daemon)
        assert [browser.sign_in(f"guess{i}")[0] for i in range(10)] == [403] * 10
        assert browser.sign_in("guess11")[0] == 429
        assert browser.sign_in("ann-secret")[0] == 429, "the right one has to wait too"
    finally:
        daemon.finish()


def a_login_leads_nowhere_else():
    daemon = relay(TOKENS)
    try:
        for path in ("//evil.example/", "https://evil.example/", "/\\evil.example", "javascript:alert(1)", "", "x"):
            status, reply, _ = Browser(daemon).sign_in("ann-secret", path)
            assert (status, reply.getheader("Location")) == (303, "/"), path
    finally:
        daemon.finish()


def a_page_is_told_of_changes():
    daemon = relay()
    try:
        def ask(path="/events", **headers):
            status, text, reply = daemon.request("GET", path, headers=headers)
            assert (status, reply["Content-Type"]) == (200, "text/event-stream"), text
            return dict(re.findall(r"^(\w+): (.*)$", text, re.M))
        # From what the page shows: it is told whether it asks before the change or behind it.
        follows = re.search(r'data-live="([^"]+)"', Browser(daemon).ask("GET", "/")[2])[1]
        told = []
        waits = threading.Thread(target=lambda: told.append(ask(follows)))
        waits.start()
        firing(daemon)
        waits.join()
        assert told[0]["event"] == "changed", told
        assert ask(follows)["event"] == "changed"
        assert daemon.request("GET", "/events?since=1&since=2")[0] == 400
        # The same again, from behind that event: it waits; from before it: at once.
        assert ask(**{"Last-Event-ID": "0"})["event"] == "changed"
        peers.wait_for("rest", lambda: ask(**{"Last-Event-ID": "0"})["id"] == ask(**{"Last-Event-ID": "0"})["id"])
        connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=peers.PATIENCE)
        connection.request("GET", "/events", headers={"Last-Event-ID": ask(**{"Last-Event-ID": "0"})["id"]})
        ask(**{"Last-Event-ID": "0"})  # so that the relay has both
        daemon.stop()
        assert connection.getresponse().status == 200, "a relay that ends lets nobody wait"
        connection.close()
    finally:
        daemon.finish()


peers.run(a_browser_gets_pages_and_a_terminal_paths, an_incident_is_shown_and_acted_on, its_trace_is_drawn, the_past_is_searched, silences_are_made_and_ended, the_queue_is_shown_and_acted_on,
          rejected_bodies_are_shown, filters_and_orders, signing_in_and_out,
          what_must_not_act, guessing_is_slowed, a_login_leads_nowhere_else, a_page_is_told_of_changes, at_once=2)
