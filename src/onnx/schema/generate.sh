#!/usr/bin/env bash
# Makes onnx_pb.ts from onnx.proto, by tools that npm fetches for the occasion.
set -euo pipefail
cd "$(dirname "$0")"
npx --yes -p @bufbuild/buf@1.75.0 -p @bufbuild/protoc-gen-es@2.13.0 -p @bufbuild/protobuf@2.17.0 buf generate
