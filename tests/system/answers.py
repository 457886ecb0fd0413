"""A store full of past incidents and of what people answered, written with a seed into the tables that a daemon made; and the
same figures as "tracepager audit --pages", counted once more from the tables by the words of tracepager-incidents(7)."""
import collections
import datetime
import json
import math
import random
import zlib
import zoneinfo

SECOND, MINUTE, DAY = 10**6, 60 * 10**6, 86400 * 10**6
LOCATIONS = {"ledger": "Europe/Berlin", "shop": "America/New_York", "stock": "Asia/Kolkata", "search": None, "sre": None}
TEAMS = list(LOCATIONS)
KINDS = ["span", "peer", "caller", "slow", "edge", "no_trace", "low_confidence"]
RULES = """
teams:
""" + "".join(f"  {team}: {{escalation: e{', location: ' + place if place else ''}}}\n" for team, place in LOCATIONS.items()) + """
pagers: {p: {kind: console}}
escalations: {e: {steps: [{page: [p], wait: 10m}]}}
services: {ledger: {owner: ledger}, shop: {owner: shop}, stock: {owner: stock}, search: {owner: search}}
fallback: {team: sre}
"""


class Writer:
    def __init__(self, store, seed):
        self.store, self.random = store, random.Random(seed)
        self.events, self.decisions, self.incidents = [], [], []

    def decision(self, at, incident, team, rule, kind, sent=True):
        found = kind in KINDS[:5]
        doc = {"version": 1, "verdict": {"confidence": 0.9, "agree": 3, "of": 3,
                                         "suspect": {"service": team, "kind": kind} if found else None,
                                         "fallback": None if found else {"code": kind, "text": "x"}},
               "owner": {"team": team, "rule": rule}, "escalation": {"policy": "e", "steps": [{"pagers": ["p"]}]},
               "page": {"severity": "error"} if sent else None,
               # As long as a decision is that tells a walk with its reasons and rules.
               "pad": "".join(self.random.choice("abcdefgh ") for _ in range(4000))}
        self.decisions.append((at, 0, incident, team, "0" * 64, f"am/{incident}", b"", zlib.compress(json.dumps(doc).encode(), 1)))

    def incident(self, n, at, until):
        """What may befall an incident, each with a chance of its own."""
        chance, name = self.random, f"{n:016x}"
        team = chance.choices(TEAMS, [8, 5, 3, 2, 1])[0]
        opened, first = at, team
        story = [("opened", f"am/{name}", "it fails")]

        def tell(event, who="", text="", wait=(0, 0)):
            nonlocal at
            at += chance.randint(*wait)
            self.events.append((at, name, event, who, text))

        tell(*story[0])
        kind = chance.choice(KINDS)
        sent = chance.random() > 0.03
        self.decision(at, name, team, f"rules.yaml:{10 + TEAMS.index(team)}", kind, sent)
        if sent:
            tell("paged", "p1", wait=(0, SECOND))
            tell("reached", "p1", wait=(0, 3 * SECOND))
        for _ in range(chance.randint(0, 3)):
            tell("joined", f"am/{name}-2", "more", wait=(0, MINUTE))
            self.decision(at, name, team, f"rules.yaml:{10 + TEAMS.index(team)}", kind, sent)
        if chance.random() < 0.3:
            return self.end(name, opened, team, tell, at, "", (0, 8 * MINUTE))
        if chance.random() < 0.05:
            team = chance.choice(TEAMS)
            tell("improved", team, "late", wait=(0, MINUTE))
            tell("paged", "p3", "the traces came late")
        if chance.random() < 0.25:
            tell("escalated", "", "run 1 step 2: p2", wait=(10 * MINUTE, 10 * MINUTE))
            tell("paged", "p2", "nobody has acknowledged")
        while chance.random() < 0.15:
            other = chance.choice([t for t in TEAMS if t != team])
            reason = chance.choice(["their database: see there", "link", "not us -> them"])
            tell("rerouted", "ann", f"{team} -> {other}: {reason}", wait=(MINUTE, 20 * MINUTE))
            tell("escalated", "", "run 1 step 1: p4")
            tell("paged", "p4", "team says that it is not theirs")
            team = other
        if chance.random() < 0.75:
            tell("acknowledged", "bob", "link", wait=(SECOND, 15 * MINUTE))
            if chance.random() < 0.1:
                tell("acknowledged", "eve", "api", wait=(SECOND, 15 * MINUTE))
        elif chance.random() < 0.2:
            tell("escalated", "", "all runs are over; the fallback team is paged", wait=(10 * MINUTE, 10 * MINUTE))
        if chance.random() < 0.2:
            tell(chance.choice(["useful", "noise"]), "bob", "link", wait=(0, MINUTE))
            if chance.random() < 0.2:
                tell("useful", "eve", "link", wait=(0, MINUTE))
        if chance.random() < 0.03:
            tell("moved", "f" * 16, "a late verdict", wait=(0, MINUTE))
            self.incidents.append((name, f"key/{name}", team, 0, opened, at, "{}"))
        elif at > until or chance.random() < 0.02:
            self.incidents.append((name, f"key/{name}", team, 1, opened, 0, "{}"))
        else:
            self.end(name, opened, team, tell, at, "bob" if chance.random() < 0.3 else "", (0, 90 * MINUTE))
        return first

    def end(self, name, opened, team, tell, at, who, wait):
        tell("ended", f"am/{name}", wait=wait)
        tell("held")
        tell("resolved", who, "all alerts have ended")
        self.incidents.append((name, f"key/{name}", team, 0, opened, self.events[-1][0], "{}"))

    def write(self, n, since, until):
        for i in range(n):
            self.incident(i + 1, self.random.randint(since, until), until)
        # As a daemon writes them: in order of time, those of one moment in their order.
        self.events.sort(key=lambda event: event[0])
        self.decisions.sort(key=lambda decision: decision[0])
        with self.store:
            self.store.executemany("INSERT INTO events (at_us, incident, event, who, text) VALUES (?,?,?,?,?)", self.events)
            self.store.executemany("INSERT INTO incidents (id_end, id, key, team, open, opened_us, closed_us, page)"
                                   " VALUES (substr(?1, -10),?1,?2,?3,?4,?5,?6,?7)", self.incidents)
            self.store.executemany("INSERT INTO decisions (at_us, kept, incident, team, rules, alert_key, alert, doc)"
                                   " VALUES (?,?,?,?,?,?,?,?)", self.decisions)


def nearest_rank(values, percent):
    return sorted(values)[math.ceil(len(values) * percent / 100) - 1] / SECOND if values else None


class Pages:
    """The pages of one incident: each a dict, the present one last."""

    def __init__(self, opened, events, first_team, row_team):
        self.pages, self.present = [], None
        team = first_team
        for at, event, who, text in events:
            if event == "paged" and not self.present:
                self.begin(team, at)
            elif event == "rerouted":
                refused, rest = text.split(" -> ", 1)
                team = rest.split(": ", 1)[0]
                if self.present:
                    self.present.update(team=refused, not_ours=True)
                self.begin(team, at)
            elif event == "improved":
                if self.present and team not in (None, who):
                    self.present["moved"] = True
                    self.present = None
                team = who
            elif self.present:
                self.answer(opened, at, event, who, text)
        for page in self.pages:
            page["team"] = page["team"] or row_team

    def begin(self, team, at):
        self.present = collections.defaultdict(lambda: False, team=team, at=at)
        self.pages.append(self.present)

    def answer(self, opened, at, event, who, text):
        page = self.present
        if event == "acknowledged" and not page["acknowledged"]:
            page.update(acknowledged=True, wait=at - page["at"])
        elif event == "escalated" and not text.startswith(("run 1 step 1:", "the pagers")):
            page["escalated"] = True
        elif event == "moved":
            page["moved"] = True
        elif event in ("useful", "noise"):
            page.update(useful=event == "useful", noise=event == "noise")
        elif event == "resolved" and who:
            page["resolved_by_people"] = True
        elif event == "resolved" and at - opened <= 5 * MINUTE:
            page["gone_within_five_minutes"] = True


def figures(pages, days):
    hours = [[0] * 24 for _ in range(7)]
    for page in pages:
        zone = zoneinfo.ZoneInfo(LOCATIONS.get(page["team"]) or "UTC")
        local = datetime.datetime.fromtimestamp(page["at"] // SECOND, zone)
        hours[local.weekday()][local.hour] += 1
    names = ("acknowledged", "resolved_by_people", "escalated", "not_ours", "gone_within_five_minutes", "noise", "useful", "moved")
    found = {name: sum(bool(page[name]) for page in pages) for name in names}
    waits = [page["wait"] for page in pages if page["acknowledged"]]
    wrong = sum(bool(p["not_ours"] or p["noise"] or (p["gone_within_five_minutes"] and not p["acknowledged"])) for p in pages)
    silent = sum(not (p["acknowledged"] or p["not_ours"] or p["resolved_by_people"] or p["gone_within_five_minutes"] or p["moved"])
                 for p in pages)
    return {**found, "pages": len(pages), "pages_per_day": round(len(pages) / days, 4), "false_pages": wrong, "unanswered": silent,
            "acknowledged_median_seconds": nearest_rank(waits, 50), "acknowledged_p90_seconds": nearest_rank(waits, 90),
            "false_share": wrong / len(pages) if pages else None, "hours": hours}


def counted(store, since, days):
    """From the tables: figures of all, by team, and (decisions, not ours) by rule and by kind."""
    rows = {name: (team, opened) for name, team, opened in
            store.execute("SELECT id, team, opened_us FROM incidents WHERE opened_us >= ?", (since,))}
    events, first, outcomes = collections.defaultdict(list), {}, []
    for name, at, *event in store.execute("SELECT incident, at_us, event, who, text FROM events ORDER BY id"):
        events[name].append((at, *event))
    for name, team, doc in store.execute("SELECT incident, team, doc FROM decisions WHERE at_us >= ? ORDER BY id", (since,)):
        doc = json.loads(zlib.decompress(doc))
        if doc["page"] and name in rows:
            first.setdefault(name, team)
            suspect = doc["verdict"]["suspect"]
            outcomes.append((name, team, doc["owner"]["rule"], suspect["kind"] if suspect else doc["verdict"]["fallback"]["code"]))
    stories = {name: Pages(opened, events[name], first.get(name), team).pages for name, (team, opened) in rows.items()}
    pages = [page for story in stories.values() for page in story]
    by_team = {team: figures([p for p in pages if p["team"] == team], days) for team in {p["team"] for p in pages}}
    by_rule, by_kind = collections.defaultdict(lambda: [0, 0]), collections.defaultdict(lambda: [0, 0])
    for name, team, rule, kind in outcomes:
        wrong = any(page["not_ours"] and page["team"] == team for page in stories[name])
        for found in (by_rule[rule], by_kind[kind]):
            found[0] += 1
            found[1] += wrong
    return figures(pages, days), by_team, dict(by_rule), dict(by_kind)
