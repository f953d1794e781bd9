// Signing up, signing in and paying.

import type { Page } from '@playwright/test';
import { PASSWORD, newEmail, register } from './support/api.ts';
import { balanceFigure, complaint, expect, mainButton, password, test } from './support/journey.ts';

type Visit = (path: string) => Promise<void>;

async function signUp(page: Page, email: string, secret: string): Promise<void> {
  await page.getByLabel('E-mail').fill(email);
  await password(page).fill(secret);
  await mainButton(page, 'Create account').click();
}

async function signIn(page: Page, email: string, secret: string): Promise<void> {
  await page.getByLabel('E-mail').fill(email);
  await password(page).fill(secret);
  await mainButton(page, 'Sign in').click();
}

/** The gateway tells of a payment in its own time. */
async function balanceBecomes(page: Page, visit: Visit, figure: string): Promise<void> {
  await expect(async () => {
    await visit('/billing');
    await expect(balanceFigure(page)).toHaveText(figure, { timeout: 1_000 });
  }).toPass({ timeout: 15_000 });
}

test('a visitor signs up, lands where they were going, and pays in', async ({ page, visit }) => {
  await visit('/billing');
  await page.getByRole('main').getByRole('link', { name: 'Create account' }).click();
  await expect(page).toHaveURL(/\/sign-up\?next=/);
  await signUp(page, newEmail(), PASSWORD);
  await expect(page).toHaveURL(/\/billing$/);
  await expect(balanceFigure(page)).toHaveText('$0.0000');

  await mainButton(page, '$10').click();
  await expect(page).toHaveURL(/\/pay\//);
  await expect(page.getByText('Test gateway: no real money')).toBeVisible();
  await mainButton(page, 'Pay').click();
  await expect(page).toHaveURL(/\/billing/);
  await balanceBecomes(page, visit, '$10.0000');
  await expect(page.getByRole('region', { name: 'Ledger' }).getByText('Top-up')).toBeVisible();
});

test('another amount can be typed, and a wrong one is explained', async ({ page, visit, buyer: _ }) => {
  await visit('/billing');
  await page.getByLabel('Another amount in dollars').fill('0.50');
  await mainButton(page, 'Continue to payment').click();
  await expect(complaint(page)).toContainText('between $1 and $10,000');
  await page.getByLabel('Another amount in dollars').fill('12.34');
  await mainButton(page, 'Continue to payment').click();
  await expect(page).toHaveURL(/\/pay\//);
  await expect(page.getByRole('main')).toContainText('$12.3400');
});

test('a declined payment changes nothing', async ({ page, visit, buyer: _ }) => {
  await visit('/billing');
  await mainButton(page, '$10').click();
  await mainButton(page, 'Decline').click();
  await expect(page).toHaveURL(/\/billing/);
  await expect(async () => {
    await visit('/billing');
    await expect(page.getByText('Declined', { exact: true })).toBeVisible({ timeout: 1_000 });
  }).toPass({ timeout: 15_000 });
  await expect(balanceFigure(page)).toHaveText('$0.0000');
});

test('a wrong password is refused in plain words', async ({ page, visit, request }) => {
  const buyer = await register(request);
  await visit('/sign-in');
  await signIn(page, buyer.email, 'not-the-right-words-19');
  await expect(complaint(page)).toBeVisible();
  await expect(page).toHaveURL(/\/sign-in/);
  await signIn(page, buyer.email, buyer.password);
  await expect(page).toHaveURL(/\/chat$/);
});

test('a password that is easily guessed is refused', async ({ page, visit }) => {
  await visit('/sign-up');
  await signUp(page, newEmail(), 'password1');
  await expect(complaint(page)).toContainText(/password/i);
  await expect(page).toHaveURL(/\/sign-up/);
});

test('an address is taken once', async ({ page, visit, request }) => {
  const { email } = await register(request);
  await visit('/sign-up');
  await signUp(page, email, PASSWORD);
  await expect(complaint(page)).toBeVisible();
  await expect(page).toHaveURL(/\/sign-up/);
});

test('somebody signed in is told so', async ({ page, visit, buyer }) => {
  await visit('/sign-in?next=/billing');
  await expect(page.getByRole('main').getByRole('status')).toContainText(buyer.email);
  await page.getByRole('main').getByRole('link', { name: 'Go on' }).click();
  await expect(page).toHaveURL(/\/billing$/);
});
