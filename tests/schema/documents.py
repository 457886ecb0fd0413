"""Makes documents of rules from members.def: valid ones, and broken ones with one mistake each.

The mistakes are those that a schema can tell. What only the loader can tell (a name that is defined nowhere, two services that tie, a
place that there is not) is not made: tracepager-rules(5) lists it.
"""
import copy
import json
import re

from common import TOP
import make_language

TEXTS = ["Ledger", "a b", "größe", "#shop", "42", 42, True, 0.5, "~", "null", "x: y", "- x", "'", "\u2028", "日本", "[x", "%", "a\tb"]
GLOBS = ["*", "shop", "ledger-*", "?x", "[abc]x", "[!a-z]", "[]x]", "[^]]", "\\[x", "a\\\\", "größe*", 5, False, "x" * 1024]
ANY = [[], {}, None, ""]  # wrong wherever a text is wanted
DEEP = [["x"], {"x": "y"}, [["x"]], [None]]
BAD_GLOBS = ["[a", "a\\", "[!]", "[]", "x[", "[\\]", "x" * 1025]
BAD_MATCHERS = [[], {}, None, "", "a=b", 5, {"": "x"}, {"a": None}, {"a": []}, {"a": "[x"}, ["alertname"], [5], [None], [""],
                [["a=b"]], [{"a": "b"}], ["a=b", "c"]]
BAD_MAILBOXES = ["ann", "@h", "a@", "a b@h", "a@h,", ",a@h", "a@h,,b@h", "<a@h", "a@h>", "a@h b@h", "Ann a@h", "ä@h", "a@ü", "a..b@h", "a@h.",
                 "a\"b <a@h>", "a\nb <a@h>"]
BAD_URLS = ["x", "ftp://h/", "https://", "https:///p", "http://a b", "http:/h", 5, True, "HTTP://h", "https://?q"]
BAD_TEMPLATES = ["{nonsense}", "{", "}", "{service", "a}b", "{label.}", "{}", "{service{x}}", "{{service}", "{service|", "{ service}",
                 "{service}}", "{summary"]
WEEKDAYS = "sunday monday tuesday wednesday thursday friday saturday".split()
MONTHS = "january february march april may june july august september october november december".split()

# Values that are wrong for every member of a type, or for one member.
BAD = {
    "TEXT": ANY + DEEP,
    "TEXTS": ["a", 5, [], {}, None, "", [""], [None], [["a"]], [{}], {"a": "b"}],
    "SECRETS": ANY + [[""], [None], [["a"]], [{}], {"a": "b"}, ["a", "b", "c"]],
    "BODY": [None, ""],
    "GLOB": ANY + DEEP + BAD_GLOBS,
    "GLOBS": [None, {}, [], [None], {"a": "b"}, [["a"]], ["a", "[x"], ["a", {}]] + BAD_GLOBS,
    "NAME": ANY + DEEP,
    "NAMES": ["a", [], {}, None, "", [None], [""], [["x"]], [{}], ["twice", "twice"], [f"p{i}" for i in range(65)]],
    "NAME_OR_NAMES": [None, "", [], {}, [None], [["x"]], [""], {"a": "b"}],
    "NAMED": ["x", [], 5, True, "", ["x"], {"x": None}, {"x": "y"}, {"x": 5}],
    ("ROOT", "time_intervals"): [{"x": []}, {"x": {}}, {"x": [{}]}, {"x": [None]}],
    "MAP": ["x", [], [1], None, {}, "", 5, [{}]],
    "MAPS": ["x", {}, {"a": 1}, [None], ["x"], [[]], "", 5, True],
    "MATCHERS": BAD_MATCHERS,
    "URL": ANY + DEEP + BAD_URLS,
    "TEMPLATE": ANY + DEEP + BAD_TEMPLATES,
    "DURATION": ANY + DEEP + ["10", 10, 1.5, "m", "10x", "1h 30m", "-5m", True, "1.m", " 5m", "5m ", "1e3s", ".5h", "00", "5M"],
    "WHOLE": ANY + DEEP + [-1, 101, 1.5, "10", True, "ten", -2147483649],
    "SHARE": ANY + DEEP + [-0.1, 1.1, 2, "x", "1.1", True, ".5", "50%", "-0", "0,5", " 1", "01"],
    "BOOL": ANY + DEEP + ["true", 1, 0, "yes", "no", "False"],
    "DATE": ANY + DEEP + ["2026-13-01", "2026-00-10", "2026-01-32", "2026-01-00", "01.09.2026", "2026-9-1", "1969-12-31", 20260901,
                          2026, True, "2026-09-01T00:00:00Z", "26-09-01"],
    "TIME": ANY + DEEP + ["2026-09-01", "2026-09-01T22:00:00", "2026-09-01T24:00:00Z", "2026-09-01T22:60:00Z", "22:00", 0, True,
                          "2026-13-01T00:00:00Z", "2026-09-32T00:00:00Z", "2026-09-01T22:00:00+24:00", "2026-09-01T22:00:61Z",
                          "2026-09-01T22:00Z", "2026-09-01T22:00:00.Z", "2026-09-01T22:00:00 Z", "1960-01-01T00:00:00Z"],
    "MODE": ANY + DEEP + ["nonsense", "Errors", 5, True, "errors "],
    "SEVERITY": ANY + DEEP + ["nonsense", "Critical", 5, True, "page"],
    "NONE": ANY + DEEP + ["nobody", False, 5, "None"],
    "KIND": ANY + DEEP + ["nonsense", "PagerDuty", 5, True],
    "NUMBER_TESTS": [0.8, "0.8", ">= 2", "=> 0.5", ">=", [], {}, None, "", [None], [0.5], True, "≥ 0.5", ">= -1", ">=\t0.5", "== 1",
                     [">= 0.5", 1], [[">= 0.5"]], {">=": 0.5}],
    "LOCATION": ANY + DEEP + ["../etc/passwd", "/etc/localtime", "No where", "Ü"],
    "INCLUDES": [None, "", [], {}, [None], [""], [["x"]], [{}], {"path": "more.yaml"}, [{"catalogue": "backstage"}]],
    ("CATALOGUE", "catalogue"): ["nonsense", "Backstage", 5, True],
    ("DEFAULTS", "owner_from"): [["team"], ["label."], ["labels.team"], ["resource.a", "b"]],
    ("SERVICE", "peers"): [["a*"], ["a?b"], ["twice", "twice"]],
    ("SIGNAL", "traces"): [0, 51], ("DEFAULTS", "traces"): [0, 51],
    ("INTERVAL", "times"): [[]], ("ESCALATION", "steps"): [[], [{"page": ["x"]}] * 65],
    ("ROUTE", "also_notify"): [[f"p{i}" for i in range(17)], ["entry-owner", "entry-owner"]],
    ("ROUTE", "when"): [["alertname"], [None], [5]],
    ("SERVICE", "runbook"): BAD_TEMPLATES + ["https://h/{nonsense}", "https://h/{summary}", "https://h/{", "https://h/{details|x}"],
    ("CLOCK", "start_time"): ["9:00", "24:00", "12:60", "noon", 9, True, "09:00:00", "09.00"],
    ("CLOCK", "end_time"): ["9:00", "00:00", "24:01", "25:00", "noon", 17, True, "17:00 "],
    ("INTERVAL", "weekdays"): ["monday", [], {}, None, ["mon"], [1], ["monday:"], [":friday"], [""], [None], ["monday:tuesday:friday"]],
    ("INTERVAL", "days_of_month"): [1, "1:5", [], {}, None, [0], [32], ["-5:3"], ["x"], [1.5], ["1-5"], [-32], ["0"], [True], ["+1"]],
    ("INTERVAL", "months"): ["may", [], {}, None, [0], [13], ["jan"], ["june-august"], [None], [True], [-1]],
    ("INTERVAL", "years"): [2026, [], {}, None, [1969], [10000], ["26"], ["2026-2028"], [2026.5], [None]],
}


def text_of(value):
    """As YAML's plain text has it, which is what a name is looked up by."""
    return value if isinstance(value, str) else json.dumps(value)


def is_valid(id_, member, value):
    """What is wrong for most members of a type, and not for this one."""
    return (member.of == "DEFAULTS" and value == {} or id_ == "ROOT" and member.type == "MAPS" and value is None
            or (id_, member.name) == ("ROUTE", "when") and value == [{}]
            or (id_, member.name) == ("PAGER", "width") and value == 101
            or (id_, member.name) == ("PAGER", "url") and str(value).startswith("https://h/"))


class Maker:
    def __init__(self, random, maps, kinds, template_names, catalogues):
        self.random, self.maps, self.kinds = random, maps, {k.name: k for k in kinds}
        self.template_names, self.catalogues = list(template_names), catalogues
        self.count = 0
        # Each wrong value of each member once, then again.
        self.wrong = [(id_, member, value) for id_, map_ in maps.items() for member in map_.members
                      for value in BAD.get((id_, member.name), []) + BAD.get(member.type, []) if not is_valid(id_, member, value)]
        self.random.shuffle(self.wrong)

    def some(self, values, least=1, most=3):
        return [self.random.choice(values) for _ in range(self.random.randint(least, most))]

    def unique(self, prefix):
        self.count += 1
        return self.random.choice([prefix, f"{prefix} ", "ü", ""]) + str(self.count)

    def sample(self, values, most):
        return self.random.sample(values, self.random.randint(1, min(most, len(values))))

    def name_of(self, section):
        """One that is defined; a number may stand without quotes."""
        name = self.random.choice(self.names[section])
        return int(name) if name.isdecimal() and name[0] != "0" and self.random.random() < 0.5 else name

    def document(self):
        """A valid one."""
        self.names = {name: [self.unique(name) for _ in range(self.random.randint(1, 3))]
                      for name in ("TEAM", "PAGER", "ESCALATION", "SERVICE", "SIGNAL", "INTERVAL")}
        self.leaf = False
        return self.map("ROOT")

    # Steps page the first team only, and its escalation pages no team: there is no circle.
    def root_teams(self):
        teams = {name: self.map("TEAM") for name in self.names["TEAM"]}
        teams[self.names["TEAM"][0]]["escalation"] = self.names["ESCALATION"][0]
        # What pagers by team take.
        for key in {kind.key for kind in self.kinds.values() if kind.key}:
            for team in teams.values():
                team[key + self.random.choice(["", "_file"])] = self.random.choice(TEXTS)
        for team in teams.values():
            team["channel"] = self.random.choice(TEXTS)
        return teams

    def root_escalations(self):
        made = {}
        for name in self.names["ESCALATION"]:
            self.leaf = not made
            made[name] = self.map("ESCALATION")
        self.leaf = False
        return made

    def finish_step(self, made):
        made.pop("team", None)
        if self.leaf or self.random.random() < 0.6:
            return {"page": self.make_names(self.member("STEP", "page")), **made}
        made.pop("page", None)
        return {"team": self.names["TEAM"][0], **made}

    def map(self, id_):
        made = {}
        for member in self.maps[id_].members:
            if member.required or self.random.random() < 0.4 or id_ == "ROOT" and member.type == "NAMED":
                made[member.name] = self.value(id_, member)
        finish = getattr(self, "finish_" + id_.lower(), None)
        return finish(made) if finish else made

    def value(self, id_, member):
        special = getattr(self, f"{id_}_{member.name}".lower(), None)
        return special() if special else getattr(self, "make_" + member.type.lower())(member)

    # Types of members.
    def make_text(self, _):
        return self.random.choice(TEXTS)

    def make_texts(self, _):
        return self.sample(TEXTS, 3)

    def make_secrets(self, _):
        return self.random.choice([self.make_text(None), self.sample(TEXTS, 2)])

    def make_glob(self, _):
        return self.random.choice(GLOBS)

    def make_globs(self, _):
        globs = GLOBS + [""]
        return self.random.choice([self.random.choice(globs), self.some(globs)])

    def make_name(self, member):
        return self.name_of(member.of)

    def make_names(self, member):
        return self.sample(self.names[member.of], 3)

    def make_name_or_names(self, member):
        return self.random.choice([self.name_of(member.of), self.make_names(member)])

    def make_named(self, member):
        return {name: self.map(member.of) for name in self.names[member.of]}

    def make_map(self, member):
        made = self.map(member.of)
        while not made and member.of != "DEFAULTS":
            made = self.map(member.of)
        return made

    def make_maps(self, member):
        if member.of in ("ROUTE", "SILENCE") and self.random.random() < 0.1:
            return self.random.choice([None, []])
        return [self.map(member.of) for _ in range(self.random.randint(1, 2))]

    def make_matchers(self, _):
        matchers = ['a="b"', "a=b", 'env!="dev"', 'host=~"db[0-9]+"', "a!~x|y", '{a="b",c="d"}', '"größe.x"="1"', "a="]
        labels = {self.random.choice(["a", "größe", "alertname", "a.b", "42"]): self.random.choice(GLOBS + [""]) for _ in range(2)}
        return self.random.choice([labels, self.some(matchers)])

    def make_url(self, _):
        url = self.random.choice(["http://h", "https://h/x?y=z#f", "https://größe/p", "http://[::1]:80/"])
        names = [n for n in self.template_names if n not in ("summary", "details")]
        return url + self.random.choice(["", "/{" + self.random.choice(names) + "}", "/{label.x|none}", "/{{x}}"])

    def make_template(self, _):
        parts = ["x", "größe ", "{{", "}}", "{label.a b}", "{annotation.x|}", "{service|no service}", "\n", "a|b"]
        return "".join(self.some(parts + ["{" + name + "}" for name in self.template_names], 1, 5))

    def make_duration(self, _):
        return self.random.choice(["10m", "90s", "1h30m", "500ms", "7us", "2d", "1w", "1y", "1.5h", "0", 0, "0s", "0.5s1m"])

    def make_share(self, _):
        return self.random.choice([0, 1, 0.5, 0.25, "0.6", "1", "0", "1.", "0.", "1.00"])

    def make_bool(self, _):
        return self.random.choice([True, False])

    def make_date(self, _):
        return self.random.choice(["2026-09-01", "1970-01-01", "2024-02-29", "9999-12-31"])

    def make_mode(self, _):
        return self.random.choice(["errors", "latency", "auto"])

    def make_whole(self, _):
        return self.random.choice([40, 78, 200])  # of a member without values of its own: PAGER.width

    def make_color(self, _):
        return self.random.choice(["auto", "always", "never"])

    def make_severity(self, _):
        return self.random.choice(["critical", "error", "warning", "info"])

    def make_none(self, _):
        return "none"

    def make_number_tests(self, _):
        tests = [">= 0.8", "<0.5", "=1", ">  0.", "<= 1.0", ">=0"]
        return self.random.choice([self.random.choice(tests), self.some(tests)])

    def make_location(self, _):
        return "UTC"

    def make_includes(self, _):
        # A file that gives a catalogue nothing is good enough for its form.
        catalogue = {**self.map("CATALOGUE"), "path": "more.yaml"}
        return self.random.choice(["more.yaml", ["mor?.yaml", "more.yaml"], catalogue, ["more.yaml", catalogue]])

    def catalogue_catalogue(self):
        return self.random.choice(self.catalogues)

    # Members that have their own ways.
    def team_escalation(self):
        return self.name_of("ESCALATION")

    def defaults_owner_from(self):
        return self.sample(["resource.team", "span.service.owner", "label.größe", "label.a b"], 3)

    def service_peers(self):
        return [self.unique("host") for _ in range(2)]

    def escalation_repeat(self):
        return self.random.choice([0, 1, 100])

    def signal_traces(self):
        return self.random.choice([1, 10, 50])

    defaults_traces = signal_traces

    def when_kind(self):
        return self.random.choice(["span", "*", ["no_trace", "low_confidence"], "s*", ["peer", "edge"]])

    def suspect_kind(self):
        return self.random.choice(["span", "*", ["slow", "edge"], "p*"])

    def when_owner(self):
        return self.random.choice(["*", text_of(self.name_of("TEAM")), [self.name_of("TEAM"), "x*"]])

    def when_signal(self):
        return self.random.choice(["*", text_of(self.name_of("SIGNAL"))])

    def route_also_notify(self):
        pagers = self.make_names(self.member("ROUTE", "pagers"))
        return self.random.choice(["entry-owner", pagers[0], pagers, pagers + ["entry-owner"], ["entry-owner"]])

    def route_when(self):
        return self.random.choice([self.make_matchers(None), self.make_map(self.member("ROUTE", "when"))])

    def member(self, id_, name):
        return next(m for m in self.maps[id_].members if m.name == name)

    def silence_starts(self):
        return self.random.choice(["2026-09-01T22:00:00+02:00", "1970-01-01t00:00:01z", "2026-09-01 22:00:00.5Z"])

    def silence_ends(self):
        return self.random.choice(["2027-09-01T22:00:00-02:30", "9999-12-31T23:59:60Z"])

    def clock_start_time(self):
        return self.random.choice(["00:00", "09:00", "11:59"])

    def clock_end_time(self):
        return self.random.choice(["12:00", "23:59", "24:00"])

    def ranges(self, ones):
        at = sorted(self.random.sample(range(len(ones)), 2))
        return self.random.choice([ones[at[0]], ones[at[0]], f"{ones[at[0]]}:{ones[at[1]]}"])

    def interval_weekdays(self):
        return [self.ranges([self.random.choice([day, day.capitalize(), day.upper()]) for day in WEEKDAYS]) for _ in range(2)]

    def interval_days_of_month(self):
        return [self.ranges(list(range(1, 29))), self.ranges(list(range(-28, 0))), "01:-1", "1:31"]

    def interval_months(self):
        return [self.ranges(self.random.choice([list(range(1, 13)), MONTHS])), "june:12"]

    def interval_years(self):
        return [self.ranges([1970, 2026, 2028, 9999])]

    def root_time_intervals(self):
        make = self.random.choice([lambda: self.map("INTERVAL"), lambda: [self.map("INTERVAL"), self.map("INTERVAL")]])
        return {name: make() for name in self.names["INTERVAL"]}

    # Maps with members that need or exclude each other.
    def finish_pager(self, made):
        kind = self.kinds[made["kind"]]
        options, texts = self.kind_options(kind.id), self.kind_texts(kind.id)
        made = {name: value for name, value in made.items() if name in ["kind", "resolve"] + options and name not in texts}
        if "feedback_secret" in made:
            made.pop("feedback_secret_file", None)
        ways = make_language.read_kind_ways(TOP, kind.id)
        if ways:
            return self.finish_ways(kind, ways, made)
        if kind.id == "EMAIL":
            return self.finish_mail(made)
        for name, needed in texts.items():
            if needed or self.random.random() < 0.5:
                made[name] = self.random.choice(TEXTS)
        if kind.url_need == "REQUIRED" or kind.url_need == "OPTIONAL" and self.random.random() < 0.5:
            made["url"] = self.random.choice(["https://h/{not a template}".replace(" ", ""), "http://h:80"])
        if kind.key and (kind.key_need == "REQUIRED" or self.random.random() < 0.5):
            made[kind.key + self.random.choice(["", "_file"])] = self.random.choice(TEXTS)
        if "body" not in made:
            made.pop("content_type", None)
        if kind.key and self.random.random() < 0.15:
            # The teams give it: root_teams().
            made["by_team"] = True
            made = {name: value for name, value in made.items() if name not in (kind.key, kind.key + "_file")}
        return made

    def finish_ways(self, kind, ways, made):
        """One of the two ways to the service: the kind's key alone, or the other secret with its texts."""
        key = self.random.choice([kind.key, *ways])
        made[key + self.random.choice(["", "_file"])] = self.random.choice(TEXTS)
        if key in ways:
            made.update({name: self.random.choice(TEXTS) for name in self.kind_texts(kind.id)})
        if self.random.random() < 0.15:
            # The teams give the key, or of the other way where to: root_teams().
            made["by_team"] = True
            for name in list(self.kind_texts(kind.id)) if key in ways else [key, key + "_file"]:
                made.pop(name, None)
        if key in ways:
            if self.random.random() < 0.5:
                made["url"] = "http://h:80"
        return made

    def finish_mail(self, made):
        one = ["ann@h", "Bo Li <bo+x@a.example>", '"Doe, Jo" <jo.doe@[192.0.2.1]>', "größe <x@y>", " a@b\t"]
        made.update(url=self.random.choice(["smtp://h", "smtps://[::1]:465/x", "smtp://h.example:587"]), to=",".join(self.some(one, 1, 4)),
                    **{"from": self.random.choice(one)})
        if self.random.random() < 0.5:
            made.update({"user": "u", "password" + self.random.choice(["", "_file"]): "x"})
        for name, values in (("tls", ["required", "opportunistic", "none"]), ("ca_file", ["/x.pem"])):
            if self.random.random() < 0.3:
                made[name] = self.random.choice(values)
        return made

    @staticmethod
    def kind_options(id_):
        return make_language.read_kind_options(TOP, id_)

    @staticmethod
    def kind_texts(id_):
        return make_language.read_kind_texts(TOP, id_)

    def pager_body(self):
        return self.random.choice([{"text": "{headline}", "n": 5, "more": [True, "{label.a b|none}"]}, ["{team}"], {"{alert}": {"x": "y"}},
                                   '{{"text": "{summary|no \\"summary\\"}"}}', "[1, true]", {}, []])

    def pager_content_type(self):
        return self.random.choice(["application/json", "application/vnd.shop+json", "text/json; charset=utf-8"])

    def pager_headers(self):
        return self.random.choice([{"X-Shop": "a b"}, {"x-größe"[:2] + "size": "größe", "Priority": 5}, {"A": True}])

    def pager_kind(self):
        return self.random.choice(list(self.kinds))

    def finish_match(self, made):
        made["service"] = self.unique("svc") + self.random.choice(["", "-*"])  # no two tie
        if "environment" not in made:
            made["deployment.environment.name"] = self.random.choice(GLOBS)
        made["k8s.namespace.name"] = "x"
        return made

    def finish_links(self, _):
        return {self.unique("link"): self.make_url(None)}

    def finish_attrs(self, _):
        return {"http.route": self.random.choice(GLOBS)}

    def finish_signal(self, made):
        if "alerts" not in made and "span" not in made:
            made["alerts"] = {"alertname": "x"}
        return made

    def finish_when(self, made):
        made[self.random.choice(["env", "größe", "42", "a.b"])] = self.make_globs(None)
        return made

    def finish_suspect(self, made):
        made[self.random.choice(["k8s.pod.name", "a.b", "."])] = self.make_globs(None)
        return made

    def finish_interval(self, made):
        return made or {"weekdays": ["monday"]}

    def finish_route(self, made):
        if self.random.random() < 0.3:
            return {"when": made["when"], "page": "none"}
        made.pop("page", None)
        if "pagers" in made:
            made.pop("escalation", None)
        if not set(made) - {"when", "continue"}:
            made["severity"] = "info"
        return made

    # Mistakes.
    def maps_in(self, id_, made):
        """Every map of a document, with what it is."""
        yield id_, made
        for member in self.maps[id_].members:
            value = made.get(member.name)
            if member.type in ("MAP", "MAPS", "NAMED", "INCLUDES") and value:
                of = "CATALOGUE" if member.type == "INCLUDES" else member.of
                parts = value.values() if member.type == "NAMED" else value if isinstance(value, list) else [value]
                for part in parts:
                    for one in part if isinstance(part, list) else [part]:
                        if isinstance(one, dict):  # neither a file nor the matchers of a route
                            yield from self.maps_in(of, one)

    def break_one(self, document, names):
        """A copy with one mistake, and what it is. names: of mistakes."""
        broken = copy.deepcopy(document)
        found = {}
        for id_, made in self.maps_in("ROOT", broken):
            found.setdefault(id_, []).append(made)
        while True:
            mistake = self.random.choice(names)
            told = getattr(self, "break_" + mistake)(found)
            if told:
                return broken, f"{mistake}: {told}"

    def any_map(self, found):
        id_ = self.random.choice(list(found))
        return id_, self.random.choice(found[id_])

    def break_value(self, found):
        at = next(i for i, wrong in enumerate(self.wrong) if wrong[0] in found)
        id_, member, value = wrong = self.wrong.pop(at)
        self.wrong.append(wrong)
        self.random.choice(found[id_])[member.name] = copy.deepcopy(value)
        return f"{id_}.{member.name} = {json.dumps(value)[:40]}"

    def break_name(self, found):
        """A further entry, which is good but for its name."""
        member = self.random.choice([m for m in self.maps["ROOT"].members if m.type == "NAMED"])
        entries = found["ROOT"][0][member.name]
        name = self.random.choice(["", "a\u0007", "x" * 201, "a\u007f"])
        entries[name] = {"match": {"service": "else"}, **self.map("SERVICE")} if member.of == "SERVICE" else self.map(member.of)
        return f"{member.name}: {name[:10]!r}"

    def break_key(self, found):
        id_, made = self.any_map(found)
        key = "" if id_ == "WHEN" else self.random.choice(["nonsense", "Owner", "", "team_s"])
        # Where any key may be, its value is the mistake.
        made[key] = self.random.choice([None, [], {}, ""]) if id_ in ("LINKS", "ATTRS", "MATCH", "HEADERS") else "x"
        return f"{id_}.{key}"

    def break_missing(self, found):
        id_, made = self.any_map(found)
        required = [m.name for m in self.maps[id_].members if m.required and (id_, m.name) not in
                    (("ROOT", "fallback"), ("TEAM", "escalation"))]
        if not required:
            return None
        name = self.random.choice(required)
        del made[name]
        return f"{id_}.{name}"

    def break_pager(self, made):
        """A pager without what its kind needs, with both of two twins, or with another kind's member."""
        kind = self.kinds[made["kind"]]
        made.pop("by_team", None)
        if kind.key and kind.key_need == "REQUIRED" and not {kind.key, kind.key + "_file"} & set(made):
            made[kind.key] = "x"
        ways = make_language.read_kind_ways(TOP, kind.id)
        # The key of another kind may have the name of a member of this one.
        known = [kind.key, *ways] + self.kind_options(kind.id)
        other = self.random.choice([k for k in self.kinds.values() if k.key and k.key not in known])
        changes = [lambda: made.update({other.key: "x"}), lambda: made.update({other.key + "_file": "x"})]
        if kind.id == "CONSOLE":
            changes += [lambda: made.update(width=39), lambda: made.update(color="red"), lambda: made.update(feedback_secret="x")]
        else:
            changes.append(lambda: made.update(feedback_secret="x", feedback_secret_file="y"))
            changes += [lambda: made.update(width=78), lambda: made.update(color="auto")]
        if kind.id == "EMAIL":
            changes += [lambda url=url: made.update(url=url) for url in ("https://h", "smtp://", "smtp://a@h", "smtp://h?x", "SMTP://h")]
            changes += [lambda box=box: made.update({self.random.choice(["from", "to"]): box}) for box in BAD_MAILBOXES]
            changes += [lambda: made.update({"from": "a@b, c@d"}), lambda: made.update(tls="yes")]
        elif kind.url_need != "NONE":
            changes.append(lambda: made.update(url="smtp://h"))
        if kind.url_need == "NONE":
            changes.append(lambda: made.update(url="https://h"))
        if kind.url_need == "REQUIRED":
            changes.append(lambda: made.pop("url"))
        for name, needed in self.kind_texts(kind.id).items():
            changes.append(lambda name=name: made.update({name: self.random.choice(ANY)}))
            if needed:
                changes.append(lambda name=name: made.pop(name))
        if kind.key:
            changes.append(lambda: made.update({kind.key: "x", kind.key + "_file": "y"}))
        for way in ways:
            changes.append(lambda way=way: made.update({way: "x", way + "_file": "y"}))
            changes.append(lambda way=way: made.update({kind.key: "x", way: "y"}))
            changes.append(lambda way=way: [made.pop(name, None) for key in (kind.key, way) for name in (key, key + "_file")])
            changes.append(lambda: made.update({kind.key: "x", "url": "https://h"}))
        if kind.key_need == "REQUIRED":
            changes.append(lambda: [made.pop(name, None) for name in (kind.key, kind.key + "_file")])
        self.random.choice(changes)()

    def break_together(self, found):
        """Members that exclude each other, or of which one must be there."""
        id_, made = self.any_map({name: found[name] for name in ("ROUTE", "PAGER", "MATCH", "SIGNAL", "STEP") if name in found})
        if id_ == "ROUTE":
            change = self.random.choice([{"page": "none", "severity": "info"}, {"page": "none", "continue": False}, None,
                                         {"pagers": self.names["PAGER"][:1], "escalation": self.names["ESCALATION"][0]}])
            if change is None:
                for name in set(made) - {"when"}:
                    del made[name]
            made.update(change or {})
        elif id_ == "PAGER":
            self.break_pager(made)
        elif id_ == "MATCH":
            made.update(self.random.choice([{"service.name": "x"}, {"environment": "x", "deployment.environment.name": "x"},
                                            {"namespace": "x", "service.namespace": "y"}]))
        elif id_ == "STEP" and self.random.random() < 0.5:
            made.update(page=self.names["PAGER"][:1], team=self.names["TEAM"][0])
        else:
            for name in ("alerts", "span", "page", "team"):
                made.pop(name, None)
        return id_


def yaml_of(random, value):
    """As JSON, which is YAML too, or in the way in which people write YAML."""
    return json.dumps(value, ensure_ascii=False) if random.random() < 0.3 else block(value, 0).lstrip("\n") + "\n"


def plain(value):
    if isinstance(value, str) and re.fullmatch(r"[A-Za-z][A-Za-z0-9_/ .-]*[A-Za-z0-9]", value) and value not in ("true", "false", "null"):
        return value
    return json.dumps(value, ensure_ascii=False).replace("\u2028", "\\u2028")


def block(value, depth):
    indent = "\n" + "  " * depth
    if isinstance(value, dict) and value:
        return "".join(f"{indent}{plain(key)}: {block(item, depth + 1)}" for key, item in value.items())
    if isinstance(value, list) and value:
        return "".join(f"{indent}- {block(item, depth + 1)}" for item in value)
    return plain(value)
