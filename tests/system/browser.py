"""A reader of the pages for people: what a browser without scripts does."""
import http.client
import re
import urllib.parse

import peers

FORM = "application/x-www-form-urlencoded"


class Browser:
    """Keeps cookies, follows nothing by itself."""

    def __init__(self, daemon, **headers):
        self.daemon, self.cookie, self.headers = daemon, None, headers

    def ask(self, method, path, form=None, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.daemon.port, timeout=peers.PATIENCE)
        headers = {"Accept": "text/html,*/*", **self.headers, **headers}
        if self.cookie:
            headers["Cookie"] = f"a=b; {self.cookie}; c=d"
        body = None
        if form is not None:
            body = urllib.parse.urlencode(form)
            headers.setdefault("Content-Type", FORM)
        connection.request(method, path, body, headers)
        reply = connection.getresponse()
        text = reply.read().decode()
        cookie = reply.getheader("Set-Cookie")
        if cookie:
            self.cookie = cookie.split(";")[0] if not cookie.startswith("tracepager_session=;") else None
        connection.close()
        return reply.status, reply, text

    def sign_in(self, token, path="/"):
        page = self.ask("GET", "/login?next=" + urllib.parse.quote(path, safe=""))[2]
        return self.ask("POST", "/login", {"n": mark(page), "token": token, "next": path})


def mark(page):
    """Of the last form: the one of the page itself, behind the one that signs out."""
    return re.findall(r'name="n" value="([^"]+)"', page)[-1]
