// Looking around without an account.

import { expect, test } from './support/journey.ts';

test('a visitor goes from the front page to the models', async ({ page, visit }) => {
  await visit('/');
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Models' }).click();
  await expect(page).toHaveURL(/\/models$/);
  await expect(page.getByLabel('Models found').locator('a[href^="/models/"]').first()).toBeVisible();
});

test('filters live in the address, and a model has a page', async ({ page, visit }) => {
  await visit('/models?provider=anthropic');
  const found = page.getByLabel('Models found').locator('a[href^="/models/"]');
  const targets = await found.evaluateAll((links) => links.map((link) => link.getAttribute('href') ?? ''));
  expect(targets.length).toBeGreaterThan(0);
  expect(targets.filter((target) => !target.startsWith('/models/anthropic/'))).toEqual([]);

  await visit('/models?q=gpt-5-mini');
  await page.getByLabel('Models found').locator('a[href="/models/openai/gpt-5-mini"]').first().click();
  await expect(page).toHaveURL(/\/models\/openai\/gpt-5-mini$/);
  await expect(page.getByRole('heading', { level: 1 })).toContainText('GPT-5 Mini');
  await expect(page).toHaveTitle(/GPT-5 Mini/);
});

test('words that match nothing say what to do', async ({ page, visit }) => {
  await visit('/models?q=there-is-no-such-model');
  await expect(page.getByLabel('Models found').locator('.empty')).toBeVisible();
});

for (const path of ['/there-is-no-such-page', '/models/nobody/nothing', '/receipts/not-a-receipt']) {
  test(`${path} is answered with 404 and a way on`, async ({ page }) => {
    const answer = await page.goto(path);
    expect(answer?.status()).toBe(404);
    await expect(page.getByRole('main').getByRole('link').first()).toBeVisible();
  });
}
