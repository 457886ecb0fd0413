"""What "tracepager slo propose" says of requests and calls, counted from the same traces in another way: by docs/slo.md. A trace is a list
of spans, each a dict: id, parent (None: a root), service, process, name, kind ("server", "client" … or ""), start and us (microseconds),
failed, follows (its parent reference is FOLLOWS_FROM), peer (the name of a callee without spans, or None)."""
import math


def rank(times, percent):
    times = sorted(times)
    return times[math.ceil(len(times) * percent / 100) - 1]


def succeeded(rows):
    """Of (time, failed): how many succeeded, and their percentiles."""
    times = [us for us, failed in rows if not failed]
    return (len(times),) + tuple(rank(times, percent) if times else None for percent in (50, 90, 99))


def lower_bound(n, good):
    """Wilson's bound, one-sided, 95 %; and the rule of three where nothing was bad."""
    if not n:
        return 0
    z, share = 1.6448536269514722, good / n
    bound = (share + z * z / (2 * n) - z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))) / (1 + z * z / n)
    return min(bound, 1 - 3 / n) if good == n else bound


class Request:
    """The tree below one span, and the calls in it."""

    def __init__(self, spans, entry):
        self.children, self.order = {}, {}
        for at, span in enumerate(spans):
            self.children.setdefault(span["parent"], []).append(span)
            self.order[id(span)] = at
        self.entry, self.calls, self.interval = entry, [], {}
        self.cover(entry, entry["start"], entry["start"] + entry["us"])
        self.find(entry, None)
        for call in self.calls:
            above = call["above"]["failed"] if call["above"] else entry["failed"]
            later = any(not other["failed"] and other is not call and other["key"] == call["key"] and other["above"] is call["above"]
                        and other["timed"]["start"] >= call["timed"]["start"] for other in self.calls)
            call["fatal"] = call["failed"] and not call["message"] and above and not later

    def below(self, span):
        return self.children.get(span["id"], []) if span["id"] else []

    def cover(self, span, low, high):
        """The time of the critical path that a span and all below it hold is the length of the interval that it covers."""
        self.interval[id(span)] = self.interval.get(id(span), 0) + high - low
        ends = []
        for child in self.below(span):
            if child["follows"] or (child["kind"] == "consumer" and span["kind"] != "consumer"
                                    and child["start"] + child["us"] > span["start"] + span["us"]):
                continue
            shift = 0
            if child["process"] != span["process"] and child["us"] <= span["us"]:
                shift = max(0, span["start"] - child["start"])
                if not shift:
                    shift = min(0, span["start"] + span["us"] - child["start"] - child["us"])
            ends.append((-(child["start"] + child["us"] + shift), self.order[id(child)], child, shift))
        at = high
        for end, _, child, shift in sorted(ends, key=lambda row: row[:2]):
            first, last = max(low, child["start"] + shift), min(at, -end)
            if at > low and last > first:
                self.cover(child, first - shift, last - shift)
                at = first

    def is_client(self, span):
        if span["kind"]:
            return span["kind"] in ("client", "producer")
        below = self.below(span)
        return bool(below) and below[0]["service"] != span["service"] and len({child["service"] for child in below}) == 1

    def add(self, client, server, above):
        callee = (server["service"], False) if server else (client["peer"], True)
        message = "producer" in (client or {}).get("kind", "") or "consumer" in (server or {}).get("kind", "") \
            or bool(server and server["follows"])
        shown = client or server
        call = {"above": above, "key": callee + ((server or client)["name"], message), "message": message,
                "timed": (server or client) if message else shown, "path": self.interval.get(id(shown), 0),
                "failed": any(span and span["failed"] for span in (client, server))}
        self.calls.append(call)
        return call

    def find(self, span, above):
        stack = [(span, above)]
        while stack:
            span, above = stack.pop()
            below = self.below(span)
            foreign = [child for child in below if child["service"] != span["service"]]
            own_call = any(child["service"] == span["service"] and child["kind"] not in ("internal", "") for child in below)
            if not foreign and span["kind"] in ("client", "producer") and not own_call and span["peer"]:
                self.add(span, None, above)
            client = span if len(foreign) == 1 and self.is_client(span) else None
            for child in below:
                stack.append((child, self.add(client, child, above) if child in foreign else above))


def count(requests):
    """The figures of a signal, and those of its edges by the callees and operations that lead to them."""
    edges = {}
    for request in requests:
        seen = set()
        place = {}
        for call in request.calls:
            at, keys = call, []
            while at:
                keys.append(at["key"])
                at = at["above"]
            place[id(call)] = tuple(reversed(keys))
        for call in request.calls:
            edge = edges.setdefault(place[id(call)], {"times": [], "rows": [], "failed": 0, "fatal": 0, "path": 0, "on_path": 0, "requests": 0, "time": 0})
            edge["times"].append(call["timed"]["us"])
            edge["rows"].append((call["timed"]["us"], call["failed"]))
            edge["failed"] += call["failed"]
            edge["fatal"] += call["fatal"]
            edge["path"] += call["path"]
            edge["on_path"] += call["path"] > 0
            if place[id(call)] not in seen:
                seen.add(place[id(call)])
                edge["requests"] += 1
                edge["time"] += request.entry["us"]
    times = [request.entry["us"] for request in requests]
    signal = {"samples": len(times), "failed": sum(request.entry["failed"] for request in requests), "p50": rank(times, 50),
              "p90": rank(times, 90), "p99": rank(times, 99), "edges": {},
              "succeeded": succeeded([(request.entry["us"], request.entry["failed"]) for request in requests])}
    for place, edge in edges.items():
        signal["edges"][place] = {
            "samples": len(edge["times"]), "failed": edge["failed"], "fatal": edge["fatal"], "requests": edge["requests"],
            "p50": rank(edge["times"], 50), "p90": rank(edge["times"], 90), "p99": rank(edge["times"], 99),
            "succeeded": succeeded(edge["rows"]), "share": edge["path"] / edge["time"] if edge["time"] else 0, "on_path": edge["on_path"] / edge["requests"]}
    return signal


def told(signal):
    """The same figures of a signal in the command's JSON."""
    def figures(row):
        return {"samples": row["samples"], "failed": row["failed"], "p50": row["p50_us"], "p90": row["p90_us"], "p99": row["p99_us"],
                "succeeded": tuple(row["succeeded"][name] for name in ("samples", "p50_us", "p90_us", "p99_us"))}
    result = dict(figures(signal), edges={})
    places = {}
    for edge in signal["edges"]:
        key = (edge["callee"], edge["peer"], edge["operation"], edge["message"])
        places[edge["id"]] = (places[edge["above"]] if edge["above"] is not None else ()) + (key,)
        result["edges"][places[edge["id"]]] = dict(figures(edge), fatal=edge["fatal"], requests=edge["requests"], share=edge["share"],
                                                   on_path=edge["calls_on_path"])
    return result


def differences(found, expected):
    """The figures that differ; shares are told with six digits."""
    result = []
    for name in ("samples", "failed", "p50", "p90", "p99", "succeeded"):
        if found[name] != expected[name]:
            result.append((name, found[name], expected[name]))
    for place in sorted(found["edges"].keys() | expected["edges"].keys()):
        a, b = found["edges"].get(place), expected["edges"].get(place)
        if a is None or b is None:
            result.append((place, a, b))
            continue
        result += [(place, name, a[name], b[name]) for name in b
                   if (abs(a[name] - b[name]) > 1e-6 if name in ("share", "on_path") else a[name] != b[name])]
    return result
