/**
 * `npm run docs`: the reference of the public API and all documents as a site, in docs/site/dist. It fails where a
 * public symbol lacks a part of its description, and where a link leads nowhere.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { Application, type Logger, type TypeDocOptions } from 'typedoc';
import { DOCUMENTS, nameDocuments } from './documents.ts';
import { brokenLinks } from './links.ts';
import { missingParts } from './missing_parts.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const OUT = join(import.meta.dirname, 'dist');

const OPTIONS: TypeDocOptions = {
  name: 'Tilewise',
  entryPoints: ['src', 'src/onnx', 'src/tflite', 'src/numpy', 'src/browser', 'node'].map((folder) =>
    join(ROOT, folder, 'index.ts'),
  ),
  tsconfig: join(import.meta.dirname, 'api.tsconfig.json'),
  readme: join(ROOT, 'README.md'),
  customCss: join(import.meta.dirname, 'site.css'),
  projectDocuments: DOCUMENTS.map(({ files }) => join(ROOT, files)),
  excludePrivate: true,
  excludeExternals: true,
  disableSources: true,
  searchInDocuments: true,
  sortEntryPoints: false,
  groupOrder: ['Guides', 'Modules', 'In depth', 'Decisions', 'The project', '*'],
  navigation: { includeGroups: true },
  includeHierarchySummary: false,
  highlightLanguages: ['bash', 'html', 'json', 'python', 'typescript', 'wgsl'],
  validation: {
    notExported: true,
    invalidLink: true,
    invalidPath: true,
    rewrittenLink: true,
    notDocumented: true,
  },
  // They are the right-hand sides of types, which say all that they say.
  intentionallyNotExported: [
    'src/layers/coordinates.ts:COORDINATES',
    'src/layers/coordinates.ts:ROUNDINGS',
    'src/onnx/schema/fields.ts:Message',
    'src/onnx/schema/fields.ts:Messages',
    'src/onnx/schema/fields.ts:Scalars',
    'src/vision/browser_image.ts:Instance',
  ],
};

async function build(): Promise<Logger> {
  const app = await Application.bootstrap(OPTIONS);
  nameDocuments(app);
  const { logger } = app;
  const project = await app.convert();
  if (!project) return logger;
  app.validate(project);
  for (const line of missingParts(project)) logger.warn(line as never);
  rmSync(OUT, { recursive: true, force: true });
  await app.generateDocs(project, OUT);
  for (const line of brokenLinks(ROOT, OUT)) logger.warn(line as never);
  return logger;
}

const logger = await build();
if (logger.hasErrors() || logger.hasWarnings()) process.exitCode = 1;
