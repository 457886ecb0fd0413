#!/usr/bin/env python3
"""Proves that rules.schema.json and the loader agree: on every example, and on documents that are made from a seed.

Usage: test_schema.py [DOCUMENTS [SEED]]. Each document is made to be valid, or to have one mistake; both must see it as it was made.
"""
import collections
import json
import os
import random
import re
import subprocess
import sys
import tempfile

try:
    import jsonschema
    import yaml
except ImportError as missing:
    print(f"skipped: {missing}; Debian's packages are python3-jsonschema and python3-yaml")
    sys.exit(77)

from common import BUILD, TOP, example_files, manual_examples, read

import documents
import make_language

DOCUMENTS = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
SEED = int(sys.argv[2]) if len(sys.argv) > 2 else 1
MISTAKES = ["value"] * 8 + ["key", "missing", "together", "name"]


class CoreLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    """YAML 1.2's few types, as editors and the loader have them: 2026-09-01 and 09:00 are texts."""
    yaml_implicit_resolvers = {}


for tag, pattern, first in (("null", r"~|null|", list("~n") + [""]), ("bool", "true|false", list("tf")),
                            ("int", r"-?[0-9]+", list("-0123456789")), ("float", r"-?[0-9]+\.[0-9]+", list("-0123456789"))):
    CoreLoader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(f"^(?:{pattern})$"), first)


def ecma_pattern(_, pattern, value, __):
    """Python's $ stands before a last line break too; that of JSON Schema does not."""
    if isinstance(value, str) and not re.search(re.sub(r"\$$", r"\\Z", pattern), value):
        yield jsonschema.ValidationError(f"{value!r} does not match {pattern!r}")


def make_validator():
    schema = json.loads(read(os.path.join(TOP, make_language.SCHEMA)))
    jsonschema.Draft7Validator.check_schema(schema)
    return jsonschema.validators.extend(jsonschema.Draft7Validator, {"pattern": ecma_pattern})(schema)


class Loader:
    def __init__(self, directory):
        with open(os.path.join(directory, "more.yaml"), "w", encoding="utf-8") as file:
            file.write("# included by some documents\n")
        self.process = subprocess.Popen([os.path.join(BUILD, "tests", "schema", "verdicts"), os.path.join(directory, "rules.yaml")],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def verdict(self, text):
        data = text.encode()
        self.process.stdin.write(b"%d\n" % len(data) + data)
        self.process.stdin.flush()
        return self.process.stdout.readline().decode().strip()

    def close(self):
        self.process.stdin.close()
        return self.process.wait()


def check_examples(validator, problems):
    """Each is what the schema describes. That they load is proven by test_language.py."""
    examples = {path: read(path) for path in example_files()}
    examples.update((f"manual, example {i}", text) for i, text in enumerate(manual_examples(read(os.path.join(TOP, make_language.MANUAL))), 1))
    passed = 0
    for name, text in examples.items():
        errors = list(validator.iter_errors(yaml.load(text, CoreLoader)))
        problems.extend(f"{name}: {error.message}" for error in errors)
        passed += not errors
    return passed


def check_roots(validator, loader, problems):
    """Files that are no map at all."""
    roots = ["[]", "x", "5", "true", "[{fallback: {team: x}}]"]
    good = [text for text in roots if not validator.is_valid(yaml.load(text, CoreLoader)) and loader.verdict(text) != "valid"]
    problems.extend(f"a file that is only {text} should be refused" for text in roots if text not in good)
    return len(good)


def check_documents(validator, loader, problems):
    chance = random.Random(SEED)
    maker = documents.Maker(chance, make_language.read_maps(TOP), make_language.read_kinds(TOP), make_language.read_template_names(TOP),
                            make_language.read_catalogue_kinds(TOP))
    seen = collections.Counter()
    for number in range(DOCUMENTS):
        document, made = maker.document(), "valid"
        if number % 5 > 1:
            document, made = maker.break_one(document, MISTAKES)
        text = documents.yaml_of(chance, document)
        loaded = loader.verdict(text)
        by_schema = validator.is_valid(document)
        if number % 20 == 0 and yaml.load(text, CoreLoader) != document:
            problems.append(f"document {number} is not what its text says:\n{text[:3000]}")
        seen[made.split(":")[0]] += 1
        if (made == "valid") != by_schema or (made == "valid") != (loaded == "valid"):
            problems.append(f"document {number} was made {made}; the schema takes it: {by_schema}; the loader: {loaded}\n{text[:3000]}")
    return seen


def main():
    problems = []
    validator = make_validator()
    passed = check_examples(validator, problems)
    with tempfile.TemporaryDirectory() as directory:
        loader = Loader(directory)
        passed += check_roots(validator, loader, problems)
        seen = check_documents(validator, loader, problems)
        if loader.close() != 0:
            problems.append("the loader did not end well")
    few = [kind for kind in {"valid", *MISTAKES} if seen[kind] < DOCUMENTS / 100]
    if few:
        problems.append(f"hardly any document was {few}")
    print("\n".join(problems[:20]))
    print(f"seed {SEED}: " + ", ".join(f"{n} {kind}" for kind, n in sorted(seen.items())))
    print(f"{passed + DOCUMENTS - len(problems)} passed, {len(problems)} failed")
    return 1 if problems or not passed else 0


sys.exit(main())
