/** What others compile, bundle and run this package with, installed by npm into an empty project for each. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Files, Project } from './project.ts';

const ENTRIES = ['', '/onnx', '/tflite', '/numpy', '/browser', '/node', '/bundle'];

/** Plans LeNet, which takes the shaders, reads an ONNX file's errors, and says so: in pages and in Node alike. */
const PROGRAM = `
import { ANY_GPU, buildModel, lenet, prepare } from 'tilewise';
import { loadOnnx } from 'tilewise/onnx';
import { writeNpy } from 'tilewise/numpy';
const { plan } = prepare(buildModel(lenet), { device: ANY_GPU });
let error = 'none';
try { loadOnnx(new Uint8Array([1, 2, 3])); } catch (cause) { error = cause.name; }
const bytes = writeNpy({ shape: [2], data: Float32Array.of(1, 2) });
console.log(plan.dispatches.length > 3, error, bytes.length);
`;
const OPENS_GPU = `
import { openNodeGpu } from 'tilewise/node';
console.log((await openNodeGpu()).facts.name);
`;
const PRINTS = 'true OnnxError 136\n';

describe('TypeScript', () => {
  const versions = ['5.7', '5.9', '6.0', '7.0'];
  const compiler = (version: string): string =>
    join('node_modules', `typescript-${version}`, 'bin', 'tsc');
  let project: Project;
  beforeAll(async () => {
    project = new Project({});
    const compilers = versions.map((version) => `typescript-${version}@npm:typescript@${version}`);
    await project.install(...compilers, '@webgpu/types', '@types/node@20');
  });
  afterAll(() => project[Symbol.dispose]());

  const node: readonly (readonly [lib: string, types: string])[] = [
    ['es2022 dom', ''],
    ['es2022', ''],
    ['es2022 dom', 'node'],
    ['es2022', 'node'],
  ];
  const cases = versions.flatMap((version) =>
    node.map(([lib, types]) => ({ version, lib, types })),
  );

  it.each(cases)('$version checks all declarations with lib $lib, types $types', async (of) => {
    project.write(typesProject(of.lib, of.types, { module: 'nodenext' }));
    await project.run(process.execPath, [compiler(of.version)]);
  });

  it.each(['5.7', '5.9'])('%s knows WebGPU by @webgpu/types', async (version) => {
    project.write(typesProject('es2022 dom', '@webgpu/types', { module: 'nodenext' }));
    project.write({ 'all.ts': LOSES_DEVICE });
    await project.run(process.execPath, [compiler(version)]);
  });

  it.each(['6.0', '7.0'])('%s knows WebGPU by lib dom', async (version) => {
    project.write(typesProject('es2022 dom', '', { module: 'nodenext' }));
    project.write({ 'all.ts': LOSES_DEVICE });
    await project.run(process.execPath, [compiler(version)]);
  });

  it('finds every type that signatures name among the exports', async () => {
    const entries = [
      'src/index',
      'src/onnx/index',
      'src/tflite/index',
      'src/numpy/index',
      'src/browser/index',
      'node/index',
    ];
    const files = entries.map((entry) => `node_modules/tilewise/dist/${entry}.d.ts`);
    const script = join(import.meta.dirname, 'forgotten_types.mjs');
    const api = join('node_modules', 'typescript-6.0');
    expect(await project.run(process.execPath, [script, api, ...files])).toBe('');
  });

  it.each(['5.7', '5.9'])('%s finds all entries under node10', async (version) => {
    project.write(typesProject('es2022 dom', '', { module: 'es2022', moduleResolution: 'node10' }));
    await project.run(process.execPath, [compiler(version)]);
  });

  it.each(versions)('%s finds all entries for bundlers', async (version) => {
    const resolution = { module: 'es2022', moduleResolution: 'bundler' };
    project.write(typesProject('es2022 dom', '', resolution));
    await project.run(process.execPath, [compiler(version)]);
  });
});

const LOSES_DEVICE = `import type { Device } from 'tilewise';
export const lose = (device: Device): void => device.gpu.destroy();
// @ts-expect-error: it is a GPUDevice, and no empty interface
export const wrong = (device: Device): void => device.gpu.destroyed();`;

function typesProject(lib: string, types: string, options: object): Files {
  const compilerOptions = {
    ...{ noEmit: true, strict: true, skipLibCheck: false, target: 'es2022' },
    ...{ lib: lib.split(' '), types: types.split(' ').filter(Boolean), ...options },
  };
  const code = ENTRIES.map((entry, i) => `export * as e${i} from 'tilewise${entry}';`);
  return {
    'tsconfig.json': JSON.stringify({ compilerOptions, files: ['all.ts'] }),
    'all.ts': code.join('\n'),
  };
}

interface Bundler {
  readonly packages: readonly string[];
  readonly files?: Files;
  readonly command: readonly string[];
  /** What Node runs of what was built, a file or the only one of a folder. */
  readonly output: string;
}

const BUNDLERS: Readonly<Record<string, Bundler>> = {
  esbuild: {
    packages: ['esbuild'],
    command: ['esbuild', 'main.js', '--bundle', '--minify', '--format=esm', '--outfile=out.mjs'],
    output: 'out.mjs',
  },
  'esbuild to CommonJS': {
    packages: ['esbuild'],
    command: ['esbuild', 'main.js', '--bundle', '--minify', '--format=cjs', '--outfile=out.cjs'],
    output: 'out.cjs',
  },
  Rollup: {
    packages: ['rollup', '@rollup/plugin-node-resolve'],
    command: ['rollup', 'main.js', '-p', 'node-resolve', '-f', 'es', '-o', 'out.mjs'],
    output: 'out.mjs',
  },
  webpack: {
    packages: ['webpack', 'webpack-cli'],
    command: ['webpack', '--mode=production', '--entry=./main.js', '-o', 'out'],
    output: 'out/main.js',
  },
  Vite: {
    packages: ['vite'],
    files: {
      'index.html': '<script type="module" src="./main.js"></script>',
      // It asks the document, which Node has not.
      'vite.config.js': 'export default { build: { modulePreload: { polyfill: false } } };',
    },
    command: ['vite', 'build'],
    output: 'dist/assets',
  },
  Parcel: {
    packages: ['parcel'],
    command: ['parcel', 'build', 'main.js', '--no-source-maps', '--no-cache', '--dist-dir', 'out'],
    output: 'out/main.js',
  },
};

describe('bundlers', () => {
  it.each(Object.keys(BUNDLERS))('%s makes a program that runs', async (name) => {
    const { packages = [], files = {}, command = [], output = '' } = BUNDLERS[name] ?? {};
    using project = new Project({ 'main.js': PROGRAM, ...files });
    await project.install(...packages);
    await project.run('npx', ['--no-install', ...command]);
    expect(await project.run(process.execPath, [onlyFile(join(project.folder, output))])).toBe(
      PRINTS,
    );
  });

  it('Next.js builds a page that plans on the server', async () => {
    const page = `${PROGRAM.replace('console.log(', 'const text = [').replace('length);', 'length].join(" ");')}
      export default function Page() { return <p>{text}</p>; }`;
    using project = new Project({
      'app/page.jsx': page,
      'app/layout.jsx':
        'export default function Layout({ children }) { return <html><body>{children}</body></html>; }',
    });
    await project.install('next@15', 'react@19', 'react-dom@19');
    const env = { NEXT_TELEMETRY_DISABLED: '1' };
    await project.run('npx', ['--no-install', 'next', 'build'], env);
    const html = readFileSync(join(project.folder, '.next/server/app/index.html'), 'utf8');
    expect(html).toContain(PRINTS.trim());
  });
});

function onlyFile(path: string): string {
  if (!statSync(path).isDirectory()) return path;
  return join(path, readdirSync(path).find((name) => name.endsWith('.js')) ?? '');
}

describe('runtimes', () => {
  it('Deno runs it', async () => {
    using project = new Project({ 'main.js': PROGRAM });
    await project.install('deno');
    const options = ['run', '--allow-all', '--no-lock', '--node-modules-dir=manual'];
    const deno = join('node_modules', '.bin', 'deno');
    expect(await project.run(deno, [...options, 'main.js'])).toBe(PRINTS);
  });

  it('Bun runs it, and finds the drivers that are set in code', async () => {
    using project = new Project({ 'main.js': PROGRAM, 'gpu.js': OPENS_GPU });
    await project.install('bun', 'webgpu', '@sparticuz/chromium');
    // It looks for its program from its own folder.
    await project.run('bash', ['-c', 'cd node_modules/bun && node install.js']);
    const bun = join('node_modules', '.bin', 'bun');
    expect(await project.run(bun, ['main.js'])).toBe(PRINTS);
    expect(await project.run(bun, ['gpu.js'])).toMatch(/\S/);
  });

  it('is one package, and nothing else', async () => {
    using project = new Project({});
    await project.install();
    const installed = readdirSync(join(project.folder, 'node_modules'));
    expect(installed.filter((name) => !name.startsWith('.'))).toEqual(['tilewise']);
    expect(existsSync(join(project.folder, 'node_modules', '.bin', 'tilewise'))).toBe(true);
  });
});
