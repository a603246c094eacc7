/** What the hub says of a weights file, before it is downloaded. */
import { WeightError } from '../../src/index.ts';
import { wholeAnswer } from './answers.ts';
import { MOST_FILE_BYTES, MOST_LISTED, MOST_PAGES } from './bounds.ts';
import { type CacheEntry, COMMIT, chooseWeights } from './cache.ts';
import type { HubConnection } from './connection.ts';
import { type HubReference, isInside } from './reference.ts';

export interface HubFile extends CacheEntry {
  readonly bytes: number;
  /** As the model's card has it, such as `bsd-3-clause`. */
  readonly licence: string;
  /** How `checksum` is made: of the file's bytes, or, for files outside of LFS, as git does. */
  readonly algorithm: 'sha256' | 'git-sha1';
}

type Listing = Pick<HubFile, 'file' | 'bytes' | 'checksum' | 'algorithm'>;

/** Asks for the commit, the licence, the size and the checksum. Throws WeightError, HubApiError. */
export async function describeHubFile(
  { hub, access: given }: HubConnection,
  reference: HubReference,
): Promise<HubFile> {
  const { repo, revision } = reference;
  const access = { ...given, fetch: boundedFetch(repo, given.fetch) };
  const info = await hub.modelInfo({
    ...access,
    name: repo,
    revision,
    additionalFields: ['sha', 'cardData'],
  });
  const commit = info.sha;
  if (typeof commit !== 'string' || !COMMIT.test(commit)) throw unusable(repo, 'no commit');
  const listing = await findListing({ hub, access }, { ...reference, revision: commit });
  return { repo, revision, commit, licence: licenceOf(info.cardData), ...listing };
}

/** Answers within bounds, and not without end: a page of files names the next. */
function boundedFetch(repo: string, send: typeof fetch): typeof fetch {
  let answers = 0;
  return async (...request) => {
    answers++;
    if (answers > 1 + MOST_PAGES) throw unusable(repo, `more than ${MOST_PAGES} pages of files`);
    const response = await send(...request);
    // Refusals come with all that they say.
    return response.ok ? wholeAnswer(response) : response;
  };
}

async function findListing(
  { hub, access }: Pick<HubConnection, 'hub' | 'access'>,
  { repo, revision, file }: HubReference,
): Promise<Listing> {
  const entries = [];
  for await (const entry of hub.listFiles({ ...access, repo, revision, recursive: true })) {
    if (typeof entry?.path !== 'string') throw unusable(repo, 'a file without a path');
    if (entry.type === 'file' && entry.path.endsWith('.safetensors')) entries.push(entry);
    if (entries.length > MOST_LISTED) break;
  }
  const names = entries.map(({ path }) => path);
  const wanted = file ?? chooseWeights(names);
  const found = entries.find(({ path }) => path === wanted);
  if (!found) throw missing(repo, file, names);
  const { path, lfs } = found;
  const listing: Listing = lfs
    ? { file: path, bytes: lfs.size, checksum: lfs.oid, algorithm: 'sha256' }
    : { file: path, bytes: found.size, checksum: found.oid ?? '', algorithm: 'git-sha1' };
  checkListing(repo, listing);
  return listing;
}

/** All of this becomes paths and allocations here. */
function checkListing(repo: string, { file, bytes, checksum, algorithm }: Listing): void {
  if (!isInside(file)) throw unusable(repo, `the file name ${JSON.stringify(file)}`);
  if (!Number.isSafeInteger(bytes) || bytes < 0 || bytes > MOST_FILE_BYTES) {
    const size = String(bytes).slice(0, 20);
    throw unusable(repo, `"${file}" of ${size} bytes, at most ${MOST_FILE_BYTES} are taken`);
  }
  const digits = algorithm === 'sha256' ? 64 : 40;
  if (!new RegExp(`^[0-9a-f]{${digits}}$`).test(checksum)) {
    throw unusable(repo, `no checksum of "${file}"`);
  }
}

function licenceOf(card: unknown): string {
  const field = (name: string): unknown =>
    typeof card === 'object' && card !== null ? Reflect.get(card, name) : undefined;
  const licence = [field('license')].flat().find((value) => typeof value === 'string');
  const name = licence === 'other' ? field('license_name') : licence;
  const text = typeof name === 'string' ? name : licence;
  return text === undefined ? 'not stated' : text.replace(/[^\x20-\x7e]/g, '').slice(0, 80);
}

function missing(repo: string, file: string | undefined, names: readonly string[]): WeightError {
  const shown = names.slice(0, 8).join(', ');
  if (file === undefined && names.length > 0) {
    return new WeightError(
      `hub model "${repo}" has ${names.length} weights files; choose one by hf:${repo}/FILE of ${shown}`,
    );
  }
  const what = file === undefined ? '.safetensors file' : `file "${file}"`;
  const others = names.length > 0 ? `; it has ${shown}` : '';
  return new WeightError(`hub model "${repo}" has no ${what}${others}`);
}

function unusable(repo: string, what: string): WeightError {
  return new WeightError(`hub model "${repo}": the hub's answer is of no use: ${what}`);
}
