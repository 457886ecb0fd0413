#!/usr/bin/env python3
"""Secrets that the service manager passes (credential:NAME): the daemon reads them, a check outside the service finds no fault in them, and
a daemon without them does not start. Rules that import writes can be read by the group that their directory hands on."""
import json
import os
import shutil
import stat
import subprocess
import tempfile

import peers

peers.skip_unless_wanted()
RULES = """teams: {{sre: {{escalation: sre}}}}
pagers: {{duty: {{kind: pagerduty, routing_key_file: credential:duty, url: "{pager}/v2/enqueue"}}}}
escalations: {{sre: {{steps: [{{page: [duty]}}]}}}}
fallback: {{team: sre}}
"""
CONFIG = """admin_token_file: credential:admin
link_key_file: credential:link
external_url: https://tracepager.shop.example
"""


class Service(peers.Daemon):
    def __init__(self, pager_url):
        super().__init__(pager_url, config=CONFIG, rules=RULES)
        self.credentials = os.path.join(self.directory, "credentials")
        os.mkdir(self.credentials)
        for name, text in (("keys_duty", "the-key"), ("admin", "the-token"), ("link", "k" * 64)):
            self.write(f"credentials/{name}", text + "\n")
        self.environment = {**os.environ, "CREDENTIALS_DIRECTORY": self.credentials}

    def launch(self):
        self.child = subprocess.Popen([peers.BINARY, "run", "-c", self.directory + "/tracepager.yaml"], stdout=self.log, stderr=self.log,
                                      env=self.environment)

    def command(self, *words, credentials=False):
        environment = {**os.environ, **({"CREDENTIALS_DIRECTORY": self.credentials} if credentials else {})}
        done = subprocess.run([peers.BINARY, *words], env=environment, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr


def the_service_reads_its_credentials():
    pager = peers.Pager()
    service = Service(pager.url).start()
    assert service.request("POST", "/webhook/am", peers.webhook(({"alertname": "Disk"}, "firing")))[0] == 202
    peers.wait_for("the page", pager.seen)
    assert json.loads(pager.seen()[0]["body"])["routing_key"] == "the-key"
    token = {"Authorization": "Bearer the-token"}
    assert service.request("POST", "/-/reload")[0] == 401
    service.write("credentials/admin", "the-next-token\n")
    assert service.request("POST", "/-/reload", headers=token)[0] == 200
    assert service.request("POST", "/-/reload", headers=token)[0] == 401
    assert service.request("POST", "/-/reload", headers={"Authorization": "Bearer the-next-token"})[0] == 200
    assert "the-" not in service.log_text()
    service.finish()


def a_check_outside_the_service_finds_no_fault():
    service = Service("http://127.0.0.1:1")
    rules, config = service.directory + "/rules.yaml", service.directory + "/tracepager.yaml"
    status, text = service.command("check", "--deny-warnings", rules)
    assert status == 0 and "1 credential was not looked at: duty;" in text and "CREDENTIALS_DIRECTORY" in text, text
    status, text = service.command("run", "--check", "-c", config)
    assert status == 0 and "3 credentials were not looked at: " in text and text.count("duty") == 1, text
    assert "not looked at" not in service.command("check", "--no-secrets", rules)[1]
    assert "not looked at" not in service.command("run", "--check", "-c", config, credentials=True)[1]
    permissions = json.loads(service.command("doctor", "-c", config, "--format", "json", "--only", "permissions")[1])["results"]
    assert [(r["level"], r["text"].split(",")[0]) for r in permissions] == [("skipped", "3 credentials were not looked at")], permissions
    # The service's own check does read them.
    os.unlink(service.credentials + "/keys_duty")
    status, text = service.command("check", rules, credentials=True)
    assert status == 1 and "E021" in text and service.credentials + "/duty" in text, text
    status, text = service.command("run", "--check", "-c", config, credentials=True)
    assert status == 1 and "E021" in text, text
    # The cure is not what was done already: it names the files that are missing, of rules and of options.
    os.unlink(service.credentials + "/admin")
    os.unlink(service.credentials + "/link")
    status, text = service.command("run", "--check", "-c", config, credentials=True)
    assert "C004" in text and "write credential:NAME" not in text, text
    for name in ("duty", "admin", "link"):
        assert f"neither {service.credentials}/{name} nor {service.credentials}/keys_{name} is there" in text, (name, text)
    service.finish()


def a_daemon_without_its_credentials_does_not_start():
    service = Service("http://127.0.0.1:1")
    status, text = service.command("run", "-c", service.directory + "/tracepager.yaml")
    assert status == 1 and text.count("CREDENTIALS_DIRECTORY is not set") == 2, text  # admin, link
    service.finish()


def imported_rules_are_for_the_group_of_their_directory():
    """As root any group will do; another user hands on one of its own."""
    with tempfile.TemporaryDirectory() as place:
        catalogue = os.path.join(place, "catalog.yaml")
        with open(catalogue, "w", encoding="utf-8") as f:
            f.write("apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: ledger}\nspec: {type: service, owner: sre}\n")
        group = 65534 if os.geteuid() == 0 else os.getegid()

        def imported(directory):
            target = os.path.join(place, directory, "catalog.yaml")
            subprocess.run([peers.BINARY, "import", "backstage", "-o", target, catalogue], capture_output=True, check=False)
            status = os.stat(target)
            return stat.S_IMODE(status.st_mode), status.st_gid

        for directory, mode in (("shared", 0o2750), ("own", 0o755)):
            os.mkdir(os.path.join(place, directory))
            shutil.chown(os.path.join(place, directory), group=group)
            os.chmod(os.path.join(place, directory), mode)
        assert imported("shared") == (0o640, group), imported("shared")
        assert imported("own")[0] == 0o600
        os.chmod(os.path.join(place, "own", "catalog.yaml"), 0o644)
        assert imported("own")[0] == 0o644  # a file that is there keeps what its owner gave it


peers.run(the_service_reads_its_credentials, a_check_outside_the_service_finds_no_fault, a_daemon_without_its_credentials_does_not_start,
          imported_rules_are_for_the_group_of_their_directory)
