import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { defineConfig } from 'vite';
import { minifyWgsl } from './minify_wgsl.ts';
import { shortenNames } from './shorten_names.ts';

const ROOT = join(import.meta.dirname, '..');
const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  readonly version: string;
};

/**
 * The third part of `npm run build`: the library with ONNX as one file, for pages that import it from an address. It is
 * for loading, not for reading, and has no source map: who debugs imports the modules. What it contains of others is in
 * these, too, so that their licences are its own.
 */
export default defineConfig({
  root: ROOT,
  publicDir: false,
  plugins: [minifyWgsl(), shortenNames()],
  logLevel: 'warn',
  build: {
    target: 'es2023',
    outDir: join(ROOT, 'dist'),
    emptyOutDir: false,
    rolldownOptions: {
      checks: { pluginTimings: false },
      output: {
        minify: true,
        comments: { annotation: true, jsdoc: false, legal: false },
        postBanner: `/*! Tilewise ${version}, MIT; what it contains of others: LICENSES.txt */`,
      },
    },
    lib: {
      entry: join(ROOT, 'src', 'bundle.ts'),
      formats: ['es'],
      fileName: () => 'tilewise.js',
    },
  },
});
