/**
 * RegNet: Radosavovic, Kosaraju, Girshick, He and Dollár, "Designing network design spaces" (2020). Residual
 * bottleneck blocks whose widths follow a line, rounded so that each stage has one width. Y are X with
 * squeeze-and-excitation.
 */
import { relu } from '../layers/activations.ts';
import { add } from '../layers/arithmetic.ts';
import { linear } from '../layers/linear.ts';
import type { Value } from '../runtime/graph.ts';
import type { GraphBuilder } from '../runtime/graph_builder.ts';
import { channelMeans } from './channel_means.ts';
import { convNorm } from './conv_norm.ts';
import { divisible } from './divisible.ts';
import { IMAGENET_CLASSES, imagenetModel } from './imagenet_model.ts';
import type { ModelDef } from './model.ts';
import { squeezeExcitation } from './squeeze_excitation.ts';

export interface RegnetLayers {
  /** Blocks of all stages. */
  readonly depth: number;
  /** Width of the first stage. */
  readonly w0: number;
  /** By how much the width grows from block to block, before it is rounded. */
  readonly wa: number;
  /** By which factor, or a power of it, the widths of two stages differ. */
  readonly wm: number;
  /** Channels of a group of the 3x3 convolutions. */
  readonly group: number;
  readonly excitation: boolean;
}

type Row = readonly [depth: number, w0: number, wa: number, wm: number, group: number];

/** By multiply-adds for an image of 224 x 224: those of the paper for which torchvision has weights. */
const X: Readonly<Record<string, Row>> = {
  '400mf': [22, 24, 24.48, 2.54, 16],
  '800mf': [16, 56, 35.73, 2.28, 16],
  '1_6gf': [18, 80, 34.01, 2.25, 24],
  '3_2gf': [25, 88, 26.31, 2.25, 48],
  '8gf': [23, 80, 49.56, 2.88, 120],
  '16gf': [22, 216, 55.59, 2.1, 128],
  '32gf': [23, 320, 69.86, 2, 168],
};

const Y: Readonly<Record<string, Row>> = {
  '400mf': [16, 48, 27.89, 2.09, 8],
  '800mf': [14, 56, 38.84, 2.4, 16],
  '1_6gf': [27, 48, 20.71, 2.65, 24],
  '3_2gf': [21, 80, 42.63, 2.66, 24],
  '8gf': [17, 192, 76.82, 2.19, 56],
  '16gf': [18, 200, 106.23, 2.48, 112],
  '32gf': [20, 232, 115.89, 2.53, 232],
  '128gf': [27, 456, 160.83, 2.52, 264],
};

/** Adds a RegNet: images [N, 3, H, W] to logits [N, classes]. */
export function regnet(g: GraphBuilder, x: Value, layers: RegnetLayers, classes: number): Value {
  let y = convNorm(g.at('stem'), x, { channels: 32, kernel: 3, stride: 2, activation: relu });
  for (const [i, { width, blocks }] of stagesOf(layers).entries()) {
    const stage = g.at('trunk_output').at(`block${i + 1}`);
    const group = Math.min(layers.group, width);
    const block = { channels: divisible(width, group), group, excitation: layers.excitation };
    for (let n = 0; n < blocks; n++) {
      y = bottleneck(stage.at(`block${i + 1}-${n}`), y, { ...block, stride: n === 0 ? 2 : 1 });
    }
  }
  return linear(g.at('fc'), channelMeans(g, y), { features: classes });
}

interface Stage {
  readonly width: number;
  readonly blocks: number;
}

/** Section 3.3: block j has the width w0 wm^s, s the integer nearest to log_wm((w0 + wa j) / w0). */
function stagesOf({ depth, w0, wa, wm }: RegnetLayers): readonly Stage[] {
  const stages: Stage[] = [];
  for (let j = 0; j < depth; j++) {
    const s = Math.round(Math.log((w0 + wa * j) / w0) / Math.log(wm));
    const width = 8 * roundedToEven((w0 * wm ** s) / 8);
    const last = stages.at(-1);
    if (last?.width === width) stages[stages.length - 1] = { width, blocks: last.blocks + 1 };
    else stages.push({ width, blocks: 1 });
  }
  return stages;
}

/** The nearest integer, of two the even one, as NumPy rounds and the paper's code with it. */
function roundedToEven(x: number): number {
  const up = Math.round(x);
  return up - x === 0.5 && up % 2 === 1 ? up - 1 : up;
}

interface BlockOptions {
  readonly channels: number;
  readonly stride: number;
  readonly group: number;
  readonly excitation: boolean;
}

/** relu(x + F(x)), F of 1x1, 3x3 in groups, 1x1. */
function bottleneck(g: GraphBuilder, x: Value, options: BlockOptions): Value {
  const { channels, stride, group, excitation } = options;
  const [, inputs = 1] = x.desc.shape;
  const f = g.at('f');
  const unit = { channels, activation: relu };
  let y = convNorm(f.at('a'), x, { ...unit, kernel: 1 });
  y = convNorm(f.at('b'), y, { ...unit, kernel: 3, stride, groups: channels / group });
  const squeezed = Math.round(inputs / 4);
  if (excitation) y = squeezeExcitation(f.at('se'), y, { squeezed, activation: relu });
  y = convNorm(f.at('c'), y, { channels, kernel: 1 });
  const keepsShape = inputs === channels && stride === 1;
  const shortcut = keepsShape ? x : convNorm(g.at('proj'), x, { channels, kernel: 1, stride });
  return relu(g.at('activation'), add(g.at('add'), shortcut, y));
}

function regnetModels(kind: 'x' | 'y', table: Readonly<Record<string, Row>>): readonly ModelDef[] {
  return Object.entries(table).map(([size, [depth, w0, wa, wm, group]]) => {
    const layers = { depth, w0, wa, wm, group, excitation: kind === 'y' };
    const title = `RegNet${kind.toUpperCase()}-${size.replace('_', '.').toUpperCase()}`;
    return imagenetModel(`regnet_${kind}_${size}`, title, (g, x) => ({
      logits: regnet(g, x, layers, IMAGENET_CLASSES),
    }));
  });
}

export const regnetXModels: readonly ModelDef[] = regnetModels('x', X);
export const regnetYModels: readonly ModelDef[] = regnetModels('y', Y);
