/** From a reference to a file on this machine: out of the cache, or off the hub. */
import { WeightError } from '../../src/index.ts';
import { formatBytes, note } from '../../terminal/output.ts';
import { ProgressBar } from '../../terminal/progress_bar.ts';
import { findCached } from './cache.ts';
import { connectHub, type HubConnection } from './connection.ts';
import { describeHubFile, type HubFile } from './describe.ts';
import { downloadHubFile } from './download.ts';
import { explainHubError } from './explain.ts';
import { formatHubReference, type HubReference } from './reference.ts';
import type { HubSettings } from './settings.ts';

/** The path of the file, downloaded where it is not in the cache: then its size and licence are noted before. */
export async function obtainHubFile(
  reference: HubReference,
  settings: HubSettings,
): Promise<string> {
  const cached = findCached(settings.cache, reference);
  if (cached !== undefined) return cached;
  return withHub(reference, settings, async (connection) => {
    const file = await describeHubFile(connection, reference);
    note(`downloading ${describe(file)}`);
    return downloadWithProgress(connection, file, settings);
  });
}

/** Runs requests to the hub, and explains what they throw. Throws WeightError when `HF_HUB_OFFLINE` is set. */
export async function withHub<T>(
  reference: HubReference,
  settings: HubSettings,
  work: (connection: HubConnection) => Promise<T>,
): Promise<T> {
  if (settings.offline) {
    throw new WeightError(
      `hub weights "${formatHubReference(reference)}" are not in ${settings.cache}, and HF_HUB_OFFLINE is set; unset it, or give --weights FILE`,
    );
  }
  const connection = await connectHub(settings);
  try {
    return await work(connection);
  } catch (error) {
    throw explainHubError(connection, reference, settings, error);
  } finally {
    await connection.close();
  }
}

export async function downloadWithProgress(
  connection: HubConnection,
  file: HubFile,
  { cache }: HubSettings,
): Promise<string> {
  const bar = new ProgressBar({ what: file.file, total: file.bytes, format: formatBytes });
  try {
    return await downloadHubFile(connection, file, {
      cache,
      onProgress: (done) => bar.update(done),
      onRetry: (reason) => note(`the connection broke (${reason}); trying again`),
    });
  } finally {
    bar.close();
  }
}

/** `timm/resnet50.tv_in1k, model.safetensors: 102.5 MB, licence bsd-3-clause` */
export function describe({ repo, file, bytes, licence }: HubFile): string {
  return `${repo}, ${file}: ${formatBytes(bytes)}, licence ${licence}`;
}
