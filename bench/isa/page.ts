/** What compilers make of a model's kernels, as a page that needs nothing else: a table a GPU, with bars. */
import { escapeHtml } from '../../measure/escape_html.ts';
import { configText, type Row } from './row.ts';

interface Column {
  readonly name: string;
  /** Undefined where nothing is said of it. */
  readonly of: (row: Row) => number | undefined;
  readonly digits: number;
}

const COLUMNS: readonly Column[] = [
  { name: 'workgroups', of: ({ workgroups }) => workgroups, digits: 0 },
  { name: 'registers', of: ({ registers }) => registers, digits: 0 },
  { name: 'spills', of: ({ spills }) => spills, digits: 0 },
  { name: 'workgroup memory', of: ({ workgroupMemory }) => workgroupMemory, digits: 0 },
  { name: 'waves', of: ({ waves }) => waves, digits: 0 },
  { name: 'compiling, ms', of: ({ milliseconds }) => milliseconds, digits: 0 },
  { name: 'fma / slot', of: ({ loop }) => loop?.perSlot, digits: 2 },
  { name: 'of a step', of: ({ loop }) => loop?.perStepSlot, digits: 2 },
  { name: 'fma / load', of: ({ loop }) => loop?.perLoad, digits: 1 },
];

/**
 * Columns that a driver says nothing of are left out; bars are shares of the largest value of a GPU's column.
 *
 * @param model - For the title.
 * @param rows - Of any number of GPUs.
 */
export function isaPage(model: string, rows: readonly Row[]): string {
  const gpus = [...new Set(rows.map(({ gpu }) => gpu))];
  const title = `Kernels of ${escapeHtml(model)} by compilers of GPUs`;
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${title}</title>
<style>
:root { color-scheme: light dark; }
body { font: 14px/1.4 system-ui, sans-serif; margin: 2rem; }
h2 { font-size: 1.1rem; margin: 2.5rem 0 0.5rem; }
div { overflow-x: auto; }
table { border-collapse: collapse; }
th, td { padding: 0.15rem 0.6rem; text-align: left; border-bottom: 1px solid #8883; white-space: nowrap; }
td:nth-child(3) { white-space: normal; min-width: 18rem; }
.number { text-align: right; background: linear-gradient(to right, #4a90d955 var(--share), #0000 0); }
.bad { color: #dc5050; font-weight: bold; }
.candidate { opacity: 0.55; }
</style>
<h1>${title}</h1>
<p>Figures of the code, not times of runs. Bars: share of the column's largest value. Pale rows: what the plan does not run, candidates and onnxruntime's.</p>
${gpus.map((gpu) => gpuTable(rows.filter((row) => row.gpu === gpu))).join('\n')}
</html>
`;
}

function gpuTable(rows: readonly Row[]): string {
  const [{ gpu = '', adapter = '' } = {}] = rows;
  const columns = COLUMNS.map((column) => ({
    ...column,
    most: Math.max(...rows.map((row) => column.of(row) ?? 0)),
  }));
  const said = columns.filter(({ name, most }) => most > 0 || name === 'spills');
  const run = rows.filter(({ chosen }) => chosen);
  const spilling = run.filter(({ spills }) => spills > 0).length;
  const lines = rows.map((row) => {
    const cells = said.map(({ name, of, digits, most }) => {
      const value = of(row);
      if (value === undefined) return '<td></td>';
      const bad = name === 'spills' && value > 0 ? ' bad' : '';
      const share = most === 0 ? 0 : (100 * value) / most;
      return `<td class="number${bad}" style="--share: ${share.toFixed(0)}%">${value.toFixed(digits)}</td>`;
    });
    const texts = [row.layer, row.kernel, configText(row.config)].map(
      (text) => `<td>${escapeHtml(text)}</td>`,
    );
    return `<tr${row.chosen ? '' : ' class="candidate"'}>${[...texts, ...cells].join('')}</tr>`;
  });
  const head = ['layer', 'kernel', 'configuration', ...said.map(({ name }) => name)];
  return `<h2>${escapeHtml(gpu)}</h2>
<p>${escapeHtml(adapter)}: the plan runs ${run.length} pipelines, of which ${spilling} spill registers.</p>
<div><table>
<tr>${head.map((name) => `<th>${name}</th>`).join('')}</tr>
${lines.join('\n')}
</table></div>`;
}
