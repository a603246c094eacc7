import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { writeNpy } from '../src/numpy/index.ts';
import { temporaryFolder } from '../test/fixtures/cli.ts';
import { onnxFile, onnxInput, onnxNode } from '../test/fixtures/onnx_model.ts';
import { readingOf } from './model_file.ts';
import { openModel } from './open_model.ts';
import { openRunnable } from './runnable.ts';

const folder = temporaryFolder();

describe('--constants', () => {
  it('are numbers, some of them, or a file', async () => {
    const path = join(folder, 'a=b.npy');
    writeFileSync(path, writeNpy({ shape: [2, 1], data: Float32Array.of(3, 4) }));
    const raw = join(folder, 'mask.bin');
    writeFileSync(raw, new Uint8Array(Float32Array.of(5, 6).buffer));
    const constants = ['sr=16000', 'size=640,-4.5e1', `mask=${path}`, `raw=${raw}`];
    expect(await readingOf({ constants })).toEqual({
      constants: {
        sr: [16000],
        size: [640, -45],
        mask: { shape: [2, 1], data: Float32Array.of(3, 4) },
        raw: [5, 6],
      },
    });
  });

  it.each(['sr', '=5', 'sr=', ''])('refuses %j', async (text) => {
    await expect(readingOf({ constants: [text] })).rejects.toThrow(
      `--constants ${text}: expected NAME=VALUE, such as sr=16000 or mask=mask.npy`,
    );
  });

  it.each(['abc', '1,', '16000,state=0'])(
    'says that %s is neither numbers nor a file',
    async (value) => {
      await expect(readingOf({ constants: [`sr=${value}`] })).rejects.toThrow(
        `once for each input; "${value}" is neither numbers with commas between them nor a file`,
      );
    },
  );

  it('are given once', async () => {
    const twice = readingOf({ constants: ['sr=16000', 'sr=8000'] });
    await expect(twice).rejects.toThrow('--constants: "sr" is given twice');
  });

  it('are not inputs of the model that is run', () => {
    const path = join(folder, 'scaled.onnx');
    const bytes = onnxFile({
      node: [onnxNode('Mul', 'x k', 'y')],
      input: [onnxInput('x', [1, 2, 4, 4]), onnxInput('k', [])],
      output: [{ name: 'y' }],
    });
    writeFileSync(path, bytes);
    expect(() => openRunnable(path, { constants: { a: 2 } })).toThrow(
      '--constants: scaled.onnx has no input "a"; it has x, k',
    );
    const { inputs, build } = openRunnable(path, { constants: { k: [2] } });
    expect(inputs.map(({ name }) => name)).toEqual(['x']);
    expect(build({}).graph.inputs.map(({ name }) => name)).toEqual(['x']);
    expect(openModel(path, { constants: { k: 2 } }).channels).toBe(2);
  });

  it.each([openModel, openRunnable])('%o refuses them of what is built in', (open) => {
    const wrong = '--constants is for files of models; model "lenet" is built in';
    expect(() => open('lenet', { constants: { k: 2 } })).toThrow(wrong);
    expect(() => open('lenet', { importers: {} })).toThrow('--operators is for files of models');
  });
});
