// The same without a page: node speak.mjs model.gguf "Once upon a time" 200 [temperature seed]
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const [model, prompt, most = "100", temperature = "0", seed = "1"] = process.argv.slice(2);
const here = (name) => new URL(name, import.meta.url).pathname;
const Speak = createRequire(import.meta.url)(here("speak.js"));
const speak = await Speak({ wasmBinary: readFileSync(here("speak.wasm")) });

function must(failed) {
  if (!failed) return;
  console.error(speak.UTF8ToString(speak._speak_error()));
  process.exit(1);
}

speak.FS.writeFile("model.gguf", readFileSync(model));
must(speak.ccall("speak_open", "number", ["string"], ["model.gguf"]));
must(speak.ccall("speak_ask", "number", ["string", "number", "number", "number"],
  [prompt, +most, +temperature, +seed]));
process.stdout.write(prompt);
const begun = performance.now();
for (let said; (said = speak._speak_step()); ) process.stdout.write(speak.UTF8ToString(said));
must(speak._speak_failed());
const rate = speak._speak_made() / (performance.now() - begun) * 1000;
console.error(`\n${speak._speak_made()} tokens, ${rate.toFixed(0)} a second`);
