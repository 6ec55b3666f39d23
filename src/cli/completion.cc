// iteralign completion: a script for a shell, made from the verbs and flags that there are.

#include <fmt/format.h>

#include <memory>

#include "cli/output.h"
#include "cli/verbs.h"
#include "core/strings.h"

namespace iteralign {
namespace {

std::string flags_of(const CLI::App& verb) {
  std::vector<std::string> flags;
  for (const auto* option : verb.get_options())
    for (const auto& flag : option->get_lnames()) flags.push_back("--" + flag);
  return join(flags, " ");
}

std::string bash_script(CLI::App& app) {
  std::vector<std::string> verbs;
  std::string cases;
  for (auto* verb : app.get_subcommands({})) {
    verbs.push_back(verb->get_name());
    cases += fmt::format("    {}) words=\"{}\" ;;\n", verb->get_name(), flags_of(*verb));
  }
  return fmt::format(
      "_iteralign() {{\n  local words=\"\" current=\"${{COMP_WORDS[COMP_CWORD]}}\"\n  case \"${{COMP_WORDS[1]}}\" in\n{}    *) "
      "words=\"{}\" ;;\n  esac\n"
      "  COMPREPLY=($(compgen -W \"$words\" -- \"$current\") $(compgen -f -- \"$current\"))\n}}\ncomplete -o filenames -F _iteralign "
      "iteralign\n",
      cases, join(verbs, " "));
}

std::string zsh_script(CLI::App& app) { return "autoload -U +X bashcompinit && bashcompinit\n" + bash_script(app); }

std::string fish_script(CLI::App& app) {
  std::string script = "complete -c iteralign -f\n";
  for (auto* verb : app.get_subcommands({})) {
    script += fmt::format("complete -c iteralign -n __fish_use_subcommand -a {} -d '{}'\n", verb->get_name(),
                          replace_all(verb->get_description(), "'", ""));
    for (const auto* option : verb->get_options())
      for (const auto& flag : option->get_lnames())
        script += fmt::format("complete -c iteralign -n '__fish_seen_subcommand_from {}' -l {}\n", verb->get_name(), flag);
  }
  return script;
}

}  // namespace

void add_completion(CLI::App& app) {
  auto shell = std::make_shared<std::string>();
  auto* verb = app.add_subcommand("completion", "a completion script: source <(iteralign completion bash)");
  verb->add_option("shell", *shell, "bash, zsh or fish")->required()->check(CLI::IsMember({"bash", "zsh", "fish"}));
  verb->callback([&app, shell] { print(*shell == "bash" ? bash_script(app) : *shell == "zsh" ? zsh_script(app) : fish_script(app)); });
}

}  // namespace iteralign
