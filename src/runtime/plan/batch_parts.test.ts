import { expect, it } from 'vitest';
import { profileOf } from '../../../test/fixtures/profiles.ts';
import { relu } from '../../layers/activations.ts';
import { add } from '../../layers/arithmetic.ts';
import { conv2d } from '../../layers/conv2d.ts';
import { rearrange, reshapeTo, slice } from '../../layers/rearrange.ts';
import { softmax } from '../../layers/softmax.ts';
import type { DeviceProfile } from '../device_profile.ts';
import type { OpDef } from '../graph.ts';
import { GraphBuilder } from '../graph_builder.ts';
import { Expand, Reshape } from '../movement/index.ts';
import type { Shape } from '../tensor.ts';
import { batchParts, cutBatch } from './batch_parts.ts';

function device(bytes: number): DeviceProfile {
  return profileOf('gpu', { maxBufferSize: 2 ** 40, maxStorageBufferBindingSize: bytes });
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
    expect(batchParts(rows([batch, 10]), device(bytes))).toBe(parts);
  },
);

it('a batch is not cut where one row is too large already', () => {
  expect(batchParts(rows([12, 10]), device(39))).toBe(1);
});

it('a batch is not cut where its rows influence one another', () => {
  expect(batchParts(rows([12, 10], 0), device(100))).toBe(1);
});

it('a batch is not cut where a constant tells its images apart, or a movement mixes them', () => {
  const g = GraphBuilder.create();
  const x = g.input('x', [4, 3]);
  g.output('y', add(g, x, g.at('each').weight('bias', [4, 3])));
  expect(batchParts(g.build('apart'), device(24))).toBe(1);
  const alike = GraphBuilder.create();
  alike.output('y', add(alike, alike.input('x', [4, 3]), alike.at('all').weight('bias', [3])));
  expect(batchParts(alike.build('alike'), device(24))).toBe(2);
  const turned = GraphBuilder.create();
  const before = relu(turned.at('before'), turned.input('x', [4, 3]));
  turned.output('y', slice(turned.at('turned'), before, 0, -1, undefined, -1));
  expect(batchParts(turned.build('turned'), device(24))).toBe(1);
});

it('one part of a cut batch is the model of a smaller batch', () => {
  const graph = rows([12, 10]);
  expect(cutBatch(graph, 3)).toEqual(rows([4, 10]));
  expect(cutBatch(graph, 1)).toBe(graph);
});

it('a batch is cut where a reshape keeps its images, and not where a movement asks for their number', () => {
  const reshaped = (extents: Shape) => {
    const g = GraphBuilder.create();
    g.output(
      'y',
      softmax(g, reshapeTo(g.at('rows'), relu(g.at('relu'), g.input('x', [4, 3, 2])), extents)),
    );
    return g.build('reshaped');
  };
  for (const extents of [
    [4, -1],
    [4, 6],
    [-1, 6],
  ]) {
    const graph = reshaped(extents);
    expect(batchParts(graph, device(48)), `${extents}`).toBe(2);
    expect(cutBatch(graph, 2).outputs.get('y')?.desc.shape).toEqual([2, 6]);
  }
  const g = GraphBuilder.create();
  g.output('y', rearrange(g, g.input('x', [4, 3]), [new Expand({ shape: [4, 3] })]));
  expect(batchParts(g.build('expanded'), device(24))).toBe(1);
  const named = GraphBuilder.create();
  named.output(
    'y',
    rearrange(named, named.input('x', [4, 3]), [new Reshape({ extents: [4, -1] })]),
  );
  expect(batchParts(named.build('named'), device(24))).toBe(1);
});

it('a batch of a large prime is given up soon', () => {
  expect(batchParts(rows([2 ** 31 - 1, 1]), device(2 ** 27))).toBe(1);
});

it('a batch is cut where operators say nothing of it', () => {
  const g = GraphBuilder.create();
  g.output('y', conv2d(g, g.input('x', [4, 3, 2, 2]), { channels: 3, kernel: 1 }));
  expect(batchParts(g.build('said nothing'), device(2 * 3 * 4 * 4))).toBe(2);
});

it('what an operator throws besides ShapeError is passed on', () => {
  const broken: OpDef<object, 'x'> = {
    name: 'broken',
    inferShape({ inputs }) {
      if (inputs.x?.desc.shape[0] !== 4) throw new RangeError('broken operator');
      return inputs.x.desc;
    },
    candidates: () => [],
  };
  const g = GraphBuilder.create();
  g.output('y', g.add(broken, {}, { x: g.input('x', [4, 3]) }));
  const graph = g.build('broken');
  expect(() => batchParts(graph, device(24))).toThrow('broken operator');
});
