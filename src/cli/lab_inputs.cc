#include "cli/lab_inputs.h"

#include "lab/lab_prompts.h"

namespace iteralign {

RunInputs lab_inputs() {
  return {.red_team = lab_red_team_prompts(),
          .heldout = lab_heldout_prompts(),
          .benign = lab_benign_prompts(),
          .lookalike = lab_lookalike_prompts(),
          .replay = lab_replay_prompts(),
          .replay_lookalike = lab_replay_lookalike_prompts()};
}

}  // namespace iteralign
