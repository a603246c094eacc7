/**
 * Reads a log of pipelines as a Vulkan layer can write it of any driver with VK_KHR_pipeline_executable_properties:
 * a line of JSON for each part of a pipeline, `{"index": 0, "of": 1, "stats": {"Spills": 0, ...}, "assembly": "..."}`.
 * Of several parts, such as Intel's one for each width of a subgroup, the last is what runs.
 */
export interface CompiledPipeline {
  /** By the driver's names: `VGPRs`, `Spills`, ... */
  readonly stats: ReadonlyMap<string, number>;
  /** Undefined where the driver does not tell it. */
  readonly assembly?: string | undefined;
}

/** How a line of a pipeline begins; a log may have others, of the process that compiles. */
export const OF_PIPELINE = '{"index"';

export function parsePipelineLog(log: string): readonly CompiledPipeline[] {
  const parts = log
    .split('\n')
    .filter((line) => line.startsWith(OF_PIPELINE))
    .map(
      (line) => JSON.parse(line) as { index: number; of: number; stats: object; assembly?: string },
    );
  return parts
    .filter(({ index, of }) => index === of - 1)
    .map(({ stats, assembly }) => ({
      stats: new Map(Object.entries(stats).filter(([, value]) => typeof value === 'number')),
      assembly,
    }));
}
