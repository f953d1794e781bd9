const frame = () => new Promise((next) => requestAnimationFrame(next));
const painted = new Promise((seen) => new PerformanceObserver(seen).observe({ type: 'paint', buffered: true }));
const late = new Promise((over) => setTimeout(over, 1_000));
await Promise.race([painted.then(frame).then(frame), late]);
const [half, program] = await Promise.all([import('/pkg/mercato.js'), fetch('/pkg/mercato.wasm')]);
await half.default({ module_or_path: program });
await new Promise((next) => setTimeout(next));
half.hydrate();
