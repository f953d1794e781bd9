// API keys: shown once, then known by their first characters until they are revoked.

import { ask } from './support/api.ts';
import { complaint, expect, mainButton, test } from './support/journey.ts';

test('a key is made, seen once, works, and is revoked', async ({ page, visit, buyer: _ }) => {
  await visit('/keys');
  await page.getByLabel('Name', { exact: true }).fill('Notebook');
  await page.getByLabel('Limit in dollars').fill('5.00');
  await mainButton(page, 'Make key').click();
  const secret = page.locator('.secret code');
  await expect(secret).toHaveText(/^mk_live_[0-9A-Za-z]{49}$/);
  const key = await secret.innerText();
  await page.waitForLoadState('networkidle');

  await visit('/keys');
  await expect(secret).toHaveCount(0);
  const row = page.getByRole('row', { name: /Notebook/ });
  await expect(row).toContainText(key.slice(0, 12));
  await expect(row).toContainText('$5.0000');
  // It is ours, so what is missing is only the money.
  expect((await ask(page.request, key)).status()).toBe(402);

  await row.locator('summary').click();
  await row.getByRole('button', { name: 'Revoke for good' }).click();
  await expect(row.getByText('Revoked', { exact: true })).toBeVisible();
  expect((await ask(page.request, key)).status()).toBe(401);
});

test('a key is kept to what it is for, and given another secret', async ({ page, visit, buyer: _ }) => {
  await visit('/keys');
  await page.getByLabel('Name', { exact: true }).fill('Notebook');
  await page.getByText('What it may do, and from where').click();
  await page.getByLabel('Only these models').fill('anthropic/*');
  await page.getByLabel('draw images').uncheck();
  await mainButton(page, 'Make key').click();
  const secret = page.locator('.secret code');
  await expect(secret).toHaveText(/^mk_live_/);
  const first = await secret.innerText();
  const row = page.getByRole('row', { name: /Notebook/ });
  await expect(row).toContainText('chat, embeddings, read');
  await expect(row).toContainText('only anthropic/*');
  // The journey asks a model of somebody else's.
  expect((await ask(page.request, first)).status()).toBe(403);

  await row.locator('summary').click();
  await row.getByLabel('Only these models').fill('');
  await row.getByRole('button', { name: 'Save' }).click();
  await expect(row).not.toContainText('only anthropic/*');
  expect((await ask(page.request, first)).status()).toBe(402);

  await row.locator('summary').click();
  await row.getByLabel('The present one works for').selectOption('no longer');
  await row.getByRole('button', { name: 'New secret' }).click();
  await expect(secret).not.toHaveText(first);
  expect((await ask(page.request, first)).status()).toBe(401);
  expect((await ask(page.request, await secret.innerText())).status()).toBe(402);
});

test('a key is disabled, and works as before when it is enabled again', async ({ page, visit, buyer: _ }) => {
  await visit('/keys');
  await page.getByLabel('Name', { exact: true }).fill('Notebook');
  await mainButton(page, 'Make key').click();
  const secret = page.locator('.secret code');
  await expect(secret).toHaveText(/^mk_live_/);
  const key = await secret.innerText();
  const row = page.getByRole('row', { name: /Notebook/ });
  const chip = row.getByText('Disabled', { exact: true });
  await expect(chip).toHaveCount(0);

  await row.locator('summary').click();
  await row.getByRole('button', { name: 'Disable', exact: true }).click();
  await expect(page.getByText('The key is disabled.')).toBeVisible();
  await expect(chip).toBeVisible();
  expect((await ask(page.request, key)).status()).toBe(401);

  await row.locator('summary').click();
  await row.getByRole('button', { name: 'Enable', exact: true }).click();
  await expect(page.getByText('The key is enabled.')).toBeVisible();
  await expect(chip).toHaveCount(0);
  expect((await ask(page.request, key)).status()).toBe(402);
});

test('a limit that is no amount is explained', async ({ page, visit, buyer: _ }) => {
  await visit('/keys');
  await page.getByLabel('Name', { exact: true }).fill('Notebook');
  await page.getByLabel('Limit in dollars').fill('five');
  await mainButton(page, 'Make key').click();
  await expect(complaint(page)).toContainText('must be dollars');
});
