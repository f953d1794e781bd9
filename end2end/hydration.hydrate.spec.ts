// Every page wakes without a word on the console.

import type { ConsoleMessage, Page } from '@playwright/test';
import { awake, expect, test } from './support/journey.ts';
import { type Place, enterAsOperator, fresh, furnish, open } from './support/places.ts';

/** Opens each page and gathers everything a console would show in red or yellow. */
async function wake(page: Page, places: Place[]): Promise<string[]> {
  const said: string[] = [];
  let now = '';
  const hear = (message: ConsoleMessage) => {
    // Chromium also reports that a page was answered with 404, as some of these must be.
    const isOwnStatus = message.location().url === page.url() && message.text().startsWith('Failed to load resource');
    const isTrouble = ['error', 'warning'].includes(message.type()) || /hydrat/i.test(message.text());
    if (isTrouble && !isOwnStatus) {
      said.push(`${now}: ${message.type()}: ${message.text()}`);
    }
  };
  const fail = (error: Error) => said.push(`${now}: ${error.message}`);
  page.on('console', hear).on('pageerror', fail);
  for (const place of places) {
    now = place.path;
    await page.goto(place.path);
    await awake(page);
    // Effects run after the page is marked awake.
    await page.waitForTimeout(200);
  }
  page.off('console', hear).off('pageerror', fail);
  return said;
}

test('pages wake in silence for a stranger', async ({ page }) => {
  expect(await wake(page, open)).toEqual([]);
});

test('pages wake in silence for a buyer', async ({ page, buyer }) => {
  expect(await wake(page, [...open, ...fresh])).toEqual([]);
  expect(await wake(page, await furnish(page, buyer))).toEqual([]);
});

test('the operator\'s page wakes in silence', async ({ page }) => {
  await enterAsOperator(page);
  expect(await wake(page, [{ name: 'admin', path: '/admin' }])).toEqual([]);
});

test('moving between pages without loading them is silent too', async ({ page, visit, buyer }) => {
  await furnish(page, buyer);
  const said: string[] = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) {
      said.push(message.text());
    }
  });
  page.on('pageerror', (error) => said.push(error.message));
  await visit('/');
  const menu = page.getByRole('navigation', { name: 'Main' });
  for (const [name, path] of [['Models', '/models'], ['Billing', '/billing'], ['Keys', '/keys'], ['Chat', '/chat']] as const) {
    await menu.getByRole('link', { name }).click();
    await page.waitForURL(`**${path}`);
    await expect(page.getByRole('heading', { level: 1 })).toBeAttached();
  }
  expect(said).toEqual([]);
});
