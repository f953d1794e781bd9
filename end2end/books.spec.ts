// The state of the books, for anybody.

import { createPublicKey, verify } from 'node:crypto';
import { register, topUp } from './support/api.ts';
import { expect, test } from './support/journey.ts';

interface Books {
  block: number | null;
  block_hash: string | null;
  public_key: string;
}

interface Seal {
  block: number;
  entries: number;
  hash: string;
  sealed_at: string;
  signature: string;
}

test('the foot of a page says that the books balance, and leads to the proof', async ({ page, visit, request }) => {
  await visit('/');
  await page.getByRole('contentinfo').getByRole('link', { name: /^Books balanced \d+ (s|min) ago$/ }).click();
  await expect(page).toHaveURL(/\/books$/);
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('The books');
  await expect(page.getByRole('region', { name: 'Do they balance?' }).getByText('balanced', { exact: true })).toBeVisible();
  const books = (await (await request.get('/api/v1/books')).json()) as Books;
  const seal = page.getByRole('region', { name: 'The last seal' });
  await expect(seal.getByRole('region', { name: /^Public key/ })).toHaveText(books.public_key);
});

test('the last block on the page is the one that is sealed and signed', async ({ page, visit, request }) => {
  test.setTimeout(120_000);
  await topUp(request, await register(request));
  const read = async (path: string) => (await request.get(path)).json();
  // What was written is sealed each minute.
  await expect.poll(async () => ((await read('/api/v1/books')) as Books).block, { timeout: 90_000 }).not.toBeNull();
  await visit('/books');
  const hash = await page.getByRole('region', { name: 'Hash of the block' }).innerText();
  const { block, block_hash, public_key } = (await read('/api/v1/books')) as Books;
  const seal = (await read(`/api/v1/books/blocks/${block}`)) as Seal;
  expect(seal.hash).toBe(block_hash);
  // Another block may have been sealed since the page was drawn.
  const shown = hash === seal.hash ? seal : ((await read(`/api/v1/books/blocks/${(block ?? 1) - 1}`)) as Seal);
  expect(shown.hash).toBe(hash);
  const message = `mercato-seal|${shown.block}|${shown.entries}|${shown.hash}|${shown.sealed_at}`;
  // The fixed head of an Ed25519 key in DER.
  const der = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), Buffer.from(public_key, 'base64')]);
  const key = createPublicKey({ key: der, format: 'der', type: 'spki' });
  expect(verify(null, Buffer.from(message), key, Buffer.from(shown.signature, 'base64'))).toBe(true);
});
