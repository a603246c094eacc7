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

/**
 * What cli-table3 brings and the command does without: colours, which its tables have none of, and a regular expression
 * of 10 kB for emoji, which Node has a class for.
 */
const IN_PLACE_OF: ReadonlyMap<string, string> = new Map([
  ['@colors/colors/safe', 'module.exports = {};'],
  ['emoji-regex', 'module.exports = () => /\\p{RGI_Emoji}/gv;'],
]);

function lighter(): Plugin {
  return {
    name: 'lighter',
    enforce: 'pre',
    resolveId: (source) => (IN_PLACE_OF.has(source) ? `\0${source}` : undefined),
    load: (id) => IN_PLACE_OF.get(id.slice(1)),
  };
}

/** The second part of `npm run build`: what Node imports, and the command. The library is built already. */
export default defineConfig({
  root: ROOT,
  publicDir: false,
  plugins: [builtLibrary(), lighter(), writeLicences('cli/LICENSES.txt')],
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
          // Node prints the line that threw: it must be one of many.
          codegen: { removeWhitespace: false },
        },
        comments: { annotation: true, jsdoc: false, legal: false },
      },
    },
  },
});
