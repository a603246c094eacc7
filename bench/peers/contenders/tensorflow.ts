/**
 * ResNet-50 in TensorFlow.js, which reads neither safetensors nor ONNX: written by hand from the layers it
 * has, as fast as they go: NHWC, batch norms folded into the convolutions, bias and ReLU fused.
 */
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-webgpu';
import { openSafetensors } from '../../../src/index.ts';
import type { Contender, Workload } from '../contender.ts';

/** torchvision's layer1 to layer4: width, blocks, stride of the first. */
const STAGES = [
  { width: 64, blocks: 3, stride: 1 },
  { width: 128, blocks: 4, stride: 2 },
  { width: 256, blocks: 6, stride: 2 },
  { width: 512, blocks: 3, stride: 2 },
] as const;

const EPSILON = 1e-5;

/** A convolution's weights in TensorFlow's order, [height, width, in, out], with the batch norm folded in. */
interface Folded {
  readonly filter: Float32Array;
  readonly shape: [number, number, number, number];
  readonly bias: Float32Array;
}

type Layer = (x: tf.Tensor4D) => tf.Tensor4D;

export function tensorflow({ safetensors, shape }: Workload): Contender {
  if (!safetensors) throw new Error('there are no weights');
  const weights = foldAll(safetensors);
  const [batch = 1, channels = 3, height = 1, width = 1] = shape;
  let forward: ((x: tf.Tensor4D) => tf.Tensor) | undefined;
  return {
    async load() {
      await tf.setBackend('webgpu');
      await tf.ready();
      forward = build(weights);
    },
    async run(pixels) {
      const y = tf.tidy(() => {
        const x = tf.tensor4d(pixels, [batch, channels, height, width]);
        if (!forward) throw new Error('the model is not loaded');
        return forward(tf.transpose(x, [0, 2, 3, 1]));
      });
      const logits = await y.data();
      y.dispose();
      return Float32Array.from(logits);
    },
  };
}

interface Weights {
  readonly convolution: (name: string) => Folded;
  readonly classifier: { readonly weight: Float32Array; readonly bias: Float32Array };
}

function foldAll(safetensors: Uint8Array<ArrayBuffer>): Weights {
  const source = openSafetensors(safetensors, 'resnet50');
  const read = (name: string): Float32Array =>
    source.read(name, source.tensors?.get(name)?.shape ?? []);
  const folded = new Map<string, Folded>();
  for (const name of source.tensors?.keys() ?? []) {
    const [outputs = 0, inputs = 0, rows, columns] = source.tensors?.get(name)?.shape ?? [];
    if (rows === undefined || columns === undefined) continue;
    const layer = name.slice(0, -'.weight'.length);
    const norm = layer.includes('downsample')
      ? layer.replace(/0$/, '1')
      : layer.replace(/conv(\d)$/, 'bn$1');
    const [gamma, beta, mean, variance] = ['weight', 'bias', 'running_mean', 'running_var'].map(
      (part) => read(`${norm}.${part}`),
    );
    const scale = Float64Array.from(
      gamma ?? [],
      (value, o) => value / Math.sqrt((variance?.[o] ?? 0) + EPSILON),
    );
    const weight = read(name);
    const filter = new Float32Array(weight.length);
    const taps = rows * columns;
    for (let o = 0; o < outputs; o++) {
      for (let i = 0; i < inputs; i++) {
        for (let tap = 0; tap < taps; tap++) {
          filter[(tap * inputs + i) * outputs + o] =
            (weight[(o * inputs + i) * taps + tap] ?? 0) * (scale[o] ?? 0);
        }
      }
    }
    const bias = Float32Array.from(
      beta ?? [],
      (value, o) => value - (mean?.[o] ?? 0) * (scale[o] ?? 0),
    );
    folded.set(layer, { filter, shape: [rows, columns, inputs, outputs], bias });
  }
  return {
    convolution(name) {
      const found = folded.get(name);
      if (!found) throw new Error(`no convolution "${name}"`);
      return found;
    },
    classifier: { weight: read('fc.weight'), bias: read('fc.bias') },
  };
}

function build({ convolution, classifier }: Weights): (x: tf.Tensor4D) => tf.Tensor {
  const conv = (name: string, stride: number, activation: 'relu' | 'linear'): Layer => {
    const { filter: data, shape, bias: biasData } = convolution(name);
    const filter = tf.tensor4d(data, shape);
    const bias = tf.tensor1d(biasData);
    const pad = Math.floor(shape[0] / 2);
    return (x) =>
      tf.fused.conv2d({
        x,
        filter,
        bias,
        activation,
        strides: stride,
        pad,
        dimRoundingMode: 'floor',
      });
  };
  const stem = conv('conv1', 2, 'relu');
  const blocks = STAGES.flatMap(({ blocks: count, stride }, stage) =>
    Array.from({ length: count }, (_, i): Layer => {
      const at = `layer${stage + 1}.${i}`;
      const first = conv(`${at}.conv1`, 1, 'relu');
      const second = conv(`${at}.conv2`, i === 0 ? stride : 1, 'relu');
      const third = conv(`${at}.conv3`, 1, 'linear');
      const shortcut =
        i === 0 ? conv(`${at}.downsample.0`, stride, 'linear') : (x: tf.Tensor4D) => x;
      return (x) => tf.relu(tf.add(third(second(first(x))), shortcut(x)));
    }),
  );
  const matrix = tf.tensor2d(classifier.weight, [classifier.bias.length, 2048]);
  const bias = tf.tensor1d(classifier.bias);
  return (x) => {
    const pooled = tf.maxPool(stem(x), 3, 2, 1, 'floor');
    const features = blocks.reduce((y, block) => block(y), pooled);
    const mean = tf.mean(features, [1, 2]) as tf.Tensor2D;
    return tf.add(tf.matMul(mean, matrix, false, true), bias);
  };
}
