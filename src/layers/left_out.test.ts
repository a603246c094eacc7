/** Options that a layer cannot do without are named where they are left out, or are no numbers. */
import { describe, expect, it } from 'vitest';
import { ShapeError } from '../runtime/errors.ts';
import type { Value } from '../runtime/graph.ts';
import { GraphBuilder } from '../runtime/graph_builder.ts';
import { channelLinear } from './channel_linear.ts';
import { convTranspose2d } from './conv_transpose2d.ts';
import { convTranspose3d } from './conv_transpose3d.ts';
import { conv2d } from './conv2d.ts';
import { conv3d } from './conv3d.ts';
import { deformConv2d } from './deform_conv2d.ts';
import { linear } from './linear.ts';
import { maxPool2d } from './pool2d.ts';

/** As a caller in JavaScript has them. */
const left = (options: object): never => options as never;

const g = GraphBuilder.create();
const map = g.input('map', [1, 4, 8, 8]);
const volume = g.input('volume', [1, 4, 4, 8, 8]);
const rows = g.input('rows', [2, 4]);
const offset = g.input('offset', [1, 18, 8, 8]);

const CASES: readonly (readonly [message: string, build: (at: GraphBuilder) => Value])[] = [
  [
    'linear "l": features must be integers >= 1, got [undefined]',
    (at) => linear(at, rows, left({})),
  ],
  [
    'linear "l": features must be integers >= 1, got [0]',
    (at) => linear(at, rows, { features: 0 }),
  ],
  [
    'conv2d "l": channels must be integers >= 1, got [undefined]',
    (at) => conv2d(at, map, left({ kernel: 3 })),
  ],
  [
    'conv2d "l": kernel must be integers >= 1, got [undefined, undefined]',
    (at) => conv2d(at, map, left({ channels: 8 })),
  ],
  [
    'conv_transpose2d "l": channels must be integers >= 1, got [1.5]',
    (at) => convTranspose2d(at, map, { channels: 1.5, kernel: 3 }),
  ],
  [
    'deform_conv2d "l": channels must be integers >= 1, got [undefined]',
    (at) => deformConv2d(at, map, offset, left({ kernel: 3 })),
  ],
  [
    'conv3d "l": kernel must be integers >= 1, got [undefined, undefined, undefined]',
    (at) => conv3d(at, volume, left({ channels: 8 })),
  ],
  [
    'conv_transpose3d "l": channels must be integers >= 1, got [undefined]',
    (at) => convTranspose3d(at, volume, left({ kernel: 2 })),
  ],
  [
    'conv2d "l": features must be integers >= 1, got [undefined]',
    (at) => channelLinear(at, map, left([])[0]),
  ],
  [
    'max_pool2d "l": kernel must be integers >= 1, got [undefined, undefined]',
    (at) => maxPool2d(at, map, left({})),
  ],
];

describe('a layer', () => {
  it.each(CASES)('says %s', (message, build) => {
    expect(() => build(g.at('l'))).toThrow(new ShapeError(message));
  });
});
