import { join, relative, sep } from 'node:path';
import { defineConfig, type Plugin } from 'vite';
import { writeLicences } from './licences.ts';

const ROOT = join(import.meta.dirname, '..');
const DIST = join(ROOT, 'dist');
const LIBRARY = join(ROOT, 'src') + sep;

/** Packages that are installed beside this one or not at all; all others become part of the build. */
const OPTIONAL = ['webgpu', 'sharp', '@huggingface/hub', 'undici'];

/** Imports of the library become those of its built files; what imports them is one folder deep in dist. */
function builtLibrary(): Plugin {
  return {
    name: 'built-library',
    enforce: 'pre',
    async resolveId(source, importer) {
      const found = await this.resolve(source, importer, { skipSelf: true });
      if (!found?.id.startsWith(LIBRARY)) return undefined;
      const file = relative(ROOT, found.id).replaceAll(sep, '/').replace(/\.ts$/, '.js');
      return { id: `../${file}`, external: true };
    },
  };
}

/** cli-table3 asks for colours where a table has some; those of the command have none, in terminal/table.ts. */
function withoutColors(): Plugin {
  const [id, nothing] = ['@colors/colors/safe', '\0no-colors'];
  return {
    name: 'without-colors',
    enforce: 'pre',
    resolveId: (source) => (source === id ? nothing : undefined),
    load: (found) => (found === nothing ? 'export {};' : undefined),
  };
}

/** The second part of `npm run build`: what Node imports, and the command. The library is built already. */
export default defineConfig({
  root: ROOT,
  publicDir: false,
  plugins: [builtLibrary(), withoutColors(), writeLicences('cli/LICENSES.txt')],
  ssr: { noExternal: true, external: OPTIONAL },
  logLevel: 'warn',
  build: {
    ssr: true,
    target: 'es2022',
    outDir: DIST,
    emptyOutDir: false,
    minify: 'oxc',
    rolldownOptions: {
      checks: { pluginTimings: false },
      input: {
        'node/index': join(ROOT, 'node', 'index.ts'),
        'cli/main': join(ROOT, 'cli', 'main.ts'),
      },
      preserveEntrySignatures: 'strict',
      output: {
        entryFileNames: '[name].js',
        chunkFileNames: 'cli/[name]-[hash].js',
        minify: {
          compress: true,
          // For the stacks of errors.
          mangle: { keepNames: { function: true, class: true } },
          codegen: { removeWhitespace: true },
        },
        comments: { annotation: true, jsdoc: false, legal: false },
      },
    },
  },
});
