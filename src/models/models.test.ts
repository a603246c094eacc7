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
    '%s gives logits [N, classes] for images of its own size',
    (_, model) => {
      const graph = buildModel(model, { batch: 2 });
      expect(graph.inputs.map(({ name, desc }) => [name, desc.shape])).toEqual([
        ['input', [2, model.channels, ...model.size]],
      ]);
      expect(graph.outputs.get('logits')?.desc.shape).toEqual([2, model.classes]);
    },
  );

  // PyTorch's numel() of torchvision's resnet50, and of the LeNet of weights/README.md.
  it.each([
    ['lenet', 105_506],
    ['resnet50', 25_557_032],
    ['resnet50_v1', 25_557_032],
  ])('%s has %i parameters', (name, expected) => {
    expect(parameters(buildModel(findModel(name)))).toBe(expected);
  });

  it('are refused by names that nobody knows, with those that exist', () => {
    expect(() => findModel('resnet5')).toThrow(
      expect.objectContaining({
        name: 'UnsupportedError',
        message: expect.stringMatching(/^unknown model "resnet5"; known are lenet, resnet50/),
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
      'add "b.add": expects two equal shapes, got [1, 64, 9, 8] and [1, 32, 9, 8]',
    );
  });
});
