// A statement is checked in the browser, without the network, and a forged copy is refused.

import type { Page } from '@playwright/test';
import { ask, makeKey, statement, thisMonth, topUp } from './support/api.ts';
import { expect, mainButton, test } from './support/journey.ts';

async function choose(page: Page, text: string): Promise<void> {
  const file = { name: 'statement.json', mimeType: 'application/json', buffer: Buffer.from(text) };
  await page.getByLabel('Statement', { exact: true }).setInputFiles(file);
}

const verdict = (page: Page) => page.getByRole('main').getByRole('status').filter({ hasText: /\S/ });

test('a statement passes in the browser and a forged copy does not', async ({ page, visit, buyer, context }) => {
  await topUp(page.request, buyer);
  const answered = await ask(page.request, await makeKey(page.request, buyer));
  expect(answered.status(), await answered.text()).toBe(200);
  const honest = await statement(page.request, buyer, thisMonth());

  const fetched = page.waitForResponse('**/pkg/statement.wasm');
  await visit('/statements/verify');
  await (await fetched).finished();
  await mainButton(page, 'Check').click();
  await expect(verdict(page)).toContainText('Choose a statement first');

  await context.setOffline(true);
  await choose(page, honest);
  await expect(verdict(page)).toContainText('This statement is genuine and adds up');
  const facts = page.getByRole('region', { name: 'What it says' });
  await expect(facts).toContainText('$10.000000000');
  await expect(facts).toContainText('so far');

  await choose(page, honest.replace('"amount":"10000000000"', '"amount":"90000000000"'));
  await expect(verdict(page)).toContainText('changed after it was signed');
  await expect(verdict(page)).toContainText('entry 1 of the paid wallet');
  await expect(facts).toHaveCount(0);

  await choose(page, 'my shopping list');
  await expect(verdict(page)).toContainText('no statement that can be read');

  await choose(page, honest);
  await expect(verdict(page)).toContainText('genuine');
  await page.getByLabel('Key it must be signed with').fill('AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=');
  await mainButton(page, 'Check').click();
  await expect(verdict(page)).toContainText('signed with another key');
  await context.setOffline(false);
});

test('the months are reached from billing, and the page of a month adds up', async ({ page, visit, buyer }) => {
  await topUp(page.request, buyer);
  await visit('/billing');
  await page.getByRole('link', { name: 'Monthly statements' }).click();
  await expect(page).toHaveURL(/\/statements$/);
  await page.getByRole('link', { name: thisMonth(), exact: true }).click();
  await expect(page).toHaveURL(new RegExp(`/statements/${thisMonth()}$`));
  await expect(page.getByText('opening + received − spent = closing ✓')).toBeVisible();
  await page.getByRole('main').getByRole('link', { name: 'Check a statement' }).click();
  await expect(page).toHaveURL(/\/statements\/verify$/);
  // Reached without loading the page anew, the check is there all the same.
  await choose(page, await statement(page.request, buyer, thisMonth()));
  await expect(verdict(page)).toContainText('This statement is genuine and adds up');
});
