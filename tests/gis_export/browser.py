"""Headless Chromium told what to do over its own pipe: no driver, no library."""

import base64
import itertools
import json
import os
import shutil
import subprocess
import time
from contextlib import contextmanager

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
OPTIONS = (
    "--headless", "--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--remote-debugging-pipe",
    "--disable-background-networking", "--disable-component-update", "--no-first-run", "--disable-sync",
    "--window-size=1200,800", "--hide-scrollbars",
)  # fmt: skip


class Page:
    """A tab. Commands and events: the Chrome DevTools Protocol."""

    def __init__(self, commands, answers):
        self._commands, self._answers = commands, answers
        self._number, self._buffer = itertools.count(1), b""
        target = self._send("Target.createTarget", {"url": "about:blank"})["targetId"]
        self._session = self._send("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
        self.requested = []
        self.send("Page.enable")
        self.send("Network.enable")
        self.send("Runtime.enable")
        self.said = []

    def send(self, method, **parameters):
        return self._send(method, parameters, sessionId=self._session)

    def _send(self, method, parameters, **more):
        number = next(self._number)
        message = {"id": number, "method": method, "params": parameters} | more
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]

    def _next(self):
        while b"\0" not in self._buffer:
            received = os.read(self._answers, 1 << 20)
            if not received:
                raise RuntimeError("Chromium ended.")
            self._buffer += received
        message, self._buffer = self._buffer.split(b"\0", 1)
        event = json.loads(message)
        if event.get("method") == "Network.requestWillBeSent":
            self.requested.append(event["params"]["request"]["url"])
        if event.get("method") in ("Runtime.consoleAPICalled", "Runtime.exceptionThrown"):
            self.said.append(json.dumps(event["params"])[:500])
        return event

    def open(self, url):
        self.send("Page.navigate", url=url)

    def evaluate(self, script):
        answer = self.send("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"])
        return answer["result"].get("value")

    def wait_for(self, script, seconds=180):
        deadline = time.monotonic() + seconds
        while not self.evaluate(script):
            if time.monotonic() > deadline:
                text = self.evaluate("document.documentElement.outerHTML.slice(0, 1500)")
                raise TimeoutError(f"{script} stayed false. Said: {self.said}. Asked: {self.requested}. {text}")
            time.sleep(0.1)

    def click(self, x, y):
        for kind in ("mousePressed", "mouseReleased"):
            self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def screenshot(self, path):
        path.write_bytes(base64.b64decode(self.send("Page.captureScreenshot", format="png")["data"]))


@contextmanager
def chromium(profile):
    """A page of a fresh browser, ended afterwards. profile: an empty folder."""
    to_read, commands = os.pipe()
    answers, to_write = os.pipe()

    def as_three_and_four():  # where Chromium looks for its pipes; the numbers may be in use by each other
        spare_read, spare_write = os.dup(to_read), os.dup(to_write)
        os.dup2(spare_read, 3)
        os.dup2(spare_write, 4)

    process = subprocess.Popen(
        [CHROMIUM, *OPTIONS, f"--user-data-dir={profile}"],
        preexec_fn=as_three_and_four,
        close_fds=False,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(to_read)
    os.close(to_write)
    try:
        yield Page(commands, answers)
    finally:
        process.terminate()
        process.wait(timeout=120)
        os.close(commands)
        os.close(answers)
