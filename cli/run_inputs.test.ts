import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { writeNpy, writeNpz } from '../src/numpy/index.ts';
import { temporaryFolder } from '../test/fixtures/cli.ts';
import { onnxFile, onnxInput, onnxNode, onnxTensor } from '../test/fixtures/onnx_model.ts';
import { feedsOf, readRunInputs } from './run_inputs.ts';
import { openRunnable } from './runnable.ts';

const folder = temporaryFolder();

function write(name: string, bytes: Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

function array(shape: readonly number[], first = 0) {
  const count = shape.reduce((product, extent) => product * extent, 1);
  return { shape, data: Float32Array.from({ length: count }, (_, i) => first + i) };
}

const add = write(
  'add.onnx',
  onnxFile({
    node: [onnxNode('Add', 'a b', 'y'), onnxNode('Mul', 'y two', 'z')],
    initializer: [onnxTensor('two', [], [2])],
    input: [onnxInput('a', ['batch', 3]), onnxInput('b', ['batch', 'n']), onnxInput('two', [])],
    output: [{ name: 'y' }, { name: 'z' }],
  }),
);
const a = write('a.npy', writeNpy(array([2, 3])));
const b = write('b.npy', writeNpy(array([2, 3], 10)));
const raw = write('b.f32', new Uint8Array(array([1, 3], 10).data.buffer));
const both = write('both.npz', writeNpz({ b: array([2, 3], 10), a: array([2, 3]), y: array([1]) }));
const named = write('named.npz', writeNpz({ left: array([2, 3]) }));

/** What the inputs of a model are fed. */
function fed(model: string, given: readonly string[], shapes: readonly string[] = []) {
  const runnable = openRunnable(model);
  const inputs = readRunInputs(runnable, given, shapes);
  const said = [...inputs].flatMap(([name, { shape }]) => (shape ? [[name, shape] as const] : []));
  const { graph } = runnable.build(Object.fromEntries(said));
  const feeds = feedsOf(graph, inputs);
  return graph.inputs.map(({ name, desc: { shape } }) => [name, shape, [...(feeds[name] ?? [])]]);
}

const TWO_ROWS = [
  ['a', [2, 3], [0, 1, 2, 3, 4, 5]],
  ['b', [2, 3], [10, 11, 12, 13, 14, 15]],
];

describe('readRunInputs', () => {
  it('takes a file for each input, by its name', () => {
    expect(fed(add, [`b=${b}`, `a=${a}`])).toEqual(TWO_ROWS);
  });

  it('takes all inputs out of one file that has names, and the input that is named', () => {
    expect(fed(add, [both])).toEqual(TWO_ROWS);
    expect(fed(add, [`a=${named}`, `b=${both}`])).toEqual(TWO_ROWS);
  });

  it('takes the shapes of raw files, and others in place of those of files, from --shape', () => {
    expect(fed(add, [`a=${raw}`, `b=${raw}`], ['a=1,3', 'b=1,3'])).toEqual([
      ['a', [1, 3], [10, 11, 12]],
      ['b', [1, 3], [10, 11, 12]],
    ]);
    const flat = write('flat.npy', writeNpy(array([784])));
    expect(fed('lenet', [flat], ['1,1,28,28'])[0]?.[1]).toEqual([1, 1, 28, 28]);
  });

  it('makes up what no file is given for, if told to', () => {
    const [, [, shape, data] = []] = fed(add, [`a=${a}`, 'synthetic'], ['b=2,3']);
    expect(shape).toEqual([2, 3]);
    expect(new Set(data as number[]).size).toBe(6);
    expect(fed('lenet', ['input=synthetic'])[0]?.[1]).toEqual([1, 1, 28, 28]);
  });

  it('takes the number of images from a file', () => {
    const images = write('images.npy', writeNpy(array([3, 1, 28, 28])));
    expect(fed('lenet', [images])[0]?.[1]).toEqual([3, 1, 28, 28]);
  });

  it.each<readonly [string, readonly string[], readonly string[], RegExp]>([
    ['a name that is none', [`c=${a}`], [], /no input "c"; it has a, b; write \.\/c=.* for a file/],
    ['an input twice', [both, `a=${a}`], [], /the input "a" is given twice/],
    ['no file for an input', [`a=${a}`], [], /takes "b", too; give --input b=FILE, or .*synthetic/],
    [
      'a file for any input',
      [a],
      [],
      /a\.npy" holds a tensor without a name; .* a, b; give --input NAME=FILE/,
    ],
    ['a file of other names', [named], [], /named\.npz" holds left; the model takes a, b/],
    [
      'a shape for any input',
      ['synthetic'],
      ['2,3'],
      /--shape 2,3 may be of any of the inputs a, b/,
    ],
    ['what is no shape', ['synthetic'], ['a=2x3'], /--shape 2x3: expected extents with commas/],
    [
      'other channels',
      [`a=${a}`, `b=${b}`],
      ['a=3,2'],
      /--shape is \[3, 2\], the input "a" takes \[\?, 3\]/,
    ],
    [
      'an open shape',
      ['synthetic'],
      [],
      /"b" of add\.onnx leaves its shape open \[\?, \?\]; give a \.npy/,
    ],
    [
      'a raw file of another length',
      [`a=${raw}`, `b=${b}`],
      ['a=2,3'],
      /b\.f32" has 12 bytes, "a" \[2, 3\] takes 24 bytes/,
    ],
    [
      'an array of another length',
      [`a=${a}`, `b=${b}`],
      ['a=1,3'],
      /a\.npy" is \[2, 3\] of 6 elements, "a" \[1, 3\] takes 3/,
    ],
    [
      'bytes that are no floats',
      [`a=${write('odd.f32', new Uint8Array(7))}`],
      [],
      /odd\.f32" has 7 bytes, .* \.npy or \.npz/,
    ],
    [
      'a broken array',
      [`a=${write('no.npy', new Uint8Array(7))}`],
      [],
      /"no\.npy": expected what numpy\.save wrote/,
    ],
    [
      'an array of another rank',
      [`a=${write('flat3.npy', writeNpy(array([3])))}`, `b=${b}`],
      [],
      /flat3\.npy" is \[3\], the input "a" takes \[\?, 3\]; give --shape/,
    ],
  ])('refuses %s', (_, given, shapes, message) => {
    expect(() => fed(add, given, shapes)).toThrow(message);
  });
});
