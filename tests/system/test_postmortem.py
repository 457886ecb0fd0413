#!/usr/bin/env python3
"""tracepager incidents show --format markdown and html: an incident of a running relay as a post-mortem."""
import html.parser
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import peers  # noqa: E402

peers.skip_unless_wanted()
TRACE = "0af7651916cd43dd8448eb211c80319c"
SECTIONS = ["Summary", "Impact", "Timeline (UTC)", "First bad trace", "What differs", "Operations hit",
            "Who was paged, and whether it was right", "Open questions"]


class Headings(html.parser.HTMLParser):
    """The second headings of a page, and all of its tags."""

    def __init__(self, text):
        super().__init__()
        self.headings, self.tags, self.within = [], set(), False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.within = tag == "h2"

    def handle_data(self, data):
        if self.within:
            self.headings.append(data)
            self.within = False


def show(daemon, *words):
    return subprocess.run([peers.BINARY, "incidents", *words, "--url", f"http://127.0.0.1:{daemon.port}"], capture_output=True, text=True)


def main():
    pager, jaeger = peers.Pager(), peers.Jaeger({TRACE: peers.shop_trace(TRACE)})
    daemon = peers.Daemon(pager.url, jaeger.url).start()
    try:
        alert = {"alertname": "PlaceOrderErrors", "service": "frontend", "severity": "error", "trace_id": TRACE}
        assert daemon.request("POST", "/webhook/am", peers.webhook((alert, "firing")))[0] == 202
        incident = peers.wait_for("the page", lambda: [e["dedup_key"] for e in pager.events() if e["routing_key"] == "key-ledger"])[0]
        for act, body in (("acknowledge", {"who": "roberta", "text": "roberta looks"}), ("comment", {"who": "roberta", "text": "<b>disk</b>"}),
                          ("reroute", {"who": "roberta", "text": "not ours"})):
            status, text, _ = daemon.request("POST", f"/api/v1/incidents/{incident}/{act}", json.dumps(body))
            assert status == 200, text
        ended = show(daemon, "show", incident, "--format", "markdown")
        assert ended.returncode == 0 and [line[3:] for line in ended.stdout.split("\n") if line.startswith("## ")] == SECTIONS, ended
        for part in ("# Post-mortem: ledger: journal is read-only", "- **Operation**: frontend POST /orders\n", "a person of team ledger",
                     "\\<b\\>disk\\</b\\>", "first from team ledger", f"    Trace {TRACE}:\n", "- **ledger-pager**: owner, paged at "):
            assert part in ended.stdout, (part, ended.stdout)
        assert "roberta" not in ended.stdout, ended.stdout
        assert "roberta" in show(daemon, "show", incident, "--format", "markdown", "--names").stdout
        ended = show(daemon, "show", incident[:6], "--format", "html")
        page = Headings(ended.stdout)
        assert ended.returncode == 0 and page.headings == SECTIONS and "roberta" not in ended.stdout, ended
        assert not page.tags & {"script", "b", "img", "link", "a"}, page.tags
        for words in (("list", "--format", "html"), ("show", incident, incident, "--format", "markdown"), ("show", incident, "--names"),
                      ("ack", incident, "--format", "markdown")):
            ended = show(daemon, *words)
            assert ended.returncode == 2 and "post-mortem" in ended.stderr and not ended.stdout, (words, ended)
        assert show(daemon, "show", "0" * 32, "--format", "html").returncode == 1
    finally:
        daemon.finish()


main()
