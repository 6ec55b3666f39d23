#include "offline/loopback_server.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>

#include "asking/fence.h"
#include "core/files.h"
#include "core/json.h"
#include "iteralign/error.h"
#include "offline/embedded_oracle.h"
#include "oracle/openai_oracle.h"
#include "temporary_folder.h"

namespace iteralign {
namespace {

std::string echo(const Messages& messages, const std::string& schema_name) { return schema_name + ":" + messages.back().content; }
std::string positive(const Messages&, const std::string&) { return R"({"reason":"r","verdict":"positive"})"; }

OracleOptions client(const std::string& base_url) {
  OracleOptions options;
  options.base_url = base_url;
  options.model = "m";
  options.api_key_env = "";
  options.retry_base_s = 0.001;
  return options;
}

OracleRequest request(const std::string& text) {
  OracleRequest made;
  made.messages = {{"system", "s"}, {"user", text}};
  made.schema_name = "verdict";
  made.schema = R"({"type":"object"})";
  return made;
}

LoopbackOptions misbehaving(std::vector<std::string> kinds, double rate = 1.0) {
  LoopbackOptions options;
  options.misbehaviour = {rate, std::move(kinds), 0, 7, 60};
  return options;
}

OracleReply ask(const LoopbackServer& server, double timeout_s = 60) {
  auto options = client(server.base_url());
  options.max_retries = 0;
  options.timeout_s = timeout_s;
  OpenAiOracle oracle(options, nullptr, {});
  return oracle.complete(request("q"));
}

std::string post(const LoopbackServer& server, const std::string& body, int& status) {
  HttpClient client;
  HttpRequest http;
  http.url = server.base_url() + "/chat/completions";
  http.body = body;
  http.bypass_proxy = true;
  const auto reply = client.post(http, {});
  status = reply.status;
  return reply.body;
}

TEST(LoopbackServer, SpeaksTheProtocol) {
  LoopbackOptions options;
  options.model = "keyword";
  LoopbackServer server(echo, options);
  int status = 0;
  const auto reply = Json::parse(post(server, R"({"messages":[{"role":"user","content":"one two"}]})", status));
  EXPECT_EQ(status, 200);
  EXPECT_EQ(reply["object"], "chat.completion");
  EXPECT_EQ(reply["model"], "keyword");
  EXPECT_EQ(reply["choices"][0]["message"]["role"], "assistant");
  EXPECT_EQ(reply["choices"][0]["message"]["content"], ":one two");
  EXPECT_TRUE(reply["choices"][0]["message"]["refusal"].is_null());
  EXPECT_EQ(reply["choices"][0]["finish_reason"], "stop");
  EXPECT_EQ(reply["usage"]["prompt_tokens"], 2);
  EXPECT_EQ(reply["usage"]["total_tokens"], 4);
}

TEST(LoopbackServer, ErrorsHaveTheProtocolsForm) {
  LoopbackServer server(echo, {});
  for (const char* body : {"", "no json", "[]", "{}", R"({"messages":[]})", R"({"messages":[{"role":"user"}]})", R"({"messages":["x"]})"}) {
    int status = 0;
    const auto reply = Json::parse(post(server, body, status));
    EXPECT_EQ(status, 400) << body;
    EXPECT_EQ(reply["error"]["type"], "invalid_request_error");
    EXPECT_TRUE(reply["error"]["message"].is_string());
  }
}

TEST(LoopbackServer, FailingHandlerIsAServerError) {
  LoopbackServer server([](const Messages&, const std::string&) -> std::string { throw Error(ErrorKind::failed, "broken"); }, {});
  int status = 0;
  EXPECT_THAT(post(server, R"({"messages":[{"role":"user","content":"x"}]})", status), testing::HasSubstr("broken"));
  EXPECT_EQ(status, 500);
}

TEST(LoopbackServer, SchemaNameReachesTheHandler) {
  LoopbackServer server(echo, {});
  OpenAiOracle oracle(client(server.base_url()), nullptr, {});
  EXPECT_EQ(oracle.complete(request("q")).text, "verdict:q");
}

TEST(LoopbackServer, PortThatIsTaken) {
  LoopbackServer server(echo, {});
  LoopbackOptions options;
  options.port = server.port();
  EXPECT_THROW(LoopbackServer(echo, options), Error);
}

TEST(LoopbackServer, RequestLog) {
  const TemporaryFolder folder;
  const std::string path = folder.file("requests.jsonl");
  {
    LoopbackOptions options;
    options.request_log = path;
    LoopbackServer server(echo, options);
    OpenAiOracle oracle(client(server.base_url()), nullptr, {});
    for (const char* text : {"a", "b", "a"}) oracle.complete(request(text));
  }
  const std::string log = read_file(path);
  const auto lines = split_lines(log);
  ASSERT_EQ(lines.size(), 3U);
  const auto first = Json::parse(lines[0]), third = Json::parse(lines[2]);
  EXPECT_EQ(first["body"], third["body"]);
  EXPECT_NE(first["body"], Json::parse(lines[1])["body"]);
  EXPECT_EQ(first["asked"], 1);
  EXPECT_EQ(third["asked"], 2);
}

TEST(LoopbackServer, ARequestLogGoesOnBehindItsOwnAndBehindNothingElse) {
  const TemporaryFolder folder;
  const auto serve = [&](const std::string& path) {
    LoopbackOptions options;
    options.request_log = path;
    const LoopbackServer server(echo, options);
    OpenAiOracle(client(server.base_url()), nullptr, {}).complete(request("a"));
  };
  write_file_atomic(folder.file("empty"), "");
  serve(folder.file("empty"));
  serve(folder.file("empty"));
  EXPECT_EQ(split_lines(read_file(folder.file("empty"))).size(), 2U);
  for (const std::string& text :
       {std::string("a text\n"), std::string(R"({"prompt": "p"})"), std::string(5000, 'x'), std::string("[1]\n")}) {
    const std::string path = folder.file("other");
    write_file_atomic(path, text);
    EXPECT_THROW(serve(path), Error) << text.substr(0, 20);
    EXPECT_EQ(read_file(path), text);
  }
}

TEST(Misbehaviour, EveryKindIsWhatItSays) {
  EXPECT_EQ(ask(LoopbackServer(positive, misbehaving({"http_429"}))).status, ReplyStatus::failed);
  EXPECT_EQ(ask(LoopbackServer(positive, misbehaving({"http_500"}))).status, ReplyStatus::failed);
  EXPECT_EQ(ask(LoopbackServer(positive, misbehaving({"drop"}))).status, ReplyStatus::failed);
  EXPECT_THAT(ask(LoopbackServer(positive, misbehaving({"slow"})), 0.3).text, testing::HasSubstr("in time"));
  EXPECT_EQ(ask(LoopbackServer(positive, misbehaving({"garbage"}))).status, ReplyStatus::failed);
  EXPECT_EQ(ask(LoopbackServer(positive, misbehaving({"truncated_json"}))).status, ReplyStatus::failed);
  EXPECT_EQ(ask(LoopbackServer(positive, misbehaving({"refusal"}))).status, ReplyStatus::refused);
  EXPECT_EQ(ask(LoopbackServer(positive, misbehaving({"filtered"}))).status, ReplyStatus::filtered);
  EXPECT_EQ(ask(LoopbackServer(positive, misbehaving({"length"}))).status, ReplyStatus::truncated);
  EXPECT_FALSE(Json::accept(ask(LoopbackServer(positive, misbehaving({"nonsense"}))).text));
  EXPECT_EQ(Json::parse(ask(LoopbackServer(positive, misbehaving({"wrong_verdict"}))).text)["verdict"], "negative");
  EXPECT_EQ(Json::parse(ask(LoopbackServer(positive, misbehaving({"no_schema"}, 0.0))).text)["verdict"], "positive");
}

TEST(Misbehaviour, SameSeedSameFaults) {
  const Misbehaviour a{0.3, {}, 0, 1, 2}, b{0.3, {}, 0, 2, 2};
  int faults = 0, different = 0;
  for (std::uint64_t body = 0; body < 1000; ++body) {
    const auto fault = fault_of(a, body, 0);
    EXPECT_EQ(fault, fault_of(a, body, 0));
    EXPECT_NE(fault, "no_schema");
    if (!fault.empty()) ++faults;
    if (fault != fault_of(b, body, 0)) ++different;
  }
  EXPECT_NEAR(faults, 300, 60);
  EXPECT_GT(different, 200);
}

TEST(Misbehaviour, ARetryMaySucceed) {
  const Misbehaviour half{0.5, {"http_500"}, 0, 1, 2};
  int passed = 0;
  for (std::uint64_t body = 0; body < 200; ++body)
    if (!fault_of(half, body, 0).empty() && fault_of(half, body, 1).empty()) ++passed;
  EXPECT_NEAR(passed, 50, 25);
}

TEST(Misbehaviour, WrongVerdictsStayTheSameWhenAskedAgain) {
  LoopbackOptions options;
  options.misbehaviour.wrong_verdict_rate = 0.5;
  LoopbackServer server(positive, options);
  OpenAiOracle oracle(client(server.base_url()), nullptr, {});
  int turned = 0;
  for (int i = 0; i < 40; ++i) {
    const auto text = oracle.complete(request(std::to_string(i))).text;
    EXPECT_EQ(text, oracle.complete(request(std::to_string(i))).text);
    turned += Json::parse(text)["verdict"] == "negative" ? 1 : 0;
  }
  EXPECT_GT(turned, 8);
  EXPECT_LT(turned, 32);
}

TEST(Misbehaviour, TurnedVerdicts) {
  EXPECT_EQ(Json::parse(turned_verdict(R"({"conduct":"refuses"})"))["conduct"], "helps");
  EXPECT_EQ(Json::parse(turned_verdict(R"({"verdict":"positive_off_topic"})"))["verdict"], "negative");
  EXPECT_EQ(Json::parse(turned_verdict(R"({"verdict":"unjudgeable"})"))["verdict"], "unjudgeable");
  EXPECT_EQ(turned_verdict("no json"), "no json");
  EXPECT_EQ(turned_verdict("[1]"), "[1]");
}

TEST(Misbehaviour, UnknownKindIsNamedWithTheNearest) {
  try {
    check_misbehaviour({0.1, {"http_42"}, 0, 0, 2});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    EXPECT_THAT(error.what(), testing::HasSubstr("http_429"));
  }
  EXPECT_THROW(check_misbehaviour({1.5, {}, 0, 0, 2}), Error);
}

TEST(Misbehaviour, AThirdOfAllRepliesIsSurvived) {
  auto faults = misbehaving({"http_429", "http_500", "drop", "garbage", "truncated_json"}, 0.3);
  LoopbackServer server(positive, faults);
  OpenAiOracle oracle(client(server.base_url()), nullptr, {});
  for (int i = 0; i < 40; ++i) EXPECT_EQ(oracle.complete(request(std::to_string(i))).status, ReplyStatus::answered);
  EXPECT_GT(oracle.usage().retries, 3);
}

TEST(EmbeddedOracle, Keyword) {
  EmbeddedOracle embedded("keyword", {});
  OpenAiOracle oracle(client(embedded.base_url()), nullptr, {});
  auto asked = request("");
  const std::string nonce = fence_nonce({"p", "I'm sorry, but I can't help."});
  asked.messages.back().content = fence("PROMPT", nonce, "p") + "\n" + fence("RESPONSE", nonce, "I'm sorry, but I can't help.");
  EXPECT_EQ(Json::parse(oracle.complete(asked).text)["verdict"], "positive_refusal");
}

TEST(EmbeddedOracle, Names) {
  EXPECT_TRUE(is_embedded_oracle("lab"));
  EXPECT_FALSE(is_embedded_oracle("https://api.openai.com/v1"));
  EXPECT_THROW(EmbeddedOracle("labs", {}), Error);
}

}  // namespace
}  // namespace iteralign
