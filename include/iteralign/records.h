#pragma once
// The records of a run: what is asked, answered, judged, proposed, revised and trained on.
// Plain values; the run store keeps them, the stages make them, the reports show them.

#include <cstdint>
#include <string>
#include <vector>

namespace iteralign {

struct Message {
  std::string role;  // "system", "user" or "assistant"
  std::string content;
  bool operator==(const Message&) const = default;
};
using Messages = std::vector<Message>;

// A red-team, benign or look-alike prompt.
struct Prompt {
  std::string id;        // 16 hexadecimal digits of a hash of the messages: the same text has the same id everywhere
  Messages messages;     // ends with a user turn
  std::string category;  // as the file gives it; may be empty
  std::string source;    // file name and record, "advbench.csv:17"
  bool operator==(const Prompt&) const = default;
};

// Why a prompt is answered. Together with the iteration and the prompt it names a response.
// replay and replay_lookalike: the base model's own answers to benign prompts, trained on so that it does not learn to refuse everything.
// twin and replay_twin: harmless near neighbours of held-out prompts, measured, and of red-team prompts, for replay (stages/twins.h).
// begun_replay: replay prompts that the base model refused, asked again with the answer begun.
// validation...: by these an epoch is chosen; gate...: by these new weights are accepted. None is trained on or in another set.
enum class Purpose {
  red_team,
  heldout,
  benign,
  lookalike,
  replay,
  replay_lookalike,
  begun_replay,
  validation,
  validation_benign,
  validation_lookalike,
  gate,
  gate_benign,
  gate_lookalike,
  twin,
  replay_twin,
};

struct Response {
  int iteration = 0;  // 0: the base model before any training
  Purpose purpose = Purpose::red_team;
  std::string prompt_id;
  std::string text;
  std::string finish_reason;  // "stop" or "length"
  int prompt_tokens = 0;
  int completion_tokens = 0;
};

// `negative` is what alignment wants less of: harmful help for a red-team prompt, a refusal for a benign one.
// What was not judged is never counted as positive.
enum class Label { negative, positive, unjudged };

// Why a verdict is `unjudged`.
enum class UnjudgedReason { none, degenerate, refused, filtered, unparsable, truncated, failed, undecided };

struct Verdict {
  Label label = Label::unjudged;
  UnjudgedReason reason = UnjudgedReason::none;  // none unless unjudged
  std::string rationale;                         // the oracle's words, or what went wrong
};

struct Principle {
  std::string id;                     // "P1", "P2", ... in the order of discovery
  std::string text;                   // one imperative sentence
  std::string area;                   // harm area; may be empty
  int iteration = 0;                  // when it was discovered
  std::vector<std::string> evidence;  // ids of the prompts whose negative responses it came from
  bool operator==(const Principle&) const = default;
};

// Ordered by discovery; `version` counts the iterations that changed it.
struct Constitution {
  int version = 0;
  std::vector<Principle> principles;
};

// One self-corrected answer: the base model with the constitution in context.
struct Revision {
  int iteration = 0;
  std::string prompt_id;
  int attempt = 0;  // 0, 1, ... each with another seed, scaffold and temperature
  std::string text;
  std::string finish_reason;
  std::string scaffold;                 // name of the few-shot scaffold; empty when none
  std::vector<std::string> principles;  // ids of those in context
  std::string rejected;  // why it is not trained on: "negative", "unjudged", "degenerate", "echo", "leak", "length"; empty = kept
  Verdict verdict;       // unjudged/none when a filter rejected it before it was judged
};

enum class PairKind { revision, benign, lookalike, twin };

// One example for supervised fine-tuning: no constitution, no scaffold.
struct SftPair {
  int iteration = 0;
  PairKind kind = PairKind::revision;
  std::string prompt_id;
  Messages messages;  // the prompt
  std::string completion;
  bool complete = true;  // false: cut by a length limit, so no end of turn is learnt from it
  std::string rejected;  // kind revision: the response that it replaces (preference data); else empty
};

// A rate with its Wilson 95 % interval; unjudged cases are counted apart and are not in n.
struct Rate {
  int n = 0;
  int count = 0;
  int unjudged = 0;
  double rate = 0.0;
  double low = 0.0, high = 0.0;
};

// Evaluation of one set of weights; iteration 0 is the base model.
struct Evaluation {
  int iteration = 0;
  Rate heldout;    // negative verdicts on held-out red-team prompts
  Rate benign;     // refusals of ordinary benign prompts
  Rate lookalike;  // refusals of harmless prompts that look harmful
  Rate twin;       // refusals of harmless near neighbours of the held-out prompts
};

struct TrainSummary {
  int steps = 0;
  double loss_first = 0.0, loss_last = 0.0;
  std::int64_t tokens = 0;  // tokens that went through the model
  double seconds = 0.0;
};

struct IterationSummary {
  int iteration = 0;
  int prompts = 0, negative = 0, positive = 0, unjudged = 0;
  int principles_new = 0, revised = 0, sft_pairs = 0;  // revised: kept revisions; sft_pairs: those and the replay
  TrainSummary train;
  bool accepted = true;
  int attempts = 1;    // trainings that the gate saw
  int epoch = 0;       // whose weights were kept; 0: the last, without choice
  std::string reason;  // why it was not accepted, or which attempts were not
  Evaluation evaluation;
};

// Names used in files, tables and reports; parse_* abort on a name that we did not write.
const char* name(Purpose);
const char* name(Label);
const char* name(UnjudgedReason);
const char* name(PairKind);
Purpose parse_purpose(const std::string&);
Label parse_label(const std::string&);
UnjudgedReason parse_unjudged_reason(const std::string&);
PairKind parse_pair_kind(const std::string&);

// The id of a prompt with these messages.
std::string prompt_id(const Messages& messages);

// Wilson score interval, 95 % (Wilson 1927; z = 1.959964). n = 0 gives [0, 1].
Rate wilson_rate(int count, int n, int unjudged = 0);

}  // namespace iteralign
