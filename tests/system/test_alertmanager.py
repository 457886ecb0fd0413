#!/usr/bin/env python3
"""Pages of kind alertmanager into a real Alertmanager (the package prometheus-alertmanager): fired, acknowledged, told again, resolved, as
its API shows them: one alert with one fingerprint all along, whose annotations change. Skipped where there is none."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.request

import crowds
import peers

peers.skip_unless_wanted()
PROGRAM = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
if not PROGRAM:
    print("skipped: prometheus-alertmanager is not installed")
    sys.exit(77)
CONFIG = "route: {receiver: nobody, group_wait: 1s}\nreceivers: [{name: nobody}]\n"
RULES = """teams: {{sre: {{escalation: sre}}}}
pagers: {{am: {{kind: alertmanager, url: "{url}"}}}}
escalations: {{sre: {{steps: [{{page: [am]}}]}}}}
fallback: {{team: sre}}
defaults: {{resolve_hold: 0s}}
"""
HOSTILE = "<!channel> {{ template \"x\" }} \u202e \x1b[31m \U0001f469\u200d\U0001f467 " + "x" * 100000


class Alertmanager:
    def __init__(self):
        self.directory = tempfile.TemporaryDirectory(prefix="tracepager-alertmanager-")
        self.port = peers.free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        config = os.path.join(self.directory.name, "alertmanager.yml")
        with open(config, "w", encoding="utf-8") as file:
            file.write(CONFIG)
        self.process = subprocess.Popen(
            [PROGRAM, f"--config.file={config}", f"--storage.path={self.directory.name}/data", f"--web.listen-address=127.0.0.1:{self.port}",
             "--cluster.listen-address="], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def alerts(self, query="active=true"):
        """All alerts that it has; those that have ended are not among them."""
        try:
            with urllib.request.urlopen(f"{self.url}/api/v2/alerts?{query}", timeout=peers.PATIENCE) as reply:
                return json.load(reply)
        except OSError:
            return None

    def close(self):
        self.process.terminate()
        self.process.wait()
        self.directory.cleanup()


def alert(name, status="firing"):
    body = json.loads(crowds.webhook({"alertname": name, "service": "shop", "severity": "critical", "pod": HOSTILE}, status))
    body["alerts"][0]["annotations"] = {"summary": HOSTILE, "description": HOSTILE}
    return json.dumps(body)


def one_alert_lives_and_ends():
    manager, daemon, sender = Alertmanager(), peers.Daemon(), None
    daemon.write("rules.yaml", RULES.format(url=manager.url))
    seen = []

    def has(what):
        """Waits until the one alert is so; its fingerprint and its labels stay."""
        def condition():
            alerts = manager.alerts()
            assert alerts is None or len(alerts) <= 1, alerts
            seen[:] = alerts or []
            return len(seen) == 1 and what(seen[0]["annotations"])
        return condition

    try:
        peers.wait_for("the Alertmanager", lambda: manager.alerts() is not None, 60)
        daemon.start()
        sender = crowds.Sender(daemon)
        sender.post(alert("A"))
        peers.wait_for("the alert", has(lambda notes: notes["summary"].startswith("[critical] A: <\u200b!channel>")), 60)
        fingerprint, labels = seen[0]["fingerprint"], seen[0]["labels"]
        assert set(labels) == {"alertname", "incident", "team"} and labels["team"] == "sre", labels
        (incident,) = json.loads(daemon.request("GET", "/api/v1/incidents")[1])["incidents"]
        assert labels["incident"] == incident["id"], (labels, incident["id"])
        for act, body in (("acknowledge", {"who": "ann"}), ("comment", {"who": "bob", "text": "a fan is broken"})):
            status, answer, _ = daemon.request("POST", f"/api/v1/incidents/{incident['id']}/{act}", json.dumps(body))
            assert status == 200, answer
            word = body.get("text", body["who"])
            peers.wait_for(act, has(lambda notes, word=word: word in notes.get("note", "") and notes["summary"].startswith("Update: ")), 90)
            assert (seen[0]["fingerprint"], seen[0]["labels"]) == (fingerprint, labels), seen
        assert seen[0]["annotations"]["acknowledged_by"].startswith("ann"), seen
        sender.post(alert("A", "resolved"))
        peers.wait_for("its end", lambda: manager.alerts() == [], 60)
        assert "rejected" not in daemon.log_text(), daemon.log_text()
    finally:
        if sender:
            sender.close()
        daemon.finish()
        manager.close()


peers.run(one_alert_lives_and_ends)
