#pragma once
// What was used, and the budget that it must stay within. Safe from many threads.

#include <mutex>
#include <string>

#include "iteralign/config.h"
#include "iteralign/oracle.h"

namespace iteralign {

struct Budget {
  double max_cost_usd = 0;                                                // 0: no limit, for all three
  std::int64_t max_calls = 0, max_tokens = 0;                             // tokens: prompt and completion
  double price_prompt_per_million = 0, price_completion_per_million = 0;  // US dollars
};

Budget budget_of(const OracleConfig& config);

class UsageLedger {
 public:
  // `spent_before`: by earlier processes of the same run; counts against the budget, not in usage().
  UsageLedger(const Budget& budget, const OracleUsage& spent_before) : budget_(budget), before_(spent_before) {}

  // Counts a call before it is made. Throws Error remote when the budget is spent. There are never more calls than max_calls; tokens and
  // cost may exceed their limits by the calls in flight, whose use nobody knows before.
  class Reservation {
   public:
    explicit Reservation(UsageLedger& ledger);
    ~Reservation();
    Reservation(const Reservation&) = delete;
    Reservation& operator=(const Reservation&) = delete;

   private:
    UsageLedger& ledger_;
  };

  void add_call(int prompt_tokens, int completion_tokens);  // of a reply, whether it can be used or not
  void add_cached();
  void add_retry();
  void add_fault(const std::string& kind);
  [[nodiscard]] OracleUsage usage() const;

 private:
  mutable std::mutex mutex_;
  const Budget budget_;
  const OracleUsage before_;
  OracleUsage usage_;
  std::int64_t reserved_ = 0;
};

}  // namespace iteralign
