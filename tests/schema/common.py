"""What the tests of the rules' language share: where things are, and every example that we ship."""
import os
import re
import subprocess
import sys

TOP = os.environ.get("top_srcdir", os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
BUILD = os.environ.get("top_builddir", TOP)
sys.path.insert(0, os.path.join(TOP, "rules"))


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def manual_section(manual, title):
    return re.search(r"^\.Sh " + title + r"\n(.*?)(?=^\.Sh |\Z)", manual, flags=re.M | re.S).group(1)


def manual_examples(manual):
    """The files in the manual's section EXAMPLES."""
    found = re.findall(r"^\.Bd -literal\n(.*?)^\.Ed$", manual_section(manual, "EXAMPLES"), flags=re.M | re.S)
    return [text.replace("\\e", "\\").replace("\\&", "") for text in found]


def example_files():
    top = os.path.join(TOP, "rules", "examples")
    names = [os.path.join(folder, name) for folder, _, names in os.walk(top) for name in names]
    return sorted(name for name in names if name.endswith(".yaml") and not name.endswith("_test.yaml"))


def check(path):
    """What is wrong with a file or directory of rules, as tracepager tells it; "": nothing."""
    done = subprocess.run([os.path.join(BUILD, "tracepager"), "check", "--no-secrets", path], capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr + f"exit status {done.returncode}"
