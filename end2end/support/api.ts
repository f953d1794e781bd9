// The public API, as far as journeys need it to set their scene.

import { randomUUID } from 'node:crypto';
import { type APIRequestContext, expect } from '@playwright/test';

export interface Buyer {
  email: string;
  password: string;
  token: string;
}

export interface Receipt {
  id: string;
  provider_cost_nanos: string;
  commission_nanos: string;
  charge_nanos: string;
  free_tokens: number;
}

export const TEN_DOLLARS = 10_000_000_000n;

export function newEmail(): string {
  return `buyer-${randomUUID()}@example.org`;
}

export const PASSWORD = 'quiet-harbour-lantern-73';

const bearer = (buyer: Buyer) => ({ authorization: `Bearer ${buyer.token}` });

/** Signs somebody up. Through a page's own `request` the page is signed in as well. */
export async function register(request: APIRequestContext): Promise<Buyer> {
  const [email, password] = [newEmail(), PASSWORD];
  const answer = await request.post('/api/v1/auth/register', { data: { email, password } });
  expect(answer.status(), await answer.text()).toBe(201);
  const { token } = (await answer.json()) as { token: string };
  return { email, password, token };
}

/** A token for somebody who signed up through the pages. */
export async function login(request: APIRequestContext, email: string, password: string): Promise<Buyer> {
  const answer = await request.post('/api/v1/auth/login', { data: { email, password } });
  expect(answer.status(), await answer.text()).toBe(200);
  const { token } = (await answer.json()) as { token: string };
  return { email, password, token };
}

export async function available(request: APIRequestContext, buyer: Buyer): Promise<bigint> {
  const answer = await request.get('/api/v1/balance', { headers: bearer(buyer) });
  expect(answer.status(), await answer.text()).toBe(200);
  const { available_nanos } = (await answer.json()) as { available_nanos: string };
  return BigInt(available_nanos);
}

/** Begins a payment of ten dollars; answers the address of the gateway's page. */
export async function startTopUp(request: APIRequestContext, buyer: Buyer): Promise<string> {
  const answer = await request.post('/api/v1/top-ups', { headers: bearer(buyer), data: { amount_usd: '10.00' } });
  expect(answer.status(), await answer.text()).toBe(201);
  const { checkout_url } = (await answer.json()) as { checkout_url: string };
  return checkout_url;
}

/** Pays ten dollars and waits until they are there. */
export async function topUp(request: APIRequestContext, buyer: Buyer): Promise<void> {
  const checkout = await startTopUp(request, buyer);
  await request.post(checkout, { headers: bearer(buyer), form: { outcome: 'paid' } });
  await expect.poll(() => available(request, buyer)).toBe(TEN_DOLLARS);
}

export async function makeKey(request: APIRequestContext, buyer: Buyer): Promise<string> {
  const answer = await request.post('/api/v1/keys', { headers: bearer(buyer), data: { name: 'journey' } });
  expect(answer.status(), await answer.text()).toBe(201);
  const { key } = (await answer.json()) as { key: string };
  return key;
}

/** Asks a model something with an API key. */
export async function ask(request: APIRequestContext, key: string) {
  return request.post('/v1/chat/completions', {
    headers: { authorization: `Bearer ${key}` },
    data: {
      model: 'openai/gpt-5-mini',
      messages: [{ role: 'user', content: 'Say hello.' }],
      max_completion_tokens: 200,
    },
  });
}

export async function receipt(request: APIRequestContext, buyer: Buyer, id: string): Promise<Receipt> {
  const answer = await request.get(`/api/v1/receipts/${id}`, { headers: bearer(buyer) });
  expect(answer.status(), await answer.text()).toBe(200);
  return (await answer.json()) as Receipt;
}

/** A balance as pages show it: four decimals, never more than there is. */
export function balanceText(nanos: bigint): string {
  const shown = nanos / 100_000n;
  const dollars = (shown / 10_000n).toString().replace(/\B(?=(\d{3})+$)/g, ',');
  return `$${dollars}.${(shown % 10_000n).toString().padStart(4, '0')}`;
}
