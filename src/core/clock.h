#pragma once
#include <string>

namespace iteralign {

// The time that chat templates write, local: "2026-01-31 23:59:59". One for the whole process, so that all that it renders says the
// same: when it was first asked for, unless it was set. An empty text: templates are told no time.
std::string template_time();
// A run goes on with the time that it began with. Before any model is opened.
void set_template_time(std::string time);

}  // namespace iteralign
