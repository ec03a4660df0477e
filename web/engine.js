// Which engine paints: in the site, the browser itself.
export { WasmEngine as Engine } from "./wasm/engine-wasm.js";
