#!/usr/bin/env python3
"""What admins run every day: "tracepager test" on the tests beside rules, and findings in the forms that other programs read.

tests/ruletests/ holds rules with tests that must pass; what is wrong with rules and tests is tests/mistakes/'s.
"""
import json
import os
import re
import xml.etree.ElementTree

import peers
from test_cli import BROKEN, GOOD, Place, expect, on_terminal, tracepager

SHOP = os.path.join(peers.TOP, "tests/ruletests/shop")
TESTS = """tests:
  - name: ledger & <co>
    alert: {labels: {alertname: A, service: ledger}}
    expect: {team: shop}
  - name: "it\\x07 fails"
    alert: {labels: {alertname: A, service: ledger}}
    expect: {team: shop, page: none}
"""
PASSING = TESTS.replace(", page: none", "")


def shop():
    expect(tracepager("test", SHOP), 0, out=r"\A1 file, 12 tests: all passed\n\Z")
    expect(tracepager("test", SHOP + "/rules.yaml"), 0, out=r"\A1 file, 12 tests: all passed\n\Z")
    expect(tracepager("test", SHOP + "/orders_test.yaml"), 0, out=r"\A1 file, 12 tests: all passed\n\Z")
    # A file that is named twice is run once.
    expect(tracepager("test", SHOP, SHOP + "/orders_test.yaml"), 0, out=r"\A1 file, 12 tests: all passed\n\Z")
    expect(tracepager("test", "--verbose", SHOP), 0, out=r"\A(ok .*orders_test\.yaml:\d+: .*\n){12}1 file")
    expect(tracepager("test", "--filter", "*trace*", "--verbose", SHOP), 0, out=r"\A(ok .*trace.*\n){6}1 file, 6 tests: all")
    expect(tracepager("test", "--filter", "nothing like it", SHOP), 2, err="no test has a name like nothing")


def hours():
    expect(tracepager("test", os.path.join(peers.TOP, "tests/ruletests/hours")), 0, out=r"\A1 file, 7 tests: all passed\n\Z")


def tests_are_no_rules():
    with Place(good=GOOD, good_test=TESTS) as place:
        expect(tracepager("check", place.directory), 0, out=r"\A1 file, .*no problem\n\Z")
        expect(tracepager("check", place.path("good"), place.path("good_test")), 0, out=r"\A1 file, .*no problem\n\Z")


def failing():
    with Place(good=GOOD, good_test=TESTS) as place:
        file = re.escape(place.path("good_test"))
        expect(tracepager("test", place.directory), 1,
               out=rf"\AFAIL {file}:5: it fails\n{file}:7:32: error\[T001\]: page: expected none, got \"sent\"\n"
                   rf".*\n +\| {{32}}\^{{4}}\n +=.*team shop owns .*good\.yaml:4.*\n1 file, 2 tests: 1 failed\n\Z")
        assert "\033[" in on_terminal("test", place.directory)
        assert "\033[" not in on_terminal("test", place.directory, NO_COLOR="1")


def as_json():
    with Place(good=GOOD, good_test=TESTS) as place:
        status, out, err = tracepager("test", "--format", "json", place.directory)
        told = json.loads(out)
        assert (status, err, told["version"], told["files"], told["failed"], told["findings"]) == (1, "", 1, 1, 1, [])
        assert [(t["name"], t["line"], t["result"]) for t in told["tests"]] == \
            [("ledger & <co>", 2, "passed"), ("it\a fails", 5, "failed")]
        assert told["tests"][0]["findings"] == [] and told["tests"][1]["findings"][0]["code"] == "T001"


def as_junit():
    with Place(good=GOOD, good_test=TESTS, other_test="tests: {}\n") as place:
        status, out, err = tracepager("test", "--format", "junit", "--junit", place.path("junit"), place.directory)
        assert (status, err) == (1, "")
        with open(place.path("junit"), encoding="utf-8") as f:
            assert f.read() == out
        files, suite = xml.etree.ElementTree.fromstring(out)
        assert suite.attrib == {"name": place.path("good_test"), "tests": "2", "failures": "1"}
        passed, failed = suite
        assert passed.attrib == {"classname": place.path("good_test"), "name": "ledger & <co>"} and not list(passed)
        failure = failed.find("failure")
        assert failed.get("name") == "it\ufffd fails" and failure.get("type") == "T001"
        assert failure.get("message") == 'page: expected none, got "sent"' and ":7:32: error[T001]" in failure.text
        broken = files.find("testcase")
        assert broken.get("classname") == place.path("other_test") and broken.find("error").get("type") == "E014"
    expect(tracepager("test", "--junit", "/nonexistent/file", SHOP), 2, out="all passed", err="/nonexistent/file: No such")


STEPS = """teams: {shop: {escalation: shop}, leads: {escalation: leads}}
pagers: {out: {kind: console}, lead: {kind: console}, chief: {kind: console}, chat: {kind: console}}
escalations:
  shop: {steps: [{page: [out], wait: 5m}, {team: leads}]}
  leads: {steps: [{page: [lead, chief], wait: 5m}, {page: [chief]}]}
services: {ledger: {owner: shop}}
routes:
  - {when: {env: dev}, pagers: [chat]}
  - {when: {env: prod}, also_notify: [chat]}
fallback: {team: leads}
"""


def steps():
    def run(env, expected):
        text = f"tests:\n  - name: one\n    alert: {{labels: {{alertname: A, service: ledger, env: {env}}}}}\n    expect: {{{expected}}}\n"
        with Place(steps=STEPS, steps_test=text) as place:
            status, out, _ = tracepager("test", place.directory)
            return status, out

    for env, expected in (("prod", "steps: [[out], [chief, lead], [chief]], also_notify: chat"), ("test", "also_notify: none"),
                          ("dev", "steps: [[chat]], escalation: none, also_notify: none"), ("dev", "steps: [chat]")):
        status, out = run(env, expected)
        assert status == 0, out
    for expected, told in (("steps: [[out], [lead, chief]]", r'expected \["out"\], \["lead", "chief"\], got \["out"\], \["lead", "chief"\], \["chief"\]'),
                           ("steps: [[out], [lead], [chief]]", r"T001\]: steps"), ("steps: [[out], [chief], [lead, chief]]", r"T001\]: steps"),
                           ("also_notify: none", 'expected none, got "chat"'), ("steps: [[out], [lied, chief], [chief]]", r'E012.*"lied"'),
                           ("steps: out", r"error\[E014\]: \"steps\" must be a list"), ("steps: [{a: b}, [lead, {a: b}], [chief]]", r"error\[E014\]"),
                           ("steps: []", "got ")):
        status, out = run("prod", expected)
        assert status == 1 and re.search(told, out), (expected, out)


def broken_files():
    with Place(good=GOOD, good_test=PASSING, other_test="tests: [\n") as place:
        expect(tracepager("test", place.directory), 1, out=r"other_test\.yaml:1:.*error\[E002\](.*\n)*2 files, 2 tests: 1 error in files")
    with Place(broken=BROKEN, broken_test=TESTS) as place:
        expect(tracepager("test", place.directory), 1, err=r"error\[E012\](.*\n)*.*no test was run")
    with Place(good=GOOD) as place:
        expect(tracepager("test", place.directory), 2, err="no \\*_test.yaml beside ")
    expect(tracepager("test", "/nonexistent/rules"), 1, err=r"error\[E001\]")


def usage():
    expect(tracepager("test", "--help"), 0, out=r"\Ausage: tracepager test ")
    expect(tracepager("test", "--format", "xml"), 2, err='not "xml"')
    expect(tracepager("test", "--filter"), 2, err="value is missing: --filter")
    expect(tracepager("test", "--bogus"), 2, err="no option --bogus")


def sample_is_an_example():
    """The test that --sample prints passes with rules that are as it says; the files that it names are left out."""
    rules = """teams: {ledger: {escalation: ledger}}
pagers: {ledger-pagerduty: {kind: pagerduty, routing_key_file: /nonexistent/key}}
escalations: {ledger: {steps: [{page: [ledger-pagerduty]}]}}
services: {ledger: {owner: ledger}}
signals: {place_order: {alerts: {alertname: PlaceOrderErrors}, span: {service: checkout}}}
fallback: {team: ledger}
"""
    status, text, err = tracepager("test", "--sample")
    assert (status, err) == (0, "")
    for line in ("      - orders.json ", "    healthy: "):
        text, n = re.subn(f"^{line}.*\n", "", text, flags=re.M)
        assert n == 1
    with Place(rules=rules, sample_test=text) as place:
        expect(tracepager("test", place.directory), 0, out=r"\A1 file, 1 test: all passed\n\Z")


def example():
    expect(tracepager("check", "--no-secrets", os.path.join(peers.TOP, "rules/examples/rules.d")), 0, out="no problem$")
    expect(tracepager("test", os.path.join(peers.TOP, "rules/examples/rules.d")), 0, out=r"\A1 file, 5 tests: all passed\n\Z")


def sarif():
    with Place(broken=BROKEN, warned__wärned=GOOD.replace("{shop: {esc", "{cart: {escalation: shop}, shop: {esc")) as place:
        status, out, err = tracepager("check", "--format", "sarif", place.path("broken"))
        log = json.loads(out)
        run, = log["runs"]
        assert (status, err, log["version"], run["columnKind"]) == (1, "", "2.1.0", "unicodeCodePoints")
        rules = {rule["id"]: rule for rule in run["tool"]["driver"]["rules"]}
        assert run["tool"]["driver"]["name"] == "tracepager" and "E012" in rules and "C001" not in rules
        assert rules["W020"]["defaultConfiguration"] == {"level": "warning"}
        result, = run["results"]
        where = result["locations"][0]["physicalLocation"]
        assert (result["ruleId"], result["level"]) == ("E012", "error") and "did you mean" in result["message"]["text"]
        assert where["artifactLocation"] == {"uri": "file://" + place.path("broken")}
        assert where["region"] == {"startLine": 4, "startColumn": 28, "endColumn": 32,
                                   "snippet": {"text": BROKEN.splitlines()[3]}}
        status, out, err = tracepager("check", "--format", "sarif", place.path("warned__wärned"))
        result, = json.loads(out)["runs"][0]["results"]
        assert (status, result["level"], result["ruleId"]) == (0, "warning", "W020")
        assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].endswith("/warned/w%C3%A4rned.yaml")
        # A finding without a place has none.
        result, = json.loads(tracepager("check", "--format", "sarif", "/nonexistent/a b")[1])["runs"][0]["results"]
        assert result["locations"] == [{"physicalLocation": {"artifactLocation": {"uri": "file:///nonexistent/a%20b"}}}]


def folded():
    """Seven pagers that nobody uses are three warnings and a line; JSON has all. Warnings with cures of their own stay apart."""
    unused = "".join(f"  spare{n}: {{kind: console}}\n" for n in range(7))
    head = "teams: {t: {escalation: e}}\nescalations: {e: {steps: [{page: [p]}]}}\nfallback: {team: t}\npagers:\n  p: {kind: console}\n"
    with Place(rules=head + unused) as place:
        expect(tracepager("check", place.directory), 0,
               out=r"(?s)\A([^\n]*W001.*?use it\n){3}[^\n]*: and 4 more warnings\[W001\], on lines 9, 10, 11, 12\n1 file.*: 7 warnings\n\Z")
        assert json.loads(tracepager("check", "--format", "json", place.directory)[1])["warnings"] == 7
    routes = "routes:\n" + "".join(f"  - when: {{severity: {word}}}\n    page: none\n"
                                   for word in ("Critical", "Error", "Warning", "Info", "critcal", "warnin"))
    with Place(rules=head + routes) as place:
        expect(tracepager("check", place.directory), 0, out=r"(?s)\A([^\n]*W044.*?help[^\n]*\n){6}1 file.*: 6 warnings\n\Z")


if __name__ == "__main__":
    peers.run(folded, shop, hours, tests_are_no_rules, failing, as_json, as_junit, steps, broken_files, usage, sample_is_an_example, example, sarif)
