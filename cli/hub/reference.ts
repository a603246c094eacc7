/** Names of weights files on the Hugging Face hub: `hf:owner/name[@revision][/file]`. */
import { WeightError } from '../../src/index.ts';

export interface HubReference {
  /** `owner/name` */
  readonly repo: string;
  /** A branch, a tag or a commit. */
  readonly revision: string;
  /** A path in the repository; where it is not given, the repository's only weights file is meant. */
  readonly file: string | undefined;
}

const PREFIX = 'hf:';

const REPO = /^[\w-][\w.-]*\/[\w-][\w.-]*/;

/** The hub's own refs hold slashes; in other revisions they are written as `%2F`. */
const REVISION = /^@(refs\/(?:pr|convert)\/[\w.-]+|[^/@]+)/;

export function isHubReference(text: string): boolean {
  return text.startsWith(PREFIX);
}

/** Throws WeightError for what is no reference, or leads out of the repository. */
export function parseHubReference(text: string): HubReference {
  const body = text.slice(PREFIX.length).replace(/^\/\//, '');
  const repo = REPO.exec(body)?.[0];
  if (!isHubReference(text) || repo === undefined) throw malformed(text);
  const revision = REVISION.exec(body.slice(repo.length));
  const rest = body.slice(repo.length + (revision?.[0].length ?? 0));
  if (rest !== '' && !rest.startsWith('/')) throw malformed(text);
  const file = rest.slice(1) || undefined;
  if (file !== undefined) checkFile(text, file);
  return { repo, revision: decode(text, revision?.[1] ?? 'main'), file };
}

/** The reference as it is written. */
export function formatHubReference({ repo, revision, file }: HubReference): string {
  const at = revision === 'main' ? '' : `@${revision}`;
  return `${PREFIX}${repo}${at}${file === undefined ? '' : `/${file}`}`;
}

/** Whether a path stays inside of the folder that it is relative to, on every system. */
export function isInside(path: string): boolean {
  const parts = path.split('/');
  return !/[\\:\0]/.test(path) && !parts.some((part) => ['', '.', '..'].includes(part));
}

function checkFile(text: string, file: string): void {
  if (!isInside(file)) throw malformed(text);
  if (!file.endsWith('.safetensors')) {
    throw new WeightError(`"${text}": expected a .safetensors file, got "${file}"`);
  }
}

function decode(text: string, revision: string): string {
  let decoded: string;
  try {
    decoded = decodeURIComponent(revision);
  } catch {
    throw malformed(text);
  }
  // It names a file of the cache.
  if (!isInside(decoded)) throw malformed(text);
  return decoded;
}

function malformed(text: string): WeightError {
  return new WeightError(
    `"${text}" names no weights on the hub; expected hf:owner/name[@revision][/file.safetensors], such as hf:timm/resnet50.tv_in1k`,
  );
}
