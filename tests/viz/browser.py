#!/usr/bin/python3
"""A headless Chromium, driven over the DevTools protocol's pipe with the standard library alone.

Picture of a page: browser.py FILE.html OUT.png [--width 1280] [--height 800] [--scale 1] [--dark] [--print] [--click SELECTOR]... [--top SELECTOR]
As printed: browser.py FILE.html OUT.pdf --pdf
"""
import argparse
import base64
import fcntl
import json
import os
import pathlib
import select
import shutil
import subprocess
import sys
import tempfile
import time

SECONDS = 20  # that an answer may take


class Browser:
    """Use with `with`: the process and its profile end there."""

    def __enter__(self):
        self.profile = tempfile.TemporaryDirectory(prefix="pillar browser ", ignore_cleanup_errors=True)
        command_read, self.commands = os.pipe()
        self.answers, answer_write = os.pipe()
        # Out of the way of 3 and 4, where Chromium expects them.
        high = [fcntl.fcntl(fd, fcntl.F_DUPFD, 20) for fd in (command_read, answer_write)]
        flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
                 "--disable-component-update", "--hide-scrollbars", "--force-color-profile=srgb", "--remote-debugging-pipe",
                 f"--user-data-dir={self.profile.name}", "about:blank"]
        self.process = subprocess.Popen(
            [shutil.which("chromium"), *flags], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, pass_fds=(3, 4),
            preexec_fn=lambda: (os.dup2(high[0], 3), os.dup2(high[1], 4)), env={**os.environ, "HOME": self.profile.name})
        for fd in (command_read, answer_write, *high):
            os.close(fd)
        self.buffer, self.last_id, self.events = b"", 0, []
        return self

    def __exit__(self, *unused):
        try:
            self.send("Browser.close", {}, None)
            self.process.wait(10)
        except (OSError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()
        os.close(self.commands)
        os.close(self.answers)
        self.profile.cleanup()

    def send(self, method, params, session):
        self.last_id += 1
        message = {"id": self.last_id, "method": method, "params": params, **({"sessionId": session} if session else {})}
        os.write(self.commands, json.dumps(message).encode() + b"\0")
        return self.last_id

    def receive(self, until):
        while b"\0" not in self.buffer:
            if not select.select([self.answers], [], [], max(0, until - time.monotonic()))[0]:
                raise TimeoutError("the browser does not answer")
            part = os.read(self.answers, 1 << 20)
            if not part:
                raise EOFError("the browser has ended")
            self.buffer += part
        text, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(text)

    def call(self, method, params=None, session=None):
        number, until = self.send(method, params or {}, session), time.monotonic() + SECONDS
        while True:
            message = self.receive(until)
            if message.get("id") == number:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']['message']}")
                return message["result"]
            self.events.append(message)


class Page:
    """A tab. `requests` and `problems` hold what it has loaded and what it has complained of since open()."""

    def __init__(self, browser, width=1280, height=800, scale=1, dark=False, print_media=False, script=True):
        self.browser = browser
        target = browser.call("Target.createTarget", {"url": "about:blank"})["targetId"]
        self.session = browser.call("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")
        self.call("Emulation.setDeviceMetricsOverride",
                  {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": False})
        self.call("Emulation.setEmulatedMedia", {
            "media": "print" if print_media else "screen",
            "features": [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]})
        self.call("Emulation.setScriptExecutionDisabled", {"value": not script})

    def call(self, method, params=None):
        return self.browser.call(method, params, self.session)

    def open(self, file, fragment=""):
        self.url = pathlib.Path(file).resolve().as_uri()
        self.browser.events.clear()
        self.call("Page.navigate", {"url": self.url + fragment})
        until = time.monotonic() + SECONDS
        while not any(event.get("method") == "Page.loadEventFired" for event in self.of_mine()):
            self.browser.events.append(self.browser.receive(until))

    def of_mine(self):
        return [event for event in self.browser.events if event.get("sessionId") == self.session]

    @property
    def requests(self):
        return [event["params"]["request"]["url"] for event in self.of_mine() if event["method"] == "Network.requestWillBeSent"]

    @property
    def problems(self):
        found = []
        for event in self.of_mine():
            params = event["params"]
            if event["method"] == "Runtime.exceptionThrown":
                found.append(params["exceptionDetails"].get("exception", {}).get("description", "exception"))
            if event["method"] == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
                found.append(str(params["args"]))
            if event["method"] == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
                found.append(params["entry"]["text"])
        return found

    def value(self, expression):
        answer = self.call("Runtime.evaluate", {"expression": expression, "returnByValue": True, "awaitPromise": True})
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"]["exception"]["description"])
        return answer["result"].get("value")

    def wait_for(self, expression):
        until = time.monotonic() + SECONDS
        while not self.value(expression):
            if time.monotonic() > until:
                raise TimeoutError(f"never true: {expression}")
            time.sleep(0.02)

    def click(self, selector):
        place = self.value(f"""(() => {{
            const element = document.querySelector({json.dumps(selector)});
            element.scrollIntoView({{ block: "center" }});
            const box = element.getBoundingClientRect();
            return [box.left + box.width / 2, box.top + box.height / 2];
        }})()""")
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent",
                      {"type": kind, "x": place[0], "y": place[1], "button": "left", "clickCount": 1})

    def press(self, key):
        """A named key, as a keyboard would: "Tab", "Enter", "ArrowRight"; or one character."""
        codes = {"Tab": 9, "Enter": 13, "End": 35, "Home": 36, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40}
        typed = {"Enter": "\r"}.get(key, key if len(key) == 1 else "")
        common = {"key": key, "code": key, "windowsVirtualKeyCode": codes.get(key, ord(key[0].upper()))}
        self.call("Input.dispatchKeyEvent", {"type": "keyDown" if typed else "rawKeyDown", "text": typed, **common})
        self.call("Input.dispatchKeyEvent", {"type": "keyUp", **common})

    def picture(self, whole=False):
        options = {"format": "png", "captureBeyondViewport": whole}
        return base64.b64decode(self.call("Page.captureScreenshot", options)["data"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file")
    parser.add_argument("out")
    parser.add_argument("--width", type=int, default=1280)
    parser.add_argument("--height", type=int, default=800)
    parser.add_argument("--scale", type=float, default=1)
    parser.add_argument("--dark", action="store_true")
    parser.add_argument("--print", action="store_true", dest="print_media")
    parser.add_argument("--click", action="append", default=[], help="a CSS selector; may be given again")
    parser.add_argument("--top", help="a CSS selector: scrolled to the top")
    parser.add_argument("--pdf", action="store_true", help="OUT is a PDF, as printed")
    a = parser.parse_args()
    with Browser() as browser:
        page = Page(browser, a.width, a.height, a.scale, a.dark, a.print_media)
        page.open(a.file)
        for selector in a.click:
            page.click(selector)
        page.value("scrollTo(0, 0)")
        if a.top:
            page.value(f"document.querySelector({json.dumps(a.top)}).scrollIntoView()")
        if a.pdf:
            data = base64.b64decode(page.call("Page.printToPDF", {"printBackground": False, "preferCSSPageSize": True})["data"])
        else:
            data = page.picture()
        pathlib.Path(a.out).write_bytes(data)
        for problem in page.problems:
            print(problem, file=sys.stderr)


if __name__ == "__main__":
    main()
