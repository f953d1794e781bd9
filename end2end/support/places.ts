// Every page there is, with a name for its screenshot.

import { type Page, expect } from '@playwright/test';
import { type Buyer, ask, makeKey, startTopUp, thisMonth, topUp } from './api.ts';
import { operator } from './operator.ts';

export interface Place {
  name: string;
  path: string;
}

/** The example of RFC 7636, appendix B. */
export const VERIFIER = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk';
export const CHALLENGE = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM';

/** Where a site sends somebody whose key it wants. */
export function siteAsks(callback: string): string {
  const asked = { callback_url: callback, code_challenge: CHALLENGE, code_challenge_method: 'S256' };
  return `/auth?${new URLSearchParams(asked)}`;
}

/** What anybody sees. The last are what a stranger is told on pages that belong to an account. */
export const open: Place[] = [
  { name: 'home', path: '/' },
  { name: 'models', path: '/models' },
  { name: 'models-filtered', path: '/models?q=gpt&sort=price' },
  { name: 'models-table', path: '/models?view=table&sort=price' },
  { name: 'models-chosen', path: '/models?provider=openai,anthropic&capability=tools&max_price=5&min_context=128000' },
  { name: 'models-none', path: '/models?q=there-is-no-such-model' },
  { name: 'model', path: '/models/openai/gpt-5-mini' },
  { name: 'compare', path: '/compare?models=openai/gpt-5-mini,anthropic/claude-haiku-4-5,google/gemini-2.5-flash' },
  { name: 'compare-empty', path: '/compare' },
  { name: 'compare-unknown', path: '/compare?models=nobody/nothing' },
  { name: 'recommend', path: '/recommend?task=coding' },
  { name: 'recommend-none', path: '/recommend?min_context=999999999999' },
  { name: 'plot', path: '/plot' },
  { name: 'pricing', path: '/pricing' },
  { name: 'books', path: '/books' },
  { name: 'status', path: '/status' },
  { name: 'statement-check', path: '/statements/verify' },
  { name: 'sign-in', path: '/sign-in' },
  { name: 'sign-up', path: '/sign-up?next=/billing' },
  { name: 'confirm', path: `/confirm?token=${'A'.repeat(43)}` },
  { name: 'forgot', path: '/forgot' },
  { name: 'reset', path: `/reset?token=${'A'.repeat(43)}` },
  { name: 'not-found', path: '/there-is-no-such-page' },
  { name: 'model-not-found', path: '/models/nobody/nothing' },
  { name: 'chat-stranger', path: '/chat' },
  { name: 'billing-stranger', path: '/billing' },
  { name: 'statements-stranger', path: '/statements' },
  { name: 'keys-stranger', path: '/keys' },
  { name: 'site-stranger', path: siteAsks('https://app.example.org/back') },
  { name: 'admin-stranger', path: '/admin' },
];

/** What somebody sees who has just signed up. */
export const fresh: Place[] = [
  { name: 'billing-empty', path: '/billing' },
  { name: 'statements-empty', path: '/statements' },
  { name: 'statement-empty', path: `/statements/${thisMonth()}` },
  { name: 'keys-empty', path: '/keys' },
  { name: 'site', path: siteAsks('https://app.example.org/back') },
  { name: 'chat-empty', path: '/chat' },
  { name: 'admin-refused', path: '/admin' },
];

/** Pays, makes a key, asks a model with it and starts another payment; answers where all that is seen. */
export async function furnish(page: Page, buyer: Buyer): Promise<Place[]> {
  await topUp(page.request, buyer);
  const answer = await ask(page.request, await makeKey(page.request, buyer));
  expect(answer.status(), await answer.text()).toBe(200);
  return [
    { name: 'home-signed-in', path: '/' },
    { name: 'model-signed-in', path: '/models/openai/gpt-5-mini' },
    { name: 'status-measured', path: '/status' },
    { name: 'recommend-replayed', path: '/recommend?task=chat' },
    { name: 'billing', path: '/billing' },
    { name: 'keys', path: '/keys' },
    { name: 'chat', path: '/chat' },
    { name: 'receipt', path: `/receipts/${answer.headers()['x-generation-id']}` },
    { name: 'statement', path: `/statements/${thisMonth()}` },
    { name: 'checkout', path: await startTopUp(page.request, buyer) },
  ];
}

/** Signs the page in as the operator. */
export async function enterAsOperator(page: Page): Promise<void> {
  const answer = await page.request.post('/api/v1/auth/login', { data: operator });
  expect(answer.status(), await answer.text()).toBe(200);
}
