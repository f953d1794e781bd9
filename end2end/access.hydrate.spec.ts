// axe finds nothing on any page, in both themes; and nothing is lost on a narrow screen.

import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { awake, expect, test } from './support/journey.ts';
import { type Place, enterAsOperator, fresh, furnish, open } from './support/places.ts';

async function findings(page: Page, places: Place[]): Promise<string[]> {
  const found: string[] = [];
  for (const { path } of places) {
    await page.goto(path);
    await awake(page);
    const { violations } = await new AxeBuilder({ page }).analyze();
    for (const { id, nodes } of violations) {
      found.push(...nodes.map((node) => `${path}: ${id}: ${node.target.join(' ')}: ${node.failureSummary ?? ''}`));
    }
  }
  return found;
}

for (const colorScheme of ['light', 'dark'] as const) {
  test.describe(`in the ${colorScheme} theme`, () => {
    test.use({ colorScheme });
    test.setTimeout(180_000);

    test('axe finds nothing on what a stranger sees', async ({ page }) => {
      expect(await findings(page, open)).toEqual([]);
    });

    test('axe finds nothing on what a buyer sees', async ({ page, buyer }) => {
      expect(await findings(page, fresh)).toEqual([]);
      expect(await findings(page, await furnish(page, buyer))).toEqual([]);
    });

    test('axe finds nothing on what the operator sees', async ({ page }) => {
      await enterAsOperator(page);
      expect(await findings(page, [{ name: 'admin', path: '/admin' }])).toEqual([]);
    });
  });
}

test('no page is wider than a screen of 320 pixels', async ({ page, buyer }) => {
  test.setTimeout(120_000);
  await page.setViewportSize({ width: 320, height: 640 });
  const wide: string[] = [];
  for (const { path } of [...open, ...fresh, ...(await furnish(page, buyer))]) {
    await page.goto(path);
    await awake(page);
    const overhang = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    if (overhang > 0) {
      wide.push(`${path}: ${overhang} px too wide`);
    }
  }
  expect(wide).toEqual([]);
});
