import { describe, expect, it } from 'vitest';
import { prepare } from '../prepare.ts';
import { ANY_GPU } from '../runtime/device_profile.ts';
import { type Graph, weightsOf } from '../runtime/graph.ts';
import { GraphBuilder } from '../runtime/graph_builder.ts';
import { elementCount, type Shape } from '../runtime/tensor.ts';
import { divisible } from './divisible.ts';
import { findModel, modelFamilies, models } from './index.ts';
import { mobilenetV3Features, mobilenetV3LargeLayers } from './mobilenet_v3.ts';
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
      const pixels = ['voc', 'masks'].includes(model.domain) ? model.size : [];
      expect(graph.outputs.get('logits')?.desc.shape).toEqual([2, model.classes, ...pixels]);
    },
  );

  // As torchvision documents them (num_params), or counts them where that leaves parts out: GoogLeNet with its
  // auxiliary classifiers; and the LeNet of weights/README.md.
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
    ['fcn_resnet50', 35_322_218],
    ['fcn_resnet101', 54_314_346],
    ['googlenet', 13_004_888],
    ['inception_v3', 27_161_264],
    ['regnet_x_400mf', 5_495_976],
    ['regnet_x_800mf', 7_259_656],
    ['regnet_x_1_6gf', 9_190_136],
    ['regnet_x_3_2gf', 15_296_552],
    ['regnet_x_8gf', 39_572_648],
    ['regnet_x_16gf', 54_278_536],
    ['regnet_x_32gf', 107_811_560],
    ['regnet_y_400mf', 4_344_144],
    ['regnet_y_800mf', 6_432_512],
    ['regnet_y_1_6gf', 11_202_430],
    ['regnet_y_3_2gf', 19_436_338],
    ['regnet_y_8gf', 39_381_472],
    ['regnet_y_16gf', 83_590_140],
    ['regnet_y_32gf', 145_046_770],
    ['regnet_y_128gf', 644_812_894],
    ['densenet121', 7_978_856],
    ['densenet161', 28_681_000],
    ['densenet169', 14_149_480],
    ['densenet201', 20_013_928],
    ['convnext_tiny', 28_589_128],
    ['convnext_small', 50_223_688],
    ['convnext_base', 88_591_464],
    ['convnext_large', 197_767_336],
    ['efficientnet_b0', 5_288_548],
    ['efficientnet_b1', 7_794_184],
    ['efficientnet_b2', 9_109_994],
    ['efficientnet_b3', 12_233_232],
    ['efficientnet_b4', 19_341_616],
    ['efficientnet_b5', 30_389_784],
    ['efficientnet_b6', 43_040_704],
    ['efficientnet_b7', 66_347_960],
    ['efficientnet_v2_s', 21_458_488],
    ['efficientnet_v2_m', 54_139_356],
    ['efficientnet_v2_l', 118_515_272],
    ['mobilenet_v2', 3_504_872],
    ['mobilenet_v3_small', 2_542_856],
    ['mobilenet_v3_large', 5_483_032],
    ['mnasnet0_5', 2_218_512],
    ['mnasnet0_75', 3_170_208],
    ['mnasnet1_0', 4_383_312],
    ['mnasnet1_3', 6_282_256],
    ['shufflenet_v2_x0_5', 1_366_792],
    ['shufflenet_v2_x1_0', 2_278_604],
    ['shufflenet_v2_x1_5', 3_503_624],
    ['shufflenet_v2_x2_0', 7_393_996],
    ['squeezenet1_0', 1_248_424],
    ['squeezenet1_1', 1_235_496],
    ['deeplabv3_resnet50', 42_004_074],
    ['deeplabv3_resnet101', 60_996_202],
    ['deeplabv3_mobilenet_v3_large', 11_029_328],
    ['lraspp_mobilenet_v3_large', 3_221_538],
    ['unet', 482_754],
  ])('%s has %i parameters', (name, expected) => {
    expect(parameters(buildModel(findModel(name)))).toBe(expected);
  });

  it('are each in one family', () => {
    const names = modelFamilies.flatMap((family) => family.models.map(({ name }) => name));
    expect(new Set(names).size).toBe(names.length);
    expect(names).toEqual([...models.keys()]);
  });

  // Each layer with its norm, activation and residual is one dispatch, and concats cost none.
  it.each([
    ['resnet50', 66],
    ['densenet121', 190],
    ['efficientnet_b0', 120],
    ['mobilenet_v2', 54],
    ['mobilenet_v3_large', 90],
    ['convnext_tiny', 92],
  ])('%s is planned as %i dispatches at most', (name, most) => {
    const { plan } = prepare(buildModel(findModel(name)), { device: ANY_GPU });
    expect(plan.dispatches.length).toBeLessThanOrEqual(most);
  });

  it.each([
    [
      'resnet5',
      /^unknown model "resnet5"; did you mean resnet50 or resnet50_v1 or fcn_resnet50\? All are in "models"$/,
    ],
    ['yolo', /^unknown model "yolo"; all are in "models", such as resnet50$/],
  ])('are refused by the unknown name %s, with those that exist', (name, message) => {
    expect(() => findModel(name)).toThrow(
      expect.objectContaining({
        name: 'UnsupportedError',
        message: expect.stringMatching(message),
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

describe('mobilenetV3Features', () => {
  it.each([
    [false, [1, 960, 3, 4]],
    [true, [1, 960, 5, 7]],
  ])('dilated: %s', (dilated, shape) => {
    const g = GraphBuilder.create();
    const x = g.input('x', [1, 3, 65, 97]);
    const { eighth, last } = mobilenetV3Features(g, x, mobilenetV3LargeLayers, { dilated });
    expect(last.desc.shape).toEqual(shape);
    // Of the layers of that size the first, whose map LR-ASPP reads.
    expect([eighth.name, eighth.desc.shape]).toEqual(['4.block.3.1', [1, 40, 9, 13]]);
  });
});

describe('auxiliary classifiers', () => {
  it.each([
    ['fcn_resnet50', 279],
    ['deeplabv3_resnet101', 564],
    ['deeplabv3_mobilenet_v3_large', 306],
  ])('of %s are among the weights, of which torchvision has %i, and are not run', (name, count) => {
    const graph = buildModel(findModel(name), { size: [64, 64] });
    const all = weightsOf(graph).map((weight) => weight.name);
    expect(all).toHaveLength(count);
    expect(all).toContain('aux_classifier.4.bias');
    const { plan } = prepare(graph, { device: ANY_GPU });
    const run = plan.graph.nodes.flatMap(({ inputs }) => Object.values(inputs));
    expect(run.some(({ name: read }) => read.startsWith('aux_classifier'))).toBe(false);
  });

  it('are outputs that run only where they are asked for', () => {
    const dispatches = (outputs: readonly string[]): number => {
      const graph = buildModel(findModel('googlenet'), { outputs });
      return prepare(graph, { device: ANY_GPU }).plan.dispatches.length;
    };
    expect(dispatches(['logits', 'aux1'])).toBe(dispatches(['logits']) + 4);
  });

  it('of Inception v3 is left out of images that are too small for it', () => {
    const names = (size: number): readonly string[] => {
      const graph = buildModel(findModel('inception_v3'), { size: [size, size] });
      return weightsOf(graph).map(({ name }) => name);
    };
    expect(names(299)).toContain('AuxLogits.fc.weight');
    expect(names(75)).toContain('fc.weight');
    expect(names(75)).not.toContain('AuxLogits.fc.weight');
  });
});

describe('divisible', () => {
  it.each([
    [83, 8, 80],
    [84, 8, 88],
    [3, 8, 8],
    [11.2, 8, 16],
    [180, 24, 192],
  ])('%f channels by %i are %i', (channels, divisor, expected) => {
    expect(divisible(channels, divisor)).toBe(expected);
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
