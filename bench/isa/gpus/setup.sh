#!/usr/bin/env bash
# Mesa's compilers for GPUs that this machine does not have, for `npm run bench:isa`.
#   setup.sh install   fetches and builds what is not there yet
#   setup.sh GPU       the same, then prints the shell commands after which `node` sees that GPU
#   setup.sh           their names
#
# Each of Mesa's drivers stands on a library that pretends to be its kernel driver, of which nothing runs; Dawn then
# compiles as it would for such a GPU, and a Vulkan layer (pipeline_statistics_layer.c) writes what compilers say.
# All is of Debian's next release, whose Mesa knows Apple's GPUs, verified by apt with the keys of Debian's archive; it
# is unpacked, not installed: into $TILEWISE_ISA_CACHE (~/.cache/tilewise-isa), which takes 450 MB. Delete that for
# newer drivers. No root rights are needed, and no script of a package runs.
#
# Needs x86-64, Node.js, apt and dpkg with the keys of Debian, and a C compiler. Tried on Debian 12.
#   apt-get install debian-archive-keyring gcc libc6-dev
# Ends with exit code 69 where something of these is missing or the packages cannot be fetched.
set -euo pipefail

readonly RELEASE=forky
readonly KEYS=/usr/share/keyrings/debian-archive-keyring.gpg
readonly PACKAGES=(mesa-vulkan-drivers mesa-drm-shim libvulkan1 libstdc++6 libatomic1 libvulkan-dev libdrm-dev)
readonly UNAVAILABLE=69

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${TILEWISE_ISA_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/tilewise-isa}
root=$cache/debian
lib=$root/usr/lib/x86_64-linux-gnu

unavailable() {
  echo "$0: $1" >&2
  exit "$UNAVAILABLE"
}

# This machine's mirror, if it is a Debian; else the one that Debian itself names.
mirror() {
  local sites
  sites=$(apt-get indextargets --format "\$(SITE)" 2>/dev/null || true)
  grep -m1 '/debian/*$' <<<"$sites" || echo http://deb.debian.org/debian
}

# The packages and all that they need, by an apt of its own that takes nothing for installed.
fetch() {
  [ -e "$root/complete" ] && return
  local own=$cache/apt package folder
  rm -rf "$root" "$own"
  mkdir -p "$own/lists/partial" "$own/archives/partial"
  : >"$own/status"
  echo "deb [signed-by=$KEYS] $(mirror) $RELEASE main" >"$own/sources.list"
  cat >"$own/conf" <<END
APT::Architecture "amd64";
APT::Architectures { "amd64"; };
APT::Sandbox::User "$(id -un)";
APT::Install-Recommends "false";
APT::Update::Error-Mode "any";
Acquire::Languages "none";
Acquire::Retries "2";
Debug::NoLocking "true";
Dir::State "$own";
Dir::State::status "$own/status";
Dir::State::Lists "$own/lists";
Dir::Cache "$own";
Dir::Etc::sourcelist "$own/sources.list";
Dir::Etc::sourceparts "/dev/null";
END
  export APT_CONFIG=$own/conf
  apt-get update -qq || unavailable "apt-get cannot read the packages of Debian $RELEASE"
  apt-get install -y -qq --download-only "${PACKAGES[@]}" >/dev/null ||
    unavailable "apt-get cannot fetch ${PACKAGES[*]}"
  unset APT_CONFIG
  for folder in bin sbin lib lib64; do
    mkdir -p "$root/usr/$folder"
    ln -s "usr/$folder" "$root/$folder"
  done
  for package in "$own"/archives/*.deb; do
    dpkg-deb --fsys-tarfile "$package" | tar -x --keep-directory-symlink -C "$root"
  done
  rm -r "$own"
  touch "$root/complete"
}

build() {
  local library
  for library in pipeline_statistics_layer i915_noop newer_chips; do
    cc -O2 -Wall -Wextra -Werror -shared -fPIC -idirafter "$root/usr/include" -idirafter "$root/usr/include/libdrm" \
      -o "$cache/$library.so" "$here/$library.c"
  done
  cat >"$cache/layer.json" <<END
{
  "file_format_version": "1.1.2",
  "layer": {
    "name": "VK_LAYER_TILEWISE_pipeline_statistics",
    "type": "GLOBAL",
    "library_path": "$cache/pipeline_statistics_layer.so",
    "api_version": "1.4.0",
    "implementation_version": "1",
    "description": "writes what compilers say of compute pipelines"
  }
}
END
}

# This machine's Node with Debian's libc, which Debian's drivers need, and with what pretends to be a kernel driver. To
# what it starts, nothing of that is passed on; its process.execPath is the loader.
buildNode() {
  local node
  node=$(PATH=${PATH//"$cache/bin:"/} command -v node) || unavailable 'there is no node'
  mkdir -p "$cache/bin"
  cat >"$cache/bin/node" <<END
#!/bin/sh
exec "$lib/ld-linux-x86-64.so.2" --library-path "$lib" --preload "\$NO_KERNEL" "$(readlink -f "$node")" "\$@"
END
  chmod +x "$cache/bin/node"
}

install() {
  local tool
  for tool in apt-get dpkg-deb cc; do
    command -v "$tool" >/dev/null || unavailable "there is no $tool"
  done
  [ "$(uname -sm)" = 'Linux x86_64' ] || unavailable "needs Linux on x86-64, not $(uname -sm)"
  [ -e "$KEYS" ] || unavailable 'needs the package debian-archive-keyring'
  mkdir -p "$cache"
  fetch
  build
  buildNode
}

names() {
  printf '%s\n' amd-{navi10,navi21,navi31,strix1,gfx1201} apple-{g13g,g14g} intel-{skl,cfl,icl,tgl,adl,dg2,mtl} \
    nvidia-{maxwell,pascal,volta,turing,ampere,ada,blackwell} qualcomm-{618,630,660,730,740,750,830}
}

# Mesa's name of the driver, what pretends to be the kernel's, and the variables that choose a chip.
show() {
  local driver kernel variables layers=VK_LAYER_TILEWISE_pipeline_statistics
  case $1 in
    amd-*) driver=radeon kernel=$lib/libamdgpu_noop_drm_shim.so variables=("AMDGPU_GPU_ID=${1#*-}") ;;
    apple-*)
      driver=asahi kernel=$cache/newer_chips.so:$lib/libasahi_noop_drm_shim.so variables=(ISA_VENDOR=0x106b)
      [ "$1" = apple-g13g ] || variables+=("APPLE_CHIP=$(tr '[:lower:]' '[:upper:]' <<<"${1#*-}")") ;;
    intel-*)
      driver=intel kernel=$cache/i915_noop.so:$lib/libnouveau_noop_drm_shim.so variables=("INTEL_CHIP=${1#*-}") ;;
    qualcomm-*) driver=freedreno kernel=$lib/libfreedreno_noop_drm_shim.so variables=("FD_GPU_ID=${1#*-}") ;;
    nvidia-maxwell) variables=(NOUVEAU_CHIPSET=0x124) ;;
    nvidia-pascal) variables=(NOUVEAU_CHIPSET=0x134) ;;
    nvidia-volta) variables=(NOUVEAU_CHIPSET=0x140) ;;
    nvidia-turing) variables=(NOUVEAU_CHIPSET=0x164) ;;
    nvidia-ampere) variables=(NOUVEAU_CHIPSET=0x172) ;;
    nvidia-ada) variables=(NOUVEAU_CHIPSET=0x172 NVIDIA_CHIP=0x192) ;;
    nvidia-blackwell) variables=(NOUVEAU_CHIPSET=0x172 NVIDIA_CHIP=0x1b2) ;;
  esac
  : "${driver:=nouveau}" "${kernel:=$cache/newer_chips.so:$lib/libnouveau_noop_drm_shim.so}"
  local manifest=$cache/$driver.json
  printf '{"file_format_version":"1.0.0","ICD":{"api_version":"1.4.0","library_path":"%s"}}\n' \
    "$lib/libvulkan_$driver.so" >"$manifest"
  echo 'unset ISA_VENDOR APPLE_CHIP INTEL_CHIP NOUVEAU_CHIPSET NVIDIA_CHIP FD_GPU_ID AMDGPU_GPU_ID'
  printf "export PATH=%q:\$PATH" "$cache/bin"
  printf ' %q' "VK_DRIVER_FILES=$manifest" "VK_LAYER_PATH=$cache" "VK_INSTANCE_LAYERS=$layers" \
    MESA_SHADER_CACHE_DISABLE=1 "NO_KERNEL=$kernel" "${variables[@]}"
  echo
}

case ${1:-} in
  '') names ;;
  install) install ;;
  *)
    names | grep -xF -e "$1" >/dev/null || { echo "$0: no GPU is called $1; there are: $(names | xargs)" >&2; exit 2; }
    install >&2
    show "$1"
    ;;
esac
