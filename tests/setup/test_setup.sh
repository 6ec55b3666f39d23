#!/usr/bin/env bash
# What tools/setup says and does on other machines: a PATH of stubs for what differs there.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/expect.sh"
unset CMAKE_PREFIX_PATH Torch_DIR VIRTUAL_ENV CONDA_PREFIX CXX ITERALIGN_TORCH_INDEX http_proxy https_proxy no_proxy
project=$scratch/project here=$scratch/here bin=$scratch/bin log=$scratch/log
mkdir -p "$project" "$here"
cp -r "$source_dir/tools" "$source_dir/cmake" "$project/"
for command in bash env dirname sed grep head sort mkdir cat tr cmp cp rm mktemp; do ln -s "$(command -v $command)" "$here/$command"; done

stub() { rm -f "$bin/$1"; cat > "$bin/$1"; sed -i "1i #!$(command -v bash)" "$bin/$1"; chmod +x "$bin/$1"; }
# A machine where everything is there but LibTorch, and its user is not root. Two commands are called as libraries are.
machine() {
  rm -rf "$bin" "$project/.venv" "$log"
  mkdir "$bin"
  touch "$log"
  for command in git unzip ninja fmt openssl; do stub $command <<<''; done
  stub id <<<'echo 1000'
  stub pkg-config <<<''
  stub g++ <<<'echo "g++ (Debian 14.2.0-1) 14.2.0"'
  stub cmake <<<'echo "cmake version 3.31.6"'
  # `-m venv` makes a python like this one, which writes down what pip is asked for and fails for the index in $down.
  stub python3 <<<'case "$*" in
    "-m venv "*) mkdir -p "$3/bin"; cp "$0" "$3/bin/python" ;;
    "-m pip install "*) echo "$*" >> '"$log"'; [ -z "${down:-}" ] || ! grep -q "$down" <<<"$*" ;;
    *metadata*) exit 1 ;;
  esac'
}
setup() { env PATH="$bin:$here" "${@:2}" "$project/tools/setup" $1 </dev/null; }
asked() { cat "$log"; }

machine
stub pkg-config <<<'[ "$2" != fmt ] && [ "$2" != CLI11 ]'
expect "no apt" "install what there is called: libcli11-dev libfmt-dev" setup build
stub apt-get <<<'echo "apt-get $*" >> '"$log"
stub apt-cache <<<''
expect "no root, no sudo" "error: packages are missing, and installing them needs root; an administrator runs: apt-get install libcli11-dev libfmt-dev" setup build
stub sudo <<<'[ "$1" != -n ] || exit 1'
expect "a sudo that would ask where nobody can answer" "an administrator runs: apt-get install libcli11-dev libfmt-dev" setup build
expect "nothing was downloaded" "none" echo "$(asked)none"
stub sudo <<<'[ "$1" = -n ] && exit; echo "sudo $*" >> '"$log"
expect "sudo" "installing packages: libcli11-dev libfmt-dev" setup build https_proxy=http://proxy:3128
expect "sudo is told of the proxy" "sudo env https_proxy=http://proxy:3128 apt-get update" asked

machine
rm "$bin/python3"
stub python3 <<<'[[ "$*" != *ensurepip* ]]'
stub apt-get <<<''
stub apt-cache <<<''
expect "no python3-venv" "an administrator runs: apt-get install python3-venv" setup build
stub cmake <<<'[[ "$*" == *-P* ]] && echo "-- LibTorch: torch 2.8.0 in /opt/torch" || echo "cmake version 3.31.6"'
expect "which is not missed where a LibTorch is there" "done" eval 'setup build && echo done'
machine
stub cmake <<<'[[ "$*" == *-P* ]] && echo "-- error: torch 2.5.0 in /opt/torch cannot be used: it is older than 2.6" || echo "cmake version 3.31.6"'
expect "a LibTorch that was named and cannot be used" "error: torch 2.5.0 in /opt/torch cannot be used" setup build

machine
stub cmake <<<'echo "cmake version 3.22.1"'
expect "cmake of Ubuntu 22.04" "error: cmake is 3.22.1 here, and 3.25 or newer is needed" setup build
rm "$bin/cmake"
stub apt-get <<<''
stub apt-cache <<<'printf "cmake:\n  Installed: (none)\n  Candidate: 3.22.1-1ubuntu1\n"'
expect "before it is installed" "error: cmake is 3.22.1 here" setup build
machine
stub g++ <<<'echo "g++ (Ubuntu 11.4.0-1ubuntu1) 11.4.0"'
expect "its g++" "error: g++ is 11.4.0 here, and 12 or newer is needed" setup build
expect "another that was named" "installed into .venv" setup build CXX=python3

machine
stub python3 <<<'case "$*" in *version_info*) exit 1 ;; --version) echo "Python 3.9.2" ;; esac'
expect "an old Python" "error: Python 3.9.2 is too old for torch" setup build
expect "nothing was downloaded" "none" echo "$(asked)none"

machine
expect "no GPU" "no NVIDIA GPU" setup build
expect "the default build" "-m pip install torch==2.13.0" asked
machine
stub nvidia-smi <<<'echo "NVIDIA H100, 81559 MiB"'
expect "a GPU" "NVIDIA H100, 81559 MiB" setup build
stub nvidia-smi <<<'echo "NVIDIA-SMI has failed because it could not communicate with the driver"; exit 9'
expect "a GPU without its driver" "no NVIDIA GPU" setup build
machine
expect "the CPU build" "0.2 GB to download" setup "build --cpu"
expect "its index" "-m pip install --retries 2 --index-url https://download.pytorch.org/whl/cpu torch==2.13.0" asked
machine
expect "an index that cannot be reached" "taking the default build" setup "build --cpu" down=download
expect "the default build in its place" "-m pip install torch==2.13.0" asked
machine
expect "another index" "installed into .venv" setup build ITERALIGN_TORCH_INDEX=http://wheels.example/simple
expect "that was named" "-m pip install --index-url http://wheels.example/simple torch==2.13.0" asked
machine
expect "no network" "error: torch==2.13.0 could not be installed into .venv; check the network" setup build down=torch
expect "a wrong word" "usage: tools/setup" setup gpu
finish
