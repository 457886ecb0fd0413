#!/usr/bin/env python3
"""The OpenAPI file against a running relay: every operation is called with data there, and its answer, status and type are as the file
says; what the newer operations do: alerts, decisions with their traces, stats, notes, entity tags; and at least 40 requests that are refused."""
import http.client
import json
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import peers  # noqa: E402

peers.skip_unless_wanted()
try:
    import jsonschema
except ImportError:
    print("skipped: needs python3-jsonschema")
    sys.exit(77)

TOKENS = """admin_token: adm1n
tokens:
  - {name: ann, token: ann-token, may: act}
  - {name: grafana, token: grafana-token, may: read}
enrich_budget: 3s
"""
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
with open(os.path.join(peers.TOP, "contrib/tracepager.openapi.json"), encoding="utf-8") as file:
    DOCUMENT = json.load(file)
HOSTILE = "<script>alert(1)</script>\x1b[31m\u202e{{7*7}} =cmd|x @channel"


class Relay(peers.Daemon):
    """With tokens, a trace, and a pager that is too busy for the pages of team sre."""

    def __init__(self, config=TOKENS):
        self.is_busy = False
        self.pager = peers.Pager(refuse=lambda n, event: (503, {}) if self.is_busy and event["routing_key"] == "key-sre" else None)
        super().__init__(self.pager.url, peers.Jaeger({TRACE: peers.shop_trace(TRACE)}).url, config=config)

    def ask(self, method, path, body=None, token="ann-token", **headers):
        """Status, answer (JSON where it is), headers."""
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if token:
            headers["Authorization"] = "Bearer " + token
        text = body if isinstance(body, (str, bytes)) or body is None else json.dumps(body)
        status, answer, told = self.request(method, path, text, headers)
        return status, json.loads(answer) if "json" in told.get("Content-Type", "") else answer, told

    def get(self, path, **headers):
        status, answer, _ = self.ask("GET", "/api/v1/" + path, **headers)
        assert status == 200, (path, status, answer)
        return answer

    def fire(self, name, status="firing", **labels):
        assert self.request("POST", "/webhook/am", peers.webhook(({"alertname": name, "severity": "error", **labels}, status)))[0] == 202

    def fill(self):
        """The ids of an incident with a trace, of one without whose page waits, and of one that is over."""
        self.fire("Over")
        over = peers.wait_for("the first incident", lambda: self.get("incidents")["incidents"])[0]["id"]
        assert self.ask("POST", f"/api/v1/incidents/{over}/resolve")[0] == 200
        peers.wait_for("its end", lambda: self.get("incidents?state=closed")["incidents"])
        self.is_busy = True
        self.fire("PlaceOrderErrors", trace_id=TRACE)
        self.fire("DiskFull", instance=HOSTILE)
        peers.wait_for("two incidents", lambda: len(self.get("incidents")["incidents"]) == 2)
        peers.wait_for("all decisions", lambda: len(self.get("decisions")["decisions"]) == 3)
        by_team = {incident["team"]: incident["id"] for incident in self.get("incidents")["incidents"]}
        peers.wait_for("a page that waits", lambda: self.get("queue")["pages"])
        peers.wait_for("the story", lambda: "reached" in [e["event"] for e in self.get("incidents/" + by_team["ledger"])["events"]])
        return by_team["ledger"], by_team["sre"], over


def fits(schema, value, where):
    """As JSON Schema says; and no member is there of which the file does not tell."""
    schema = {**schema, "components": DOCUMENT["components"]}
    errors = [f"{'/'.join(map(str, e.path))}: {e.message}" for e in jsonschema.Draft202012Validator(schema).iter_errors(value)]
    assert not errors, (where, errors[:3])
    untold(schema, value, where)


def untold(schema, value, where):
    if "$ref" in schema:
        schema = DOCUMENT["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    parts = [DOCUMENT["components"]["schemas"][p["$ref"].rsplit("/", 1)[1]] if "$ref" in p else p for p in schema.get("allOf", [schema])]
    properties = {name: s for part in parts for name, s in part.get("properties", {}).items()}
    if isinstance(value, dict) and properties:
        assert set(value) <= set(properties), (where, set(value) - set(properties))
        for name, member in value.items():
            untold(properties[name], member, f"{where}.{name}")
    for item in value if isinstance(value, list) and "items" in schema else []:
        untold(schema["items"], item, where + "[]")


def told(relay, called, method, path, template, body=None, token="ann-token", **headers):
    """Calls it, and holds the answer against the file. The status."""
    status, answer, got = relay.ask(method, path, body, token, **headers)
    responses = DOCUMENT["paths"][template][method.lower()]["responses"]
    assert str(status) in responses, (method, path, status, answer)
    response = responses[str(status)]
    response = DOCUMENT["components"]["responses"][response["$ref"].rsplit("/", 1)[1]] if "$ref" in response else response
    kind = got.get("Content-Type", "").split(";")[0]
    assert kind in response["content"] if "content" in response else not answer, (method, path, status, kind, answer)
    if "json" in kind:
        fits(response["content"][kind]["schema"], answer, f"{method} {path}")
    assert status != 200 or method != "GET" or "proto" in path or got.get("ETag"), (path, got)
    called.setdefault((method.lower(), template), set()).add(status)
    return status


def every_operation_is_as_told():
    relay, called = Relay().start(), {}
    try:
        ledger, sre, over = relay.fill()

        def call(method, template, wanted, body=None, query="", token="ann-token", headers=None, **places):
            path = re.sub(r"{(\w+)}", lambda found: str(places[found[1]]), template) + query
            status = told(relay, called, method, path, template, body, token, **(headers or {}))
            assert status == wanted, (method, path, status, wanted)

        base = "/api/v1/incidents"
        for incident in (ledger, sre, over):
            call("GET", base + "/{id}", 200, id=incident)
        for query, status in (("", 200), ("?state=closed", 200), ("?limit=1", 200), ("?limit=0", 400), ("?severity=bad", 400), ("?team=a&team=b", 400)):
            call("GET", base, status, query=query)
        for act, body, status in (("comment", {"text": HOSTILE}, 200), ("comment", {}, 400), ("acknowledge", {"who": "bob"}, 200), ("dance", {}, 404),
                                  ("reroute", {"team": "nobody"}, 409), ("silence", {}, 200), ("useful", None, 200), ("noise", "{", 400)):
            call("POST", base + "/{id}/{act}", status, body, id=ledger, act=act)
        call("POST", base + "/{id}/{act}", 413, {"text": "x" * 70000}, id=sre, act="comment")
        note = base + "/{id}/notes/{name}"
        for method, body, status in (("GET", None, 404), ("PUT", {"title": HOSTILE, "text": "# a\n\n* b", "href": "https://a.example"}, 201), ("GET", None, 200),
                                     ("PUT", {"title": "b"}, 200), ("PUT", {}, 400), ("PUT", {"title": "b", "href": "javascript:alert(1)"}, 400),
                                     ("PUT", {"title": "b", "text": "x" * 33000}, 400), ("DELETE", None, 204), ("DELETE", None, 404)):
            call(method, note, status, body, id=ledger, name="davis")
        call("PUT", note, 400, {"title": "b"}, id=ledger, name="a%20b")
        call("PUT", note, 404, {"title": "b"}, id="none", name="b")
        for query, status in (("", 200), ("?limit=1", 200), ("?team=ledger", 200), ("?state=paged&label=alertname%3DDiskFull", 200), ("?state=x", 400),
                              ("?label=x", 400), ("?cursor=x", 400)):
            call("GET", "/api/v1/alerts", status, query=query)
        for query, status in (("", 200), ("?alert=DiskFull&limit=1", 200), ("?since=2026-01-01T00:00:00Z&team=sre", 200), ("?since=x", 400), ("?limit=x", 400)):
            call("GET", "/api/v1/decisions", status, query=query)
        for which in [d["id"] for d in relay.get("decisions")["decisions"]] + [ledger]:
            call("GET", "/api/v1/decisions/{id}", 200, id=which)
        for which, query, status in ((ledger, "", 200), (ledger, "?format=otlp-proto", 200), (ledger, "?format=x", 400), (sre, "", 404), ("999", "", 404)):
            call("GET", "/api/v1/decisions/{id}/traces", status, query=query, id=which)
        call("GET", "/api/v1/decisions/{id}", 404, id=999)
        call("GET", "/api/v1/stats", 200)
        silences = "/api/v1/silences"
        call("POST", silences, 200, {"matchers": ["alertname=Nothing"], "duration_s": 600, "reason": "<b>"})
        call("POST", silences, 400, {"matchers": ["="]})
        call("GET", silences, 200)
        call("GET", silences, 400, query="?state=x")
        silence = relay.get("silences")["silences"][-1]["id"]
        call("GET", silences + "/{id}", 200, id=silence)
        call("GET", silences + "/{id}", 404, id="none")
        for act, body, status in (("change", {"reason": "b"}, 200), ("end", {"who": "bob"}, 200), ("end", {}, 409), ("x", {}, 404)):
            call("POST", silences + "/{id}/{act}", status, body, id=silence, act=act)
        call("GET", "/api/v1/queue", 200)
        call("GET", "/api/v1/queue", 400, query="?cursor=x")
        page = relay.get("queue")["pages"][0]
        assert page["incident"] == sre, page
        call("GET", "/api/v1/queue/{page}", 200, page=page["id"])
        call("GET", "/api/v1/queue/{page}", 404, page="none")
        for act, status in (("retry", 200), ("drop", 200), ("drop", 404), ("x", 404)):
            call("POST", "/api/v1/queue/{page}/{act}", status, page=page["id"], act=act)
        call("GET", "/api/v1/pagers", 200)
        for name, act, status in (("sre-pager", "pause", 200), ("sre-pager", "pause", 200), ("sre-pager", "resume", 200), ("none", "pause", 404), ("sre-pager", "x", 404)):
            call("POST", "/api/v1/pagers/{name}/{act}", status, name=name, act=act)
        assert relay.request("POST", "/webhook/am", "{ no")[0] == 400
        call("GET", "/api/v1/rejected", 200)
        called.setdefault(("get", "/api/v1/tap"), set()).add(200)  # without end: test_tap.py reads it
        for query in ("?kind=x", "?team=a&team=b", "?alert=" + "x" * 200):
            call("GET", "/api/v1/tap", 400, query=query)
        call("GET", "/api/v1/log", 200)
        for body, status in (({"level": "info", "duration_s": 60, "who": HOSTILE}, 200), ({"level": "loud"}, 400), ({"level": "info", "duration_s": 0}, 400),
                             ({"level": "info", "duration_s": 1 << 40}, 400), ({}, 400), ("{", 400)):
            call("POST", "/api/v1/log", status, body)
        call("GET", "/api/v1/log", 200)
        call("GET", "/api/v1/rules", 200)
        call("GET", "/api/v1/shadow", 200)
        call("GET", "/api/v1/teams", 200)
        call("GET", "/api/v1/teams", 400, query="?cursor=x")
        call("POST", "/api/v1/drills", 202, {"signal": "place_order"})
        call("POST", "/api/v1/drills", 404, {"signal": "none"})
        call("GET", "/api/v1/drills", 200)
        call("GET", "/api/v1/drills/{id}", 200, id=relay.get("drills")["drills"][0]["id"])
        call("GET", "/api/v1/drills/{id}", 404, id="none")
        more(relay, call, ledger)
        for verb, path in [(verb, path) for path, verbs in DOCUMENT["paths"].items() for verb in verbs]:
            assert (verb, path) in called, f"nobody calls {verb} {path}: add it here"
            places = re.sub(r"{\w+}", "x", path)
            call(verb.upper(), path, 401, {} if verb != "get" and verb != "delete" else None, token=None, **dict.fromkeys(re.findall(r"{(\w+)}", path), "x"))
            if verb != "get" and "what-if" not in path:
                call(verb.upper(), path, 403, {} if verb != "delete" else None, token="grafana-token", **dict.fromkeys(re.findall(r"{(\w+)}", path), "x"))
            status, problem, headers = relay.ask("PATCH", places, "{}")
            assert status == 405 and verb.upper() in headers["Allow"].split(", ") and problem["status"] == 405, (path, headers)
        print(f"{len(called)} operations, {sum(len(statuses) for statuses in called.values())} answers of different status")
    finally:
        relay.finish()


def more(relay, call, incident):
    """Operations of which this test knows no case of its own."""
    for path, verbs in DOCUMENT["paths"].items():
        if path == "/api/v1/what-if":
            call("POST", path, 200, {"incident": incident})
        if path == "/api/v1/map" and "get" in verbs:
            call("GET", path, 200)


def teams_are_listed():
    relay = Relay().start()
    try:
        seen, path = [], "teams?limit=2"
        while path:
            answer = relay.get(path)
            seen += answer["teams"]
            path = answer["next"] and "teams?limit=2&cursor=" + answer["next"]
        assert sorted(team["name"] for team in seen) == ["ledger", "shop", "sre"] and seen == relay.get("teams")["teams"], seen
        ledger = next(team for team in seen if team["name"] == "ledger")
        assert ledger["steps"] == [{"pagers": ["ledger-pager"], "wait_s": 600}] and ledger["escalation"] == "ledger" and ledger["place"] == "rules.yaml:4", ledger
        assert [team["name"] for team in seen if team["is_fallback"]] == ["sre"]
    finally:
        relay.finish()


def alerts_are_listed():
    relay = Relay().start()
    try:
        ledger, _, _ = relay.fill()
        names = [alert["labels"]["alertname"] for alert in relay.get("alerts")["alerts"]]
        # What a person resolved fires on, and pages nobody.
        assert names == ["Over", "PlaceOrderErrors", "DiskFull"], names
        states = {alert["labels"]["alertname"]: alert["state"] for alert in relay.get("alerts")["alerts"]}
        assert states == {"Over": "quiet", "PlaceOrderErrors": "paged", "DiskFull": "paged"}, states
        seen, path = [], "alerts?limit=1"
        while path:
            answer = relay.get(path)
            seen += [alert["labels"]["alertname"] for alert in answer["alerts"]]
            path = answer["next"] and "alerts?limit=1&cursor=" + answer["next"]
        assert seen == names, seen
        for query, wanted in (("team=ledger", ["PlaceOrderErrors"]), ("state=quiet", ["Over"]), ("label=alertname%3DOver", ["Over"]),
                              ("label=service%3D", []), ("team=nobody", []), ("state=paged&team=sre&label=alertname%3DDiskFull", ["DiskFull"])):
            assert [alert["labels"]["alertname"] for alert in relay.get("alerts?" + query)["alerts"]] == wanted, query
        alert = relay.get("alerts?team=ledger")["alerts"][0]
        assert alert["incident"] == ledger and alert["sender"] == "am" and alert["starts_at"] == "2026-09-01T10:00:00Z" and not alert["silenced"], alert
        # One that ends while a list is read: the rest still follows it.
        cursor = relay.get("alerts?limit=2")["next"]
        relay.fire("PlaceOrderErrors", "resolved", trace_id=TRACE)
        peers.wait_for("its end", lambda: len(relay.get("alerts")["alerts"]) == 2)
        assert [a["labels"]["alertname"] for a in relay.get("alerts?cursor=" + cursor)["alerts"]] == ["DiskFull"]
    finally:
        relay.finish()


def decisions_are_listed_with_traces():
    relay = Relay().start()
    try:
        ledger, sre, _ = relay.fill()
        listed = relay.get("decisions")["decisions"]
        assert [d["id"] for d in listed] == sorted((d["id"] for d in listed), reverse=True)
        traced = next(d for d in listed if d["incident"] == ledger)
        assert traced["alert"] == "PlaceOrderErrors" and traced["suspect"]["service"] == "ledger" and traced["traces"] == "whole" and traced["paged"], traced
        seen, path = [], "decisions?limit=1"
        while path:
            answer = relay.get(path)
            seen += answer["decisions"]
            path = answer["next"] and "decisions?limit=1&cursor=" + answer["next"]
        assert seen == listed
        for query, wanted in (("team=ledger", 1), ("alert=DiskFull", 1), ("alert=None", 0), ("since=2100-01-01T00:00:00Z", 0), ("until=2100-01-01T00:00:00Z", 3),
                              ("until=" + min(d["at"] for d in listed), 0), ("since=" + min(d["at"] for d in listed), 3)):
            assert len(relay.get("decisions?" + query)["decisions"]) == wanted, query
        whole = relay.get(f"decisions/{traced['id']}")
        assert whole["decision"]["verdict"]["suspect"]["service"] == "ledger" and {k: whole[k] for k in ("id", "at", "team")} == {k: traced[k] for k in ("id", "at", "team")}
        assert relay.get(f"decisions/{ledger}") == whole
        spans = [(next(a["value"]["stringValue"] for a in group["resource"]["attributes"] if a["key"] == "service.name"), span)
                 for group in relay.get(f"decisions/{ledger}/traces")["resourceSpans"] for scope in group["scopeSpans"] for span in scope["spans"]]
        assert [(service, span["traceId"], span["spanId"], span.get("parentSpanId"), span["name"], span["kind"]) for service, span in spans] == [
            ("frontend", TRACE, "00000000000000a1", None, "POST /orders", 2), ("checkout", TRACE, "00000000000000a2", "00000000000000a1", "PlaceOrder", 2),
            ("ledger", TRACE, "00000000000000a3", "00000000000000a2", "Book", 2)], spans
        assert all(int(s["endTimeUnixNano"]) > int(s["startTimeUnixNano"]) > 10 ** 18 for _, s in spans)
        status, problem, _ = relay.ask("GET", f"/api/v1/decisions/{sre}/traces")
        assert status == 404 and "no traces" in problem["detail"], problem
        stats = relay.get("stats")
        for window in stats["windows"]:
            assert window["incidents_opened"] == 3 and window["incidents_resolved"] == 1 and window["decisions"] == 3, window
            assert window["decisions_with_suspect"] == 1 and window["decisions_without_suspect"] == 2, window
            ours = next(team for team in window["teams"] if team["team"] == "ledger")
            assert ours["incidents_opened"] == ours["decisions_with_suspect"] == 1 and ours["incidents_resolved"] == 0, ours
        assert [window["days"] for window in stats["windows"]] == [1, 7] and stats["now"]["incidents_open"] == 2 and stats["now"]["pages_waiting"] == 1, stats["now"]
        assert stats["since_start"]["alerts_accepted"] == 3, stats["since_start"]
    finally:
        relay.finish()


def notes_are_kept():
    relay = Relay().start()
    try:
        ledger, _, over = relay.fill()
        path = f"/api/v1/incidents/{ledger}/notes/"
        text = "# Why\n\n* `disk` <b>full</b>\n\n" + HOSTILE
        note = {"title": HOSTILE, "text": text, "href": "https://analysis.example/?a=b&c", "author": "Davis"}
        status, answer, _ = relay.ask("PUT", path + "davis", note)
        assert status == 201 and answer["who"] == "ann" and answer["author"] == "Davis" and answer["text"].startswith("# Why\n\n* `disk` <b>"), answer
        assert "\x1b" not in answer["text"] + answer["title"] and "\u202e" not in answer["title"]
        assert relay.ask("PUT", path + "davis", note)[0] == 200
        assert relay.ask("PUT", path + "b.2_x-Y", {"title": "second"})[0] == 201
        incident = relay.get("incidents/" + ledger)
        assert [n["name"] for n in incident["notes"]] == ["davis", "b.2_x-Y"] and incident["notes"][0] == answer, incident["notes"]
        noted = [e for e in incident["events"] if e["event"] == "noted"]
        assert [e["text"] for e in noted] == [f"davis: {answer['title']}", "b.2_x-Y: second"] and noted[0]["who"] == "ann", noted
        # Replaced: it keeps its place; over a kill.
        assert relay.ask("PUT", path + "davis", {"title": "third", "text": "a"})[0] == 200
        page = relay.ask("GET", f"/incidents/{ledger}")[1]
        assert "Notes from outside" in page and "<script>" not in page.replace("<script src=", "") and "third" in page, page[:300]
        relay.kill()
        relay.start()
        assert [(n["title"], n["href"]) for n in relay.get("incidents/" + ledger)["notes"]] == [("third", None), ("second", None)]
        assert relay.ask("DELETE", path + "davis")[0] == 204 and relay.ask("GET", path + "davis")[0] == 404
        assert [n["name"] for n in relay.get("incidents/" + ledger)["notes"]] == ["b.2_x-Y"]
        for n in range(19):
            assert relay.ask("PUT", f"{path}n{n}", {"title": str(n)})[0] == 201
        status, problem, _ = relay.ask("PUT", path + "one-more", {"title": "x"})
        assert status == 409 and "20 notes" in problem["detail"], problem
        assert relay.ask("PUT", path + "n3", {"title": "anew"})[0] == 200 and relay.get(f"incidents/{ledger}/notes/n3")["title"] == "anew"
        # One that is over takes notes too.
        assert relay.ask("PUT", f"/api/v1/incidents/{over}/notes/later", {"title": "x"})[0] == 201
        assert [n["name"] for n in relay.get("incidents/" + over)["notes"]] == ["later"]
    finally:
        relay.finish()


def a_note_comes_at_once():
    """As soon as the list has the incident, which may be before the store has it."""
    relay = Relay().start()
    try:
        for n in range(20):
            relay.fire(f"Disk{n}")
            one = peers.wait_for("the incident", lambda: relay.get("incidents?limit=1000")["incidents"][n:])[0]["id"]
            assert relay.ask("PUT", f"/api/v1/incidents/{one}/notes/a", {"title": str(n)})[0] == 201
            assert [note["title"] for note in relay.get("incidents/" + one)["notes"]] == [str(n)]
    finally:
        relay.finish()


def entity_tags_tell_of_changes():
    relay = Relay().start()
    try:
        ledger, _, _ = relay.fill()
        for path in ("incidents", "incidents?state=closed", "incidents/" + ledger, "decisions", "decisions/1", "silences", "alerts", "rules"):
            status, _, headers = relay.ask("GET", "/api/v1/" + path)
            tag = headers["ETag"]
            assert status == 200 and re.fullmatch('"[0-9a-f]{32}"', tag), headers
            for names in (tag, f'"other", W/{tag}', "*"):
                status, answer, headers = relay.ask("GET", "/api/v1/" + path, If_None_Match=names)
                assert status == 304 and answer == "" and headers["ETag"] == tag, (path, names, status)
            assert relay.ask("GET", "/api/v1/" + path, If_None_Match='"0123"')[0] == 200
        tag = relay.ask("GET", "/api/v1/incidents")[2]["ETag"]
        assert relay.ask("POST", f"/api/v1/incidents/{ledger}/acknowledge")[0] == 200
        assert relay.ask("GET", "/api/v1/incidents", If_None_Match=tag)[0] == 200
        assert "ETag" not in relay.ask("GET", "/api/v1/none")[2]
        assert relay.ask("GET", "/api/v1/incidents", token=None, If_None_Match="*")[0] == 401
    finally:
        relay.finish()


def raw(relay, request):
    """The status of the first answer to these bytes."""
    import socket
    with socket.create_connection(("127.0.0.1", relay.port), timeout=peers.PATIENCE) as s:
        s.sendall(request)
        reply = http.client.HTTPResponse(s)
        reply.begin()
        return reply.status, reply.read().decode(), reply.getheader("Content-Type")


def these_are_refused():
    """Unauthorised, forged, cross-site and malformed requests of the API: each is refused as a problem, and nothing has changed."""
    relay = Relay().start()
    try:
        ledger, _, _ = relay.fill()
        def picture():
            return (relay.get("incidents/" + ledger), relay.get("silences"), [waiting["id"] for waiting in relay.get("queue")["pages"]],
                    [(pager["name"], pager["paused_by"]) for pager in relay.get("pagers")["pagers"]], relay.get("drills"))

        before = picture()
        page = relay.get("queue")["pages"][0]["id"]
        note = f"/api/v1/incidents/{ledger}/notes/x"
        good = {"title": "x"}
        # Name, method, path, body, headers, status.
        refused = [(f"{verb} {path} without a token", verb, path, body, {}, 401) for verb, path, body in (
            ("GET", "/api/v1/incidents", None), ("GET", "/api/v1/alerts", None), ("GET", "/api/v1/decisions", None), ("GET", "/api/v1/decisions/1/traces", None),
            ("GET", "/api/v1/stats", None), ("GET", "/api/v1/silences", None), ("GET", "/api/v1/queue", None), ("PUT", note, good), ("DELETE", note, None),
            ("POST", f"/api/v1/incidents/{ledger}/resolve", {}), ("POST", "/api/v1/silences", {"matchers": ["a=b"], "duration_s": 60}),
            ("POST", "/api/v1/pagers/sre-pager/pause", {}), ("POST", "/api/v1/drills", {"signal": "place_order"}), ("POST", "/-/drain", None),
            ("POST", "/-/reload", None), ("GET", "/events", None))]
        refused += [(f"{verb} {path} with a token that may read", verb, path, body, {"Authorization": "Bearer grafana-token"}, 403) for verb, path, body in (
            ("PUT", note, good), ("DELETE", note, None), ("POST", f"/api/v1/incidents/{ledger}/acknowledge", {}),
            ("POST", "/api/v1/silences", {"matchers": ["a=b"], "duration_s": 60}), ("POST", f"/api/v1/queue/{page}/drop", {}),
            ("POST", "/api/v1/pagers/sre-pager/pause", {}), ("POST", "/api/v1/drills", {"signal": "place_order"}), ("POST", "/-/drain", None), ("POST", "/-/reload", None))]
        for value in ("Bearer", "Bearer ", "Bearer wrong", "Bearer ann-toke", "Bearer ann-token2", "Bearer ANN-TOKEN", "Basic YW5uOmFubi10b2tlbg==", "Token ann-token",
                      "ann-token", "Bearer ann", "Bearer adm1n ann-token", "Bearer " + "a" * 4000, 'Bearer "ann-token"', "Bearer ann-token\t,x", "Digest username=ann"):
            refused.append((f"the token {value[:30]!r}", "PUT", note, good, {"Authorization": value}, 401))
        for name, headers in (("the token in a cookie", {"Cookie": "Authorization=Bearer ann-token"}), ("a forged session", {"Cookie": "tracepager_session=ann.99999999999.0000"}),
                              ("the token in another header", {"X-Authorization": "Bearer ann-token", "X-Auth-Token": "ann-token", "Api-Key": "ann-token"}),
                              ("a name from a proxy that nobody trusts", {"X-Forwarded-User": "ann", "X-Remote-User": "ann", "Remote-User": "ann"}),
                              ("another method's name", {"X-HTTP-Method-Override": "GET"})):
            refused.append((name, "PUT", note, good, headers, 401))
        refused.append(("the token in the query", "PUT", note + "?token=ann-token&access_token=ann-token", good, {}, 401))
        assert len(refused) >= 40, len(refused)
        for name, verb, path, body, headers, status in refused:
            got, answer, told_headers = relay.ask(verb, path, body, token=None, **{k.replace("-", "_"): v for k, v in headers.items()})
            assert got == status and answer["error"], (name, got, answer)
            assert not path.startswith("/api/v1") or told_headers["Content-Type"] == "application/problem+json" and answer["status"] == status, (name, told_headers)
        line = f"PUT {note} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ann-token\r\n"
        body = json.dumps(good)
        rest = f"Content-Length: {len(body)}\r\n\r\n{body}"
        malformed = [("two lengths", line + "Content-Length: 2\r\n" + rest, 400), ("a length and chunks", line + "Transfer-Encoding: chunked\r\n" + rest, 400),
                     ("no Host", line.replace("Host: localhost\r\n", "") + rest, 400), ("two Hosts", line + "Host: other\r\n" + rest, 400),
                     ("a DELETE with a body", line.replace("PUT", "DELETE") + rest, 400), ("a TRACE", line.replace("PUT", "TRACE") + "\r\n", 405),
                     ("another method", line.replace("PUT", "BREW") + "\r\n", 501), ("two tokens", line + "Authorization: Bearer grafana-token\r\n" + rest, 400),
                     ("a PATCH", line.replace("PUT", "PATCH") + rest, 405), ("a body over 16 MiB", line + "Content-Length: 99999999\r\nExpect: 100-continue\r\n\r\n", 413)]
        for name, request, status in malformed:
            got, answer, kind = raw(relay, request.encode())
            assert got == status and kind == "application/problem+json" and json.loads(answer)["status"] == status, (name, got, kind, answer)
        after = picture()
        assert before == after, (before, after)
        print(f"{len(refused) + len(malformed)} requests refused")
    finally:
        relay.finish()


def other_sites_are_refused():
    """Without tokens: a page of another site cannot make a browser on this machine change or read anything."""
    relay = Relay(config="").start()
    try:
        relay.fire("DiskFull")
        one = peers.wait_for("the incident", lambda: relay.ask("GET", "/api/v1/incidents", token=None)[1]["incidents"])[0]["id"]
        note = f"/api/v1/incidents/{one}/notes/x"
        foreign = [("another origin", {"Origin": "https://evil.example"}, 403), ("no origin at all", {"Origin": "null"}, 403),
                   ("told by the browser", {"Sec-Fetch-Site": "cross-site"}, 403), ("a page of a file", {"Origin": "file://"}, 403),
                   ("a name that was pointed here", {"Host": "evil.example"}, 421)]
        for name, headers, status in foreign:
            for verb, path, body in (("PUT", note, {"title": "x"}), ("DELETE", note, None), ("POST", f"/api/v1/incidents/{one}/resolve", {})):
                got, answer, _ = relay.ask(verb, path, body, token=None, **{k.replace("-", "_"): v for k, v in headers.items()})
                assert got == status and answer["status"] == status, (name, verb, got, answer)
        assert relay.ask("GET", "/api/v1/incidents", token=None, Host="evil.example")[0] == 421
        incident = relay.ask("GET", "/api/v1/incidents/" + one, token=None)[1]
        assert incident["state"] == "open" and incident["notes"] == [], incident
        assert relay.ask("PUT", note, {"title": "x"}, token=None)[0] == 201
    finally:
        relay.finish()


if __name__ == "__main__":
    peers.run(every_operation_is_as_told, teams_are_listed, alerts_are_listed, decisions_are_listed_with_traces, notes_are_kept, a_note_comes_at_once, entity_tags_tell_of_changes, these_are_refused,
              other_sites_are_refused, at_once=3)
