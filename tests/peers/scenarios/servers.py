"""What servers do around a reply: status codes, headers, limits, connections, fields that they refuse."""

from .server import READ, Outcome, Scenario, ends, error, says

SCENARIOS = [
    Scenario("plain", lambda asked: says(asked.verdict()), READ),
    Scenario("busy_every_other_time", lambda asked: error(503, "busy") if asked.number % 2 else says(asked.verdict()), READ,
             ["oracle.concurrency=1"]),
    Scenario("key_refused", lambda asked: error(401, "no such key"), ends("the key is not accepted")),
    Scenario("model_unknown", lambda asked: error(404, "no such model"), ends("no such address or model")),
]
