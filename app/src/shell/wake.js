await new Promise((shown) => (document.hidden ? shown() : requestAnimationFrame(() => setTimeout(shown))));
const [half, program] = await Promise.all([import('/pkg/mercato.js'), fetch('/pkg/mercato.wasm')]);
await half.default({ module_or_path: program });
await new Promise((next) => setTimeout(next));
half.hydrate();
