// Requests that come and go while others are answered.
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <mutex>
#include <thread>

#include "engine/generation_fixture.h"
#include "iteralign/error.h"
#include "model/answer_all.h"

namespace iteralign {
namespace {

using Answering = GenerationTest;

void step_to_the_end(Answerer& answerer) {
  while (answerer.step()) continue;
}

TEST_F(Answering, ThreadsSubmitWhileOneSteps) {
  const auto model = open(4);
  const auto requests = mixed_requests(24);
  const auto expected = answer_all(*model, requests);
  std::map<std::size_t, std::vector<std::int32_t>> answers;  // only the stepping thread writes
  std::atomic<int> submitting = 3;
  std::vector<std::thread> threads;
  for (std::size_t first = 0; first < 3; ++first) {
    threads.emplace_back([&, first] {
      for (std::size_t i = first; i < requests.size(); i += 3) {
        model->submit(requests[i], {.on_done = [&, i](const Generation& answer) { answers[i] = answer.tokens; }});
        std::this_thread::yield();
      }
      --submitting;
    });
  }
  while (submitting > 0 || answers.size() < requests.size()) model->step();
  for (std::thread& thread : threads) thread.join();
  ASSERT_EQ(answers.size(), requests.size());
  for (std::size_t i = 0; i < requests.size(); ++i) EXPECT_EQ(answers[i], expected[i].tokens) << i;
  EXPECT_FALSE(model->step());
}

TEST_F(Answering, ALaterAndLongerRequestChangesNoBitsOfThoseInFlight) {
  const auto model = open(3);
  const std::vector<GenerateRequest> requests = {raw("abc", {.max_new_tokens = 20}),
                                                 raw("a much longer prompt than that", {.max_new_tokens = 20}),
                                                 raw(std::string(300, 'x'), {.max_new_tokens = 60, .temperature = 1.0}, 5)};
  const auto expected = answer_all(*open(3), requests);
  std::vector<Generation> answers(requests.size());
  const auto submit = [&](std::size_t i) {
    model->submit(requests[i], {.on_done = [&, i](Generation answer) { answers[i] = std::move(answer); }});
  };
  submit(0);
  for (int i = 0; i < 5; ++i) model->step();
  submit(1);
  for (int i = 0; i < 5; ++i) model->step();
  submit(2);  // the cache grows under the other two
  step_to_the_end(*model);
  for (std::size_t i = 0; i < requests.size(); ++i) EXPECT_EQ(answers[i].tokens, expected[i].tokens) << i;
}

TEST_F(Answering, ACancelledRequestMakesRoomAndTheOthersAreAnsweredAsBefore) {
  const auto model = open(2);
  const auto requests = mixed_requests(6);
  const auto expected = answer_all(*model, requests);
  for (const std::size_t given_up : {0, 3, 5}) {
    std::map<std::size_t, std::vector<std::int32_t>> answers;
    std::vector<Answerer::Ticket> tickets;
    for (std::size_t i = 0; i < requests.size(); ++i)
      tickets.push_back(model->submit(requests[i], {.on_done = [&, i](const Generation& answer) { answers[i] = answer.tokens; }}));
    if (given_up == 0) model->step();  // it is being answered
    model->cancel(tickets[given_up]);
    step_to_the_end(*model);
    EXPECT_FALSE(answers.contains(given_up));
    EXPECT_EQ(answers.size(), requests.size() - 1);
    for (const auto& [i, tokens] : answers) EXPECT_EQ(tokens, expected[i].tokens) << i;
    model->cancel(tickets[given_up]);  // nothing happens
    model->cancel(12345);
  }
}

TEST_F(Answering, ASlotThatIsGivenUpIsUsedAtOnce) {
  const auto model = open(1);
  int answered = 0;
  const auto first = model->submit(raw("abc", {.max_new_tokens = 60, .temperature = 1.0}, 3), {});  // it goes on to its limit
  model->submit(raw("def", {.max_new_tokens = 1}), {.on_done = [&](const Generation&) { ++answered; }});
  for (int i = 0; i < 3; ++i) model->step();
  EXPECT_EQ(answered, 0);
  model->cancel(first);
  EXPECT_FALSE(model->step());
  EXPECT_EQ(answered, 1);
}

// Every byte is a token here, and most are halves of characters.
TEST_F(Answering, PiecesOfTextJoinedAreTheText) {
  const auto model = open(5);
  std::vector<GenerateRequest> requests;
  for (std::uint64_t seed = 0; seed < 20; ++seed) requests.push_back(raw("abc", {.max_new_tokens = 40, .temperature = 1.5}, seed));
  const auto whole = answer_all(*model, requests);
  for (std::size_t i = 0; i < requests.size(); i += 2)  // stop strings that come about, of whole characters
    for (std::size_t at = 8; at + 2 < whole[i].text.size() && requests[i].sampling.stop.empty(); ++at)
      if (whole[i].text[at] > 0 && whole[i].text[at + 1] > 0) requests[i].sampling.stop = {"never said", whole[i].text.substr(at, 2)};
  const auto expected = answer_all(*model, requests);
  std::vector<std::string> joined(requests.size());
  std::vector<Generation> answers(requests.size());
  std::size_t pieces = 0;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const auto on_text = [&, i](std::string_view piece) {
      EXPECT_NO_THROW(Json(std::string(piece)).dump()) << "whole characters";
      EXPECT_TRUE(answers[i].tokens.empty()) << "nothing behind the end";
      joined[i] += piece;
      ++pieces;
    };
    model->submit(requests[i], {.on_text = on_text, .on_done = [&, i](Generation answer) { answers[i] = std::move(answer); }});
  }
  step_to_the_end(*model);
  std::size_t stopped = 0;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    EXPECT_EQ(joined[i], answers[i].text);
    EXPECT_EQ(answers[i].text, expected[i].text);
    EXPECT_EQ(answers[i].finish_reason, expected[i].finish_reason);
    stopped += answers[i].finish_reason == FinishReason::stop ? 1 : 0;
  }
  EXPECT_GT(stopped, 5u);
  EXPECT_LT(stopped, requests.size());
  EXPECT_GT(pieces, 5 * requests.size());
}

TEST_F(Answering, WhatACallbackThrowsHarmsNobodyElse) {
  const auto model = open(3);
  const auto requests = mixed_requests(3);
  const auto expected = answer_all(*model, requests);
  std::map<std::size_t, std::vector<std::int32_t>> answers;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    model->submit(requests[i], {.on_done = [&, i](const Generation& answer) {
                    if (i == 1) throw Error(ErrorKind::failed, "the disk is full");
                    answers[i] = answer.tokens;
                  }});
  }
  int failures = 0;
  for (bool more = true; more;) {
    try {
      more = model->step();
    } catch (const Error& error) {
      EXPECT_EQ(error.text(), "the disk is full");
      ++failures;
    }
  }
  EXPECT_EQ(failures, 1);
  EXPECT_EQ(answers.size(), 2u);
  for (const auto& [i, tokens] : answers) EXPECT_EQ(tokens, expected[i].tokens) << i;
}

TEST_F(Answering, ACallbackMaySubmitTheNext) {
  const auto model = open(2);
  FinishReason last = FinishReason::too_long;
  model->submit(raw("abc", {.max_new_tokens = 4}), {.on_done = [&](const Generation& first) {
                  model->submit(raw(first.text, {.max_new_tokens = 4}),
                                {.on_done = [&](const Generation& second) { last = second.finish_reason; }});
                }});
  step_to_the_end(*model);
  EXPECT_EQ(last, FinishReason::length);
}

TEST_F(Answering, ARequestThatCannotBeAnsweredIsRefusedWhenItIsSubmitted) {
  const auto model = open();
  EXPECT_THROW(model->submit(raw("abc", {.max_new_tokens = 0}), {}), Error);
  EXPECT_THROW(model->submit(raw("abc", {.top_p = 2}), {}), Error);
  EXPECT_FALSE(model->step());
}

}  // namespace
}  // namespace iteralign
