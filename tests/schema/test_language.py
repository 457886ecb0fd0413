#!/usr/bin/env python3
"""Proves that members.def, the schema and the manual describe one language, and that every example of it loads."""
import os
import re
import shutil
import subprocess
import sys
import tempfile

from common import TOP, check, example_files, manual_examples, read

import make_language

MANUAL = os.path.join(TOP, make_language.MANUAL)

# What the manual calls each type of members.def; NAME and its like go on with what they name.
TYPES = {
    "TEXT": "text", "TEXTS": "list of texts", "SECRETS": "text, or a list of them", "BODY": "template, or a map or list", "GLOB": "glob", "GLOBS": "glob, or a list of them", "NAME": "name of ",
    "NAMES": "list of names of ", "NAME_OR_NAMES": "name of ", "NAMED": "map from names", "MAP": "map", "MAPS": "list of maps",
    "MATCHERS": "matchers", "URL": "URL", "TEMPLATE": "template", "DURATION": "duration", "WHOLE": "whole number",
    "SHARE": "number from 0 to 1", "BOOL": "true or false", "DATE": "date", "TIME": "time", "MODE": "errors, latency or auto", "COLOR": "auto, always or never",
    "SEVERITY": "critical, error, warning or info", "NONE": "the word none", "KIND": "kind of pager",
    "NUMBER_TESTS": "comparison, or a list of them", "RANGES": "list of ranges", "LOCATION": "location",
    "INCLUDES": "file, or a list of them",
}


class Results:
    def __init__(self):
        self.passed, self.problems = 0, []

    def that(self, good, problem):
        self.passed += bool(good)
        if not good:
            self.problems.append(problem)


def words(roff):
    """Text without its lines and escapes, for comparison."""
    return " ".join(roff.replace("\\&", "").replace("\\e", "\\").split())


def items_behind(manual, marker):
    """The items of the list behind a comment: (name, what stands on its line, text)."""
    found = re.search(r'^\.\\" ' + marker + r"\n\.Bl [^\n]*\n(.*?)^\.El$", manual, flags=re.M | re.S)
    parts = re.split(r"^\.It Ic (\S+)(?: : )?([^\n]*)\n", found.group(1) if found else "", flags=re.M)
    return list(zip(parts[1::3], parts[2::3], parts[3::3]))


def check_members(manual, results):
    for id_, map_ in make_language.read_maps(TOP).items():
        items = items_behind(manual, f"map {id_}")
        results.that(f'\n.\\" map {id_}\n' in manual, f"the manual does not tell of the map {id_}")
        results.that([item[0] for item in items] == [member.name for member in map_.members],
                     f"the manual's members of {id_} are {[item[0] for item in items]}")
        for member, (_, head, text) in zip(map_.members, items):
            where = f"the manual, {id_}.{member.name}"
            results.that(head.endswith(", required") == member.required, f"{where}: required in one place only")
            results.that(head.startswith(TYPES[member.type]), f"{where}: \"{head}\" is not \"{TYPES[member.type]}…\"")
            results.that(words(text).startswith(words(member.text)), f"{where}: does not begin with \"{member.text}\"")


def check_kinds(manual, results):
    kinds = list(make_language.read_kinds(TOP))
    items = items_behind(manual, "kinds")
    results.that([item[0] for item in items] == [kind.name for kind in kinds], "the manual has other kinds of pagers")
    for kind, (_, _, text) in zip(kinds, items):
        told = words(re.sub(r"^\.Ic ", "", text, flags=re.M)).lower()
        facts = {kind.text.lower()}
        if kind.url_need != "NONE":
            facts.add(f"url is {kind.url_need.lower()}")
        if kind.key:
            facts.add(f"{kind.key} or {kind.key}_file is {kind.key_need.lower()}")
        if kind.url:
            facts.add(f"by default {kind.url}")
        results.that(all(fact in told for fact in facts), f"the manual, {kind.name}: one is missing of {facts}")


def check_layout(results):
    if not shutil.which("mandoc"):
        print("the manual's layout was not looked at: there is no mandoc here")
        return
    lint = subprocess.run(["mandoc", "-Tlint", MANUAL], capture_output=True, text=True, check=False)
    # Which pages are installed here says nothing about ours; tests/lint/manual looks up tracepager's own in the build.
    told = [line for line in lint.stdout.splitlines() if "referenced manual not found" not in line]
    results.that(not told, "\n".join(told))


def check_examples(manual, results):
    examples = manual_examples(manual)
    results.that(len(examples) >= 2, "the manual has no examples")
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "rules.yaml")
        for text in examples:
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            told = check(path)
            results.that(not told, f"an example of the manual:\n{told}")
    for path in example_files():
        # Files of a directory need each other.
        folder = os.path.dirname(path)
        told = check(folder if folder.endswith("rules.d") else path)
        results.that(not told, told)


def main():
    results = Results()
    manual = read(MANUAL)
    results.that(read(os.path.join(TOP, make_language.SCHEMA)) == make_language.schema_text(TOP),
                 "rules.schema.json is not what the tables say: run rules/make_language.py")
    results.that(manual == make_language.manual_text(TOP), "the manual's lists are not what the tables say: run rules/make_language.py")
    check_members(manual, results)
    check_kinds(manual, results)
    check_layout(results)
    check_examples(manual, results)
    print("\n".join(results.problems))
    print(f"{results.passed} passed, {len(results.problems)} failed")
    return 1 if results.problems else 0


sys.exit(main())
