import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { expectAccessible } from './fixtures/axe.ts';
import { usePages } from './fixtures/browser.ts';
import { longTasksDuring } from './fixtures/long_tasks.ts';
import { screenshots } from './fixtures/screenshots.ts';

const open = usePages();

/** Corners of a 7, in shares of the board's side. */
const SEVEN = [
  [0.28, 0.25],
  [0.72, 0.25],
  [0.45, 0.8],
] as const;

async function draw(
  page: Page,
  corners: readonly (readonly [number, number])[],
  { steps = 20, pauseMs = 0 } = {},
): Promise<void> {
  const board = await page.locator('.board').boundingBox();
  if (!board) throw new Error('there is no board');
  const points = corners.map(([x, y]) => ({
    x: board.x + x * board.width,
    y: board.y + y * board.height,
  }));
  let last = points[0] ?? board;
  await page.mouse.move(last.x, last.y);
  await page.mouse.down();
  for (const point of points.slice(1)) {
    for (let i = 1; i <= steps; i++) {
      const share = i / steps;
      await page.mouse.move(
        last.x + (point.x - last.x) * share,
        last.y + (point.y - last.y) * share,
      );
      await page.waitForTimeout(pauseMs);
    }
    last = point;
  }
  await page.mouse.up();
}

async function expectAnswer(page: Page, digit: string): Promise<void> {
  await page.locator('.answer', { hasText: digit }).waitFor();
  expect(await page.locator('.bars .best .bar-label').textContent()).toBe(digit);
}

/** The layers of which a map shows more than the colour of zero. */
function litMaps(page: Page): Promise<readonly (string | null)[]> {
  return page.locator('.network canvas').evaluateAll((all) => {
    const colours = (canvas: HTMLCanvasElement): ReadonlySet<number> => {
      const { width, height } = canvas;
      const pixels = canvas.getContext('2d')?.getImageData(0, 0, width, height).data;
      return new Set(new Uint32Array(pixels?.buffer ?? new ArrayBuffer()));
    };
    // What is between maps is transparent.
    return (all as HTMLCanvasElement[])
      .filter((canvas) => [...colours(canvas)].filter((colour) => colour !== 0).length > 1)
      .map((canvas) => canvas.getAttribute('aria-label'));
  });
}

describe('Digits', () => {
  it('reads a 7 that is drawn', async () => {
    const page = await open();
    await page.getByRole('button', { name: 'Clear' }).click();
    await draw(page, SEVEN);
    await expectAnswer(page, '7');
    await page.mouse.move(0, 0);
    await screenshots(page, 'digits');
    await expectAccessible(page);
  });

  it('answers the first digit by itself, and this test says how soon', async () => {
    const page = await open();
    await page.locator('.answer:not(:empty)').waitFor();
    const ms = await page.evaluate(() => performance.now());
    console.log(`first digit answered ${(ms / 1000).toFixed(2)} s after navigation`);
    await expect(page.locator('.answer').textContent()).resolves.toMatch(/\d/);
  });

  it('computes in the worker: the main thread has nothing of the runtime', async () => {
    const page = await open();
    await page.coverage.startJSCoverage({ resetOnNavigation: false });
    await page.reload();
    await page.locator('.answer:not(:empty)').waitFor();
    await page.getByRole('button', { name: 'Clear' }).click();
    const tasks = await longTasksDuring(page, () => draw(page, SEVEN, { steps: 60, pauseMs: 8 }));
    await expectAnswer(page, '7');
    console.log(`main-thread tasks over 50 ms while drawing: [${tasks}]`);
    const scripts = await page.coverage.stopJSCoverage();
    const computes = (code = ''): boolean => code.includes('beginComputePass');
    expect(scripts.length).toBeGreaterThan(0);
    expect(scripts.filter(({ source }) => computes(source)).map(({ url }) => url)).toEqual([]);
    const [worker] = page.workers();
    const response = await page.request.get(worker?.url() ?? '');
    expect(computes(await response.text())).toBe(true);
  });

  it('clears, undoes stroke by stroke, and puts a sample on the board', async () => {
    const page = await open();
    const answer = page.locator('.answer');
    await answer.locator(':scope:not(:empty)').waitFor();
    expect(await litMaps(page)).not.toEqual([]);
    await page.getByRole('button', { name: 'Clear' }).click();
    expect(await answer.textContent()).toBe('');
    expect(await litMaps(page)).toEqual([]);
    await draw(page, SEVEN);
    await expectAnswer(page, '7');
    // A line below is a second stroke, which undoing takes away first.
    await draw(page, [
      [0.2, 0.9],
      [0.8, 0.9],
    ]);
    await page.getByRole('button', { name: 'Undo' }).click();
    await expectAnswer(page, '7');
    await page.getByRole('button', { name: 'Undo' }).click();
    expect(await answer.textContent()).toBe('');
    await page.getByRole('button', { name: 'Sample' }).click();
    await answer.locator(':scope:not(:empty)').waitFor();
    // What is drawn takes the place of the sample, until it is undone.
    await draw(page, SEVEN);
    await expectAnswer(page, '7');
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByRole('button', { name: 'Undo' }).click();
    expect(await answer.textContent()).toBe('');
  });

  it('can be drawn on with the keyboard', async () => {
    const page = await open();
    await page.getByRole('button', { name: 'Clear' }).click();
    await page.locator('.board').focus();
    // A 1: down from the upper middle.
    await page.keyboard.press('Space');
    for (let i = 0; i < 11; i++) await page.keyboard.press('ArrowDown');
    await expectAnswer(page, '1');
  });

  it('enlarges the map under the pointer, and the one that arrow keys choose', async () => {
    const page = await open();
    await page.locator('.answer:not(:empty)').waitFor();
    const conv1 = page.getByRole('img', { name: 'conv1' });
    const caption = page.locator('.magnifier p');
    await conv1.hover({ position: { x: 60, y: 10 } });
    expect(await caption.textContent()).toMatch(/^conv1, channel 1 of 32: -?\d+\.\d\d to /);
    await page.mouse.move(0, 0);
    expect(await caption.isVisible()).toBe(false);
    await conv1.focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowDown');
    expect(await caption.textContent()).toContain('channel 4 of 32');
    await page.keyboard.press('Escape');
    expect(await caption.isVisible()).toBe(false);
  });
});
