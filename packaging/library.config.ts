import { join } from 'node:path';
import { defineConfig, minify, type Plugin } from 'vite';
import { writeLicences } from './licences.ts';
import { minifyWgsl } from './minify_wgsl.ts';
import { shortenNames } from './shorten_names.ts';

const ROOT = join(import.meta.dirname, '..');
const ENTRIES = [
  'index.ts',
  'onnx/index.ts',
  'tflite/index.ts',
  'numpy/index.ts',
  'browser/index.ts',
];

/** Modules of other packages take half as much: who reads them has them elsewhere. */
function minifyVendor(): Plugin {
  return {
    name: 'minify-vendor',
    async generateBundle(_, bundle) {
      for (const part of Object.values(bundle)) {
        if (part.type !== 'chunk' || !part.fileName.startsWith('vendor/')) continue;
        const { code, errors } = await minify(part.fileName, part.code, { module: true });
        if (errors.length > 0) throw new Error(`${part.fileName}: ${errors[0]?.message}`);
        part.code = code;
      }
    },
  };
}

/** Each file begins with its own name, which its folder says. */
function dropNames(): Plugin {
  return {
    name: 'drop-names',
    generateBundle(_, bundle) {
      for (const part of Object.values(bundle)) {
        if (part.type === 'chunk') part.code = part.code.replace(/^\/\/ \S+\.ts\n/m, '');
      }
    },
  };
}

/**
 * The first part of `npm run build`, what pages import: a file for each module, so that bundlers leave out what a
 * program does not use, with those of other packages in `dist/vendor`. Shaders are minified. No source maps: our code
 * is as written, but for types and comments.
 */
export default defineConfig({
  root: ROOT,
  publicDir: false,
  plugins: [
    minifyWgsl(),
    shortenNames(),
    minifyVendor(),
    dropNames(),
    writeLicences('LICENSES.txt'),
  ],
  logLevel: 'warn',
  build: {
    target: 'es2022',
    outDir: join(ROOT, 'dist'),
    emptyOutDir: true,
    minify: false,
    modulePreload: false,
    rolldownOptions: {
      checks: { pluginTimings: false },
      input: ENTRIES.map((entry) => join(ROOT, 'src', entry)),
      preserveEntrySignatures: 'strict',
      output: {
        preserveModules: true,
        preserveModulesRoot: ROOT,
        // npm packs no folder of the name node_modules.
        entryFileNames: ({ name }) => `${name.replace(/^.*node_modules/, 'vendor')}.js`,
        virtualDirname: 'vendor',
        comments: { annotation: true, jsdoc: false, legal: false },
      },
    },
  },
});
