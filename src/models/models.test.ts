import { describe, expect, it } from 'vitest';
import { type Graph, weightsOf } from '../runtime/graph.ts';
import { GraphBuilder } from '../runtime/graph_builder.ts';
import { elementCount, type Shape } from '../runtime/tensor.ts';
import { findModel, models } from './index.ts';
import { buildModel } from './model.ts';
import { downscalingResidualBlock, residualBlock } from './resnet.ts';

/** What PyTorch counts: everything but the statistics of batch norms. */
function parameters(graph: Graph): number {
  return weightsOf(graph)
    .filter(({ name }) => !/\.running_(mean|var)$/.test(name))
    .reduce((sum, { desc }) => sum + elementCount(desc.shape), 0);
}

function shapeOf(graph: Graph, name: string): Shape | undefined {
  return graph.nodes.find((node) => node.name === name)?.output.desc.shape;
}

describe('models', () => {
  it.each([...models.values()].map((model) => [model.name, model] as const))(
    '%s gives logits [N, classes], of each pixel or of the image, for images of its own size',
    (_, model) => {
      const graph = buildModel(model, { batch: 2 });
      expect(graph.inputs.map(({ name, desc }) => [name, desc.shape])).toEqual([
        ['input', [2, model.channels, ...model.size]],
      ]);
      const pixels = model.domain === 'voc' ? model.size : [];
      expect(graph.outputs.get('logits')?.desc.shape).toEqual([2, model.classes, ...pixels]);
    },
  );

  // As torchvision documents them (num_params), fcn_resnet50 without its auxiliary classifier, which inference
  // does not use; and the LeNet of weights/README.md.
  it.each([
    ['lenet', 105_506],
    ['alexnet', 61_100_840],
    ['vgg11', 132_863_336],
    ['vgg11_bn', 132_868_840],
    ['vgg13', 133_047_848],
    ['vgg13_bn', 133_053_736],
    ['vgg16', 138_357_544],
    ['vgg16_bn', 138_365_992],
    ['vgg19', 143_667_240],
    ['vgg19_bn', 143_678_248],
    ['resnet18', 11_689_512],
    ['resnet34', 21_797_672],
    ['resnet50', 25_557_032],
    ['resnet50_v1', 25_557_032],
    ['resnet101', 44_549_160],
    ['resnet101_v1', 44_549_160],
    ['resnet152', 60_192_808],
    ['resnet152_v1', 60_192_808],
    ['wide_resnet50_2', 68_883_240],
    ['resnext50_32x4d', 25_028_904],
    ['fcn_resnet50', 32_957_013],
  ])('%s has %i parameters', (name, expected) => {
    expect(parameters(buildModel(findModel(name)))).toBe(expected);
  });

  it('are refused by names that nobody knows, with those that exist', () => {
    expect(() => findModel('resnet5')).toThrow(
      expect.objectContaining({
        name: 'UnsupportedError',
        message: expect.stringMatching(
          /^unknown model "resnet5"; known are lenet, alexnet, .*resnet50/,
        ),
      }),
    );
  });
});

describe('buildModel', () => {
  it('gives a stage of the model as an output', () => {
    const graph = buildModel(findModel('resnet50'), { outputs: ['layer2', 'logits'] });
    expect([...graph.outputs].map(([name, { desc }]) => [name, desc.shape])).toEqual([
      ['layer2', [1, 512, 28, 28]],
      ['logits', [1, 1000]],
    ]);
  });

  it('refuses an output that the model does not have, with those that it has', () => {
    expect(() => buildModel(findModel('lenet'), { outputs: ['layer9'] })).toThrow(
      expect.objectContaining({
        message: expect.stringMatching(/^model "lenet" has no value "layer9"; it has .*logits/),
      }),
    );
  });

  it('takes other image sizes where the model does', () => {
    const graph = buildModel(findModel('resnet50'), { size: [65, 97] });
    expect(shapeOf(graph, 'layer4.2.relu')).toEqual([1, 2048, 3, 4]);
  });

  it('names the layer that an image is too small for', () => {
    expect(() => buildModel(findModel('lenet'), { size: [8, 8] })).toThrow(
      expect.objectContaining({
        name: 'ShapeError',
        message: expect.stringMatching(
          /^conv2d "conv2": a kernel of 5 .* reaches 5, the input is 1 high/,
        ),
      }),
    );
  });
});

describe('resnet50', () => {
  it.each([
    ['resnet50', 'conv1', [1, 64, 112, 112]],
    ['resnet50', 'maxpool', [1, 64, 56, 56]],
    ['resnet50', 'layer1.2.relu', [1, 256, 56, 56]],
    ['resnet50', 'layer4.2.relu', [1, 2048, 7, 7]],
    // Where the stride is: on the 3x3 in torchvision's, on the first 1x1 in the paper's.
    ['resnet50', 'layer2.0.conv1', [1, 128, 56, 56]],
    ['resnet50', 'layer2.0.conv2', [1, 128, 28, 28]],
    ['resnet50_v1', 'layer2.0.conv1', [1, 128, 28, 28]],
    ['resnet50_v1', 'layer2.0.conv2', [1, 128, 28, 28]],
  ])('%s has %s %j', (model, layer, shape) => {
    expect(shapeOf(buildModel(findModel(model)), layer)).toEqual(shape);
  });
});

describe('fcn_resnet50', () => {
  it("keeps an eighth of the resolution, and ends at the image's", () => {
    const graph = buildModel(findModel('fcn_resnet50'), { size: [65, 97] });
    expect(shapeOf(graph, 'backbone.layer4.2.relu')).toEqual([1, 2048, 9, 13]);
    expect(graph.outputs.get('logits')?.desc.shape).toEqual([1, 21, 65, 97]);
  });

  it('takes dilation for the stride of the last two sections, one block late', () => {
    const { nodes } = buildModel(findModel('fcn_resnet50'));
    const dilations = ['layer2.0', 'layer3.0', 'layer3.1', 'layer4.0', 'layer4.1'].map((block) => {
      const conv = nodes.find(({ name }) => name === `backbone.${block}.conv2`);
      return (conv?.attributes as { dilation: unknown } | undefined)?.dilation;
    });
    expect(dilations).toEqual([
      [1, 1],
      [1, 1],
      [2, 2],
      [2, 2],
      [4, 4],
    ]);
  });
});

describe('residual blocks', () => {
  const options = { channels: 16, stride: 2, placement: 'v1.5' } as const;

  it('halve the image where they downscale', () => {
    const g = GraphBuilder.create();
    const y = downscalingResidualBlock(g, g.input('x', [1, 32, 9, 8]), options);
    expect(y.desc.shape).toEqual([1, 64, 5, 4]);
  });

  it('keep the shape where the shortcut is the identity, and refuse another number of channels', () => {
    const g = GraphBuilder.create();
    const same = { ...options, stride: 1 };
    expect(residualBlock(g.at('a'), g.input('x', [1, 64, 9, 8]), same).desc.shape).toEqual([
      1, 64, 9, 8,
    ]);
    expect(() => residualBlock(g.at('b'), g.input('z', [1, 32, 9, 8]), same)).toThrow(
      'pointwise "b.add": expects shapes of at most 8 axes that agree or are 1 along each, got [1, 64, 9, 8] and [1, 32, 9, 8]',
    );
  });
});
