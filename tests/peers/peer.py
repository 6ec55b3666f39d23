"""Helpers of the peer tests: the program, scratch folders, skipping, a test server in the OpenAI protocol."""

import hashlib
import http.server
import json
import os
import pathlib
import subprocess
import sys
import threading

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("ITERALIGN", str(ROOT / "build/dev/iteralign"))


def data(path):
    """A published file, or a folder of them: beside the project, or what `tools/fetch tests` brought."""
    beside, fetched = ROOT.parent / "shared" / "data" / path, ROOT / "data" / "fetched" / "tests" / path
    return fetched if fetched.exists() and not beside.exists() else beside


def skip(reason):
    print("skipped:", reason)
    sys.exit(77)


def run(*args, code=0, **kwargs):
    """Runs the program; returns stdout. `code` is the exit code that is expected."""
    done = subprocess.run([PROGRAM, *map(str, args)], capture_output=True, text=True, cwd=ROOT, **kwargs)
    if done.returncode != code:
        sys.exit(f"iteralign {' '.join(map(str, args))} ended with {done.returncode}, not {code}:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    return done.stdout


def refused(*args, code, says, **kwargs):
    """The program must end with this code and a message that holds every text of `says`."""
    done = subprocess.run([PROGRAM, *map(str, args)], capture_output=True, text=True, cwd=ROOT, **kwargs)
    for text in [says] if isinstance(says, str) else says:
        if done.returncode != code or text not in done.stderr:
            sys.exit(f"iteralign {' '.join(map(str, args))}: code {done.returncode} (not {code}), or '{text}' is not in:\n{done.stderr[-4000:]}")


class OracleServer:
    """A chat-completions server whose answers come from a function of the request; keeps every body that it saw."""

    def __init__(self, answer):
        self.bodies = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.bodies.append(body)
                content = answer(body)
                reply = json.dumps({
                    "id": "x", "object": "chat.completion", "created": 0, "model": body["model"],
                    "choices": [{"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": "stop"}],
                    "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(reply)))
                self.end_headers()
                self.wfile.write(reply)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"


class SplitMix64:
    """src/core/random.h"""

    def __init__(self, seed):
        self.state = seed

    def next(self):
        self.state = (self.state + 0x9E3779B97F4A7C15) % 2**64
        z = self.state
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB % 2**64
        return z ^ (z >> 31)

    def shuffle(self, items):
        for i in range(len(items), 1, -1):
            j = self.next() % i
            items[i - 1], items[j] = items[j], items[i - 1]


def digest(value):
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
