import { describe, expect, it } from 'vitest';
import { buildModel, type Device, findModel, models, planFor } from '../../src/index.ts';
import { profileOf } from '../../test/fixtures/profiles.ts';
import { layerCases } from './layer_case.ts';
import { parseLayer } from './layer_text.ts';

/** Planning needs no more of a device. */
const device = { profile: profileOf('gpu') } as Device;

function describedLayers(graph: ReturnType<typeof parseLayer>): readonly string[] {
  return layerCases(planFor(device, graph).graph).map(({ text }) => text);
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
    'add 1,8,4,4 relu',
  ])('"%s" is read and written alike', (line) => {
    expect(describedLayers(parseLayer(line))).toEqual([line]);
  });

  it.each([...models.keys()])('every convolution of %s can be written', (name) => {
    const layers = describedLayers(buildModel(findModel(name)));
    for (const line of layers.filter((text) => text.startsWith('conv2d'))) {
      expect(describedLayers(parseLayer(line))).toEqual([line]);
    }
  });

  it.each([
    ['conv3d 1,2,3', '"conv3d" is none of conv2d, linear'],
    ['conv2d 1,2,8,8 channels=4 kernal=3', '"kernal" is none of channels, kernel'],
    ['conv2d 1,2,8,8 channels=4 kernel=x', 'extents must be positive integers'],
    ['conv2d 1,2,8 channels=4 kernel=3', 'conv2d'],
    ['conv2d', 'extents must be positive integers'],
  ])('"%s" is refused, saying why', (line, reason) => {
    expect(() => parseLayer(line)).toThrow(reason);
  });
});

describe('layerCases', () => {
  it('finds each shape of ResNet-50 once, with all of its layers, but for views', () => {
    const { graph } = planFor(device, buildModel(findModel('resnet50')));
    const cases = layerCases(graph);
    const names = cases.flatMap((layerCase) => layerCase.names);
    expect(new Set(cases.map(({ text }) => text)).size).toBe(cases.length);
    expect(names.toSorted()).toEqual(
      graph.nodes
        .filter(({ op }) => op !== 'flatten')
        .map(({ name }) => name)
        .toSorted(),
    );
    const macs = cases.reduce((sum, { flops, names: alike }) => sum + alike.length * flops, 0) / 2;
    expect(macs).toBe(4_089_184_256);
  });
});
