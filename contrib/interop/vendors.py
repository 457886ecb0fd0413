#!/usr/bin/env python3
"""Are the pages of pagers what the services' own types and schemas say? Fetches these with npm and go, into the cache of run.

usage: contrib/interop/vendors.py [DIRECTORY]

Checks the test pages of `tracepager send` (TRACEPAGER names the program), or the files NAME.KIND of a directory, each the body of one
request. Prints a line for each kind; the status is 1 if a body does not fit. Needs node, npm and go; make check runs none of it."""
import glob
import json
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tests", "system"))

import peers  # noqa: E402 # after the path

CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache")), "tracepager-interop", "vendors")
PACKAGES = ["typescript@7.0.2", "adaptivecards@3.0.6", "@slack/types@3.2.0", "discord-api-types@0.38.57", "@googleapis/chat@45.0.0",
            "@pagerduty/pdjs@2.2.4", "@grammyjs/types@5.0.0", "ajv@8.20.0", "ajv-formats@3.0.1", "yaml@2.9.1"]
ALERTMANAGER = "github.com/prometheus/alertmanager@v0.28.1"
# The types of a request's body: of Slack, Google, PagerDuty their own; of Discord and Telegram those that their libraries use.
TYPES = {
    "slack": ("import type { KnownBlock } from '@slack/types';", "{ text: string, blocks: KnownBlock[] }"),
    "slack-web": ("import type { KnownBlock } from '@slack/types';", "{ channel: string, text: string, blocks: KnownBlock[] }"),
    "discord": ("import type { RESTPostAPIWebhookWithTokenJSONBody } from 'discord-api-types/v10';", "RESTPostAPIWebhookWithTokenJSONBody"),
    "googlechat": ("import type { chat_v1 } from '@googleapis/chat';", "chat_v1.Schema$Message"),
    "pagerduty": ("import type { EventPayloadV2 } from '@pagerduty/pdjs/build/src/events';", "EventPayloadV2 & { client?: string }"),
    "telegram": ("import type { ApiMethods } from '@grammyjs/types';", "Parameters<ApiMethods<never>['sendMessage']>[0]"),
}
CARDS = """
const cards = require('adaptivecards/dist/adaptivecards.min.js'), fs = require('fs');
let faults = 0;
for (const file of process.argv.slice(1)) {
  for (const attachment of JSON.parse(fs.readFileSync(file)).attachments) {
    const card = new cards.AdaptiveCard(), context = new cards.SerializationContext(cards.Versions.v1_5);
    card.parse(attachment.content, context);
    for (let i = 0; i < context.eventCount; i++) {
      const event = context.getEventAt(i);
      /* Teams has this element; a renderer of the standard shows its fallback. */
      if (event.message.includes('CodeBlock')) continue;
      console.log(file + ': ' + event.message); faults++;
    }
    for (const failure of card.validateProperties().validationEvents) { console.log(file + ': ' + failure.message); faults++; }
  }
}
process.exit(faults ? 1 : 0);
"""
OPENAPI = """
const fs = require('fs'), Ajv = require('ajv'), formats = require('ajv-formats'), yaml = require('yaml');
const api = yaml.parse(fs.readFileSync(process.argv[1], 'utf8'));
const ajv = new Ajv({ strict: false, allErrors: true });
formats(ajv);
const check = ajv.compile({ definitions: api.definitions, $ref: '#/definitions/postableAlerts' });
let faults = 0;
for (const file of process.argv.slice(2))
  if (!check(JSON.parse(fs.readFileSync(file)))) { console.log(file, ajv.errorsText(check.errors)); faults++; }
process.exit(faults ? 1 : 0);
"""


def fetch():
    os.makedirs(CACHE, exist_ok=True)
    mark = os.path.join(CACHE, "made")
    if not os.path.exists(mark) or open(mark, encoding="utf-8").read() != " ".join(PACKAGES):
        subprocess.run(["npm", "install", "--silent", "--no-save", "--prefix", CACHE, *PACKAGES], check=True)
        with open(mark, "w", encoding="utf-8") as file:
            file.write(" ".join(PACKAGES))
    module = subprocess.run(["go", "mod", "download", "-json", ALERTMANAGER], cwd="/", check=True, capture_output=True, text=True)
    return os.path.join(json.loads(module.stdout)["Dir"], "api", "v2", "openapi.yaml")


def send_pages(directory):
    """The bodies of `tracepager send` of each kind, by a receiver that agrees to all."""
    peer = peers.Peer(lambda request: (200, {}, b"ok"))
    members = {"alertmanager": f'url: "{peer.url}"', "pagerduty": f'routing_key: k, url: "{peer.url}"',
               "telegram": f'bot_token: "1:a", chat_id: "1", url: "{peer.url}"'}
    for kind in ("slack", "teams", "discord", "googlechat", *members):
        rules = os.path.join(directory, "rules.yaml")
        with open(rules, "w", encoding="utf-8") as file:
            file.write(f"teams: {{t: {{escalation: e}}}}\nescalations: {{e: {{steps: [{{page: [it]}}]}}}}\nfallback: {{team: t}}\n"
                       "pagers: {it: {kind: %s, %s}}\n" % (kind, members.get(kind, f'webhook_url: "{peer.url}/"')))
        first = len(peer.seen())
        subprocess.run([peers.BINARY, "send", "--rules", rules, "--pager", "it"], check=False, stdout=subprocess.DEVNULL)
        for n, request in enumerate(peer.seen()[first:]):
            with open(os.path.join(directory, f"{n}.{kind}"), "wb") as file:
                file.write(request["body"])


def check_types(files):
    """All bodies of the kinds with types as constants of these, by the compiler."""
    found = {kind: files[kind] for kind in TYPES if files.get(kind)}
    for kind, names in found.items():
        imported, name = TYPES[kind]
        with open(os.path.join(CACHE, f"check_{kind}.ts"), "w", encoding="utf-8") as out:
            out.write(imported + "\n")
            for n, path in enumerate(names):
                body = json.load(open(path, encoding="utf-8"))
                # An acknowledgement and a resolve have no payload, which the type does not know.
                if kind != "pagerduty" or body["event_action"] == "trigger":
                    out.write(f"export const body{n}: {name} = {json.dumps(body)}; // {path}\n")
    done = {}
    for kind in found:
        done[kind] = subprocess.run([os.path.join(CACHE, "node_modules", ".bin", "tsc"), "--noEmit", "--strict", "--skipLibCheck", "--module",
                                     "nodenext", "--types", "", f"check_{kind}.ts"], cwd=CACHE, capture_output=True, text=True, check=False)
    return done


def run_node(script, *arguments):
    return subprocess.run(["node", "-e", script, "--", *arguments], cwd=CACHE, capture_output=True, text=True, check=False)


def main():
    openapi = fetch()
    with tempfile.TemporaryDirectory() as directory:
        if len(sys.argv) == 1:
            send_pages(directory)
        files = {}
        for path in sorted(glob.glob(os.path.join(os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else directory, "*.*"))):
            files.setdefault(path.rsplit(".", 1)[1], []).append(path)
        done = check_types(files)
        if files.get("teams"):
            done["teams"] = run_node(CARDS, *files["teams"])
        if files.get("alertmanager"):
            done["alertmanager"] = run_node(OPENAPI, openapi, *files["alertmanager"])
    for kind, result in sorted(done.items()):
        print(f"{kind:14}{len(files[kind]):3} bodies: {'fit' if result.returncode == 0 else 'DO NOT FIT'}")
        if result.returncode:
            print(result.stdout[:3000] + result.stderr[:3000])
    return 0 if done and all(result.returncode == 0 for result in done.values()) else 1


sys.exit(main())
