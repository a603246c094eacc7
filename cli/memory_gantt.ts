/** The memory plan as a picture: a row a buffer, a bar a tensor, from the step that writes it to its last reader. */
import { lowerBoundOf, type MemoryPlan } from '../src/index.ts';

const LABEL_WIDTH = 90;
const STEP_WIDTH = 14;
const ROW_HEIGHT = 40;
const HEAD_HEIGHT = 46;

/** An SVG document. */
export function ganttSvg(title: string, plan: MemoryPlan): string {
  const { steps } = plan;
  const width = LABEL_WIDTH + (steps + 2) * STEP_WIDTH;
  const height = HEAD_HEIGHT + plan.buffers.length * ROW_HEIGHT + 8;
  const rows = plan.buffers.map((bytes, i) => {
    const y = HEAD_HEIGHT + i * ROW_HEIGHT;
    return `<text x="4" y="${y + 24}">${megabytes(bytes)}</text><line x1="${LABEL_WIDTH}" x2="${width}" y1="${y + ROW_HEIGHT}" y2="${y + ROW_HEIGHT}"/>`;
  });
  const bars = plan.storages.map((storage, i) => bar(storage, plan, i));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">`,
    '<style>text{font:11px sans-serif;fill:#555}line{stroke:#ddd}rect{fill:#5b8def;fill-opacity:.75;stroke:#fff}</style>',
    `<rect width="${width}" height="${height}" style="fill:#fff;fill-opacity:1"/>`,
    `<text x="4" y="16" style="font-weight:bold">${escapeXml(title)}</text>`,
    `<text x="4" y="34">${megabytes(plan.bytes)} in ${plan.buffers.length} buffers over ${steps} steps; no plan needs less than ${megabytes(lowerBoundOf(plan))}</text>`,
    ...rows,
    ...bars,
    '</svg>',
    '',
  ].join('\n');
}

function bar(storage: MemoryPlan['storages'][number], plan: MemoryPlan, index: number): string {
  const { name, bytes, firstStep, lastStep, overwrittenBy = [] } = storage;
  const buffer = plan.bufferOf[index] ?? 0;
  const share = bytes / Math.max(1, plan.buffers[buffer] ?? bytes);
  const x = LABEL_WIDTH + (firstStep + 1) * STEP_WIDTH;
  const barHeight = Math.max(3, Math.round((ROW_HEIGHT - 4) * share));
  const y = HEAD_HEIGHT + (buffer + 1) * ROW_HEIGHT - 1 - barHeight;
  const width = (lastStep - firstStep + 1) * STEP_WIDTH;
  const names = [name, ...overwrittenBy].join(', then ');
  const what = `${names}: ${megabytes(bytes)}, steps ${firstStep} to ${lastStep}`;
  return `<rect x="${x}" y="${y}" width="${width}" height="${barHeight}"><title>${escapeXml(what)}</title></rect>`;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(2)} MB`;
}

function escapeXml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
