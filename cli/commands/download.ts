import { stat } from 'node:fs/promises';
import type { Command } from 'commander';
import { findModel, WeightError } from '../../src/index.ts';
import { formatBytes, note, print, printJson } from '../../terminal/output.ts';
import { findCached } from '../hub/cache.ts';
import { describeHubFile, type HubFile } from '../hub/describe.ts';
import { hubWeightsOf } from '../hub/models.ts';
import { describe, downloadWithProgress, withHub } from '../hub/obtain.ts';
import { type HubReference, isHubReference, parseHubReference } from '../hub/reference.ts';
import { hubSettings } from '../hub/settings.ts';
import { ENDPOINT_OPTION, JSON_OPTION } from '../options.ts';
import { bundledWeights } from '../weights.ts';

interface DownloadOptions {
  readonly endpoint?: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

export function addDownloadCommand(program: Command): void {
  program
    .command('download')
    .description("get a model's trained weights from the Hugging Face hub")
    .argument('<model>', 'a model of "tilewise models", or hf:owner/name[@revision][/file]')
    .option('--dry-run', 'only say what would be downloaded: its size and licence')
    .option(...ENDPOINT_OPTION)
    .option(...JSON_OPTION)
    .addHelpText('after', HELP)
    .action(download);
}

const HELP = `
Where an earlier download broke off, it goes on. Files are checked, and kept in
the hub's own cache, which Python programs share. Environment variables, as for
other programs that use the hub:
  HF_ENDPOINT               a mirror to use
  HF_TOKEN, HF_TOKEN_PATH   an access token, or its file, for private models
                            and those with conditions
  HF_HUB_CACHE, HF_HOME     where the cache is
  HF_HUB_OFFLINE=1          use the cache only
  HTTPS_PROXY, NO_PROXY     a proxy to go through`;

async function download(name: string, options: DownloadOptions): Promise<void> {
  const reference = isHubReference(name) ? parseHubReference(name) : weightsOfModel(name);
  const settings = hubSettings(options.endpoint);
  const cached = findCached(settings.cache, reference);
  if (settings.offline && cached !== undefined && !options.dryRun) {
    await report(cached, undefined, options);
    return;
  }
  await withHub(reference, settings, async (connection) => {
    const file = await describeHubFile(connection, reference);
    note(describe(file));
    if (options.dryRun) {
      if (options.json) printJson(facts(file));
      return;
    }
    await report(await downloadWithProgress(connection, file, settings), file, options);
  });
}

function weightsOfModel(name: string): HubReference {
  const model = findModel(name);
  const reference = hubWeightsOf(model.name);
  if (reference) return reference;
  throw new WeightError(
    bundledWeights(model.name)
      ? `the weights of "${name}" come with Tilewise: there is nothing to download`
      : `no weights for "${name}" are known on the hub; name some by hf:owner/name, or save torchvision's yourself (see docs/command.md)`,
  );
}

async function report(
  path: string,
  file: HubFile | undefined,
  { json }: DownloadOptions,
): Promise<void> {
  const { size: bytes } = await stat(path);
  if (json) printJson({ path, bytes, ...(file && facts(file)) });
  else print(`${formatBytes(bytes)} in ${path}`);
}

function facts({ repo, revision, commit, file, bytes, licence, algorithm, checksum }: HubFile) {
  return { repo, revision, commit, file, bytes, licence, [algorithm]: checksum };
}
