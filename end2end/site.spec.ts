// A site asks for a key: somebody sees who asks, agrees with a limit, and the site fetches the key with its proof; or they decline.

import { ask } from './support/api.ts';
import { VERIFIER, siteAsks } from './support/places.ts';
import { expect, mainButton, test } from './support/journey.ts';

test('a site that is trusted fetches a key with its limit, once', async ({ page, visit, buyer: _, baseURL }) => {
  const back = `${baseURL}/status`;
  await visit(siteAsks(back));
  await expect(page.getByRole('main')).toContainText(new URL(back).origin);
  await page.getByLabel('May spend, in dollars').fill('2.50');
  await mainButton(page, 'Give it a key').click();
  await page.waitForURL(/\/status\?code=/);
  const code = new URL(page.url()).searchParams.get('code');
  const data = { code, code_verifier: VERIFIER, code_challenge_method: 'S256' };
  const reply = await page.request.post('/api/v1/auth/keys', { data });
  expect(reply.status(), await reply.text()).toBe(200);
  const { key } = await reply.json();
  // It is ours, so what is missing is only the money.
  expect((await ask(page.request, key)).status()).toBe(402);

  await visit('/keys');
  const row = page.getByRole('row', { name: new URL(back).host });
  await expect(row).toContainText('$2.5000');
  // Whoever comes with the same code again is not the site alone.
  expect((await page.request.post('/api/v1/auth/keys', { data })).status()).toBe(403);
  expect((await ask(page.request, key)).status()).toBe(401);
});

test('a site that is declined is told so and gets nothing', async ({ page, visit, buyer: _, baseURL }) => {
  await visit(siteAsks(`${baseURL}/status`));
  await mainButton(page, 'Decline').click();
  await page.waitForURL(/\/status\?error=access_denied/);
  await visit('/keys');
  await expect(page.getByRole('main')).toContainText('No keys yet');
});

test('a stranger who signs in comes back to what was asked', async ({ page, visit }) => {
  await visit(siteAsks('https://app.example.org/back'));
  await expect(mainButton(page, 'Give it a key')).toHaveCount(0);
  const entrance = page.getByRole('main').getByRole('link', { name: 'Sign in' });
  await expect(entrance).toHaveAttribute('href', /next=.*callback_url/);
});
