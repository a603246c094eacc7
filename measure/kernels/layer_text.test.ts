import { describe, expect, it } from 'vitest';
import {
  add,
  buildModel,
  conv2d,
  findModel,
  flatten,
  type Graph,
  GraphBuilder,
  models,
  mul,
  prepare,
  transpose,
} from '../../src/index.ts';
import { profileOf } from '../../test/fixtures/profiles.ts';
import { layerCases } from './layer_case.ts';
import { parseLayer } from './layer_text.ts';

const device = profileOf('gpu');

function describedLayers(graph: Graph): readonly string[] {
  return layerCases(prepare(graph, { device })).map(({ text }) => text);
}

describe('a layer in one line', () => {
  it.each([
    'conv2d 1,64,56,56 channels=64 kernel=3 padding=1 residual relu',
    'conv2d 2,6,9,7 channels=4 kernel=3,5 stride=2,1 padding=0,1,2,1 dilation=2 groups=2 bias=false',
    'linear 4,256 features=10 relu',
    'max_pool2d 1,8,9,9 kernel=3 stride=2 padding=1',
    'average_pool2d 1,8,9,9 kernel=2 stride=2',
    'batch_norm 1,8,4,4 relu',
    'softmax 1,1000',
    'relu 1,8,4,4',
    'add 1,8,4,4',
    'add 1,8,4,4 relu',
    'silu 1,8,4,4',
    'conv2d 1,8,4,4 channels=8 kernel=1 residual',
    'conv2d 1,8,4,4 channels=8 kernel=1 relu6',
    'conv2d 1,8,4,4 channels=8 kernel=1 residual hard_swish',
  ])('"%s" is read and written alike', (line) => {
    expect(describedLayers(parseLayer(line))).toEqual([line]);
  });

  // Weights of the largest RegNet do not fit a buffer of this device.
  const planned = [...models.keys()].filter((name) => name !== 'regnet_y_128gf');
  it.each(planned)('every convolution of %s can be written', (name) => {
    const layers = describedLayers(buildModel(findModel(name)));
    // But for those whose epilogue has no words: see below.
    for (const line of layers.filter((text) => /^conv2d[^"]*$/.test(text))) {
      expect(describedLayers(parseLayer(line))).toEqual([line]);
    }
  });

  it.each([
    ['conv3d 1,2,3', '"conv3d" is none of conv2d, linear'],
    ['conv2d 1,2,8,8 channels=4 kernal=3', '"kernal" is none of channels, kernel'],
    ['conv2d 1,2,8,8 channels=4 kernel=x', '"kernel=x" gives no whole numbers; an example is'],
    ['conv2d 1,2,8,8 channels kernel=3', '"channels" gives no whole numbers'],
    ['conv2d 1,2,8,8', 'conv2d needs channels=..., kernel=...; an example is'],
    ['linear 1,2', 'linear needs features=...;'],
    ['max_pool2d 1,2,8,8', 'max_pool2d needs kernel=...;'],
    ['conv2d 1,2,8,8 channels=0 kernel=3', 'channels must be integers >= 1'],
    ['conv2d channels=4 kernel=3', 'followed by the shape of its input, not by "channels=4"'],
    ['conv2d 1,2,8 channels=4 kernel=3', 'conv2d'],
    ['conv2d', '"conv2d" is followed by the shape of its input, not by ""'],
  ])('"%s" is refused, saying why', (line, reason) => {
    expect(() => parseLayer(line)).toThrow(reason);
  });
});

describe('what has no words', () => {
  const g = GraphBuilder.create();
  const x = g.input('x', [1, 8, 4, 4]);
  const gate = g.input('gate', [1, 8, 1, 1]);
  const y = conv2d(g.at('conv'), x, { channels: 8, kernel: 1 });
  g.output('gated', mul(g, y, gate));
  g.output('rows', flatten(g, transpose(g, x, [0, 2, 1, 3])));
  g.output('squares', mul(g, x, x));

  it('is shown as a formula, in quotes', () => {
    expect(describedLayers(g.build('formulas'))).toEqual([
      'conv2d 1,8,4,4 channels=8 kernel=1 "value * operand0"',
      'rearrange 1,128 "transpose [0, 2, 1, 3], flatten from axis 1"',
      'pointwise 1,8,4,4 "x0 * x0"',
    ]);
  });
});

describe('layerCases', () => {
  it('takes a sum for the same layer, whichever of its terms stands first', () => {
    const g = GraphBuilder.create();
    const residual = g.input('residual', [1, 8, 4, 4]);
    const x = g.input('x', [1, 8, 4, 4]);
    const convolve = (name: string) => conv2d(g.at(name), x, { channels: 8, kernel: 1 });
    g.output('first', add(g, convolve('first'), residual));
    g.output('second', add(g, residual, convolve('second')));
    const cases = layerCases(prepare(g.build('sums'), { device }));
    expect(cases.map(({ names }) => names)).toEqual([['first', 'second']]);
  });

  it('finds each shape of ResNet-50 once, with all of its layers, but for what runs no kernel', () => {
    const prepared = prepare(buildModel(findModel('resnet50')), { device });
    const cases = layerCases(prepared);
    const names = cases.flatMap((layerCase) => layerCase.names);
    expect(new Set(cases.map(({ text }) => text)).size).toBe(cases.length);
    const { nodes } = prepared.plan.graph;
    expect(nodes.map(({ op }) => op.name).filter((name) => name === 'rearrange')).toHaveLength(1);
    expect(names.toSorted()).toEqual(
      nodes
        .filter(({ op }) => op.name !== 'rearrange')
        .map(({ name }) => name)
        .toSorted(),
    );
    const macs = cases.reduce((sum, { flops, names: alike }) => sum + alike.length * flops, 0) / 2;
    expect(macs).toBe(4_089_184_256);
  });
});
