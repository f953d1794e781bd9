// Vendors and the keys of ours at them: an operator adds one, gives it a key that is never shown again, and clears it.

import { login } from './support/api.ts';
import { complaint, expect, test } from './support/journey.ts';
import { operator } from './support/operator.ts';

const KEY = 'sk-journey-0123456789abcdef-tail';

test('a vendor is added, given a key, moved and removed', async ({ page, visit }) => {
  const id = `lantern-${Date.now().toString(36)}`;
  await login(page.request, operator.email, operator.password);
  await visit('/admin');
  await page.getByRole('link', { name: 'Vendors and their keys' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Vendors');

  const form = page.getByRole('region', { name: 'Add a vendor' });
  await form.getByLabel('Id', { exact: true }).fill(id);
  await form.getByLabel('Name', { exact: true }).fill(`Lantern ${id}`);
  await form.getByLabel('Address', { exact: true }).fill('https://10.0.0.1/v1');
  await form.getByLabel('Reason', { exact: true }).fill('a journey');
  await form.getByRole('button', { name: 'Add vendor' }).click();
  await expect(complaint(page)).toContainText('not a public address');

  await form.getByLabel('Id', { exact: true }).fill(id);
  await form.getByLabel('Name', { exact: true }).fill(`Lantern ${id}`);
  await form.getByLabel('Address', { exact: true }).fill('https://lantern.example/v1');
  await form.getByLabel('Reason', { exact: true }).fill('a journey');
  await form.getByRole('button', { name: 'Add vendor' }).click();
  await expect(page.getByRole('status').filter({ hasText: 'The vendor was added' })).toBeVisible();

  const row = page.getByRole('row', { name: new RegExp(id) });
  await row.locator('summary', { hasText: 'Set key' }).click();
  await row.getByLabel(/^Key of/).fill(KEY);
  await row.locator('form:visible').getByLabel(/^Reason for/).fill('a journey');
  await row.getByRole('button', { name: 'Store the key' }).click();
  await expect(page.getByRole('status').filter({ hasText: 'The key is stored' })).toBeVisible();
  await expect(row).toContainText('…tail');
  expect(await page.content()).not.toContain(KEY);

  await row.locator('summary', { hasText: /^\s*Move/ }).click();
  await row.getByLabel(/^Address of/).fill('https://lamp.example/v1');
  await row.locator('form:visible').getByLabel(/^Reason for/).fill('a journey');
  await row.getByRole('button', { name: 'Change the address' }).click();
  await expect(row).toContainText('lamp.example');
  await expect(row).not.toContainText('…tail');

  await row.locator('summary', { hasText: 'Remove' }).click();
  await row.locator('form:visible').getByLabel(/^Reason for/).fill('a journey');
  await row.getByRole('button', { name: 'Remove it' }).click();
  await expect(page.getByRole('status').filter({ hasText: 'was taken away' })).toBeVisible();
  await expect(page.getByRole('row', { name: new RegExp(id) })).toHaveCount(0);
});

test('a buyer is kept out', async ({ page, visit, buyer: _ }) => {
  await visit('/admin/vendors');
  await expect(complaint(page)).toContainText('for operators');
});
