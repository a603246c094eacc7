import { join } from 'node:path';
import { defineConfig } from 'vite';
import { minifyWgsl, shortenNames } from './minify_wgsl.ts';

const ROOT = join(import.meta.dirname, '..');

/**
 * `npm run build:bundle`: the library as one file, for pages that import it from an address. It is for loading, not for
 * reading, and has no source map: who debugs imports the modules.
 */
export default defineConfig({
  root: ROOT,
  publicDir: false,
  plugins: [minifyWgsl(), shortenNames()],
  build: {
    target: 'es2023',
    outDir: join(ROOT, 'dist'),
    emptyOutDir: false,
    rolldownOptions: { output: { minify: true } },
    lib: { entry: join(ROOT, 'src', 'index.ts'), formats: ['es'], fileName: () => 'tilewise.js' },
  },
});
