"""A page in headless Chromium, through its DevTools protocol over a pipe
(https://chromedevtools.github.io/devtools-protocol/)."""

import contextlib
import json
import os
import select
import shutil
import subprocess
import time

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
SECONDS = 120  # for one answer, on a busy machine


class Page:
    def __init__(self, to, out):
        self.to, self.out, self.rest, self.last = to, out, b"", 0
        self.session, self.requests, self.errors = None, [], []

    def _read(self):
        while b"\0" not in self.rest:
            assert select.select([self.out], [], [], SECONDS)[0], "the browser does not answer"
            part = os.read(self.out, 1 << 20)
            assert part, "the browser has ended"
            self.rest += part
        line, self.rest = self.rest.split(b"\0", 1)
        return json.loads(line)

    def _note(self, message):
        if message.get("method") == "Network.requestWillBeSent":
            self.requests.append(message["params"]["request"]["url"])
        if message.get("method") in ("Runtime.exceptionThrown", "Log.entryAdded"):
            self.errors.append(json.dumps(message["params"]))

    def call(self, method, **params):
        self.last += 1
        message = {"id": self.last, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == self.last:
                assert "error" not in answer, answer
                return answer["result"]
            self._note(answer)

    def run(self, script):
        """The value of an expression, awaited."""
        found = self.call("Runtime.evaluate", expression=script, awaitPromise=True,
                          returnByValue=True)  # fmt: skip
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def wait(self, script):
        end = time.monotonic() + SECONDS
        while not self.run(script):
            assert time.monotonic() < end, script
            time.sleep(0.02)

    def key(self, name, code, text="", modifiers=0):
        for kind in "keyDown", "keyUp":
            self.call("Input.dispatchKeyEvent", type=kind, key=name, code=name, modifiers=modifiers,
                      windowsVirtualKeyCode=code, text=text if kind == "keyDown" else "")  # fmt: skip

    def type(self, text):
        self.call("Input.insertText", text=text)


@contextlib.contextmanager
def opened(url, folder):
    inside, to = os.pipe()
    out, outside = os.pipe()

    def place():  # the browser reads 3 and writes 4
        os.dup2(inside, 100)
        os.dup2(outside, 101)
        os.dup2(100, 3)
        os.dup2(101, 4)

    process = subprocess.Popen(
        [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe",
         f"--user-data-dir={folder}/chrome", "--window-size=1000,800", "about:blank"],
        preexec_fn=place, close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(inside)
    os.close(outside)
    try:
        page = Page(to, out)
        target = page.call("Target.createTarget", url="about:blank")["targetId"]
        page.session = page.call("Target.attachToTarget", targetId=target, flatten=True)[
            "sessionId"
        ]
        for domain in "Network", "Runtime", "Log", "Page", "Accessibility":
            page.call(f"{domain}.enable")
        page.call("Page.navigate", url=url)
        page.wait("document.readyState == 'complete' && document.documentElement.dataset.ready")
        yield page
    finally:
        process.terminate()
        process.wait(60)
        os.close(to)
        os.close(out)
