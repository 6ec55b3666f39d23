# Sourced by ./run, ./test and the scripts in tools/: where things are, and how to say what happens.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv=$root/.venv

say() { printf '%s\n' "$*" >&2; }
fail() { say "error: $*"; exit 1; }

# sudo may ask for a password where a person can type one.
can_be_root() { [ "$(id -u)" = 0 ] || { command -v sudo >/dev/null && { [ -t 0 ] || sudo -n true 2>/dev/null; }; }; }

as_root() {
  local variable proxies=()
  for variable in http_proxy https_proxy no_proxy; do [ -z "${!variable:-}" ] || proxies+=("$variable=${!variable}"); done
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo env "${proxies[@]}" "$@"; fi  # sudo forgets them
}
