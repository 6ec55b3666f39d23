#include "report/html_report.h"

#include "core/json.h"
#include "core/strings.h"
#include "embedded_page.h"
#include "iteralign/error.h"
#include "report/report_data.h"

namespace iteralign {
namespace {

std::string file(std::string_view path) {
  const auto text = embedded_page(path);
  ITERALIGN_CHECK(!text.empty(), path);
  return std::string(text);
}

// In one pass, so that a marker inside an inserted text is not replaced.
std::string fill(std::string_view page, const std::vector<std::pair<std::string, std::string>>& parts) {
  std::string filled;
  for (const auto& [marker, text] : parts) {
    const auto at = page.find(marker);
    ITERALIGN_CHECK(at != std::string_view::npos, marker);
    filled += page.substr(0, at);
    filled += text;
    page.remove_prefix(at + marker.size());
  }
  return filled.append(page);
}

}  // namespace

std::string html_report(RunStore& store, const RunInfo& info) {
  // Without "<" no text can end the script element.
  const std::string data = replace_all(dump_json(report_data(store, info)), "<", "\\u003c");
  return fill(file("report.html"), {{"/*report.css*/", file("report.css")},
                                    {"/*data*/", data},
                                    {"/*charts.js*/", file("charts.js")},
                                    {"/*report.js*/", file("report.js")}});
}

}  // namespace iteralign
