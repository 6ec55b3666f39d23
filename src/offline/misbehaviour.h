#pragma once
// How a loopback server can be told to misbehave, for tests of what must survive it.

#include <cstdint>
#include <string>
#include <vector>

namespace iteralign {

struct Misbehaviour {
  double rate = 0;                 // share of requests that meet a fault
  std::vector<std::string> kinds;  // of fault_kinds(); empty: all but no_schema
  double wrong_verdict_rate = 0;   // share of verdicts that are turned around; the same question always gets the same answer
  std::uint64_t seed = 0;
  double slow_s = 2;  // of "slow"
};

// http_429 http_500        an error reply, the first with Retry-After
// drop                     the connection ends inside the reply
// slow                     the reply comes after slow_s
// garbage                  a page that is no JSON
// truncated_json           a reply that ends in the middle
// refusal filtered length  the model declines, a filter stops it, the length limit cuts it
// nonsense                 a well-formed reply that does not answer the question
// wrong_verdict            the verdict is turned around
// no_schema                not by chance: every request with a response_format is refused
const std::vector<std::string>& fault_kinds();
// Throws Error usage naming the unknown kind and the nearest known one, or a rate outside [0, 1].
void check_misbehaviour(const Misbehaviour& misbehaviour);

// The fault that this request meets; empty: none. Depends on the seed, the body and how often the body was asked before, so that a
// retry may succeed and a second run meets the same.
std::string fault_of(const Misbehaviour& misbehaviour, std::uint64_t body_hash, int asked_before);
bool turns_verdict(const Misbehaviour& misbehaviour, std::uint64_t body_hash);

// {"verdict":"positive"} <-> {"verdict":"negative"}, {"refused":"yes"} <-> {"refused":"no"}; other answers stay as they are.
std::string turned_verdict(const std::string& answer);

}  // namespace iteralign
