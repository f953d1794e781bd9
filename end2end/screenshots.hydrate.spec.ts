// Pictures of every page at three widths in both themes, to be looked at: artefacts/screens.

import path from 'node:path';
import type { Page } from '@playwright/test';
import { awake, expect, receiptLink, say, test } from './support/journey.ts';
import { type Place, enterAsOperator, fresh, furnish, open } from './support/places.ts';

const FOLDER = path.join(import.meta.dirname, 'artefacts', 'screens');
const SIZES = [{ width: 1440, height: 900 }, { width: 768, height: 1024 }, { width: 390, height: 844 }];

async function shoot(page: Page, name: string, look: string): Promise<void> {
  await page.screenshot({ path: path.join(FOLDER, `${name}-${look}.png`), fullPage: true, animations: 'disabled' });
}

async function shootAll(page: Page, places: Place[], look: string): Promise<void> {
  for (const place of places) {
    await page.goto(place.path);
    await awake(page);
    await shoot(page, place.name, look);
  }
}

for (const viewport of SIZES) {
  for (const colorScheme of ['light', 'dark'] as const) {
    const look = `${viewport.width}-${colorScheme}`;
    test.describe(look, () => {
      test.use({ viewport, colorScheme });
      test.setTimeout(180_000);

      test('what a stranger sees', async ({ page }) => {
        await shootAll(page, open, look);
      });

      test('what a buyer sees', async ({ page, buyer }) => {
        await shootAll(page, fresh, look);
        await shootAll(page, await furnish(page, buyer), look);
        await page.goto('/chat');
        await awake(page);
        await say(page, 'Why do the entries of a ledger sum to zero?');
        await expect(receiptLink(page)).toBeVisible({ timeout: 40_000 });
        await shoot(page, 'chat-answered', look);
      });

      test('what the operator sees', async ({ page }) => {
        await enterAsOperator(page);
        await shootAll(page, [{ name: 'admin', path: '/admin' }], look);
      });
    });
  }
}
