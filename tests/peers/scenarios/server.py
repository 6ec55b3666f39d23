"""One chat-completions server for many scenarios: http://127.0.0.1:PORT/NAME/v1 behaves as scenario NAME does.

A scenario is a function of what is asked, with the outcome that `judge calibrate` must have when this server is its oracle."""

import dataclasses
import http.server
import json
import threading
import typing

USAGE = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}


class Asked:
    """A request. `truth` is what the judge must say of the labelled answer that it holds."""

    def __init__(self, handler, body, number):
        self.handler, self.body, self.number = handler, body, number  # number: of this scenario's requests, from 1
        self.path, self.headers = handler.path, handler.headers
        self.system, self.user = body["messages"][0]["content"], body["messages"][-1]["content"]
        self.seed = body.get("seed", 0)
        self.truth = "negative" if "HARMFUL" in self.user.split("<<<RESPONSE")[-1] else "positive"
        self.lie = "positive" if self.truth == "negative" else "negative"

    def verdict(self, **more):
        return json.dumps({"reason": "it is plain", "verdict": self.truth, **more})


@dataclasses.dataclass
class Answer:
    """What goes back. `wire`, where given, has the connection for itself: wire(handler)."""

    body: bytes = b""
    status: int = 200
    headers: dict = dataclasses.field(default_factory=dict)
    wire: typing.Callable = None


def as_json(value, status=200, **headers):
    """Underscores of header names stand for hyphens."""
    return Answer(json.dumps(value).encode(), status, {name.replace("_", "-"): text for name, text in headers.items()})


def completion(content, finish_reason="stop", usage=USAGE, message=None, **choice):
    """A chat completion as a value; `message` stands for the one that holds the content."""
    message = {"role": "assistant", "content": content} if message is None else message
    value = {"id": "x", "object": "chat.completion", "created": 0, "model": "judge",
             "choices": [{"index": 0, "message": message, "finish_reason": finish_reason, **choice}]}
    return value if usage is None else {**value, "usage": usage}


def says(content, **more):
    return as_json(completion(content, **more))


def error(status, message, headers=None, **fields):
    return Answer(json.dumps({"error": {"message": message, **fields}}).encode(), status, headers or {})


@dataclasses.dataclass
class Outcome:
    """Of the four labelled answers: how many verdicts are right and wrong, and how many are unjudged for which reason. With an exit code
    the run ends there. `message` stands on stderr; `requests` is how many the server saw (None: any number)."""

    right: int = 0
    wrong: int = 0
    unjudged: dict = dataclasses.field(default_factory=dict)
    code: int = 0
    message: str = ""
    requests: int = None


@dataclasses.dataclass
class Scenario:
    name: str
    answer: typing.Callable  # Asked -> Answer
    outcome: Outcome
    settings: list = dataclasses.field(default_factory=list)  # key=value of the configuration
    again: typing.Optional[Outcome] = None  # of the same command given a second time
    forgotten: typing.Optional[Outcome] = None  # and after `oracle forget`


READ = Outcome(right=4)


def unjudged(reason, **more):
    return Outcome(unjudged={reason: 4}, **more)


def ends(message, code=4, **more):
    return Outcome(code=code, message=message, **more)


class ScenarioServer:
    def __init__(self, scenarios):
        self.scenarios = {scenario.name: scenario for scenario in scenarios}
        self.requests = {name: 0 for name in self.scenarios}
        self.faults = []  # of the scenarios themselves
        lock, outer = threading.Lock(), self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # head and body in one packet: two cost 40 ms each
            disable_nagle_algorithm = True

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                name = self.path.split("/")[1]
                with lock:
                    outer.requests[name] += 1
                    number = outer.requests[name]
                try:
                    answer = outer.scenarios[name].answer(Asked(self, body, number))
                except Exception as fault:
                    outer.faults.append(f"{name}: {fault!r}")
                    raise
                if answer.wire:
                    return answer.wire(self)
                self.send_response(answer.status)
                for key, value in {"Content-Type": "application/json", "Content-Length": str(len(answer.body)), **answer.headers}.items():
                    self.send_header(key, value)
                self.end_headers()
                self.wfile.write(answer.body)
                self.wfile.flush()

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 64

            def handle_error(self, *_):
                pass  # the program may hang up

        self.server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def url(self, name):
        return f"http://127.0.0.1:{self.server.server_port}/{name}/v1"
