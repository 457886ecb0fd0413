#!/usr/bin/env python3
"""Pagers of kind email through the real daemon into a real mail server: Exim of the Debian package exim4-daemon-light, run as nobody on
ports of loopback with a configuration and a spool of its own, STARTTLS, TLS from the start, and a login. What arrives is read with
Python's email package."""
import email
import email.policy
import json
import os
import pwd
import re
import shutil
import subprocess
import tempfile

import crowds
import peers

peers.skip_unless_wanted()
EXIM = shutil.which("exim4", path=os.environ.get("PATH", "") + ":/usr/sbin")
if not EXIM or not shutil.which("openssl"):
    print("skipped: exim4 or openssl is not installed")
    raise SystemExit(77)
SECRET = "s3cret-of-the-mail"
CONFIG = """
primary_hostname = mail.example.com
spool_directory = {dir}/spool
log_file_path = {dir}/log/%s
pid_file_path = {dir}/exim.pid
exim_user = {user}
exim_group = {group}
deliver_drop_privilege = true
never_users =
local_interfaces = 127.0.0.1
daemon_smtp_ports = {port} : {tls_port}
tls_on_connect_ports = {tls_port}
tls_advertise_hosts = *
tls_certificate = {dir}/cert.pem
tls_privatekey = {dir}/key.pem
acl_smtp_rcpt = rcpt
host_lookup =
rfc1413_hosts =
keep_environment =
begin acl
rcpt:
  defer condition = ${{if exists{{{dir}/defer}}}}
        message = 4.7.1 come back later
  deny  local_parts = gone
        message = 5.1.1 no such mailbox
  accept authenticated = *
  deny  message = 5.7.1 who are you?
begin routers
all:
  driver = accept
  transport = box
begin transports
box:
  driver = appendfile
  directory = {dir}/mail
  maildir_format
  no_check_owner
  user = {user}
  group = {group}
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${{if and{{{{eq{{$auth2}}{{ops}}}}{{eq{{$auth3}}{{{secret}}}}}}}}}
  server_advertise_condition = ${{if def:tls_in_cipher}}
"""


class Exim:
    def __init__(self):
        self.dir, self.port, self.tls_port, self.child = tempfile.mkdtemp(prefix="tracepager-mail-"), peers.free_port(), peers.free_port(), None
        # Exim gives up its rights for a configuration of others: as the user of the test, or nobody where that is root.
        self.uid = os.getuid() or pwd.getpwnam("nobody").pw_uid
        self.gid = os.getgid() or pwd.getpwnam("nobody").pw_gid
        os.chmod(self.dir, 0o755)
        for name in ("spool", "log", "mail"):
            os.mkdir(os.path.join(self.dir, name))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "key.pem",
                        "-out", "cert.pem", "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
                       cwd=self.dir, check=True, capture_output=True)
        with open(os.path.join(self.dir, "exim.conf"), "w", encoding="utf-8") as file:
            file.write(CONFIG.format(dir=self.dir, port=self.port, tls_port=self.tls_port, user=self.uid, group=self.gid, secret=SECRET))
        for path, _, names in os.walk(self.dir):
            for name in ["."] + names:
                if os.getuid() == 0:
                    os.chown(os.path.join(path, name), self.uid, self.gid)
        self.start()

    def start(self):
        rights = {"user": self.uid, "group": self.gid, "extra_groups": []} if os.getuid() == 0 else {}
        self.child = subprocess.Popen([EXIM, "-C", os.path.join(self.dir, "exim.conf"), "-bdf"], stdout=subprocess.DEVNULL,
                                      stderr=subprocess.DEVNULL, **rights)
        peers.wait_for("the mail server", lambda: "daemon started" in self.log() or self.child.poll() is not None)
        assert self.child.poll() is None, self.log()

    def kill(self):
        self.child.kill()
        self.child.wait()
        os.unlink(os.path.join(self.dir, "log", "main"))

    def finish(self):
        self.child.terminate()
        self.child.wait(peers.PATIENCE)
        # A child that stores a mail may still write.
        peers.wait_for("an empty queue", lambda: not any(files for _, _, files in os.walk(os.path.join(self.dir, "spool", "input"))))
        shutil.rmtree(self.dir, ignore_errors=True)

    def flag(self, name, is_up):
        path = os.path.join(self.dir, name)
        open(path, "w", encoding="utf-8").close() if is_up else os.unlink(path)

    def log(self):
        try:
            with open(os.path.join(self.dir, "log", "main"), encoding="utf-8", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def mails(self):
        """By their subjects."""
        box, found = os.path.join(self.dir, "mail", "new"), {}
        for name in os.listdir(box) if os.path.isdir(box) else []:
            with open(os.path.join(box, name), "rb") as file:
                mail = email.message_from_binary_file(file, policy=email.policy.default)
            assert mail["Subject"] not in found, mail["Subject"]
            found[mail["Subject"]] = mail
        return found


RULES = """teams: {{{{sre: {{{{escalation: sre}}}}}}}}
pagers:
  it: {{{{kind: email, url: "{url}", from: "Träger <tp@example.com>", to: "{to}", user: ops, password_file: {key}{more}}}}}
  other: {{{{kind: webhook, url: "{{pager}}/other"}}}}
escalations: {{{{sre: {{{{steps: [{{{{page: [it]}}}}]}}}}}}}}
fallback: {{{{team: sre}}}}
defaults: {{{{resolve_hold: 0s}}}}
"""
HOSTILE = "<script>alert(1)</script> \r\nBcc: eve@example.com\r\n\r\n.\r\n {{7*7}} \u202e@channel größe " + "ü" * 3000


class World:
    """A daemon, a mail server, and an alert's sender."""

    def __init__(self, to="ann@example.com", password=SECRET, trusted=True, scheme="smtp"):
        self.exim = Exim()
        self.other = peers.Peer(lambda request: (200, {}, b""))
        self.daemon = peers.Daemon(self.other.url)
        self.daemon.write("mail.key", password + "\n")
        os.chmod(os.path.join(self.daemon.directory, "mail.key"), 0o600)
        url = f"{scheme}://127.0.0.1:{self.exim.port if scheme == 'smtp' else self.exim.tls_port}"
        more = ", tls: required" + (f", ca_file: {self.exim.dir}/cert.pem" if trusted else "")
        self.daemon.write("rules.yaml", RULES.format(url=url, to=to, key=os.path.join(self.daemon.directory, "mail.key"), more=more)
                          .format(pager=self.other.url))

    def __enter__(self):
        return self

    def __exit__(self, *error):
        try:
            if self.daemon.child:
                assert SECRET not in self.daemon.log_text(), self.daemon.log_text()
        finally:
            self.daemon.finish()
            self.exim.finish()

    def start(self):
        self.daemon.start()
        return self

    def post(self, instance, status="firing", summary="orders fail"):
        labels = {"alertname": "A", "service": "shop", "severity": "critical", "instance": instance}
        body = json.loads(crowds.webhook(labels, status))
        body["alerts"][0]["annotations"] = {"summary": summary}
        sender = crowds.Sender(self.daemon)
        sender.post(json.dumps(body))
        sender.close()

    def wait_for_log(self, pattern):
        peers.wait_for(f"{pattern} in the log", lambda: re.search(pattern, self.daemon.log_text()))

    def wait_for_mail(self, start, patience=peers.PATIENCE):
        """The mail whose subject begins so."""
        def arrived():
            return [mail for subject, mail in self.exim.mails().items() if subject.startswith(start)]

        return peers.wait_for(f"a mail {start}", arrived, patience)[0]


def is_sound(mail):
    """As a reader takes it: no defects, both forms, nothing of a stranger's in the headers."""
    text, html = mail.iter_parts()
    for part in (mail, text, html):
        assert not part.defects, part.defects
        assert not any(header.defects for header in part.values() if hasattr(header, "defects")), list(part.items())
    assert (text.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    assert set(mail.keys()) <= {"Received", "Date", "From", "To", "Subject", "Message-ID", "In-Reply-To", "References", "Auto-Submitted",
                                "X-Auto-Response-Suppress", "Importance", "X-Priority", "X-Tracepager-Incident", "X-Tracepager-Event",
                                "X-Tracepager-Severity", "MIME-Version", "Content-Type"}, mail.keys()
    assert mail["Auto-Submitted"] == "auto-generated" and len(mail["Subject"]) <= 120 and mail["From"] == "Träger <tp@example.com>"
    assert max(len(line) for line in mail.as_bytes().splitlines()) <= 998
    words = html.get_content()
    assert not re.search(r"<(script|img|link|style|iframe|form)|\ssrc=|javascript:|url\(", words), words
    assert mail["X-Tracepager-Incident"] in words and mail["X-Tracepager-Incident"] in text.get_content()
    return text.get_content(), words


def an_incident_is_one_thread():
    with World() as world:
        world.start()
        world.post("a", summary=HOSTILE)
        first = world.wait_for_mail("[critical] ")
        # The server's certificate, shown after STARTTLS, lasts for two days.
        world.wait_for_log(rf'msg="a peer\'s certificate ends soon" peer=127\.0\.0\.1:{world.exim.port} ')
        text, html = is_sound(first)
        assert "größe" in text and "größe" in html and "&lt;script&gt;" in html, html
        incident = first["X-Tracepager-Incident"]
        world.post("b")
        world.wait_for_mail("Update: ", 2 * peers.PATIENCE)
        status, answer, _ = world.daemon.request("POST", f"/api/v1/incidents/{incident}/acknowledge", '{"who": "ann"}',
                                                 {"Content-Type": "application/json"})
        assert status == 200, answer
        world.wait_for_mail("Acknowledged: ")
        world.post("a", "resolved")
        world.post("b", "resolved")
        world.wait_for_mail("Resolved: ")
        mails = world.exim.mails()
        assert len({mail["Message-ID"] for mail in mails.values()}) == len(mails) >= 4, mails.keys()
        for subject, mail in mails.items():
            is_sound(mail)
            assert mail["X-Tracepager-Incident"] == incident
            thread = None if mail is mails[first["Subject"]] else first["Message-ID"]
            assert mail["In-Reply-To"] == mail["References"] == thread, (subject, mail["References"])
        assert re.search(r"<= tp@example.com .* P=esmtpsa ", world.exim.log()), world.exim.log()


def a_server_that_defers_gets_it_later():
    with World() as world:
        world.exim.flag("defer", True)
        world.start()
        world.post("a")
        world.wait_for_log("page not delivered; retrying.*SMTP 451: 4.7.1 come back later")
        assert not world.exim.mails()
        world.exim.flag("defer", False)
        world.wait_for_mail("[critical] ")


def a_mailbox_that_is_gone_rejects():
    with World(to="gone@example.com") as world:
        world.start()
        world.post("a")
        world.wait_for_log("page rejected.*SMTP 550: 5.1.1 no such mailbox")


def one_of_two_mailboxes_is_gone():
    with World(to="gone@example.com, Ann <ann@example.com>") as world:
        world.start()
        world.post("a")
        world.wait_for_mail("[critical] ")
        world.wait_for_log("page delivered in part.*refused for gone@example.com: 550 5.1.1 no such mailbox")


def a_wrong_password_rejects():
    with World(password="wr0ng") as world:
        world.start()
        world.post("a")
        world.wait_for_log("page rejected.*SMTP 535: .*check user and password")
        assert "wr0ng" not in world.daemon.log_text()
        assert not world.exim.mails()


def a_server_that_was_down_gets_it():
    with World() as world:
        world.exim.kill()
        world.start()
        world.post("a")
        world.wait_for_log("page not delivered; retrying.*connection refused by 127.0.0.1")
        world.exim.start()
        world.wait_for_mail("[critical] ")


def a_daemon_that_is_killed_sends_it_again():
    with World() as world:
        world.exim.flag("defer", True)
        world.start()
        world.post("a")
        world.wait_for_log("page not delivered; retrying")
        world.daemon.kill()
        world.exim.flag("defer", False)
        world.daemon.start()
        is_sound(world.wait_for_mail("[critical] "))


def a_certificate_that_is_not_trusted_gets_nothing():
    with World(trusted=False) as world:
        world.start()
        world.post("a")
        world.wait_for_log("page not delivered; retrying.*the certificate of 127.0.0.1:[0-9]+ is not trusted.*ca_file")
        assert not world.exim.mails() and "A=plain" not in world.exim.log()


def a_test_mail_is_shown(scheme):
    with World(scheme=scheme) as world:
        done = subprocess.run([peers.BINARY, "send", "--rules", os.path.join(world.daemon.directory, "rules.yaml"), "--pager", "it"],
                              capture_output=True, text=True, timeout=peers.PATIENCE, check=False)
        shown = done.stdout + done.stderr
        assert done.returncode == 0, shown
        for words in (f"> {scheme}://127.0.0.1:", ", TLS, as ops\n", "> MAIL FROM:<tp@example.com>\n", "> RCPT TO:<ann@example.com>\n",
                      "> Subject: [info] TEST: tracepager reaches pager it\n", "< SMTP 250, after ", "delivered: pager it took it\n"):
            assert words in shown, shown
        assert SECRET not in shown, shown
        is_sound(world.wait_for_mail("[info] TEST"))
        is_sound(world.wait_for_mail("Resolved: TEST"))


def a_test_mail_by_starttls_is_shown():
    a_test_mail_is_shown("smtp")


def a_test_mail_by_smtps_is_shown():
    a_test_mail_is_shown("smtps")


peers.run(an_incident_is_one_thread, a_server_that_defers_gets_it_later, a_mailbox_that_is_gone_rejects, one_of_two_mailboxes_is_gone,
          a_wrong_password_rejects, a_server_that_was_down_gets_it, a_daemon_that_is_killed_sends_it_again,
          a_certificate_that_is_not_trusted_gets_nothing, a_test_mail_by_starttls_is_shown, a_test_mail_by_smtps_is_shown, at_once=2)
