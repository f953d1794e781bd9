// The AI SDK's OpenAI-compatible provider against the program: only the base address and the key are ours.
//
// Usage: python through_node.py ai_sdk_client.mjs

import { createOpenAICompatible } from '@ai-sdk/openai-compatible';

import { answerWith } from './ai_sdk.mjs';

await answerWith({
  name: 'AI SDK',
  // It has no list of models.
  lacks: ['models'],

  open: ({ base, key, usage }) =>
    createOpenAICompatible({
      name: 'mercato',
      baseURL: `${base}/v1`,
      apiKey: key,
      includeUsage: usage === true,
      supportsStructuredOutputs: true,
    }),
});
