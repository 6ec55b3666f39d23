#pragma once
#include <string>

namespace iteralign {

// The local time that chat templates write: "2026-01-31 23:59:59". There is one for the whole process, so that everything it renders says
// the same: the one that was set, or else that of the first call. Empty: templates are told no time.
std::string template_time();
// A resumed run sets the time that it began with, before any model is opened.
void set_template_time(std::string time);

}  // namespace iteralign
