#!/usr/bin/env python3
"""mlx serve under many clients at once: is anything lost, does memory grow, how fast is it?

    soak_serve.py PROGRAM MODEL [--clients 64] [--seconds 60] [--tokens 32]

Each client asks again and again, streamed and not, over connections that it keeps and that it
drops; one in ten goes away in the middle of its answer. What an answer says must be what the same
question was answered at first. Other options go to the server. Prints one JSON document; the
status is 1 where something was lost.
"""

import argparse
import http.client
import json
import random
import signal
import subprocess
import sys
import threading
import time

QUESTIONS = [f"Tell me about the number {i}." for i in range(8)]


class Soak:
    def __init__(self, port, model, tokens):
        self.port, self.model, self.tokens = port, model, tokens
        self.lock = threading.Lock()
        self.done, self.left, self.busy, self.lost = 0, 0, 0, []
        self.made, self.times, self.wanted = 0, [], {}

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=300)

    def body(self, question, stream):
        return json.dumps(
            {"model": self.model, "messages": [{"role": "user", "content": question}], "temperature": 0,
             "max_tokens": self.tokens, "stream": stream,
             **({"stream_options": {"include_usage": True}} if stream else {})}
        )  # fmt: skip

    def ask(self, connection, question, stream, leaves=False):
        """Status, text and number of tokens; None where the client has left."""
        connection.request("POST", "/v1/chat/completions", self.body(question, stream))
        answer = connection.getresponse()
        if leaves:
            answer.read(10)
            return None
        text = answer.read().decode()
        if answer.status != 200:
            return answer.status, text, 0
        if not stream:
            document = json.loads(text)
            return 200, document["choices"][0]["message"]["content"], document["usage"]["completion_tokens"]  # fmt: skip
        assert text.endswith("data: [DONE]\n\n"), text[-200:]
        chunks = [json.loads(line[6:]) for line in text.split("\n\n")[:-2]]
        said = "".join(c["choices"][0]["delta"].get("content", "") for c in chunks if c["choices"])
        return 200, said, chunks[-1]["usage"]["completion_tokens"]

    def learn(self):
        connection = self.connect()
        for question in QUESTIONS:
            self.wanted[question] = self.ask(connection, question, False)[1]
        connection.close()

    def note(self, question, found, seconds):
        with self.lock:
            if found is None:
                self.left += 1
            elif found[0] == 429:
                self.busy += 1
            elif found[0] != 200 or found[1] != self.wanted[question]:
                self.lost.append(f"{found[0]}: {found[1][:200]}")
            else:
                self.done += 1
                self.made += found[2]
                self.times.append(seconds)

    def client(self, number, end):
        draw, connection = random.Random(number), self.connect()
        while time.monotonic() < end:
            question, began = draw.choice(QUESTIONS), time.monotonic()
            stream = draw.random() < 0.5
            leaves = stream and draw.random() < 0.2
            try:
                found = self.ask(connection, question, stream, leaves)
            except (OSError, http.client.HTTPException, AssertionError, ValueError) as error:
                found = (0, repr(error), 0)
            self.note(question, found, time.monotonic() - began)
            if found and found[0] == 429:
                time.sleep(draw.random() * 0.2)
            if found is None or found[0] == 0 or draw.random() < 0.1:
                connection.close()
                connection = self.connect()
        connection.close()

    def run(self, clients, seconds):
        end = time.monotonic() + seconds
        threads = [threading.Thread(target=self.client, args=(i, end)) for i in range(clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def resident(pid):
    with open(f"/proc/{pid}/statm") as f:
        return int(f.read().split()[1]) * 4096


def share(times, part):
    return sorted(times)[int(part * (len(times) - 1))] if times else None


def start(program, model, clients, options=()):
    process = subprocess.Popen(
        [program, "serve", model, "--port", "0", "--json", "--queue", str(4 * clients),
         "--connections", str(4 * clients), *options],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    text = ""
    while not text.endswith("}\n"):
        line = process.stdout.readline()
        assert line, "the server has not started"
        text += line
    return process, json.loads(text)


def soak(program, model, clients, seconds, tokens, options=()):
    process, about = start(program, model, clients, options)
    try:
        s = Soak(about["port"], about["models"][0], tokens)
        s.learn()
        s.run(clients, seconds / 4)  # what is made once is made: threads, caches
        warm, began = resident(process.pid), time.monotonic()
        s.done = s.made = s.left = s.busy = 0
        s.run(clients, seconds)
        took, after = time.monotonic() - began, resident(process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        status = process.wait(120)
    return {
        "clients": clients, "seconds": round(took, 1), "answers": s.done, "left": s.left,
        "refused": s.busy, "lost": s.lost[:5], "lost_count": len(s.lost),
        "answers_per_second": round(s.done / took, 1), "tokens_per_second": round(s.made / took, 1),
        "median_seconds": share(s.times, 0.5), "p99_seconds": share(s.times, 0.99),
        "resident_before": warm, "resident_after": after, "status": status,
    }  # fmt: skip


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("model")
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--tokens", type=int, default=32)
    a, options = parser.parse_known_args()
    found = soak(a.program, a.model, a.clients, a.seconds, a.tokens, options)
    print(json.dumps(found, indent=2))
    return 1 if found["lost_count"] or found["status"] else 0


if __name__ == "__main__":
    sys.exit(main())
