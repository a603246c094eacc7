#!/usr/bin/env bash
# Packs what a Linux x86-64 machine with a GPU but without network, Node or a Vulkan loader needs to run this
# repository:
#   bench/gpu_run/pack.sh FOLDER      in the root, after npm ci and npm --prefix bench/peers ci --ignore-scripts
# Copy the repository with the folder there, and in its root: FOLDER/run.sh (see README.md).
set -euo pipefail
folder=${1:?a folder, such as .gpu, that git ignores}
mkdir -p "$folder/deb"

# Programs shrink by a tenth more where jumps are made absolute first.
pack() { xz -T0 --x86 --lzma2=preset=9e,dict=128MiB -c; }

cp "$(readlink -f "$(command -v node)")" "$folder/node"
strip "$folder/node"
pack <"$folder/node" >"$folder/node.xz"
rm "$folder/node"
pack <node_modules/webgpu/dist/linux-x64/dawn.node >"$folder/dawn.node.xz"

# What neither tests of kernels nor the command load: compilers, linters, browsers, other platforms.
left_out='@biomejs|@deno|/deno$|@sparticuz|@typescript|/typescript$|playwright-core|@gutenye|/knip$|chart\.js|axe-core'
left_out+='|oxc-|@types/|refractor|bare-|@kurkle|lightningcss|/zod$|jiti$|/yaml$|property-information|unbash|parse-entities'
left_out+='|tar-fs|tar-stream|streamx|smol-toml|@huggingface'
packages=$(ls -d node_modules/* node_modules/.bin node_modules/@*/* |
  grep -vE '^node_modules/@[^/]*$' | grep -vE "$left_out")
# shellcheck disable=SC2086 # one word a package
tar -cf - --exclude='*.map' --exclude='*.md' --exclude='*.d.ts' --exclude='*.d.mts' --exclude='*.d.cts' \
  --exclude='node_modules/webgpu/dist' --exclude='node_modules/.cache' $packages | pack >"$folder/modules.tar.xz"

peers=bench/peers/node_modules
if [ -d $peers/onnxruntime-node ]; then
  native=onnxruntime-node/bin/napi-v6/linux/x64
  tar -C $peers -cf - onnxruntime-node/{package.json,dist} onnxruntime-common/{package.json,dist} \
    $native/onnxruntime_binding.node $native/libonnxruntime.so.1 | pack >"$folder/peers.tar.xz"
else
  echo "without onnxruntime: npm --prefix bench/peers ci --ignore-scripts was not run" >&2
fi

if [ -n "${TILEWISE_TEST_DATA:-}" ]; then
  tar -C "$TILEWISE_TEST_DATA" -cf - golden data/photos | pack >"$folder/data.tar.xz"
else
  echo "without goldens: TILEWISE_TEST_DATA does not say where they are" >&2
fi

# The Vulkan loader, and what NVIDIA's driver loads where there is no display.
(cd "$folder/deb" && apt-get -qq -o APT::Sandbox::User=root download \
  libvulkan1 libegl1 libglvnd0 libglx0 libgl1 libopengl0 libgles2)

cp "$(dirname "${BASH_SOURCE[0]}")/run.sh" "$folder/"
du -sh "$folder"
