#pragma once
// What the words of an error mean, whatever status and code they come with. Servers agree on neither. Pure.

#include "protocol/server_error.h"

namespace iteralign {

enum class ErrorMeaning {
  moderated,      // this prompt or its answer is not allowed: an outcome, not a fault
  too_long,       // this prompt does not fit
  quota_spent,    // the account is empty
  rate_limited,   // too many requests for now
  key_refused,    // no key, a wrong one, or one that may not
  model_unknown,  // no model of that name, or none named
  loading,        // the server is there, its model is not yet
  wrong_scheme,   // http spoken to an https port
  other,
};

// `status`: of the reply, or where that was 200 the one that the error itself names. `asked_to_wait`: a header said so.
ErrorMeaning meaning_of(int status, const ServerError& error, bool asked_to_wait);

}  // namespace iteralign
