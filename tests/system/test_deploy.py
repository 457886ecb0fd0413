#!/usr/bin/env python3
"""What is deployed: the rules and options of the Debian package, the container and the Kubernetes example load; the example's parts fit
together; the units are valid and shut in."""
import json
import os
import re
import shutil
import stat
import subprocess
import tempfile

import yaml

import peers

peers.skip_unless_wanted()
CONTRIB = os.path.join(peers.TOP, "contrib")
EXPOSURE_MOST = 1.5


def read(*names):
    with open(os.path.join(CONTRIB, *names), encoding="utf-8") as f:
        return f.read()


def tracepager(*words, **environment):
    done = subprocess.run([peers.BINARY, *words], env={**os.environ, **environment}, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def check_options(place, text):
    """run --check finds no error, with an address and a store of the test's own."""
    text = re.sub(r"^listen:.*$", lambda m: f"listen: {'127.0.0.1' if '127.0.0.1' in m.group() else ''}:{peers.free_port()}", text, flags=re.M)
    text = re.sub(r"^store:.*$", f"store: {{path: {place}/tracepager.db}}", text, flags=re.M)
    text = re.sub(r"^rules:.*$", f"rules: {place}/rules.yaml", text, flags=re.M)
    with open(f"{place}/tracepager.yaml", "w", encoding="utf-8") as f:
        f.write(text)
    status, told = tracepager("run", "--check", "-c", f"{place}/tracepager.yaml")
    assert status == 0, told


def rules_and_options_load():
    kinds = {}
    for part in yaml.safe_load_all(read("kubernetes", "tracepager.yaml")):
        kinds[part["kind"], part["metadata"]["name"]] = part
    rules = kinds["ConfigMap", "tracepager-rules"]["data"]["rules.yaml"]
    options = kinds["ConfigMap", "tracepager-options"]["data"]["tracepager.yaml"]
    for some_rules, some_options in ((rules, options), (read("debian", "tracepager.examplerules"), read("docker", "tracepager.yaml"))):
        with tempfile.TemporaryDirectory() as place:
            with open(f"{place}/rules.yaml", "w", encoding="utf-8") as f:
                f.write(some_rules)
            status, told = tracepager("check", "--deny-warnings", f"{place}/rules.yaml")
            assert status == 0, told
            check_options(place, some_options)


def the_example_ships_no_secret():
    """Whoever applies it unchanged has no key that others know; what makes the keys stands in its comment and in the documentation."""
    text = read("kubernetes", "tracepager.yaml")
    parts = {part["kind"]: part for part in yaml.safe_load_all(text)}
    assert "Secret" not in parts and "CHANGE-ME" not in text
    names = set(re.findall(r"^[^#\n]*credential:([\w-]+)", text, re.M))
    secret = next(volume["secret"]["secretName"] for volume in parts["StatefulSet"]["spec"]["template"]["spec"]["volumes"] if "secret" in volume)
    for words in (text, read("docs", "install.md")):
        made = re.search(rf"kubectl -n tracepager create secret generic {secret}((?: --from-file=\w+)+)\n", words).group(1)
        assert names == set(re.findall(r"--from-file=(\w+)", made)), (names, made)


def the_parts_of_the_example_fit():
    parts = {part["kind"]: part for part in yaml.safe_load_all(read("kubernetes", "tracepager.yaml")) if part["kind"] != "ConfigMap"}
    options = next(part["data"] for part in yaml.safe_load_all(read("kubernetes", "tracepager.yaml"))
                   if part["metadata"]["name"] == "tracepager-options")
    pod = parts["StatefulSet"]["spec"]["template"]["spec"]
    container = pod["containers"][0]
    labels = parts["StatefulSet"]["spec"]["template"]["metadata"]["labels"]
    for selector in (parts["StatefulSet"]["spec"]["selector"]["matchLabels"], parts["Service"]["spec"]["selector"],
                     parts["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"]):
        assert selector.items() <= labels.items()
    assert parts["StatefulSet"]["spec"]["replicas"] == 1
    options = yaml.safe_load(options["tracepager.yaml"])
    port = int(options["listen"].rsplit(":", 1)[1])
    assert container["ports"][0]["containerPort"] == port == parts["Service"]["spec"]["ports"][0]["port"]
    assert [container[probe]["httpGet"]["path"] for probe in ("livenessProbe", "readinessProbe")] == ["/-/healthy", "/-/ready"]
    mounts = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
    assert set(mounts.values()) == {volume["name"] for volume in pod["volumes"]} | {"store"}
    assert os.path.dirname(options["store"]["path"]) in mounts and options["rules"] in mounts
    assert os.path.dirname(container["args"][-1]) in mounts
    docker = read("docker", "Dockerfile")
    assert f"ENV CREDENTIALS_DIRECTORY={next(path for path, name in mounts.items() if name == 'keys')}" in docker
    assert f"USER {pod['securityContext']['runAsUser']}:{pod['securityContext']['runAsGroup']}" in docker
    assert pod["securityContext"]["runAsNonRoot"] and container["securityContext"]["readOnlyRootFilesystem"]
    drain = container["lifecycle"]["preStop"]["exec"]["command"]
    assert drain[:2] == ["/usr/bin/tracepager", "drain"] and os.path.dirname(drain[-1]) in mounts


def the_port_of_the_container_is_served():
    """What the documentation publishes is what the options listen on, beyond the container's loopback, with the keys that it tells to make."""
    docker, text = read("docker", "Dockerfile"), read("docker", "tracepager.yaml")
    options = yaml.safe_load(text)
    host, _, port = options["listen"].rpartition(":")
    assert host in ("", "0.0.0.0", "[::]") and re.search(rf"^EXPOSE {port}$", docker, re.M)
    names = set(re.findall(r"credential:([\w-]+)", text))
    assert options["admin_token_file"].removeprefix("credential:") in names and all("bearer_file" in s for s in options["senders"].values())
    place = re.search(r"^ENV CREDENTIALS_DIRECTORY=(\S+)$", docker, re.M).group(1)
    for words in (docker, read("docs", "install.md").partition("\n## Container\n")[2].partition("\n## ")[0]):
        run = re.search(r"docker run (?:.*\\\n)*.*", words).group()
        assert f" -p 127.0.0.1:{port}:{port} " in run and re.search(rf"keys\"?:{place}:ro", run), run
        assert names == set(re.search(r"for key in ([\w ]+);.* keys/\$key; done", words).group(1).split())


def the_health_check_tells_a_daemon_from_none():
    """The Dockerfile's, on this daemon's port."""
    if not os.path.exists("/usr/bin/bash"):
        print("skipped: no bash")
        return
    check = json.loads(re.search(r"^HEALTHCHECK .* CMD (\[.*\])$", read("docker", "Dockerfile"), re.M).group(1))
    daemon = peers.Daemon().start()
    command = [word.replace("/9480 ", f"/{daemon.port} ") for word in check]
    assert command != check
    assert subprocess.run(command, check=False).returncode == 0
    daemon.stop()
    assert subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode != 0
    daemon.child = None
    daemon.finish()


def the_units_are_valid_and_shut_in():
    if not shutil.which("systemd-analyze"):
        print("skipped: no systemd-analyze")
        return
    with tempfile.TemporaryDirectory() as place:
        for name in ("tracepager.service", "tracepager.socket"):
            text = read("systemd", name).replace("/usr/local/bin/tracepager", peers.BINARY)
            with open(f"{place}/{name}", "w", encoding="utf-8") as f:
                f.write(re.sub(r"^Documentation=.*\n", "", text, flags=re.M))
        done = subprocess.run(["systemd-analyze", "verify", f"{place}/tracepager.service", f"{place}/tracepager.socket"], capture_output=True,
                              text=True, check=False)
        told = [line for line in (done.stdout + done.stderr).splitlines() if "tracepager" in line]
        assert not told, told
        done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager", f"{place}/tracepager.service"],
                              capture_output=True, text=True, check=False)
        if "offline" in done.stderr:  # systemd 250 has it
            print("skipped: this systemd-analyze has no --offline")
            return
        exposure = float(re.search(r"exposure level.*: ([\d.]+)", done.stdout).group(1))
        assert exposure <= EXPOSURE_MOST, done.stdout


def scripts_can_be_run():
    for name in ("debian/build", "debian/rules", "debian/tests/smoke", "docker/build", "scripts/dist-reproducible", "scripts/package-trial"):
        assert os.stat(os.path.join(CONTRIB, name)).st_mode & stat.S_IXUSR, name


peers.run(rules_and_options_load, the_example_ships_no_secret, the_parts_of_the_example_fit, the_port_of_the_container_is_served,
          the_health_check_tells_a_daemon_from_none, the_units_are_valid_and_shut_in, scripts_can_be_run)
