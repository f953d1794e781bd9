// The AI SDK's OpenRouter provider against the program: only the base address and the key are ours.
//
// Usage: python through_node.py openrouter_client.mjs

import { createOpenRouter } from '@openrouter/ai-sdk-provider';

import { answerWith } from './ai_sdk.mjs';

await answerWith({
  name: 'OpenRouter provider',
  // It has no list of models, and draws in a chat.
  lacks: ['models', 'pictures'],

  open: ({ base, key }) => createOpenRouter({ baseURL: `${base}/api/v1`, apiKey: key }),
});
