// What every journey starts with: a way to open pages, and a buyer of its own where one is needed.

import { type Locator, type Page, test as base, expect } from '@playwright/test';
import { type Buyer, register } from './api.ts';

interface Journey {
  /** Opens a page; with scripts, waits until it is awake. */
  visit: (path: string) => Promise<void>;
  /** Somebody who just signed up, and as whom the page is signed in. */
  buyer: Buyer;
}

export const test = base.extend<Journey>({
  visit: async ({ page, javaScriptEnabled }, use) => {
    await use(async (path) => {
      await page.goto(path);
      if (javaScriptEnabled) {
        await awake(page);
      }
    });
  },
  buyer: async ({ page }, use) => {
    await use(await register(page.request));
  },
});

export { expect };

export async function awake(page: Page): Promise<void> {
  await page.locator('html[data-hydrated]').waitFor({ state: 'attached' });
}

/** Whatever the page says went wrong. Regions that could say something, but do not, are left out. */
export function complaint(page: Page): Locator {
  return page.getByRole('alert').filter({ hasText: /\S/ });
}

export function password(page: Page): Locator {
  return page.getByLabel('Password', { exact: true });
}

export function mainButton(page: Page, name: string | RegExp): Locator {
  return page.getByRole('main').getByRole('button', { name, exact: typeof name === 'string' });
}

export function balanceFigure(page: Page): Locator {
  return page.locator('.balance-card .balance-figure');
}

/** Writes a message and sends it. */
export async function say(page: Page, message: string): Promise<void> {
  await page.getByLabel('Message', { exact: true }).fill(message);
  await mainButton(page, /^Send/).click();
}

/** The link below a finished answer, which tells its cost and leads to its receipt. */
export function receiptLink(page: Page): Locator {
  return page.getByRole('main').locator('a[href^="/receipts/"]:visible').last();
}
