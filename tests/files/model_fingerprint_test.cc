#include "engine/files/model_fingerprint.h"

#include <gtest/gtest.h>

#include "core/files.h"
#include "temporary_folder.h"

namespace iteralign {
namespace {

TEST(ModelFingerprint, IsOfWhatTheModelIsMadeOf) {
  const TemporaryFolder folder;
  write_file_atomic(folder.file("model.safetensors"), "weights");
  write_file_atomic(folder.file("config.json"), "{}");
  const std::string first = model_fingerprint(folder.path());
  write_file_atomic(folder.file("README.md"), "words");
  write_file_atomic(folder.file("trainer_state.json"), "{}");
  EXPECT_EQ(model_fingerprint(folder.path()), first);
  write_file_atomic(folder.file("model.safetensors"), "Weights");
  const std::string second = model_fingerprint(folder.path());
  EXPECT_NE(second, first);
  write_file_atomic(folder.file("chat_template.jinja"), "{{ messages }}");
  EXPECT_NE(model_fingerprint(folder.path()), second);
  EXPECT_EQ(model_fingerprint(""), "");
  EXPECT_EQ(model_fingerprint(folder.file("nothing")), "");
}

}  // namespace
}  // namespace iteralign
