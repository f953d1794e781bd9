// An address is confirmed by letter, and a forgotten password chosen anew: with scripts and without.

import { PASSWORD, newEmail } from './support/api.ts';
import { complaint, expect, mainButton, password, test } from './support/journey.ts';
import { linkFor } from './support/letters.ts';

test('somebody signs up, confirms by letter and has free tokens', async ({ page, visit }) => {
  const email = newEmail();
  await visit('/sign-up?next=/billing');
  await page.getByLabel('E-mail').fill(email);
  await password(page).fill(PASSWORD);
  await mainButton(page, 'Create account').click();
  await expect(page).toHaveURL(/\/billing$/);
  await expect(page.getByRole('main')).toContainText('1,000 free tokens a month');
  const link = await linkFor(email, 'confirm');
  await mainButton(page, 'Send the letter again').click();
  await expect(complaint(page)).toContainText('wait a minute');

  await visit(link);
  await mainButton(page, 'Confirm my address').click();
  await expect(page).toHaveURL(/\/confirm\?done=1$/);
  await expect(page.getByRole('status').filter({ hasText: 'Confirmed' })).toBeVisible();
  await visit('/billing');
  await expect(page.locator('.balance-card')).toContainText('1,000');
  await expect(page.locator('.pill.balance')).toContainText('1,000 free');
  await expect(mainButton(page, 'Send the letter again')).toHaveCount(0);

  await visit(link);
  await mainButton(page, 'Confirm my address').click();
  await expect(complaint(page)).toContainText('used already or is too old');
});

test('a forgotten password is chosen anew by letter', async ({ page, visit, buyer }) => {
  const words = 'slow-meadow-compass-91';
  await visit('/sign-in');
  await page.getByRole('main').getByRole('link', { name: 'Forgotten your password?' }).click();
  await expect(page).toHaveURL(/\/forgot$/);
  await page.getByLabel('E-mail').fill(buyer.email);
  await mainButton(page, 'Send the letter').click();
  await expect(page).toHaveURL(/\/forgot\?done=1$/);

  await visit(await linkFor(buyer.email, 'reset'));
  await page.getByLabel('New password').fill('password1');
  await mainButton(page, 'Change the password').click();
  await expect(complaint(page)).toContainText(/guess/);
  await page.getByLabel('New password').fill(words);
  await mainButton(page, 'Change the password').click();
  await expect(page).toHaveURL(/\/reset\?done=1$/);
  await page.getByRole('main').getByRole('link', { name: 'Sign in' }).click();
  await page.getByLabel('E-mail').fill(buyer.email);
  await password(page).fill(words);
  await mainButton(page, 'Sign in').click();
  await expect(page).toHaveURL(/\/chat$/);
});

test('a plan says its fee, and is chosen and left again', async ({ page, visit, buyer: _ }) => {
  await visit('/billing');
  await expect(page.getByRole('region', { name: 'Plan' })).toContainText('$10.0000 is taken from your balance now');
  await mainButton(page, 'Choose Starter').click();
  await expect(complaint(page)).toContainText('does not cover');
});
