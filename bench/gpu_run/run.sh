#!/usr/bin/env bash
# Measures and tests on the GPU of this machine what pack.sh packed: in the repository's root, FOLDER/run.sh [RESULTS].
# Every step has a limit of its own, so that all have a turn; RESULTS.tar.gz is complete after each.
set -uo pipefail
pack=$(dirname "${BASH_SOURCE[0]}")
results=$(realpath -m "${1:-gpu-results}")
home=${TMPDIR:-/tmp}/tilewise-gpu-run
export TILEWISE_ADAPTER=${TILEWISE_ADAPTER:-NVIDIA}
mkdir -p "$home/bin" "$home/data" "$results"
begun=$(date +%s)

step() {
  tar -C "$results" -czf "$results.tar.gz" .
  echo "=== $(($(date +%s) - begun)) s: $*"
}

unpack() {
  for deb in "$pack"/deb/*.deb; do dpkg -x "$deb" "$home/deb"; done
  xz -dc "$pack/node.xz" >"$home/bin/node" && chmod +x "$home/bin/node" &
  xz -dc "$pack/modules.tar.xz" | tar -xf - && mkdir -p node_modules/webgpu/dist/linux-x64 &&
    xz -dc "$pack/dawn.node.xz" >node_modules/webgpu/dist/linux-x64/dawn.node &
  if [ -e "$pack/peers.tar.xz" ]; then
    mkdir -p bench/peers/node_modules && xz -dc "$pack/peers.tar.xz" | tar -C bench/peers/node_modules -xf - &
  fi
  if [ -e "$pack/data.tar.xz" ]; then xz -dc "$pack/data.tar.xz" | tar -C "$home/data" -xf - & fi
  wait
}

# Where there is no display, NVIDIA's driver for X has no entry for Vulkan, and the one for EGL has.
find_driver() {
  local icd library
  if tilewise adapters 2>/dev/null | grep -i "$TILEWISE_ADAPTER" >/dev/null; then return 0; fi
  for icd in {/usr/local/nvidia/share,/usr/share,/etc}/vulkan/icd.d/nvidia_icd.json; do
    [ -e "$icd" ] || continue
    for library in libGLX_nvidia.so.0 libEGL_nvidia.so.0; do
      sed "s/libGLX_nvidia.so.0/$library/" "$icd" >"$home/$library.json"
      export VK_DRIVER_FILES=$home/$library.json VK_ICD_FILENAMES=$home/$library.json
      if tilewise adapters 2>/dev/null | grep -i "$TILEWISE_ADAPTER" >/dev/null; then return 0; fi
    done
  done
  return 1
}

tilewise() { timeout "${LIMIT:-45}" node --import tsx cli/main.ts "$@"; }

# One after the other: what each took, and its JSON.
model() {
  tilewise bench model --adapter "$TILEWISE_ADAPTER" --json "$@" 2>>"$results/errors.txt" |
    tee -a "$results/models.jsonl" | cut -c1-300
}

peers() {
  local name=$1
  shift
  (cd bench/peers && timeout "${LIMIT:-60}" node --import tsx main.ts --adapter "$TILEWISE_ADAPTER" --no-browser --runs 60 \
    --out "$results/$name.json" "$@" 2>>"$results/errors.txt" | grep '^|')
}

[ -x "$home/bin/node" ] || unpack
export PATH=$home/bin:$PWD/node_modules/.bin:$PATH LD_LIBRARY_PATH=$home/deb/usr/lib/x86_64-linux-gnu:${LD_LIBRARY_PATH:-}
[ -d "$home/data/golden" ] && export TILEWISE_TEST_DATA=$home/data
nvidia-smi --query-gpu=name,driver_version,clocks.sm,clocks.max.sm --format=csv,noheader 2>/dev/null
find_driver || { echo "no adapter is named $TILEWISE_ADAPTER" >&2; tilewise adapters; exit 1; }
tilewise adapters >"$results/adapters.txt"

step models
model --model lenet --batch 1,64
for precision in f32 f16; do
  model --model resnet50 --batch 1,32 --precision $precision
  model --model mobilenet_v3_large --precision $precision
done
model --model efficientnet_b0
model --model densenet121
step peers
if [ -e bench/peers/node_modules/onnxruntime-node ]; then
  peers peers-b1
  peers peers-b32 --batch 32 --starts 1
  LIMIT=150 peers peers-models --model all-tables --starts 1 --runs 20
fi
step profiles
for name in resnet50 mobilenet_v3_large efficientnet_b0; do
  tilewise profile --model $name --adapter "$TILEWISE_ADAPTER" --json \
    >"$results/profile-$name.json" 2>>"$results/errors.txt"
done
step kernels
LIMIT=100 tilewise bench kernels --quick --adapter "$TILEWISE_ADAPTER" --json \
  >"$results/kernels.json" 2>>"$results/errors.txt"
step tests
timeout "${TESTS:-150}" vitest run src/layers test/goldens.test.ts --maxWorkers "$(nproc)" --reporter=verbose \
  >"$results/tests.txt" 2>&1
sed 's/\x1b\[[0-9;]*m//g' "$results/tests.txt" | grep -E '^ *(×|→|Tests )' | head -30
step end
