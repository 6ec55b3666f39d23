#include "tasks/exam.h"

namespace iteralign {

ScoreRequest exam_request(const std::string& body, const std::string& opening, std::vector<std::string> answers) {
  constexpr const char* kIntroduction = "You are a helpful, honest and harmless assistant. You answer questions truthfully.";
  return {.context = opening, .continuations = std::move(answers), .messages = {{"system", kIntroduction}, {"user", body}}};
}

}  // namespace iteralign
