#include "model/answer_all.h"

#include <utility>

#include "iteralign/error.h"

namespace iteralign {

std::vector<Generation> answer_all(Answerer& answerer, const std::vector<GenerateRequest>& requests, const OnGenerated& on_done,
                                   const std::function<bool()>& should_stop) {
  std::vector<Generation> generations(requests.size());
  std::size_t open = requests.size();
  std::vector<Answerer::Ticket> tickets;
  try {
    for (std::size_t i = 0; i < requests.size(); ++i) {
      const auto done = [&, i](Generation generation) {
        generations[i] = std::move(generation);
        --open;
        if (on_done) on_done(i, generations[i]);
      };
      tickets.push_back(answerer.submit(requests[i], {.on_done = done}));
    }
    while (open > 0) {
      if (should_stop && should_stop()) throw Error(ErrorKind::interrupted, "interrupted while generating");
      if (!answerer.step() && open > 0) throw Error(ErrorKind::failed, "some requests were dropped unanswered", "generating");
    }
  } catch (...) {
    for (const Answerer::Ticket ticket : tickets) answerer.cancel(ticket);
    throw;
  }
  return generations;
}

}  // namespace iteralign
