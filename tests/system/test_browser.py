#!/usr/bin/env python3
"""The pages in a headless Chromium: every act with and without scripts, at 1440 and 390 pixels, light and dark; live refresh, keys, and hostile
strings in every field. No page may write an error to the console, break its own Content-Security-Policy, or be wider than the screen."""
import json
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import chromium  # noqa: E402
import peers  # noqa: E402

peers.skip_unless_wanted()
if not chromium.BINARY:
    print("skipped: there is no chromium")
    sys.exit(77)
if not chromium.starts():
    print("skipped: chromium does not start on this machine")
    sys.exit(77)
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PAGES = ("/", "/?severity=critical&order=age", "/past", "/past?text=x", "/map", "/what-if", "/queue", "/silences", "/rejected", "/rules", "/teams", "/nowhere", "/incidents/none")
# Each would set the sentinel, or break out of the element that it stands in.
ATTACK = "window.attacked=1"
HOSTILE = [
    f"<script>{ATTACK}</script>", f"\"><script>{ATTACK}</script>", f"'><img src=x onerror={ATTACK}>", f"\" onmouseover={ATTACK} autofocus onfocus={ATTACK} x=\"",
    f"</title></style></textarea></script><svg onload={ATTACK}>", f"<svg><animate onbegin={ATTACK} attributeName=x dur=1s></svg>",
    f"</text></svg><iframe srcdoc='<script>parent.{ATTACK}</script>'>", "<style>body{display:none}</style>", "<base href=//evil.example/><form action=//evil.example>",
    f"javascript:{ATTACK}", f"]]><!--{{{{constructor.constructor('{ATTACK}')()}}}}${{{ATTACK}}}<%= {ATTACK} %>", f"&lt;script&gt;{ATTACK}&lt;/script&gt;&#60;script&#62;",
    "\u202ereversed\u2066\u2067 \u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627", "\u200b\u200d\ufeff\u00ad\u2060zero width\u0000\u001b[31m\u0007", "Z" + "\u0351\u0368\u036b" * 200,
    "\U0001f468\u200d\U0001f469\u200d\U0001f467" * 50, "x" * 100000, "<" * 20000, "\u65e5\u672c" * 5000, "a b " * 5000]
browser = None


class Relay:
    def __init__(self, rules=None, traces=None, config=""):
        self.pager = peers.Pager()
        self.jaeger = peers.Jaeger(traces if traces is not None else {TRACE: peers.shop_trace(TRACE)})
        self.daemon = peers.Daemon(self.pager.url, self.jaeger.url, config=config, rules=rules).start()
        self.base = f"http://127.0.0.1:{self.daemon.port}"

    def fire(self, name, annotations=None, **labels):
        """The id of the incident that the alert opens."""
        known = {one["id"] for one in self.opened()}
        body = json.loads(peers.webhook(({"alertname": name, "severity": "error", **labels}, "firing")))
        body["alerts"][0]["annotations"].update(annotations or {})
        status, text, _ = self.daemon.request("POST", "/webhook/am", json.dumps(body))
        assert status == 202, (status, text)
        return peers.wait_for("the incident", lambda: [one["id"] for one in self.opened() if one["id"] not in known])[0]

    def opened(self, query=""):
        return json.loads(self.daemon.request("GET", "/api/v1/incidents" + query)[1])["incidents"]

    def tab(self, width=1440, dark=False, script=True):
        return browser.tab(self.base, width, dark, script)


def sound(tab):
    """What must hold of every page that is shown."""
    assert not tab.problems, (tab.path(), tab.problems)
    shape = tab.value("({wide: document.documentElement.scrollWidth, screen: document.documentElement.clientWidth, tall: document.body.scrollHeight, "
                      "attacked: window.attacked ?? null, heads: document.querySelectorAll('h1').length, main: document.querySelectorAll('main').length, "
                      "who: [...document.querySelectorAll('body *')].filter(one => one.getBoundingClientRect().right > innerWidth + 1 && "
                      "!one.closest('.scroll, nav, pre, .skip, thead')).slice(0, 3).map(one => one.outerHTML.slice(0, 200))})")
    assert shape["attacked"] is None, f"{tab.path()}: a string of a peer ran"
    assert shape["wide"] <= shape["screen"], f"{tab.path()} is {shape['wide']} wide on a screen of {shape['screen']}: {shape['who']}"
    assert shape["heads"] == 1 and shape["main"] == 1, (tab.path(), shape)
    unknown = tab.value("[...document.querySelectorAll('script:not([src]), style, iframe, object, embed, base, [style], form:not([action^=\"/\"]):not(.filters):not([method=get])')]"
                        ".map(one => one.outerHTML.slice(0, 200))")
    assert not unknown, (tab.path(), unknown)
    return shape


def looks(pages=True):
    """Widths, colours, and whether scripts run."""
    return [(1440, False, True), (390, True, True), (390, False, False), (1440, True, False)] if pages else [(1440, False, True), (390, True, False)]


def pages_are_sound():
    relay = Relay()
    try:
        incident = relay.fire("PlaceOrderErrors", trace_id=TRACE)
        relay.fire("DiskFull", instance="db1.shop.example:9100")
        relay.daemon.request("POST", "/webhook/am", "{nonsense")
        peers.wait_for("the decision", lambda: "ledger" in json.dumps(relay.opened()))
        for look in looks():
            with relay.tab(*look) as tab:
                for path in PAGES + (f"/incidents/{incident}", f"/incidents/{incident}?trace={TRACE}&span=00000000000000a2"):
                    tab.open(path)
                    if path in ("/nowhere", "/incidents/none"):
                        assert "404" in "".join(tab.problems), tab.problems  # the console tells of it
                        tab.problems.clear()
                    sound(tab)
                    background = tab.value("getComputedStyle(document.body).backgroundColor")
                    assert (background == "rgb(255, 255, 255)") != look[1], (path, look, background)
    finally:
        relay.daemon.finish()


def an_engineer_acts():
    for look in looks(pages=False):
        relay = Relay()
        try:
            incident = relay.fire("PlaceOrderErrors", trace_id=TRACE)
            peers.wait_for("the decision", lambda: "ledger" in json.dumps(relay.opened()))
            with relay.tab(*look) as tab:
                tab.open("/")
                tab.click(f"a[href='/incidents/{incident}']")
                assert "Nobody has it yet" in tab.text() and "journal is read-only" in tab.text("h1")
                sound(tab)
                tab.click("button[value=acknowledge]")
                assert "You have it" in tab.text() and "local has it" in tab.text(), tab.text()
                sound(tab)
                tab.click("summary", loads=False)
                tab.type("textarea[name=text]", "looking <b>at</b> it")
                tab.click("button[value=comment]")
                assert "looking <b>at</b> it" in tab.text(".story"), tab.text()
                tab.click("button[value=useful]")
                sound(tab)
                tab.click("button[value=silence]")
                assert not tab.value("!!document.querySelector('button[value=silence]')"), "it can be silenced once"
                tab.click("button[value=reroute]")
                assert "team shop" in tab.text(), tab.text()
                sound(tab)
                tab.click("nav a[href='/silences']")
                assert "active" in tab.text(), tab.text()
                sound(tab)
                tab.open(f"/incidents/{incident}")
                tab.click("button[value=resolve]")
                assert "It is over" in tab.text() and not tab.value("!!document.querySelector('button[value=resolve]')"), tab.text()
                sound(tab)
                tab.click("nav a[href='/past']")
                peers.wait_for("its end in the store", lambda: [one for one in relay.opened("?state=closed") if one["id"] == incident])
                tab.open("/past?text=READ-ONLY")
                tab.click(f"a[href='/incidents/{incident}']")
                assert "local" in tab.text(".story") and "resolved" in tab.text(".story")
                sound(tab)
        finally:
            relay.daemon.finish()


def silences_and_the_queue_take_forms():
    for look in looks(pages=False):
        relay = Relay()
        try:
            with relay.tab(*look) as tab:
                tab.open("/silences")
                if tab.value("!!document.querySelector('details:not([open]) [name=matchers]')"):
                    tab.click("main details summary", loads=False)
                tab.type("[name=matchers]", "alertname=DiskFull")
                tab.type("[name=reason]", HOSTILE[0])
                tab.click("button[value=add]")
                assert "DiskFull" in tab.text("table") and HOSTILE[0] in tab.text("table"), tab.text()
                sound(tab)
                tab.click("button[value^='end:']")
                assert "ended" in tab.text("table"), tab.text()
                tab.click("nav a[href='/queue']")
                tab.click("button[value^='pause:']")
                assert "by local since" in tab.text("table") and "Go on" in tab.text("table"), tab.text()
                sound(tab)
                tab.click("button[value^='resume:']")
                assert "by local since" not in tab.text("table"), tab.text()
                sound(tab)
        finally:
            relay.daemon.finish()


def a_reader_signs_in_and_out():
    relay = Relay(config="tokens:\n  - {name: ann, token: ann-secret, may: act}\n")
    try:
        for look in looks(pages=False):
            with relay.tab(*look) as tab:
                tab.open("/queue")
                assert tab.path() == "/login?next=%2Fqueue", tab.path()
                sound(tab)
                tab.type("#token", "wrong")
                tab.click("main button")
                assert "no API token" in tab.text("[role=alert]")
                assert "403" in "".join(tab.problems)
                tab.problems.clear()
                sound(tab)
                tab.type("#token", "ann-secret")
                tab.click("main button")
                assert tab.path() == "/queue" and "ann" in tab.text(".reader"), tab.path()
                sound(tab)
                tab.click(".reader button")
                assert tab.path() == "/login" and not tab.problems, (tab.path(), tab.problems)
    finally:
        relay.daemon.finish()


def the_list_keeps_itself_up_to_date():
    relay = Relay()
    try:
        first = relay.fire("DiskFull", instance="db1")
        with relay.tab() as tab:
            tab.open("/")
            tab.value("window.since = 'the first load'; document.querySelector('main tbody a').focus()")
            second = relay.fire("NodeDown", severity="critical")
            tab.wait_for(f"!!document.querySelector(\"main a[href='/incidents/{second}']\")")
            assert tab.value("window.since") == "the first load", "the page was loaded again"
            assert tab.value("document.activeElement.getAttribute('href')") == f"/incidents/{first}", "the focus was lost"
            # Nobody's words are lost either: the form of an incident is not replaced while somebody writes.
            tab.open(f"/incidents/{first}")
            tab.click("summary", loads=False)
            tab.type("textarea", "half a sent")
            relay.daemon.request("POST", f"/api/v1/incidents/{first}/acknowledge", json.dumps({"who": "bob"}))
            tab.wait_for("document.getElementById('live').innerText.includes('bob')")
            assert tab.value("document.activeElement.value") == "half a sent"
            sound(tab)
    finally:
        relay.daemon.finish()


def what_changes_during_a_refresh_is_shown():
    relay = Relay()
    try:
        relay.fire("DiskFull")
        with relay.tab() as tab:
            # Counts the changes that the page hears of, and keeps each page that it asks for until the test lets go.
            tab.send("Page.addScriptToEvaluateOnNewDocument", source="""
                window.heard = window.came = 0;
                const held = new Promise((go) => window.letGo = go), Source = EventSource, ask = fetch;
                window.EventSource = class extends Source {
                    constructor(...all) { super(...all); super.addEventListener("changed", () => window.heard++); }
                };
                window.fetch = async (...all) => { const reply = await ask(...all); window.came++; await held; return reply; };""")
            tab.open("/")
            relay.fire("NodeDown")
            tab.wait_for("came === 1")
            heard = tab.value("heard")
            third = relay.fire("CpuHot")
            tab.wait_for(f"heard > {heard}")
            tab.value("letGo()")
            tab.wait_for(f"!!document.querySelector(\"main a[href='/incidents/{third}']\")")
    finally:
        relay.daemon.finish()


def pages_that_are_left_hold_no_connection():
    relay = Relay()
    try:
        incident = relay.fire("DiskFull")
        with relay.tab() as tab:
            # A browser has six connections to one server; an answer to one that follows takes up to 25 seconds.
            begun = time.monotonic()
            for _ in range(10):
                tab.open("/")
                tab.open(f"/incidents/{incident}")
            assert time.monotonic() - begun < 20
            # Back from the browser's memory of pages, the list follows again, and shows what it missed.
            tab.open("/")
            tab.click(f"a[href='/incidents/{incident}']")
            other = relay.fire("NodeDown")
            tab.send("Runtime.evaluate", expression="history.back()")
            tab.wait_for(f"!!document.querySelector(\"main a[href='/incidents/{other}']\")")
            third = relay.fire("CpuHot")
            tab.wait_for(f"!!document.querySelector(\"main a[href='/incidents/{third}']\")")
    finally:
        relay.daemon.finish()


def keys_move_and_open():
    relay = Relay()
    try:
        ids = [relay.fire(name) for name in ("DiskFull", "CpuHot", "NodeDown")]
        with relay.tab() as tab:
            tab.open("/")
            order = tab.value("[...document.querySelectorAll('main tbody a')].map(one => one.getAttribute('href'))")
            assert sorted(order) == sorted("/incidents/" + one for one in ids)

            def at():
                return tab.value("document.activeElement.getAttribute('href')")
            for key, place in (("j", 0), ("j", 1), ("j", 2), ("j", 2), ("k", 1)):
                tab.press(key)
                assert at() == order[place], (key, place, at(), order)
            tab.loaded(lambda: tab.press("Enter"))
            assert tab.path() == order[1]
            tab.press("u")
            tab.wait_for("location.pathname === '/' && document.readyState === 'complete'")
            tab.press("/")
            assert tab.value("document.activeElement.tagName") == "SELECT"
            tab.press("j")
            assert tab.value("document.activeElement.tagName") == "SELECT", "keys are a field's own while it has the focus"
            # The first Tab shows the way past the head.
            tab.open("/")
            tab.press("Tab")
            assert tab.text("a:focus") == "Skip to the page", tab.value("document.activeElement.outerHTML")
            sound(tab)
    finally:
        relay.daemon.finish()


def hostile_trace():
    """Of every string that a span has, each a hostile one."""
    whole = peers.shop_trace(TRACE)
    for i, one in enumerate(whole["resourceSpans"]):
        one["resource"]["attributes"] += [{"key": text[:200], "value": {"stringValue": text}} for text in HOSTILE[:12]]
        span = one["scopeSpans"][0]["spans"][0]
        span["name"] = HOSTILE[i]
        span["status"]["message"] = HOSTILE[i + 3] + HOSTILE[12]
        span["attributes"] += [{"key": text[:200], "value": {"stringValue": text}} for text in HOSTILE]
        span["attributes"] += [{"key": key, "value": {"stringValue": HOSTILE[i + 2]}} for key in
                               ("http.route", "url.full", "db.statement", "exception.message", "server.address", "service.version", "k8s.pod.name")]
        span["events"] = [{"name": "exception", "timeUnixNano": span["startTimeUnixNano"],
                           "attributes": [{"key": key, "value": {"stringValue": HOSTILE[i]}} for key in
                                          ("exception.type", "exception.message", "exception.stacktrace")]}]
    return whole


def hostile_strings_do_nothing():
    relay = Relay(traces={TRACE: hostile_trace()})
    try:
        ids = [relay.fire("PlaceOrder" + HOSTILE[0], {"summary": HOSTILE[1], "description": HOSTILE[4], "runbook_url": f"javascript:{ATTACK}"},
                          trace_id=TRACE, severity="critical", **{f"label_{i}": text[:20000] for i, text in enumerate(HOSTILE)})]
        for i, text in enumerate(HOSTILE):
            ids.append(relay.fire(text, {"summary": text, "dashboard": "https://x/\"onclick=" + ATTACK}, instance=text, severity="warning", team=text))
        ids.append(relay.fire("Mega", {"summary": "<b>" + "y" * (1 << 20)}, severity="error"))
        relay.daemon.request("POST", "/webhook/am", HOSTILE[4] + "\"" + HOSTILE[0])
        for i, one in enumerate(ids[:6]):
            relay.daemon.request("POST", f"/api/v1/incidents/{one}/acknowledge", json.dumps({"who": HOSTILE[i], "text": HOSTILE[i + 6][:1900]}))
            relay.daemon.request("POST", f"/api/v1/incidents/{one}/comment", json.dumps({"text": HOSTILE[i + 10][:490]}))
        for one in ids[6:9]:
            relay.daemon.request("POST", f"/api/v1/incidents/{one}/resolve", json.dumps({"who": HOSTILE[2]}))
        relay.daemon.request("POST", "/api/v1/silences", json.dumps({"matchers": [f"alertname={HOSTILE[0]}"], "duration_s": 3600, "reason": HOSTILE[3]}))
        peers.wait_for("the trace", lambda: "<svg" in relay.daemon.request("GET", f"/incidents/{ids[0]}", headers={"Accept": "text/html"})[1])
        for look in looks(pages=False):
            with relay.tab(*look) as tab:
                for path in PAGES[:-2] + tuple(f"/incidents/{one}" for one in ids) + (f"/incidents/{ids[0]}?trace={TRACE}&span=%3Cscript%3E", "/past?text=%22%3E%3Cscript%3E"):
                    tab.open(path)
                    shape = sound(tab)
                    assert shape["tall"] < 60000, f"{path} is {shape['tall']} pixels long"
                    # The mouse goes over everything, and the keyboard through it.
                    tab.value("for (const one of document.querySelectorAll('main *')) for (const type of ['mouseover', 'focus']) "
                              "one.dispatchEvent(new Event(type, {bubbles: true})); 1")
                    links = tab.value("[...document.links].map(one => one.href.baseVal ?? one.href).filter(one => !/^https?:/.test(one))")
                    assert not links, (path, links)
                    sound(tab)
    finally:
        relay.daemon.finish()


with chromium.Chromium() as browser:
    try:
        peers.run(pages_are_sound, an_engineer_acts, silences_and_the_queue_take_forms, a_reader_signs_in_and_out, the_list_keeps_itself_up_to_date, what_changes_during_a_refresh_is_shown,
                  pages_that_are_left_hold_no_connection, keys_move_and_open, hostile_strings_do_nothing)
    except SystemExit as end:
        status = end.code
sys.exit(status)
