"""A headless Chromium, driven by the DevTools protocol over a pipe: pages with their width, their colours and with or without scripts."""
import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

import peers

BINARY = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
KEYS = {"Enter": (13, "\r"), "Escape": (27, ""), "Tab": (9, ""), "/": (191, "/")}
# Root needs the first; the others keep it from asking anybody on the network, and from its own windows.
FLAGS = ["--no-sandbox", "--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--no-default-browser-check",
         "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions", "--mute-audio",
         "--hide-scrollbars", "--remote-debugging-pipe"]


def starts():
    """Does it show an empty page? Some machines keep it from its processes or from its memory."""
    with tempfile.TemporaryDirectory() as directory:
        flags = [flag for flag in FLAGS if flag != "--remote-debugging-pipe"]
        try:
            done = subprocess.run([BINARY, *flags, f"--user-data-dir={directory}", "--dump-dom", "about:blank"], capture_output=True,
                                  timeout=peers.PATIENCE, check=False)
        except subprocess.TimeoutExpired:
            return False
    return done.returncode == 0 and b"<html>" in done.stdout


class Chromium:
    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix="tracepager-chromium-")
        theirs_in, self.ours_out = os.pipe()
        self.ours_in, theirs_out = os.pipe()
        # Chromium reads commands from descriptor 3, and writes answers to 4. A shell moves them there.
        low = [os.dup(fd) for fd in (theirs_in, theirs_out)]
        self.log = open(os.path.join(self.directory, "log"), "wb")
        self.child = subprocess.Popen(
            ["python3", "-c", "import os, sys\na, b = (os.dup(int(fd)) for fd in sys.argv[1:3])\nos.dup2(a, 3); os.dup2(b, 4)\n"
             "os.set_inheritable(3, True); os.set_inheritable(4, True)\nos.execv(sys.argv[3], sys.argv[3:])",
             *map(str, low), BINARY, *FLAGS, f"--user-data-dir={self.directory}/profile", "about:blank"],
            pass_fds=low, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        for fd in (theirs_in, theirs_out, *low):
            os.close(fd)
        self.n, self.read, self.replies, self.tabs = 0, b"", {}, {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.send("Browser.close")
        except (AssertionError, OSError):
            self.child.kill()
        self.child.wait()
        self.log.close()
        os.close(self.ours_in)
        os.close(self.ours_out)
        shutil.rmtree(self.directory, ignore_errors=True)

    def pump(self, patience):
        """Reads what has come: replies are kept, events go to their tab."""
        if not select.select([self.ours_in], [], [], patience)[0]:
            return
        more = os.read(self.ours_in, 1 << 20)
        assert more, "Chromium has ended"
        self.read += more
        *whole, self.read = self.read.split(b"\0")
        for text in whole:
            message = json.loads(text)
            if "id" in message:
                self.replies[message["id"]] = message
            elif message.get("sessionId") in self.tabs:
                self.tabs[message["sessionId"]].hear(message["method"], message["params"])

    def send(self, method, session=None, **parameters):
        self.n += 1
        n, end = self.n, time.monotonic() + peers.PATIENCE
        message = {"id": n, "method": method, "params": parameters, **({"sessionId": session} if session else {})}
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self.ours_out, data[:60000]):]
        while n not in self.replies:
            assert time.monotonic() < end, f"no answer to {method}"
            self.pump(1)
        reply = self.replies.pop(n)
        assert "error" not in reply, (method, reply["error"])
        return reply["result"]

    def wait_for(self, what, condition):
        end = time.monotonic() + peers.PATIENCE
        while not (result := condition()):
            assert time.monotonic() < end, f"never came: {what}"
            self.pump(0.05)
        return result

    def tab(self, base, width=1440, dark=False, script=True):
        return Tab(self, base, width, dark, script)


class Tab:
    """Keeps what a reader of the console would see. script False: the page's own scripts do not run; value() does."""

    def __init__(self, chromium, base, width, dark, script):
        self.chromium, self.base, self.problems, self.loads = chromium, base, [], 0
        self.context = chromium.send("Target.createBrowserContext")["browserContextId"]
        self.target = chromium.send("Target.createTarget", url="about:blank", browserContextId=self.context)["targetId"]
        self.session = chromium.send("Target.attachToTarget", targetId=self.target, flatten=True)["sessionId"]
        chromium.tabs[self.session] = self
        for domain in ("Page", "Runtime", "Log", "Audits"):
            self.send(domain + ".enable")
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=900 if width > 800 else 844, deviceScaleFactor=1,
                  mobile=width < 800)
        self.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        self.send("Emulation.setScriptExecutionDisabled", value=not script)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        del self.chromium.tabs[self.session]
        self.chromium.send("Target.disposeBrowserContext", browserContextId=self.context)

    def send(self, method, **parameters):
        return self.chromium.send(method, self.session, **parameters)

    def hear(self, method, event):
        if method == "Page.loadEventFired":
            self.loads += 1
        elif method == "Runtime.exceptionThrown":
            self.problems.append(event["exceptionDetails"].get("exception", {}).get("description") or event["exceptionDetails"]["text"])
        elif method == "Runtime.consoleAPICalled" and event["type"] in ("error", "warning", "assert"):
            self.problems.append(f"console.{event['type']}: {event['args']}")
        elif method == "Log.entryAdded" and event["entry"]["level"] in ("error", "warning"):
            self.problems.append(f"{event['entry']['source']}: {event['entry']['text']} {event['entry'].get('url', '')}")
        elif method == "Audits.issueAdded" and event["issue"]["code"] in ("ContentSecurityPolicyIssue", "MixedContentIssue", "CookieIssue"):
            self.problems.append(json.dumps(event["issue"])[:1000])
        elif method == "Page.javascriptDialogOpening":
            self.problems.append("a dialog: " + event["message"])
            self.chromium.n += 1
            os.write(self.chromium.ours_out, json.dumps({"id": self.chromium.n, "method": "Page.handleJavaScriptDialog", "sessionId":
                                                         self.session, "params": {"accept": False}}).encode() + b"\0")

    def loaded(self, act):
        """Does something that loads a page, and waits for it."""
        before = self.loads
        act()
        self.chromium.wait_for("the page", lambda: self.loads > before)

    def open(self, path):
        self.loaded(lambda: self.send("Page.navigate", url=self.base + path))

    def value(self, expression):
        result = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, (expression, result["exceptionDetails"])
        return result["result"].get("value")

    def text(self, selector="body"):
        return self.value(f"document.querySelector({json.dumps(selector)})?.innerText ?? ''")

    def path(self):
        return self.value("location.pathname + location.search + location.hash")

    def wait_for(self, expression):
        return self.chromium.wait_for(expression, lambda: self.value(expression))

    def click(self, selector, loads=True):
        """With the mouse, in the middle of what a reader sees."""
        box = self.value(f"(() => {{ const one = document.querySelector({json.dumps(selector)}); if (!one) return null; "
                         "one.scrollIntoView({block: 'center', behavior: 'instant'}); const box = one.getClientRects()[0]; "
                         "if (!box) return null; const x = box.x + box.width / 2, y = box.y + box.height / 2; "
                         "const top = document.elementFromPoint(x, y); return {x, y, hit: one.contains(top) || one === top, "
                         "over: top?.outerHTML.slice(0, 200)} })()")
        assert box, f"{selector} is not on {self.path()}: {self.text()[:2000]}"
        assert box["hit"], f"{selector} on {self.path()} is covered by {box['over']}"

        def press():
            for kind in ("mousePressed", "mouseReleased"):
                self.send("Input.dispatchMouseEvent", type=kind, x=box["x"], y=box["y"], button="left", clickCount=1)
        if loads:
            self.loaded(press)
        else:
            press()

    def type(self, selector, text):
        self.value(f"document.querySelector({json.dumps(selector)}).focus()")
        self.send("Input.insertText", text=text)

    def press(self, key):
        code, text = KEYS.get(key) or (ord(key.upper()), key)
        for kind in ("keyDown", "keyUp"):
            self.send("Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code, **({"text": text} if text and kind == "keyDown" else {}))

    def screenshot(self, path):
        size = self.send("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], 4000), "scale": 1}
        with open(path, "wb") as f:
            f.write(base64.b64decode(self.send("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)["data"]))
