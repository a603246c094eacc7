/** What needs no registry: sizes, and what this repository has itself. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Project } from './project.ts';

const BIN = join(import.meta.dirname, '..', '..', 'node_modules', '.bin');
const LARGEST_INSTALL = 3_000_000;

/** What a page imports, and what it may weigh, compressed. */
const PAGES: readonly (readonly [what: string, mostBytes: number, code: string])[] = [
  [
    'a convolution',
    33_200,
    `export { conv2d, createSession, Device, GraphBuilder } from 'tilewise';`,
  ],
  [
    'LeNet',
    48_050,
    `export { buildModel, createSession, Device, fetchSafetensors, lenet } from 'tilewise';`,
  ],
  [
    'ResNet-50',
    51_150,
    `export { buildModel, createSession, Device, fetchSafetensors, resnet50 } from 'tilewise';`,
  ],
];

const EVERYTHING = ['', '/onnx', '/tflite', '/numpy', '/browser', '/node', '/bundle'];

let project: Project;
beforeAll(() => {
  project = new Project({});
  project.unpack();
});
afterAll(() => project[Symbol.dispose]());

describe('the package', () => {
  const folder = (): string => join(project.folder, 'node_modules', 'tilewise');
  const files = (): readonly string[] =>
    readdirSync(folder(), { recursive: true, encoding: 'utf8' }).filter((name) =>
      statSync(join(folder(), name)).isFile(),
    );

  it('is small, and needs no other', () => {
    const bytes = files().reduce((sum, name) => sum + statSync(join(folder(), name)).size, 0);
    console.log(`unpacked: ${bytes} bytes in ${files().length} files`);
    expect(bytes).toBeLessThanOrEqual(LARGEST_INSTALL);
    const manifest = JSON.parse(readFileSync(join(folder(), 'package.json'), 'utf8'));
    expect(manifest.dependencies).toBeUndefined();
    expect(manifest.optionalDependencies).toBeUndefined();
  });

  it('names no source map', () => {
    for (const name of files().filter((path) => path.endsWith('.js'))) {
      const code = readFileSync(join(folder(), name), 'utf8');
      expect(code, name).not.toContain('sourceMappingURL');
    }
  });

  it('has lines that can be read, of which Node prints the one that threw', () => {
    for (const name of files().filter((path) => /^dist\/(?:cli|node)\/.*\.js$/.test(path))) {
      const lines = readFileSync(join(folder(), name), 'utf8').split('\n');
      expect(Math.max(...lines.map((line) => line.length)), name).toBeLessThan(2_500);
    }
  });

  it('has the licence of every package in it', () => {
    const licences = readFileSync(join(folder(), 'dist', 'LICENSES.txt'), 'utf8');
    for (const name of ['@bufbuild/protobuf', 'fflate', 'idb-keyval', 'wgsl-preprocessor']) {
      expect(licences).toContain(`\n${name} `.trimStart());
    }
  });
});

describe('what a page downloads, by esbuild', () => {
  it.each(PAGES)('for %s is at most %i bytes, compressed', async (what, mostBytes, code) => {
    project.write({ 'page.js': code });
    const options = ['--bundle', '--format=esm', '--minify', '--target=es2022'];
    const bundle = await project.run(join(BIN, 'esbuild'), ['page.js', ...options]);
    expect(bundle).toContain('conv2d');
    const bytes = gzipSync(bundle, { level: 9 }).length;
    console.log(`${what}: ${bytes} bytes, compressed`);
    expect(bytes).toBeLessThanOrEqual(mostBytes);
  });
});

describe('Node', () => {
  it.each(EVERYTHING)('imports and requires tilewise%s', async (entry) => {
    const print = 'console.log(Object.keys(m).length)';
    project.write({
      'module.mjs': `import * as m from 'tilewise${entry}'; ${print}`,
      'common.cjs': `const m = require('tilewise${entry}'); ${print}`,
    });
    const imported = await project.run(process.execPath, ['module.mjs']);
    const required = await project.run(process.execPath, ['common.cjs']);
    expect(Number(imported)).toBeGreaterThan(0);
    expect(required).toBe(imported);
  });

  it('reads the weights of LeNet and plans it', async () => {
    project.write({
      'plan.mjs': `
        import { readFileSync } from 'node:fs';
        import { fileURLToPath } from 'node:url';
        import { buildModel, lenet, openSafetensors, prepare, ANY_GPU } from 'tilewise';
        const file = fileURLToPath(import.meta.resolve('tilewise/lenet.safetensors'));
        openSafetensors(new Uint8Array(readFileSync(file)));
        const { plan } = prepare(buildModel(lenet), { device: ANY_GPU });
        console.log(plan.dispatches.length, plan.dispatches.every(({ source }) => source.includes('@compute')));`,
    });
    expect(await project.run(process.execPath, ['plan.mjs'])).toMatch(/^\d+ true\n$/);
  });

  it('has the command, whose errors say what to install', async () => {
    const command = join('node_modules', 'tilewise', 'dist', 'cli', 'main.js');
    expect(await project.run(process.execPath, [command, 'models'])).toContain('resnet50');
    await expect(project.run(process.execPath, [command, 'adapters'])).rejects.toThrow(
      'npm install webgpu',
    );
  });
});

describe('TypeScript, the newest', () => {
  it.each([
    ['with DOM', ['es2022', 'dom']],
    ['without', ['es2022']],
  ])('checks every declaration %s', async (_, lib) => {
    project.write(typesProject(lib));
    expect(await project.run(join(BIN, 'tsc'), ['-p', '.'])).toBe('');
  });

  it('knows the device', async () => {
    const code = `import type { Device } from 'tilewise';
      export const lose = (device: Device): void => device.gpu.destroy();`;
    project.write({ ...typesProject(['es2022', 'dom']), 'all.ts': code });
    expect(await project.run(join(BIN, 'tsc'), ['-p', '.'])).toBe('');
  });
});

function typesProject(lib: readonly string[]): Record<string, string> {
  const code = EVERYTHING.map((entry, i) => `export * as e${i} from 'tilewise${entry}';`);
  const compilerOptions = {
    ...{ noEmit: true, strict: true, skipLibCheck: false },
    ...{ module: 'nodenext', target: 'es2022', lib, types: [] },
  };
  const config = JSON.stringify({ compilerOptions, files: ['all.ts'] });
  return { 'tsconfig.json': config, 'all.ts': code.join('\n') };
}
