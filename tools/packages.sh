# Sourced by tools/setup: what comes from the system's packages. Nothing is installed before all of it is known to be possible.

compiler=${CXX:-g++}

# package:what shows that it is there (a command, a pkg-config file, a path). What is there already need not have come from a package.
build_needs=(
  ca-certificates:/etc/ssl/certs g++:"${compiler%% *}" cmake:cmake ninja-build:ninja pkg-config:pkg-config git:git unzip:unzip python3:python3 python3-venv:venv
  nlohmann-json3-dev:nlohmann_json.pc libyaml-cpp-dev:yaml-cpp.pc libcli11-dev:CLI11.pc libfmt-dev:fmt.pc libspdlog-dev:spdlog.pc
  libcurl4-openssl-dev:libcurl.pc libcpp-httplib-dev:cpp-httplib.pc libsqlite3-dev:sqlite3.pc libssl-dev:openssl.pc libxxhash-dev:libxxhash.pc
  libpcre2-dev:libpcre2-8.pc libutf8proc-dev:libutf8proc.pc zlib1g-dev:zlib.pc
)
test_needs=(libgtest-dev:gtest.pc libgmock-dev:gmock.pc clang-format:clang-format clang-tidy:clang-tidy gcovr:gcovr nodejs:node npm:npm chromium:chromium)

present() {
  case $1 in
    /*) [ -e "$1" ] ;;
    venv) can_make_venv || { [ "$mode" = build ] && [ -n "$(libtorch_name)" ]; } ;;
    *.pc) pkg-config --exists "${1%.pc}" 2>/dev/null ;;
    *) command -v "$1" >/dev/null ;;
  esac
}

# require_newer COMMAND PACKAGE OLDEST HINT: by what is there, else by what apt would install.
require_newer() {
  local version
  if command -v "$1" >/dev/null; then version=$("$1" --version | grep -oE '[0-9]+\.[0-9.]+' | head -1 || true)
  else version=$(apt-cache policy "$2" 2>/dev/null | sed -n 's/^ *Candidate: \([0-9]*:\)\{0,1\}\([0-9.]*\).*/\2/p'); fi
  [ -z "$version" ] || [ "$(printf '%s\n' "$3" "$version" | sort -V | head -1)" = "$3" ] ||
    fail "$2 is $version here, and $3 or newer is needed: $4, or use Debian 12, Ubuntu 24.04 or newer"
}

require_tools() {
  require_newer cmake cmake 3.25 "install a newer one (python3 -m pip install cmake)"
  [ -n "${CXX:-}" ] || require_newer g++ g++ 12 "install a newer one and name it (apt-get install g++-12; export CXX=g++-12)"
}

install_packages() {
  local need missing=()
  for need in "${build_needs[@]}"; do present "${need#*:}" || missing+=("${need%%:*}"); done
  if [ "$1" = test ]; then
    for need in "${test_needs[@]}"; do present "${need#*:}" || missing+=("${need%%:*}"); done
  fi
  require_tools
  [ ${#missing[@]} = 0 ] && return
  command -v apt-get >/dev/null || fail "this set-up installs on Debian and its relatives; install what there is called: ${missing[*]}"
  can_be_root || fail "packages are missing, and installing them needs root; an administrator runs: apt-get install ${missing[*]}"
  as_root apt-get update -qq || fail "apt-get update failed; an administrator runs: apt-get install ${missing[*]}"
  require_tools
  say "installing packages: ${missing[*]}"
  as_root apt-get install --no-install-recommends --assume-no "${missing[@]}" 2>/dev/null | grep -E '^(Need to get|After this operation)' >&2 || true
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${missing[@]}" >/dev/null ||
    fail "apt-get could not install: ${missing[*]}"
}
