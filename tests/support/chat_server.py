#!/usr/bin/env python3
"""A language model's server for tests: OpenAI's POST /v1/chat/completions on this machine, answering by rule, with faults on a seeded plan.

Usage: chat_server.py PORT_FILE [--seed S] [--faults NAME,NAME,...] [--share F] [--hang S] [--key K]

The rule: Yes where the last word of the question stands in the report, a word that "maybe" precedes is Uncertain, else No. Texts are
given back as they are. PORT_FILE appears when the server listens. GET /stats says how many answers were given, how many of them to a
request that had been answered before, and how many faults there were.
"""
import argparse
import hashlib
import json
import os
import re
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# Faults after which the same request is sent again, and answers that are odd in themselves.
FAULTS = ("429", "500", "503", "hang", "drip", "closed", "truncated", "content_type", "huge", "redirect", "empty", "think", "refusal")
HUGE = 20 << 20


def between(text, begin, end):
    start = text.find(begin)
    if start < 0:
        return ""
    stop = text.find(end, start + len(begin))
    return text[start + len(begin):stop if stop >= 0 else None].strip("\n")


def words(text):
    return re.findall(r"\w+", text.lower())


def verdict(report, question, tri_state):
    wanted, found = words(question)[-1], words(report)
    if wanted not in found:
        return "No", ""
    maybe = found.index(wanted) > 0 and found[found.index(wanted) - 1] == "maybe"
    at = report.lower().index(wanted)
    quote = report[at:at + len(wanted)]
    return ("Uncertain" if maybe and tri_state else "No" if maybe else "Yes"), quote


def one_answer(report, question, tri_state):
    said, quote = verdict(report, question, tri_state)
    return {"answer": said, "quote": quote} if tri_state else said


def answer(request):
    """The content that the rule gives to a request."""
    prompt = request["messages"][-1]["content"]
    report = between(prompt, "REPORT\n", "\nEND OF REPORT")
    tri_state = '"quote"' in prompt
    if "response_format" in request:
        asked = re.findall(r"^(\d+)\. (.*)$", prompt.split("END OF REPORT", 1)[1], re.M)
        return json.dumps({number: one_answer(report, question, tri_state) for number, question in asked})
    if "\nQuestion: " in prompt:
        said = one_answer(report, between(prompt, "\nQuestion: ", "\n"), tri_state)
        return json.dumps(said) if tri_state else said
    return report or between(prompt, "FINDINGS\n", "\nEND OF FINDINGS")


def logprobs(content):
    sure = {"Yes": -0.1, "No": -0.1}.get(content, -3.0)
    other = "No" if content == "Yes" else "Yes"
    top = [{"token": content, "logprob": sure}, {"token": other, "logprob": -2.5}, {"token": "Hm", "logprob": -4.0}]
    return {"content": [{"token": content, "logprob": sure, "top_logprobs": top}]}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def log_message(self, *_):
        pass

    def reply(self, status, body, headers=(), content_type="application/json"):
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.reply(200, json.dumps(self.server.stats).encode())

    def fault_of(self, digest):
        """The fault for this request at this time; a request has one at most, so that it is answered in the end."""
        plan = self.server.plan
        with self.server.lock:
            times = self.server.seen.get(digest, 0)
            self.server.seen[digest] = times + 1
        draw = hashlib.sha256(f"{plan.seed}/{digest}".encode()).digest()
        if times > 0 or not plan.faults or draw[0] >= plan.share * 256:
            return ""
        return plan.faults[draw[1] % len(plan.faults)]

    def do_POST(self):
        text = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        plan = self.server.plan
        if plan.key and self.headers.get("Authorization") != f"Bearer {plan.key}":
            return self.reply(401, json.dumps({"error": {"message": f"wrong key {self.headers.get('Authorization')}"}}).encode())
        if self.path != "/v1/chat/completions":
            return self.reply(404, b'{"error": {"message": "no such path"}}')
        digest = hashlib.sha256(text).hexdigest()
        fault = self.fault_of(digest)
        if fault:
            with self.server.lock:
                self.server.stats["faults"][fault] = self.server.stats["faults"].get(fault, 0) + 1
        if fault and self.inject(fault, text):
            return None
        request = json.loads(text)
        content = answer(request)
        if fault == "empty":
            content = ""
        elif fault == "refusal" and "Question" in request["messages"][-1]["content"]:  # of a text it would be the text
            content = "I cannot help with medical questions."
        elif fault == "think":
            content = f"<think>Yes or No, that is the question.</think>\n\n**{content}**" if len(content) < 4 else f"<think>Hm.</think>{content}"
        choice = {"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": "stop"}
        if request.get("logprobs"):
            choice["logprobs"] = logprobs(content)
        body = {"object": "chat.completion", "choices": [choice], "usage": {"prompt_tokens": len(text) // 4, "completion_tokens": 2}}
        with self.server.lock:
            self.server.stats["answered"] += 1
            self.server.stats["again"] += digest in self.server.answered
            self.server.answered.add(digest)
        return self.reply(200, json.dumps(body).encode())

    def inject(self, fault, text):
        """Answers with the fault. Returns False for those that only change the content of an answer."""
        secret = text.decode("utf-8", "replace")[-2000:]  # servers do repeat what they were asked
        if fault == "429":
            self.reply(429, json.dumps({"error": {"message": secret}}).encode(), [("Retry-After", "0")])
        elif fault in ("500", "503"):
            self.reply(int(fault), json.dumps({"error": {"message": secret, "code": "overloaded"}}).encode())
        elif fault == "hang":
            time.sleep(self.server.plan.hang)
            self.close_connection = True
        elif fault == "drip":
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            try:
                for _ in range(int(self.server.plan.hang * 20)):
                    self.wfile.write(b" ")
                    self.wfile.flush()
                    time.sleep(0.05)
            except OSError:
                pass
            self.close_connection = True
        elif fault == "closed":
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b'{"choices": [{"mess')
            self.close_connection = True
        elif fault == "truncated":
            self.reply(200, b'{"choices": [{"message": {"content": "Ye')
        elif fault == "content_type":
            self.reply(200, b"<html>Welcome to the proxy</html>", content_type="text/html")
        elif fault == "huge":
            self.send_response(200)
            self.send_header("Content-Length", str(HUGE))
            self.end_headers()
            try:
                for _ in range(HUGE >> 16):
                    self.wfile.write(b" " * (1 << 16))
            except OSError:
                pass
            self.close_connection = True
        elif fault == "redirect":
            self.reply(302, b"", [("Location", "http://127.0.0.1:1/")])
        else:
            return False
        return True


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("port_file")
    parser.add_argument("--seed", default="0")
    parser.add_argument("--faults", default="")
    parser.add_argument("--share", type=float, default=0.2)
    parser.add_argument("--hang", type=float, default=2)
    parser.add_argument("--key", default="")
    plan = parser.parse_args()
    plan.faults = [name for name in (FAULTS if plan.faults == "all" else plan.faults.split(",")) if name]
    unknown = set(plan.faults) - set(FAULTS)
    if unknown:
        sys.exit(f"no such fault: {unknown}")
    ThreadingHTTPServer.request_queue_size = 256
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.plan, server.lock, server.seen, server.answered = plan, threading.Lock(), {}, set()
    server.stats = {"answered": 0, "again": 0, "faults": {}}
    with open(plan.port_file + ".new", "w") as out:
        out.write(str(server.server_address[1]))
    os.rename(plan.port_file + ".new", plan.port_file)
    server.serve_forever()


main()
