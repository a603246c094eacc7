import { expect, it } from 'vitest';
import { operators } from '../../layers/index.ts';
import { relu } from '../../layers/relu.ts';
import { softmax } from '../../layers/softmax.ts';
import { GraphBuilder } from '../graph_builder.ts';
import type { DeviceProfile } from '../operator.ts';
import type { Shape } from '../tensor.ts';
import { batchParts } from './batch_parts.ts';

function device(bytes: number): DeviceProfile {
  const limits = {
    maxBufferSize: 2 ** 40,
    maxStorageBufferBindingSize: bytes,
    maxComputeInvocationsPerWorkgroup: 256,
    maxComputeWorkgroupStorageSize: 16384,
    maxComputeWorkgroupsPerDimension: 65535,
  };
  return { kind: 'gpu', adapter: 'a gpu', subgroupSize: undefined, shaderF16: true, limits };
}

function rows(shape: Shape, axis = 1) {
  const g = GraphBuilder.create();
  g.output('y', relu(g, softmax(g.at('softmax'), g.input('x', shape), axis)));
  return g.build('rows');
}

it.each([
  [12, 12 * 40, 1],
  [12, 12 * 40 - 1, 2],
  [12, 200, 3],
  [12, 130, 4],
  [12, 40, 12],
  [7, 40 * 6, 7],
])(
  'a batch of %i rows of 40 bytes in buffers of %i bytes takes %i parts',
  (batch, bytes, parts) => {
    expect(batchParts(rows([batch, 10]), operators, device(bytes))).toBe(parts);
  },
);

it('a batch is not cut where one row is too large already', () => {
  expect(batchParts(rows([12, 10]), operators, device(39))).toBe(1);
});

it('a batch is not cut where its rows influence one another', () => {
  expect(batchParts(rows([12, 10], 0), operators, device(100))).toBe(1);
});
