#!/usr/bin/env bash
# Which LibTorch cmake takes, and how it links it: folders laid out as wheels are, with libraries of a line each.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/expect.sh"
unset CMAKE_PREFIX_PATH Torch_DIR VIRTUAL_ENV CONDA_PREFIX CMAKE_CXX_COMPILER_LAUNCHER
project=$scratch/project
mkdir -p "$project" "$scratch/bin"
cp -r "$source_dir/cmake" "$project/cmake"

library() { c++ -shared -fPIC -Wl,--no-as-needed -x c++ -o "$1" - "${@:2}"; }

# wheel FOLDER MINOR [ABI]: torch 2.MINOR.1
wheel() {
  local folder=$1 minor=$2 abi=${3:-1}
  mkdir -p "$folder/include/ATen" "$folder/include/torch/csrc/api/include/torch" "$folder/share/cmake/Torch" "$folder/lib"
  touch "$folder/include/ATen/ATen.h"
  printf '#define TORCH_VERSION_%s\n' 'MAJOR 2' "MINOR $minor" 'PATCH 1' > "$folder/include/torch/csrc/api/include/torch/version.h"
  library "$folder/lib/libc10.so" "-D_GLIBCXX_USE_CXX11_ABI=$abi" <<<'#include <string>
    namespace c10 { struct Error { Error(std::string); }; Error::Error(std::string) {} }'
  library "$folder/lib/libtorch_cpu.so" <<<'int torch_cpu() { return 0; }'
  library "$folder/lib/libtorch.so" <<<''
}

# A build with CUDA: what it needs lies in another wheel, which only its own RUNPATH finds.
cuda_wheel() {
  wheel "$@"
  local nvidia=$1/../nvidia/lib
  mkdir -p "$nvidia"
  library "$nvidia/libtinycuda.so" <<<'int cudart() { return 0; }'
  library "$1/lib/libc10_cuda.so" <<<''
  library "$1/lib/libtorch_cuda.so" -L"$nvidia" -ltinycuda -Wl,-rpath,'$ORIGIN/../../nvidia/lib' <<<'int cudart(); int torch_cuda() { return cudart(); }'
}

# python FILE FOLDER: a python whose torch lies in FOLDER
python() {
  mkdir -p "$(dirname "$1")"
  printf '#!/bin/sh\necho "%s"\n' "$2" > "$1"
  chmod +x "$1"
}
no_python() { printf '#!/bin/sh\nexit 1\n' > "$scratch/bin/python3"; chmod +x "$scratch/bin/python3"; }
find() { env PATH="$scratch/bin:$PATH" "$@" cmake -P "$project/cmake/libtorch.cmake"; }

good=$scratch/good/torch cuda=$scratch/env/lib/python3.12/site-packages/torch
wheel "$good" 13
cuda_wheel "$cuda" 7
wheel "$scratch/old/torch" 5
wheel "$scratch/abi/torch" 6 0

no_python
expect_not "no torch at all" "LibTorch:" find
python "$scratch/bin/python3" "$good"
expect "the python3 on PATH" "LibTorch: torch 2.13.1 in $good" find
python "$scratch/env/bin/python3" "$cuda"
expect "an active environment goes before it" "LibTorch: torch 2.7.1 with CUDA in $cuda" find VIRTUAL_ENV="$scratch/env"
expect "conda's too" "LibTorch: torch 2.7.1 with CUDA in $cuda" find CONDA_PREFIX="$scratch/env"
for named in "$scratch/env" "$cuda" "$cuda/share/cmake"; do
  expect "named: $named" "LibTorch: torch 2.7.1 with CUDA in $cuda" find CMAKE_PREFIX_PATH="/nowhere:$named"
done
expect "named by Torch_DIR" "LibTorch: torch 2.7.1 with CUDA in $cuda" find Torch_DIR="$cuda/share/cmake/Torch"
expect_not "another kind of LibTorch, named" "LibTorch:" find Torch_DIR="$scratch"

python "$scratch/bin/python3" "$scratch/old/torch"
expect "too old" "torch 2.5.1 in $scratch/old/torch is passed over: it is older than 2.6" find
expect_not "nothing is taken in its place" "LibTorch:" find
python "$scratch/bin/python3" "$scratch/abi/torch"
expect "the old C++ ABI" "torch 2.6.1 in $scratch/abi/torch is passed over: it has the C++ ABI of before GCC 5" find
expect "one that was named is an error" "error: torch 2.5.1 in $scratch/old/torch cannot be used" find CMAKE_PREFIX_PATH="$scratch/old/torch"
wheel "$scratch/conda" 8
expect "a libtorch in conda's lib/" "LibTorch: torch 2.8.1 in $scratch/conda" find CONDA_PREFIX="$scratch/conda"
mkdir -p "$project/.venv/lib/python3.11/site-packages"
ln -s "$good" "$project/.venv/lib/python3.11/site-packages/torch"
expect ".venv goes first" "LibTorch: torch 2.13.1 in $project/.venv" find VIRTUAL_ENV="$scratch/env"

# Linked: the program starts without the CUDA toolkit, and libtorch_cuda is loaded though nothing names it.
cat > "$project/CMakeLists.txt" <<'E'
cmake_minimum_required(VERSION 3.25)
project(tiny LANGUAGES CXX)
list(APPEND CMAKE_MODULE_PATH ${CMAKE_SOURCE_DIR}/cmake)
include(torch)
file(WRITE ${CMAKE_BINARY_DIR}/tiny.cc "#include <ATen/ATen.h>\nint torch_cpu();\nint main() { return torch_cpu(); }\n")
add_executable(tiny ${CMAKE_BINARY_DIR}/tiny.cc)
target_link_libraries(tiny PRIVATE LibTorch)
E
configure() { cmake -S "$project" -B "$project/build" -G Ninja -DCMAKE_PREFIX_PATH="$1"; }
expect "configured" "Configuring done" configure "$cuda"
expect "built" "Linking CXX executable tiny" cmake --build "$project/build"
expect "started, with CUDA's libraries" "$cuda/lib/libtorch_cuda.so" env LD_TRACE_LOADED_OBJECTS=1 "$project/build/tiny"
expect "started, with what they need" "nvidia/lib/libtinycuda.so" env LD_TRACE_LOADED_OBJECTS=1 "$project/build/tiny"

rm "$cuda/../nvidia/lib/libtinycuda.so"
c++ -shared -o "$cuda/lib/libtorch.so" -Wl,--no-as-needed -L"$cuda/lib" -ltorch_cuda -Wl,-rpath,'$ORIGIN',--allow-shlib-undefined
rm -rf "$project/build"
expect "one that does not load" "does not load here: libtinycuda.so: cannot open shared object file" configure "$cuda"
finish
