// Bad tokenizer files: the message names the file and the key.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "core/files.h"
#include "iteralign/error.h"
#include "temporary_folder.h"
#include "tokenizer_documents.h"

namespace iteralign {
namespace {

using ::testing::HasSubstr;

std::string message_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::data);
    return error.what();
  }
  return "nothing was thrown";
}

std::string message_for(const Json& document) {
  return message_of([&] { Tokenizer::from_json(document, Json::object(), "tokenizer.json"); });
}

TEST(TokenizerErrorsTest, ASecondTemplateIsRefused) {
  Json document = llama2_document();
  const Json single = document["post_processor"];
  ASSERT_EQ(single["type"], "TemplateProcessing");
  document["post_processor"] = {{"type", "Sequence"}, {"processors", {single, single}}};
  EXPECT_THAT(message_for(document), HasSubstr("post_processor.processors[1]: a second TemplateProcessing"));
}

TEST(TokenizerErrorsTest, UnknownPartsAreNamed) {
  for (const char* part : {"normalizer", "pre_tokenizer", "post_processor", "decoder", "model"}) {
    Json document = llama2_document();
    document[part]["type"] = "Unigram";
    EXPECT_THAT(message_for(document), AllOf(HasSubstr(std::string("tokenizer.json: ") + part), HasSubstr("'Unigram' is not supported")))
        << part;
    document[part].erase("type");
    if (part != std::string("model")) {
      EXPECT_THAT(message_for(document), HasSubstr("'type' is missing"));
    }
  }
  Json document = llama2_document();
  document["normalizer"]["normalizers"][1]["type"] = "BertNormalizer";
  EXPECT_THAT(message_for(document), HasSubstr("tokenizer.json: normalizer.normalizers[1]: the type 'BertNormalizer'"));
}

TEST(TokenizerErrorsTest, UnigramWithItsListOfPiecesIsNamed) {
  Json document = llama2_document();
  document["model"] = Json::parse(R"({"type":"Unigram","vocab":[["a",-1.5],["b",-2.5]]})");
  EXPECT_THAT(message_for(document), HasSubstr("'Unigram' is not supported"));
}

TEST(TokenizerErrorsTest, FaultsInTheModel) {
  const auto with = [](const std::function<void(Json&)>& change) {
    Json document = llama2_document();
    change(document);
    return message_for(document);
  };
  EXPECT_THAT(with([](Json& d) { d.erase("model"); }), HasSubstr("'model' is missing"));
  EXPECT_THAT(with([](Json& d) { d["model"].erase("vocab"); }), HasSubstr("model: the vocab is missing or empty"));
  EXPECT_THAT(with([](Json& d) { d["model"]["vocab"]["a"] = "four"; }),
              HasSubstr("model.vocab: the id of token 'a' is not a whole number"));
  EXPECT_THAT(with([](Json& d) { d["model"]["vocab"]["a"] = -4; }), HasSubstr("model.vocab: the id of token 'a' is not a whole number"));
  EXPECT_THAT(with([](Json& d) { d["model"]["vocab"]["a"] = 1e12; }), HasSubstr("model.vocab: the id of token 'a' is not a whole number"));
  EXPECT_THAT(with([](Json& d) { d["model"]["merges"][1] = "abc"; }), HasSubstr("model.merges: merge 1 is not two tokens"));
  EXPECT_THAT(with([](Json& d) { d["model"]["merges"][1] = {"a", "b", "c"}; }), HasSubstr("model.merges: merge 1 is not two tokens"));
  EXPECT_THAT(with([](Json& d) { d["model"]["merges"][1] = {"a", ""}; }), HasSubstr("model.merges: merge 1 is not two tokens"));
  EXPECT_THAT(with([](Json& d) { d["model"]["merges"][1] = {"a", "c"}; }), HasSubstr("needs 'ac', which is not in the vocab"));
  EXPECT_THAT(with([](Json& d) { d["model"]["unk_token"] = "<what>"; }), HasSubstr("model.unk_token: the token is not in the vocab"));
  EXPECT_THAT(with([](Json& d) { d["model"]["dropout"] = 0.1; }), HasSubstr("model.dropout: is set"));
  EXPECT_THAT(with([](Json& d) { d["model"]["end_of_word_suffix"] = "</w>"; }), HasSubstr("model.end_of_word_suffix: is set"));
  EXPECT_THAT(with([](Json& d) { d["added_tokens"][0].erase("content"); }), HasSubstr("added_tokens[0]: the key 'content' is missing"));
  EXPECT_THAT(with([](Json& d) { d["added_tokens"][0]["lstrip"] = "yes"; }),
              HasSubstr("added_tokens[0].lstrip: is neither true nor false"));
  EXPECT_THAT(with([](Json& d) { d["post_processor"]["special_tokens"].erase("<s>"); }),
              HasSubstr("special_tokens: the key '<s>' is missing"));
  EXPECT_THAT(with([](Json& d) { d = Json::array(); }), HasSubstr("is not an object"));
}

class TokenizerFolderTest : public ::testing::Test {
 protected:
  const TemporaryFolder temporary_;
  const std::string& folder_ = temporary_.path();
};

TEST_F(TokenizerFolderTest, MissingAndTruncatedFilesAreNamed) {
  const auto load = [&] { Tokenizer::from_folder(folder_); };
  EXPECT_THAT(message_of(load), HasSubstr("there is no tokenizer.json"));
  const std::string text = dump_json_pretty(llama2_document());
  for (const std::size_t length : {std::size_t{0}, text.size() / 3, text.size() - 2}) {
    write_file_atomic(folder_ + "/tokenizer.json", text.substr(0, length));
    EXPECT_THAT(message_of(load), AllOf(HasSubstr(folder_ + "/tokenizer.json:"), HasSubstr("not valid JSON")));
  }
  write_file_atomic(folder_ + "/tokenizer.json", text);
  write_file_atomic(folder_ + "/tokenizer_config.json", "{\"bos_token\": ");
  EXPECT_THAT(message_of(load), HasSubstr("tokenizer_config.json:1"));
  write_file_atomic(folder_ + "/tokenizer_config.json", "[]");
  EXPECT_THAT(message_of(load), HasSubstr("tokenizer_config.json: is not a JSON object"));
}

TEST_F(TokenizerFolderTest, TheMapGoesBeforeAConfigurationWithoutAddedTokens) {
  write_file_atomic(folder_ + "/tokenizer.json", dump_json(llama2_document()));
  write_file_atomic(folder_ + "/special_tokens_map.json", R"({"bos_token": {"content": "<s>"}, "unk_token": "<unk>"})");
  write_file_atomic(folder_ + "/tokenizer_config.json", R"({"unk_token": "c"})");
  const Tokenizer tokenizer = Tokenizer::from_folder(folder_);
  EXPECT_EQ(tokenizer.bos_id(), 9);
  EXPECT_EQ(tokenizer.unk_token(), "<unk>");
  EXPECT_EQ(tokenizer.config()["unk_token"], "c");
}

}  // namespace
}  // namespace iteralign
