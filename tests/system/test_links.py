#!/usr/bin/env python3
"""Links of pages: what opens behind them, what their buttons do, and a list of attacks of which none acts: previews, prefetches, forged,
cut, expired and stolen links, forms of other sites, old forms and those that were sent before, and bodies that two readers could read
in two ways."""
import base64
import hashlib
import hmac
import html
import http.client
import json
import os
import re
import socket
import sqlite3
import sys
import time
import urllib.parse

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import peers  # noqa: E402

peers.skip_unless_wanted()
KEY, OLDER, OTHER = ("0123456789abcdef" * 4, "fedcba9876543210" * 4, "00112233445566778899aabbccddeeff" * 2)
DAY = 86400
SITE = "https://tp.shop.example"
FORM = "application/x-www-form-urlencoded"


def sign(key, use, about, data):
    return hmac.new(key.encode(), use.encode() + b"\0" + about.encode() + b"\0" + data, hashlib.sha256).digest()


def url64(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def mint(incident, pager, key=KEY, day=None, version=1):
    """A token as the relay makes it."""
    day = int(time.time()) // DAY + 30 if day is None else day
    data = bytes([version]) + sign(key, "tracepager key", "", b"")[:2] + day.to_bytes(2, "big") + pager.encode()
    return url64(data + sign(key, "tracepager link", incident, data)[:16])


class Relay(peers.Daemon):
    """With links, and a pager whose pages have them."""

    def __init__(self, config="", keys=(KEY,), rules=None):
        self.pager = peers.Pager()
        super().__init__(self.pager.url, rules=rules,
                         config=f"external_url: {SITE}/\n" + (f"link_key_file: {{directory}}/link.keys\n" if keys else "") + config)
        text = open(os.path.join(self.directory, "tracepager.yaml"), encoding="utf-8").read()
        self.write("tracepager.yaml", text.replace("{directory}", self.directory))
        if keys:
            self.write("link.keys", "\n".join(keys) + "\n")

    def incidents(self, state=""):
        return json.loads(self.request("GET", "/api/v1/incidents" + state)[1])["incidents"]

    def incident(self, one):
        return json.loads(self.request("GET", "/api/v1/incidents/" + one)[1])

    def fire(self, name="DiskFull", status="firing", **labels):
        self.labels = {"alertname": name, "severity": "error", **labels}
        body = peers.webhook((self.labels, status))
        assert self.request("POST", "/webhook/am", body)[0] == 202

    def open(self, name="DiskFull", **labels):
        """An incident, and the token of its page."""
        known = {i["id"] for i in self.incidents()}
        self.fire(name, **labels)
        one = peers.wait_for("the incident", lambda: [i for i in self.incidents() if i["id"] not in known])[0]["id"]
        event = peers.wait_for("its page", lambda: [e for e in self.pager.events() if e["dedup_key"] == one])[0]
        links = [link["href"] for link in event["links"] if "/i/" in link["href"]]
        assert len(links) == 1 and links[0].startswith(f"{SITE}/i/{one}?t="), event["links"]
        return one, links[0].split("?t=")[1]

    def show(self, one, token, more="", **headers):
        return self.request("GET", f"/i/{one}?t={token}{more}", None, headers)

    def form(self, one, token):
        """The fields of the form that is shown."""
        status, text, _ = self.show(one, token)
        assert status == 200, (status, text)
        return {name: html.unescape(value) for name, value in re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', text)}

    def send(self, one, fields, headers=None, path=None, kind=FORM):
        body = fields if isinstance(fields, (str, bytes)) else urllib.parse.urlencode(fields)
        return self.request("POST", path or f"/i/{one}", body, {"Content-Type": kind, **(headers or {})})

    def press(self, one, token, act, headers=None, **fields):
        return self.send(one, {**self.form(one, token), "act": act, **fields}, headers)

    def story(self, one):
        return [(e["event"], e["who"], e["text"]) for e in self.incident(one)["events"]]

    def raw(self, data):
        """The status line's number of what may be no request at all; 0: none came."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=peers.PATIENCE) as s:
            s.sendall(data)
            s.shutdown(socket.SHUT_WR)
            answer = b""
            while b"\r\n" not in answer:
                piece = s.recv(4096)
                if not piece:
                    return 0
                answer += piece
        return int(answer.split(b" ")[1])


def headers_of_every_answer(headers):
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "form-action 'self'" in policy and "frame-ancestors 'none'" in policy, policy
    assert re.search(r"style-src 'nonce-[0-9a-f]{32}'", policy) and "unsafe" not in policy and "script" not in policy, policy
    for name, value in (("Referrer-Policy", "no-referrer"), ("Cache-Control", "no-store"), ("X-Frame-Options", "DENY"),
                        ("X-Content-Type-Options", "nosniff"), ("X-Robots-Tag", "noindex, nofollow")):
        assert headers[name] == value, (name, headers)


def a_page_opens_and_its_buttons_act():
    relay = Relay().start()
    try:
        one, token = relay.open()
        status, text, headers = relay.show(one, token)
        assert status == 200 and headers["Content-Type"] == "text/html; charset=utf-8", (status, headers)
        headers_of_every_answer(headers)
        nonce = re.search(r"'nonce-(\w+)'", headers["Content-Security-Policy"])[1]
        assert f'<style nonce="{nonce}">' in text and "<script" not in text and "DiskFull" in text, text
        for says in ("Nobody has it yet", "team sre", "error", "I have it", "The rules know no further team", "Resolve", "Useful",
                     "Noise", 'name="viewport"', "page sent to sre-pager", "prefers-color-scheme:dark"):
            assert says in text, (says, text)
        status, text, headers = relay.press(one, token, "acknowledge", who="Ann")
        assert status == 303 and headers["Location"] == f"?t={token}&done=acknowledge", (status, headers)
        headers_of_every_answer(headers)
        text = relay.show(one, token, "&done=acknowledge")[1]
        assert "you have it" in text and "Ann (page sent to sre-pager) has it" in text, text
        assert relay.incident(one)["state"] == "acknowledged"
        # Acting twice is one act.
        assert relay.press(one, token, "acknowledge", who="Ann")[2]["Location"].endswith("&done=already")
        assert relay.press(one, token, "comment", text="two\r\nlines", who="Bob")[0] == 303
        assert relay.press(one, token, "useful")[0] == 303 and relay.press(one, token, "comment", text=" ")[0] == 409
        status, text, _ = relay.press(one, token, "reroute", text="not a disk", who="Ann")
        assert status == 409 and "team sre is the last one" in text and "not a disk" in text and 'value="Ann"' in text, (status, text)
        assert relay.press(one, token, "resolve")[2]["Location"].endswith("&done=resolve")
        story = relay.story(one)
        for told in (("acknowledged", "Ann (page sent to sre-pager)", "link"), ("commented", "Bob (page sent to sre-pager)", "link: two\nlines"),
                     ("useful", "someone with the page sent to sre-pager", "link")):
            assert told in story, (told, story)
        # Over: it is shown for a day, and takes words only.
        peers.wait_for("the end", lambda: not relay.incidents())
        status, text, _ = relay.show(one, token)
        assert status == 200 and "It is over since" in text and "DiskFull" in text and "I have it" not in text and "Noise" in text, text
        status, text, _ = relay.press(one, token, "acknowledge")
        assert status == 409 and "is over" in text, (status, text)
        assert relay.press(one, token, "comment", text="it was full")[0] == 303
        assert ("commented", "someone with the page sent to sre-pager", "link: it was full") in relay.story(one)
        assert token not in relay.log_text() and "?t=" not in relay.log_text()
    finally:
        relay.finish()


def not_ours_is_said_once():
    """A second press of the same button, from another phone, hands nothing on twice."""
    relay = Relay().start()
    try:
        one, token = relay.open("PlaceOrderErrors")
        first, second = relay.form(one, token), relay.form(one, token)
        team = relay.incident(one)["team"]
        assert first["from"] == team == "shop", first
        status, _, headers = relay.send(one, {**first, "act": "reroute", "text": "not ours"})
        assert status == 303 and headers["Location"].endswith("done=reroute"), (status, headers)
        now = relay.incident(one)["team"]
        assert now == "sre"
        status, text, _ = relay.send(one, {**second, "act": "reroute"})
        assert status == 409 and "another team has it meanwhile" in text and relay.incident(one)["team"] == now, (status, text)
        # The new team's page has a link of its own; the old one still shows who has it.
        assert "team sre" in relay.show(one, token)[1]
    finally:
        relay.finish()


def strangers_texts_are_escaped():
    relay = Relay().start()
    try:
        bad = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>\u202e\x1b[31m"
        one, token = relay.open(bad, service=bad)
        assert relay.press(one, token, "acknowledge", who=bad, text=bad)[0] == 400
        bad = bad.replace("\x1b", "")
        assert relay.press(one, token, "acknowledge", who=bad)[0] == 303
        text = relay.show(one, token, "&done=" + urllib.parse.quote("<b>"))[1]
        assert "<script" not in text and "<img" not in text and "<b>" not in text and "\u202e" not in text and "&lt;script&gt;" in text, text
        assert not re.search(r'href="(?!https?://)', text), text
    finally:
        relay.finish()


def keys_rotate():
    """The own key outlives a restart; with a file of keys the first signs, and both are good."""
    relay = Relay(keys=()).start()
    try:
        one, token = relay.open()
        relay.kill()
        relay.start()
        assert relay.show(one, token)[0] == 200
        relay.stop()
        with open(os.path.join(relay.directory, "tracepager.yaml"), "a", encoding="utf-8") as f:
            f.write(f"link_key_file: {relay.directory}/link.keys\n")
        relay.write("link.keys", OLDER + "\n")
        relay.start()
        assert relay.show(one, token)[0] == 403
        two, old = relay.open("DiskSlow")
        relay.write("link.keys", f"{KEY}\n{OLDER}\n")
        assert relay.request("POST", "/-/reload")[0] == 200
        three, new = relay.open("DiskGone")
        assert new == mint(three, "sre-pager") and relay.show(two, old)[0] == 200 and relay.show(three, new)[0] == 200
        relay.write("link.keys", KEY + "\n")
        assert relay.request("POST", "/-/reload")[0] == 200
        assert relay.show(two, old)[0] == 403 and relay.show(three, new)[0] == 200
        for secret in (KEY, OLDER, token, old, new):
            assert secret not in relay.log_text()
    finally:
        relay.finish()


def links_end():
    relay = Relay().start()
    try:
        one, token = relay.open()
        today = int(time.time()) // DAY
        status, text, headers = relay.show(one, mint(one, "sre-pager", day=today))
        assert status == 403 and "has expired" in text and "newer page" in text, (status, text)
        headers_of_every_answer(headers)
        status, text, headers = relay.show(one, token[:-1])
        assert status == 403 and "not valid" in text and "open it from the page again" in text, (status, text)
        headers_of_every_answer(headers)
        # Signed well, of an incident that the store has forgotten.
        gone = "0" * 32
        status, text, headers = relay.show(gone, mint(gone, "sre-pager"))
        assert status == 410 and "is over" in text, (status, text)
        headers_of_every_answer(headers)
        assert relay.request("GET", "/i/" + one)[0] == 403 and relay.request("GET", "/i/")[0] == 404
        # A day after its incident's end a link ends too: the store is told that it ended a day ago.
        relay.fire(status="resolved")
        peers.wait_for("the end", lambda: relay.incidents("?state=closed"))
        assert relay.show(one, token)[0] == 200
        relay.stop()
        with sqlite3.connect(os.path.join(relay.directory, "tracepager.db")) as store:
            store.execute("UPDATE incidents SET closed_us = closed_us - ?", (DAY * 1000000 - 60000000,))
        store.close()
        relay.start()
        assert relay.show(one, token)[0] == 200
        form = relay.form(one, token)
        relay.stop()
        with sqlite3.connect(os.path.join(relay.directory, "tracepager.db")) as store:
            store.execute("UPDATE incidents SET closed_us = closed_us - 60000000")
        store.close()
        relay.start()
        status, text, headers = relay.show(one, token)
        assert status == 410 and "This incident is over" in text and "tracepager incidents show" in text, (status, text)
        headers_of_every_answer(headers)
        before = relay.story(one)
        assert relay.send(one, {**form, "act": "comment", "text": "late"})[0] == 410 and relay.story(one) == before
    finally:
        relay.finish()


# ---- attacks ----

class Attacks:
    """One open incident; each attack leaves it as it is, and a good form acts behind it."""

    def __init__(self):
        self.relay = Relay().start()
        self.one, self.token = self.relay.open()
        self.other, self.other_token = self.relay.open("DiskSlow")
        self.good = self.relay.form(self.one, self.token)
        self.used = self.relay.form(self.one, self.token)
        assert self.relay.send(self.one, {**self.used, "act": "comment", "text": "first"})[0] == 303
        self.before = self.acts()
        self.n = 0

    def acts(self):
        """What people did to each of the two."""
        return {one: [event for event in self.relay.story(one)
                      if event[0] in ("acknowledged", "resolved", "rerouted", "commented", "silenced", "useful", "noise")]
                for one in (self.one, self.other)}

    def check(self, name, status, *wanted):
        self.n += 1
        assert status in wanted, f"{name}: {status}, not one of {wanted}"
        assert self.acts() == self.before, f"{name}: {self.acts()}"

    def proceed(self, name):
        """A good form acts."""
        assert self.relay.press(self.one, self.token, "comment", text=name)[0] == 303, name
        self.before[self.one].append(("commented", "someone with the page sent to sre-pager", "link: " + name))
        assert self.acts() == self.before, (name, self.acts())

    def get(self, name, query="", method="GET", path=None, wanted=(200,), **headers):
        headers = {k.replace("_", "-"): v for k, v in headers.items()}
        path = path or f"/i/{self.one}?t={self.token}{query}"
        self.check(name, self.relay.request(method, path, None, headers)[0], *wanted)
        self.proceed(name)

    def post(self, name, wanted=(403,), headers=None, path=None, kind=FORM, body=None, drop=(), **fields):
        if body is None:
            fields = {**self.good, "act": "acknowledge", **fields}
            body = {k: v for k, v in fields.items() if k not in drop}
        status = self.relay.send(self.one, body, headers, path, kind)[0]
        self.check(name, status, *wanted)
        self.proceed(name)


def attack_by_get(a):
    act = "&act=acknowledge&n=" + a.good["n"]
    a.get("a preview of a chat", User_Agent="Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)")
    a.get("a preview of a phone", User_Agent="WhatsApp/2.23.20", Accept="*/*")
    a.get("a mail scanner that follows each link", User_Agent="Mozilla/5.0 (compatible; Barracuda Sentinel)", Range="bytes=0-1023")
    a.get("a request for the head", method="HEAD")
    a.get("a prefetch", Purpose="prefetch", Sec_Purpose="prefetch")
    a.get("a prerender", Sec_Purpose="prefetch;prerender", X_Moz="prefetch", Sec_Fetch_Dest="document", Sec_Fetch_Mode="navigate")
    a.get("a GET with the form in its query", act)
    a.get("a GET that says POST", act + "&_method=POST", X_HTTP_Method_Override="POST", X_Method_Override="POST")
    a.get("a GET with done", "&done=acknowledge")
    a.get("a HEAD with the form in its query", act, method="HEAD")
    a.get("a frame of another site", Sec_Fetch_Dest="iframe", Sec_Fetch_Site="cross-site")
    a.get("two tokens in the query", "&t=" + a.other_token, wanted=(403,))
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS"):
        a.get(f"the method {method}", act, method=method, wanted=(405, 501))
    body = urllib.parse.urlencode({**a.good, "act": "acknowledge"})
    head = f"GET /i/{a.one}?t={a.token} HTTP/1.1\r\nHost: tp.shop.example\r\nContent-Type: {FORM}\r\nContent-Length: {len(body)}\r\n\r\n"
    a.check("a GET with the form as its body", a.relay.raw((head + body).encode()), 200)
    a.proceed("a GET with the form as its body")


def attack_by_token(a):
    relay, one = a.relay, a.one
    today = int(time.time()) // DAY
    tokens = {
        "no token": "", "a cut token": a.token[:-1], "half a token": a.token[:20], "a longer token": a.token + "A", "a padded token": a.token + "==",
        "a token with a changed bit": a.token[:10] + ("A" if a.token[10] != "A" else "B") + a.token[11:],
        "a token with another last character": a.token[:-1] + ("A" if a.token[-1] != "A" else "B"),
        "the token of another incident": a.other_token,
        "a token of another pager with this one's signature": url64(base64.urlsafe_b64decode(mint(one, "sre-pages") + "==")[:-16]
                                                                     + base64.urlsafe_b64decode(mint(one, "sre-pager") + "==")[-16:]),
        "an expired token": mint(one, "sre-pager", day=today), "a token that ended long ago": mint(one, "sre-pager", day=1),
        "a token of another key": mint(one, "sre-pager", key=OTHER), "a token of an empty key": mint(one, "sre-pager", key=""),
        "a token of another version": mint(one, "sre-pager", version=2),
        "a token without a pager": mint(one, ""), "an overlong token": a.token * 40, "an overlong pager": mint(one, "p" * 129),
        "a token with a NUL": a.token + "\0", "a token with a line end": a.token + "\r\nX-Evil: 1", "a token of blanks": " " * 44,
        "the mark of a form": a.good["n"], "a token with a quote": a.token + "'\"><script>", "a token that is no text": b"\xff\xfe".decode("latin-1"),
    }
    for name, token in tokens.items():
        status, text, headers = relay.request("GET", f"/i/{one}?t={urllib.parse.quote(token)}")
        assert status == 403 and "DiskFull" not in text and "<script" not in text and "X-Evil" not in headers, (name, status, text)
        a.post(name, t=token)


def attack_by_form(a):
    relay, one = a.relay, a.one
    own = {"Origin": SITE, "Sec-Fetch-Site": "same-origin"}
    a.post("the origin of another site", headers={"Origin": "https://evil.example"})
    a.post("the origin of another site with our name in it", headers={"Origin": "https://tp.shop.example.evil.example"})
    a.post("another site, as the browser says", headers={"Origin": "null", "Sec-Fetch-Site": "cross-site"})
    a.post("a sibling of our site", headers={"Origin": "https://www.shop.example", "Sec-Fetch-Site": "same-site"})
    a.post("our origin, but from another site", headers={**own, "Sec-Fetch-Site": "cross-site"})
    a.post("a request that nobody's page sent", headers={"Sec-Fetch-Site": "none"})
    a.post("the token in the URL only", path=f"/i/{one}?t={a.token}", drop=("t",))
    a.post("no mark of a form", (400,), drop=("n",), headers=own)
    a.post("an empty mark", (409,), n="")
    a.post("a forged mark", (409,), n=a.good["n"][:-1] + ("A" if a.good["n"][-1] != "A" else "B"))
    a.post("the mark of another link", (409,), n=relay.form(a.other, a.other_token)["n"])
    a.post("a form that was sent before", (409,), n=a.used["n"])
    a.post("no act", (400,), drop=("act",))
    a.post("an act that there is not", (409,), n=relay.form(one, a.token)["n"], act="close")
    a.post("two acts", (400,), body=urllib.parse.urlencode({**a.good, "act": "useful"}) + "&act=acknowledge")
    a.post("two tokens", body=urllib.parse.urlencode({**a.good, "act": "acknowledge"}) + "&t=" + a.token)
    a.post("two marks", (400,), body=urllib.parse.urlencode({**a.good, "act": "acknowledge"}) + "&n=" + a.good["n"])
    a.post("a NUL in a field", (400,), who="a\0b")
    a.post("an overlong name", (400,), who="x" * 201)
    a.post("an overlong comment", (400,), act="comment", text="x" * 2001)
    a.post("an overlong body", (413,), text="x" * 70000)
    a.post("a body of another type", (400,), kind="text/plain")
    a.post("a body as JSON", (400,), kind="application/json", body=json.dumps({**a.good, "act": "acknowledge"}))
    a.post("a body without a type", (400,), kind="")
    a.post("half an escape", (400,), body=urllib.parse.urlencode({**a.good, "act": "acknowledge"}) + "&who=%4")


def attack_by_path(a):
    one = a.one
    body = {**a.good, "act": "acknowledge"}
    for name, path, wanted in (
            ("the token of one for the path of another", f"/i/{a.other}", (403,)), ("a double slash", f"//i/{one}", (404, 400, 405)),
            ("a double slash inside", f"/i//{one}", (404, 405)), ("a slash at the end", f"/i/{one}/", (404, 405)),
            ("an act in the path", f"/i/{one}/acknowledge", (404, 405)), ("an encoded slash", f"/i/{one}%2Facknowledge", (404, 405)),
            ("an encoded NUL", f"/i/{one}%00", (400,)), ("an encoded line end", f"/i/{one}%0d%0aX-Evil:%201", (403,)),
            ("an encoded dot", f"/i/%2e%2e/i/{one}", (404, 405)), ("upper case", f"/i/{one.upper()}" if one.upper() != one else "/i/X", (403,)),
            ("an overlong id", "/i/" + "a" * 300, (403, 404, 405)), ("a blank behind the id", f"/i/{one}%20", (403,)),
            ("the path of the API", f"/api/v1/incidents/{one}/none", (404,))):
        a.post(name, wanted, path=path, body=urllib.parse.urlencode(body))
    for name, line in (("a line end in the request line", f"POST /i/{one}\r\nX-Evil: 1 HTTP/1.1"), ("a bare NUL in the path", f"POST /i/{one}\0 HTTP/1.1")):
        text = urllib.parse.urlencode(body)
        head = f"{line}\r\nHost: tp.shop.example\r\nContent-Type: {FORM}\r\nContent-Length: {len(text)}\r\nConnection: close\r\n\r\n"
        a.check(name, a.relay.raw((head + text).encode()), 0, 400, 403)
        a.proceed(name)


def no_attack_acts():
    a = Attacks()
    try:
        for attack in (attack_by_get, attack_by_token, attack_by_form, attack_by_path):
            attack(a)
        # An id whose characters are escaped is the same id: the link opens, and its form is good.
        escaped = "".join(f"%{ord(c):02x}" for c in a.one)
        assert a.relay.show(escaped, a.token)[0] == 200
        # A browser's own requests, over https and without: the page has no referrer, so that the origin is hidden.
        for headers in ({"Origin": "null", "Sec-Fetch-Site": "same-origin"}, {"Origin": "null"}, {"Origin": SITE}, {},
                        {"Origin": SITE, "Sec-Fetch-Site": "same-origin"}):
            assert a.relay.press(a.one, a.token, "comment", headers, text="good")[0] == 303, headers
        assert a.relay.send(a.one, {**a.good, "act": "acknowledge"})[0] == 303
        assert a.relay.incident(a.one)["state"] == "acknowledged" and a.relay.incident(a.other)["state"] == "open"
        log = a.relay.log_text()
        for secret in (a.token, a.other_token, a.good["n"], KEY):
            assert secret not in log, log
        print(f"     {a.n} attacks, none acted; a good form acted behind each", flush=True)
        assert a.n >= 30
    finally:
        a.relay.finish()


if __name__ == "__main__":
    peers.run(a_page_opens_and_its_buttons_act, not_ours_is_said_once, strangers_texts_are_escaped, keys_rotate, links_end, no_attack_acts,
              at_once=2)
