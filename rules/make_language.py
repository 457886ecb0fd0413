#!/usr/bin/env python3
"""Writes rules.schema.json, the language of rules as a JSON Schema (draft-07), and the lists of tracepager-rules.5, from the
tables that the loader works from.

Run it after a change of members.def, codes.def, pagers.def, template.def or a limit; a test fails when
that was forgotten. tracepager-rules(5) lists what a schema of one file cannot say.
"""
import json
import os
import re
import textwrap
from collections import namedtuple

Member = namedtuple("Member", "name type of required text")
Map = namedtuple("Map", "id open text members")
Kind = namedtuple("Kind", "id name url key key_need url_need text")

# Required members that another file of the rules or the defaults may give: a schema of one file cannot require them.
ELSEWHERE = {("ROOT", "fallback"), ("TEAM", "escalation")}
DEFAULTS = {("SIGNAL", "mode"): "auto", ("SIGNAL", "traces"): 10, ("SIGNAL", "threshold"): 0.5, ("SIGNAL", "window"): "10m",
            ("SIGNAL", "resolve_hold"): "2m", ("ESCALATION", "repeat"): 0, ("STEP", "resolve"): True, ("PAGER", "resolve"): True,
            ("ROUTE", "continue"): False, ("INTERVAL", "location"): "UTC", ("TEAM", "location"): "UTC"}

SCHEMA = os.path.join("rules", "rules.schema.json")
MANUAL = os.path.join("rules", "tracepager-rules.5")
C_STRING = r'"(?:\\.|[^"\\])*"'
SHARE = r"(0(\.[0-9]*)?|1(\.0*)?)"
SET = r"\[(?:[!^](?:\\[\s\S]|[^\\])|\\[\s\S]|[^\\!^])(?:\\[\s\S]|[^\\\]])*\]"
GLOB = r"^(?:\\[\s\S]|[^\\\[]|" + SET + r")+$"
URL = r"^https?://[^\u0000-\u0020\u007f/?#][^\u0000-\u0020\u007f]*$"
MAIL_URL = r'^smtps?://[!-"$-.0->A-~]+(/[!-"$->A-~]*)?$'
ADDRESS = (r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
           r"@([A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*|\[[A-Za-z0-9.:]+\])")
MAILBOX = (r"[ \t]*(" + ADDRESS + r'|([^<>"\\,\u0000-\u001f\u007f]*|"[^<>"\\\u0000-\u001f\u007f]*"[ \t]*)<' + ADDRESS + r">)[ \t]*")
DURATION = r"^(0|([0-9]+(\.[0-9]+)?(ms|us|s|m|h|d|w|y))+)$"
DATE = r"-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
TIME = (r"^(19[7-9][0-9]|[2-9][0-9]{3})" + DATE + r"[tT ]([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\.[0-9]+)?"
        r"([zZ]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$")
WEEKDAYS = "sunday monday tuesday wednesday thursday friday saturday".split()
MONTHS = "january february march april may june july august september october november december".split()


def tables(path, name):
    """Rows NAME(…) of a table, as lists of words and strings of C."""
    with open(path, encoding="utf-8") as file:
        text = re.sub(r"/\*.*?\*/", "", file.read(), flags=re.S)
    rows = re.findall(r"^(" + name + r")\(((?:" + C_STRING + r"|[^()\"])*)\)", text, flags=re.M)
    for macro, row in rows:
        cells = re.findall(C_STRING + r"|[A-Za-z0-9_]+", row)
        yield macro, [json.loads(cell) if cell[0] == '"' else cell for cell in cells]


def read_maps(top):
    maps = {}
    for macro, row in tables(os.path.join(top, "rules", "load", "members.def"), "MEMBER_MAP|MEMBER"):
        if macro == "MEMBER_MAP":
            maps[row[0]] = Map(row[0], row[1] == "OPEN", row[2], [])
        else:
            maps[row[0]].members.append(Member(row[1], row[2], row[3], row[4] == "REQUIRED", row[5]))
    return maps


def read_kinds(top):
    path = os.path.join(top, "include", "tracepager", "tbl", "pagers.def")
    for _, row in tables(path, "PAGER_KIND"):
        yield Kind(row[0], row[1], *(None if cell == "NULL" else cell for cell in row[2:]))


def read_kind_options(top, id_):
    path = os.path.join(top, "include", "tracepager", "tbl", "pagers.def")
    return [row[1] for _, row in tables(path, "PAGER_OPTION|PAGER_TEXT") if row[0] == id_]


def read_kind_ways(top, id_):
    """The secrets of the kind's second way to its service."""
    path = os.path.join(top, "include", "tracepager", "tbl", "pagers.def")
    return [row[1] for _, row in tables(path, "PAGER_WAY") if row[0] == id_]


def read_kind_texts(top, id_):
    """The kind's texts, by name: must it be there?"""
    path = os.path.join(top, "include", "tracepager", "tbl", "pagers.def")
    return {row[1]: row[3] == "REQUIRED" for _, row in tables(path, "PAGER_TEXT") if row[0] == id_}


def read_to_texts(top, id_):
    """The kind's texts that say who or where."""
    path = os.path.join(top, "include", "tracepager", "tbl", "pagers.def")
    return [row[1] for _, row in tables(path, "PAGER_TEXT") if row[0] == id_ and row[2] == "TO"]


def read_catalogue_kinds(top):
    return [row[1] for _, row in tables(os.path.join(top, "include", "tracepager", "tbl", "catalogues.def"), "CATALOGUE")]


def read_template_names(top):
    path = os.path.join(top, "include", "tracepager", "tbl", "template.def")
    return {row[1]: row[2] for _, row in tables(path, "TEMPLATE_NAME")}


def read_body_names(top):
    path = os.path.join(top, "include", "tracepager", "tbl", "body.def")
    return {row[1]: row[2] for _, row in tables(path, "BODY_NAME")}


def read_limit(top, name):
    folder = os.path.join(top, "include", "tracepager")
    for header in ("limits.h", "limits_mail.h", "limits_pager.h"):
        with open(os.path.join(folder, header), encoding="utf-8") as file:
            found = re.search(r"^#define\s+LIMIT_" + name + r"\s+(\d+)u?\s*$", file.read(), flags=re.M)
        if found:
            return int(found.group(1))
    raise KeyError(name)


def ref(name):
    return {"$ref": "#/definitions/" + name}


def map_name(id_):
    return id_.lower()


def any_case(words):
    return "(" + "|".join("".join(f"[{c.upper()}{c}]" for c in word) for word in words) + ")"


def ranges_of(one):
    return rf"^{one}(:{one})?$"


def template_pattern(names):
    words = "|".join(list(names) + [r"label\.[^{}|]+", r"annotation\.[^{}|]+"])
    return r"^(?:[^{}]|\{\{|\}\}|\{(?:" + words + r")(?:\|[^{}]*)?\})+$"


def scalar(pattern=None, **more):
    """A text; YAML reads some unquoted ones as numbers or as true and false."""
    return {"type": ["string", "number", "boolean"], "minLength": 1, **({"pattern": pattern} if pattern else {}), **more}


def value_types(top):
    names = read_template_names(top)
    url_names = [name for name in names if name not in ("summary", "details")]
    day = r"0*([1-9]|[12][0-9]|3[01])"
    glob = scalar(GLOB, maxLength=read_limit(top, "GLOB_BYTES"))
    word = {**glob, "minLength": 0, "pattern": GLOB.replace(")+$", ")*$")}
    pagers = {"type": "array", "items": ref("text"), "minItems": 1, "uniqueItems": True}
    return {
        "text": scalar(),
        "texts": {"type": "array", "items": ref("text"), "minItems": 1},
        "secrets": {"anyOf": [ref("text"), {"type": "array", "items": ref("text"), "minItems": 1,
                                            "maxItems": read_limit(top, "LIVE_SECRETS")}]},
        "body": {"anyOf": [ref("text"), {"type": ["object", "array"]}]},
        "peers": {"type": "array", "items": scalar(r"^[^*?]+$"), "minItems": 1, "uniqueItems": True},
        "glob": glob,
        "word": word,
        "globs": {"anyOf": [ref("word"), {"type": "array", "items": ref("word"), "minItems": 1}]},
        "names": {**pagers, "maxItems": read_limit(top, "STEP_PAGERS")},
        # The word entry-owner is no pager, and does not count.
        "also_notify": {"anyOf": [ref("text"), {**pagers, "maxItems": read_limit(top, "ALSO_NOTIFY")},
                                  {**pagers, "maxItems": read_limit(top, "ALSO_NOTIFY") + 1, "contains": {"const": "entry-owner"}}]},
        "name_or_names": {"anyOf": [ref("text"), ref("texts")]},
        "matcher": {"type": "string", "pattern": "=|!~"},
        "matchers": {"anyOf": [
            {"type": "object", "propertyNames": {"minLength": 1}, "additionalProperties": ref("word"), "minProperties": 1},
            {"type": "array", "items": ref("matcher"), "minItems": 1}]},
        "url": {"type": "string", "pattern": URL},
        "pager_url": {"type": "string", "anyOf": [{"pattern": URL}, {"pattern": MAIL_URL}]},
        "url_template": {"type": "string", "allOf": [{"pattern": URL}, {"pattern": template_pattern(url_names)}]},
        "template": scalar(template_pattern(names)),
        "duration": {"anyOf": [{"type": "string", "pattern": DURATION}, {"type": "number", "const": 0}]},
        "share": {"anyOf": [{"type": "number", "minimum": 0, "maximum": 1}, {"type": "string", "pattern": f"^{SHARE}$"}]},
        "bool": {"type": "boolean"},
        "date": {"type": "string", "pattern": "^(19[7-9][0-9]|[2-9][0-9]{3})" + DATE + "$"},
        "time": {"type": "string", "pattern": TIME},
        "mode": {"enum": ["errors", "latency", "auto"]},
        "color": {"enum": ["auto", "always", "never"]},
        "width": {"type": "integer", "minimum": read_limit(top, "CONSOLE_COLUMNS_LEAST"),
                  "maximum": read_limit(top, "CONSOLE_COLUMNS_MOST")},
        "severity": {"enum": ["critical", "error", "warning", "info"]},
        "none": {"const": "none"},
        "kind": {"enum": [kind.name for kind in read_kinds(top)]},
        "number_test": {"type": "string", "pattern": "^(>=|<=|>|<|=) *" + SHARE + "$"},
        "number_tests": {"anyOf": [ref("number_test"), {"type": "array", "items": ref("number_test"), "minItems": 1}]},
        "start_time": {"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$"},
        "end_time": {"type": "string", "pattern": "^(24:00|(0[1-9]|1[0-9]|2[0-3]):[0-5][0-9]|00:(0[1-9]|[1-5][0-9]))$"},
        "weekdays": ranges(ranges_of(any_case(WEEKDAYS))),
        "days_of_month": ranges(rf"^({day}(:-?{day})?|-{day}(:-{day})?)$", -31, 31),
        "months": ranges(ranges_of("(0*([1-9]|1[0-2])|" + any_case(MONTHS)[1:]), 1, 12),
        "years": ranges(ranges_of("(19[7-9][0-9]|[2-9][0-9]{3})"), 1970, 9999),
        "location": {"type": "string", "pattern": r"^[!-\-0-~][!-\-/-~]*$", "maxLength": 100},
        "traces": {"type": "integer", "minimum": 1, "maximum": read_limit(top, "TRACES_PER_ALERT")},
        "repeat": {"type": "integer", "minimum": 0, "maximum": read_limit(top, "ESCALATION_REPEAT")},
    }


def ranges(pattern, least=None, most=None):
    """A list of ranges of a time interval. A single number is an integer in YAML."""
    one = {"type": "string", "pattern": pattern}
    if least is not None:
        one = {"anyOf": [one, {"type": "integer", "minimum": least, "maximum": most, "not": {"const": 0}}]}
    return {"type": "array", "items": one, "minItems": 1}


def value_schema(map_, member, maps, top):
    """The schema of a member's value."""
    by_name = {("ROUTE", "when"): {"anyOf": [ref("when"), {"type": "array", "items": ref("matcher"), "minItems": 1}]},
               ("PAGER", "url"): ref("pager_url"), ("PAGER", "tls"): {"enum": ["required", "opportunistic", "none"]},
               ("PAGER", "content_type"): {"type": "string", "pattern": "/"}, ("SERVICE", "peers"): ref("peers"), ("ROUTE", "also_notify"): ref("also_notify"),
               ("DEFAULTS", "owner_from"): {"type": "array", "minItems": 1,
                                            "items": {"type": "string", "pattern": r"^(resource|span|label)\..+$"}},
               ("CLOCK", "start_time"): ref("start_time"), ("CLOCK", "end_time"): ref("end_time"),
               ("ROOT", "time_intervals"): section({"anyOf": [ref("interval"), {"type": "array", "items": ref("interval"),
                                                                                "minItems": 1}]}),
               ("ESCALATION", "steps"): {"type": "array", "items": ref("step"), "minItems": 1,
                                        "maxItems": read_limit(top, "ESCALATION_STEPS")}}
    by_type = {"NAME": "text", "URL": "url_template", "RANGES": member.name, "WHOLE": member.name}
    if (map_.id, member.name) == ("CATALOGUE", "catalogue"):
        return {"enum": read_catalogue_kinds(top)}
    if (map_.id, member.name) in by_name:
        return by_name[map_.id, member.name]
    if member.type == "NAMED":
        return section(ref(map_name(member.of)))
    if member.type == "MAP":
        return ref(map_name(member.of))
    if member.type == "MAPS":
        # A part of the root may be empty, as when everything in it is commented out.
        if map_.id == "ROOT":
            return {"type": ["array", "null"], "items": ref(map_name(member.of))}
        return {"type": "array", "items": ref(map_name(member.of)), "minItems": 1}
    if member.type == "INCLUDES":
        one = {"anyOf": [ref("text"), ref("catalogue")]}
        return {"anyOf": [one, {"type": "array", "items": one, "minItems": 1}]}
    return ref(by_type.get(member.type, member.type.lower()))


def section(of):
    return {"type": ["object", "null"], "propertyNames": ref("name"), "additionalProperties": of}


def none_of(names):
    return {"not": {"anyOf": [{"required": [name]} for name in names]}}


def two_ways(first, second, texts):
    """The first key alone; or the second one, its texts, and perhaps an url; a pager by team leaves the key or the texts to the team."""
    by_team = {"properties": {"by_team": {"const": True}}}
    ways = [{"required": [key], **none_of(texts + ["url"])} for key in first]
    ways += [{"required": [key] + texts} for key in second]
    ways.append({**by_team, "required": ["by_team"], **none_of(first + second + texts + ["url"])})
    ways += [{**by_team, "required": ["by_team", key], **none_of(first + [other for other in second if other != key] + texts)}
             for key in second]
    return ways


def mail_rules(twins, top):
    """Mailboxes, and who has a user has a password."""
    most = read_limit(top, "MAIL_RECIPIENTS")
    return {"properties": {"url": {"pattern": MAIL_URL}, "from": {"pattern": f"^{MAILBOX}$"},
                           "to": {"pattern": f"^{MAILBOX}(,{MAILBOX}){{0,{most - 1}}}$"}},
            "dependencies": {"user": {"anyOf": [{"required": [twin]} for twin in twins + ["by_team"]]},
                             **{twin: ["user"] for twin in twins}}}


def pager_rules(top):
    """For each kind of pager, the members beside those of all kinds."""
    rules = []
    for kind in read_kinds(top):
        names = ["kind", "resolve"] + (["url"] if kind.url_need != "NONE" else [])
        required = ["url"] if kind.url_need == "REQUIRED" else []
        texts = read_kind_texts(top, kind.id)
        to = [name for name in texts if name in read_to_texts(top, kind.id)]
        required += [name for name, needed in texts.items() if needed and name not in to]
        then = {"required": required} if required else {}
        whole = {"required": [name for name in to if texts[name]]} if any(texts[name] for name in to) else {}
        if kind.key:
            twins = [kind.key, kind.key + "_file"]
            names += twins
            then["not"] = {"required": twins}
            if kind.key_need == "REQUIRED":
                whole["anyOf"] = [{"required": [twin]} for twin in twins]
        if kind.key or to:
            names.append("by_team")
        if whole:
            # What a pager by team does not give, the team gives.
            then["anyOf"] = [{"properties": {"by_team": {"const": True}}, "required": ["by_team"]}, whole]
        options = read_kind_options(top, kind.id)
        names += options
        for way in read_kind_ways(top, kind.id):
            names += [way, way + "_file"]
            then["oneOf"] = two_ways(twins, [way, way + "_file"], list(texts))
        if "feedback_secret" in options:
            then["allOf"] = [{"not": {"required": ["feedback_secret", "feedback_secret_file"]}}]
        if "content_type" in options:
            then["dependencies"] = {"content_type": ["body"]}
        if kind.id == "EMAIL":
            then.update(mail_rules(twins, top))
        elif kind.url_need != "NONE":
            then["properties"] = {"url": {"pattern": URL}}
        then["propertyNames"] = {"enum": names}
        rules.append({"if": {"properties": {"kind": {"const": kind.name}}, "required": ["kind"]}, "then": then})
    return rules


def secret_members(top):
    names, members = {}, {}
    for kind in read_kinds(top):
        if kind.key:
            names.setdefault(kind.key, []).append(kind.name)
        for way in read_kind_ways(top, kind.id):
            names.setdefault(way, []).append(kind.name)
    for key, kinds in names.items():
        members[key] = {"description": f"{', '.join(kinds)}: the secret itself; better is its file.", "allOf": [ref("text")]}
        members[key + "_file"] = {"description": f"{', '.join(kinds)}: the file whose first line is the secret.",
                                  "allOf": [ref("text")]}
    return members


def team_members(map_, top):
    """What a team gives to pagers by team, beside its own members."""
    own = {member.name for member in map_.members}
    members = secret_members(top)
    for kind in read_kinds(top):
        for name in read_to_texts(top, kind.id):
            if name not in own and name not in members:
                members[name] = {"description": f"{kind.name}: who or where.", "allOf": [ref("text")]}
    return {name: {**member, "description": "For a pager by team; " + member["description"]} for name, member in members.items()}


def more_of_map(map_, top):
    """What members.def does not say: open maps, and members that require or exclude each other."""
    actions = "page team escalation pagers also_notify severity summary details resolve_hold group_by".split()
    twins = {"service": ["service.name"], "namespace": ["service.namespace"],
             "environment": ["deployment.environment.name", "deployment.environment"],
             "deployment.environment.name": ["deployment.environment"]}
    never = {"minProperties": 1}
    more = {
        "PAGER": {"allOf": pager_rules(top)},
        "TEAM": {"allOf": [{"not": {"required": [name, name + "_file"]}} for name in secret_members(top)
                           if not name.endswith("_file")]},
        "MATCH": {**never, "additionalProperties": ref("glob"), "allOf": [
            {"not": {"required": [word, twin]}} for word, others in twins.items() for twin in others]},
        "HEADERS": {**never, "propertyNames": {"pattern": "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$"}, "additionalProperties": ref("text"),
                    "maxProperties": read_limit(top, "WEBHOOK_HEADERS")},
        "LINKS": {**never, "additionalProperties": ref("url_template")},
        "ATTRS": {**never, "additionalProperties": ref("glob")},
        "WHEN": {**never, "propertyNames": {"minLength": 1}, "additionalProperties": ref("globs")},
        "SUSPECT": {**never, "patternProperties": {r"\.": ref("globs")}},
        "SPAN": never, "INTERVAL": never,
        "STEP": {"oneOf": [{"required": ["page"]}, {"required": ["team"]}]},
        "SIGNAL": {"anyOf": [{"required": ["alerts"]}, {"required": ["span"]}]},
        "ROUTE": {"anyOf": [{"required": [action]} for action in actions],
                  "dependencies": {"page": {"propertyNames": {"enum": ["when", "page"]}},
                                   "pagers": {"not": {"required": ["escalation"]}}}},
    }
    return more.get(map_.id, {})


def map_schema(map_, maps, top):
    properties = {}
    for member in map_.members:
        described = {"description": member.text, "allOf": [value_schema(map_, member, maps, top)]}
        if (map_.id, member.name) in DEFAULTS:
            described["default"] = DEFAULTS[map_.id, member.name]
        properties[member.name] = described
    if map_.id == "PAGER":
        # The key of one kind may have the name of another kind's text, whose description tells of both.
        properties.update({name: made for name, made in secret_members(top).items() if name not in properties})
    if map_.id == "TEAM":
        properties.update(team_members(map_, top))
    required = [m.name for m in map_.members if m.required and (map_.id, m.name) not in ELSEWHERE]
    return {"description": map_.text[0].upper() + map_.text[1:] + ".",
            "type": ["object", "null"] if map_.id == "ROOT" else "object", "properties": properties,
            **({"required": required} if required else {}), "additionalProperties": False, **more_of_map(map_, top)}


def schema(top):
    maps = read_maps(top)
    definitions = {map_name(id_): map_schema(map_, maps, top) for id_, map_ in maps.items() if id_ != "ROOT"}
    definitions["name"] = {"description": "A name.", "type": "string", "minLength": 1,
                           "maxLength": read_limit(top, "RULE_NAME_BYTES"), "pattern": r"^[^\u0000-\u001f\u007f]*$"}
    types = value_types(top)
    clash = set(types) & set(definitions)
    if clash:
        raise ValueError(f"names of maps and of types: {clash}")
    definitions.update(types)
    return {"$schema": "http://json-schema.org/draft-07/schema#", "title": "Rules of tracepager",
            **map_schema(maps["ROOT"], maps, top), "definitions": definitions}


def laid_out(value, depth):
    """JSON for people: a value that fits on a line stands on one line."""
    line = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, (dict, list)) or len(line) + 2 * depth <= 120:
        return line
    inner, outer = "  " * (depth + 1), "  " * depth
    if isinstance(value, dict):
        items = [f"{json.dumps(k)}: {laid_out(v, depth + 1)}" for k, v in value.items()]
        return "{\n" + ",\n".join(inner + item for item in items) + f"\n{outer}}}"
    return "[\n" + ",\n".join(inner + laid_out(v, depth + 1) for v in value) + f"\n{outer}]"


def schema_text(top):
    return laid_out(schema(top), 0) + "\n"


def roff(text):
    """One sentence a line, and lines that end before the eightieth column."""
    lines = []
    for sentence in re.split(r"(?<=[.?!]) (?=[A-Z])", text.replace("\\", "\\e")):
        lines += textwrap.wrap(sentence, 78, break_long_words=False, break_on_hyphens=False)
    return "".join(("\\&" if line[0] in ".'" else "") + line + "\n" for line in lines)


def put_list(manual, marker, rows):
    """The manual with new rows in the list behind a comment."""
    body = "".join(f".It {label}\n{roff(text)}" for label, text in rows)
    return re.sub(r'(?<=\n)(\.\\" ' + marker + r"\n\.Bl [^\n]*\n).*?(?=\.El\n)", lambda found: found.group(1) + body, manual, flags=re.S)


def manual_text(top):
    with open(os.path.join(top, MANUAL), encoding="utf-8") as file:
        manual = file.read()
    codes = [row for _, row in tables(os.path.join(top, "rules", "doc", "codes.def"), "CODE") if row[0][0] != "C"]
    names = [(f"Brq {name}", text[0].upper() + text[1:] + ".") for name, text in read_template_names(top).items()]
    body = [(f"Brq {name}", text[0].upper() + text[1:] + ".") for name, text in read_body_names(top).items()]
    return put_list(put_list(put_list(manual, "codes", codes), "names", names), "body", body)


def main():
    top = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
    for path, text in ((SCHEMA, schema_text(top)), (MANUAL, manual_text(top))):
        with open(os.path.join(top, path), "w", encoding="utf-8") as file:
            file.write(text)


if __name__ == "__main__":
    main()
