import { copyFileSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../test/fixtures/cli.ts';
import { onnxFile, onnxInput, onnxNode, onnxTensorBeside } from '../test/fixtures/onnx_model.ts';
import { openClassifyingModel, openModel } from './open_model.ts';

const folder = temporaryFolder();
const models = join(folder, 'models');
mkdirSync(models);
const DATA = new Uint8Array(Float32Array.of(1, 2).buffer);

/** A model whose weight is in a file of this name. */
function modelBeside(location: string): string {
  const path = join(models, 'model.onnx');
  const bytes = onnxFile({
    node: [onnxNode('Mul', 'x w', 'y')],
    initializer: [onnxTensorBeside('w', [2, 1, 1], location)],
    input: [onnxInput('x', [1, 2, 4, 4])],
    output: [{ name: 'y' }],
  });
  writeFileSync(path, bytes);
  return path;
}

describe('openModel', () => {
  it('reads weights out of files in the folder of an ONNX file, and below', () => {
    mkdirSync(join(models, 'parts'));
    writeFileSync(join(models, 'parts', 'w.bin'), DATA);
    const { weights } = openModel(modelBeside('parts/w.bin'));
    expect([...(weights?.read('w', [2, 1, 1]) ?? [])]).toEqual([1, 2]);
  });

  it.runIf(process.platform !== 'win32')('follows no link out of that folder', () => {
    writeFileSync(join(folder, 'secret'), DATA);
    symlinkSync('../secret', join(models, 'link.bin'));
    symlinkSync('..', join(models, 'up'));
    for (const path of ['link.bin', 'up/secret']) {
      expect(() => openModel(modelBeside(path))).toThrow(
        `"${path}" leads out of the model's folder ${models}; copy it there`,
      );
    }
  });

  it('follows a link that stays inside', () => {
    writeFileSync(join(models, 'real.bin'), DATA);
    symlinkSync('real.bin', join(models, 'inside.bin'));
    const { weights } = openModel(modelBeside('inside.bin'));
    expect([...(weights?.read('w', [2, 1, 1]) ?? [])]).toEqual([1, 2]);
  });

  it.runIf(process.platform !== 'win32')('follows the links of the hub’s cache', () => {
    const [blobs, snapshot] = [
      join(folder, 'hub', 'blobs'),
      join(folder, 'hub', 'snapshots', 'main'),
    ];
    for (const path of [blobs, snapshot]) mkdirSync(path, { recursive: true });
    copyFileSync(modelBeside('model.onnx_data'), join(blobs, 'c0de'));
    writeFileSync(join(blobs, 'da7a'), DATA);
    symlinkSync('../../blobs/c0de', join(snapshot, 'model.onnx'));
    symlinkSync('../../blobs/da7a', join(snapshot, 'model.onnx_data'));
    const { weights } = openModel(join(snapshot, 'model.onnx'));
    expect([...(weights?.read('w', [2, 1, 1]) ?? [])]).toEqual([1, 2]);
    // A link to the model opens no other folder than the one that the model is in.
    rmSync(join(snapshot, 'model.onnx_data'));
    symlinkSync('../../../secret', join(snapshot, 'model.onnx_data'));
    expect(() => openModel(join(snapshot, 'model.onnx'))).toThrow(
      /leads out of the model's folder/,
    );
  });

  it.each(['../secret', join(folder, 'secret'), 'C:\\secret', '..\\secret'])(
    'does not look at %s',
    (path) => {
      expect(() => openModel(modelBeside(path))).toThrow(/inside of the model's folder/);
    },
  );

  it('says which file is not there', () => {
    expect(() => openModel(modelBeside('none.bin'))).toThrow(/none\.bin" cannot be read/);
  });
});

describe('openClassifyingModel', () => {
  it('takes a model that says what is in a picture', () => {
    expect(openClassifyingModel('lenet').name).toBe('lenet');
  });

  it('names the command for a model that says it of each pixel', () => {
    expect(() => openClassifyingModel('fcn_resnet50')).toThrow(
      /"fcn_resnet50" does not classify pictures: .*; use tilewise segment$/,
    );
    expect(() => openClassifyingModel('unet')).toThrow(
      /"unet" does not classify pictures: .*; use tilewise detect, tilewise segment with --labels, or tilewise run$/,
    );
  });
});
