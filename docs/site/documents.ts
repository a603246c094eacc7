/** The documents of the site: which there are, what they are called, and where they stand. */
import { type Application, Converter, type DocumentReflection } from 'typedoc';

/** Documents by their paths from the root, below the headings that they stand under. */
export const DOCUMENTS: readonly { readonly files: string; readonly group: string }[] = [
  { files: 'docs/guides/*.md', group: 'Guides' },
  { files: 'docs/decisions/*.md', group: 'Decisions' },
  { files: 'docs/*.md', group: 'In depth' },
  { files: '{shaders,samples}/README.md', group: 'In depth' },
  { files: '{CHANGELOG,CODE_OF_CONDUCT,CONTRIBUTING,SECURITY}.md', group: 'The project' },
];

/**
 * Calls documents what their first heading says, which stays where it is, since the theme prints no title above them;
 * and puts them under headings of their own. Above the README it prints one.
 */
export function nameDocuments(app: Application): void {
  app.converter.on(Converter.EVENT_CREATE_DOCUMENT, (_, document) => {
    const [, heading] = HEADING.exec(document.content[0]?.text ?? '') ?? [];
    document.name = heading ?? document.name;
    document.frontmatter.group = groupOf(document);
  });
  app.converter.on(Converter.EVENT_RESOLVE_END, ({ project }) => {
    const [first] = project.readme ?? [];
    if (first) first.text = first.text.replace(HEADING, '');
  });
}

const HEADING = /^# (.*)\n/;

function groupOf(document: DocumentReflection): string {
  const path = document.project.files.getReflectionPath(document) ?? '';
  const folder = /docs\/\w+(?=\/)|docs(?=\/)|(shaders|samples)(?=\/)/.exec(path)?.[0] ?? '';
  const found = DOCUMENTS.find(({ files }) => files.slice(0, files.lastIndexOf('/')) === folder);
  return found?.group ?? (folder === '' ? 'The project' : 'In depth');
}
