/** Links that lead nowhere: from documents to files of the repository, and between pages of the site. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

/** A line for each of them. Addresses of other sites are not asked for. */
export function brokenLinks(root: string, site: string): readonly string[] {
  const arguments_ = ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'];
  const documents = execFileSync('git', arguments_, { cwd: root, encoding: 'utf8' });
  const pages = readdirSync(site, { recursive: true, encoding: 'utf8' });
  return [
    ...check(root, documents.trim().split('\n'), linksOfDocument, anchorsOfDocument),
    ...check(
      site,
      pages.filter((page) => page.endsWith('.html')),
      linksOfPage,
      anchorsOfPage,
    ),
  ];
}

type Find = (text: string) => readonly string[];

function check(root: string, files: readonly string[], links: Find, anchors: Find) {
  const anchorsOf = new Map<string, ReadonlySet<string>>();
  const known = (file: string): ReadonlySet<string> => {
    const found = anchorsOf.get(file) ?? new Set(anchors(readFileSync(file, 'utf8')));
    anchorsOf.set(file, found);
    return found;
  };
  const leads = (from: string, link: string): boolean => {
    const [path = '', anchor] = decodeURIComponent(link).split('#');
    const target = path === '' ? from : join(dirname(from), path);
    if (!existsSync(target)) return false;
    return !anchor || statSync(target).isDirectory() || known(target).has(anchor);
  };
  return files.flatMap((file) => {
    const from = join(root, file);
    return links(readFileSync(from, 'utf8'))
      .filter((link) => !/^[a-z]+:/.test(link) && !leads(from, link))
      .map((link) => `${relative(root, from)} links to ${link}, which is not there`);
  });
}

/** Not of what is shown as code. */
function linksOfDocument(text: string): readonly string[] {
  const prose = text.replaceAll(/^```.*?^```/gms, '').replaceAll(/`[^`\n]*`/g, '');
  return [...prose.matchAll(/\]\(<?([^)\s>]+)/g)].map(([, link = '']) => link);
}

/** Of its headings, as GitHub makes them. */
function anchorsOfDocument(text: string): readonly string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

function linksOfPage(text: string): readonly string[] {
  return [...text.matchAll(/<(?:a|link|img|script)\b[^>]*?\b(?:href|src)="([^"]*)"/g)]
    .map(([, link = '']) => link.replaceAll('&amp;', '&'))
    .filter((link) => link !== '');
}

function anchorsOfPage(text: string): readonly string[] {
  return [...text.matchAll(/\bid="([^"]*)"/g)].map(([, id = '']) => id);
}
