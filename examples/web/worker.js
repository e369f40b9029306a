// The model's thread: a page that is waited for stands still.
importScripts("speak.js");

let speak; // the module, once it is there
let turn = 0; // the newest request; steps of others end

function text(pointer) {
  return pointer ? speak.UTF8ToString(pointer) : null;
}

// Into the module's memory, where the library finds it as a file.
function open(bytes) {
  speak.FS.writeFile("model.gguf", new Uint8Array(bytes));
  if (speak.ccall("speak_open", "number", ["string"], ["model.gguf"]))
    throw new Error(text(speak._speak_error()));
  postMessage({ opened: speak._speak_parameters() });
}

function ask({ prompt, most, temperature, seed }) {
  const failed = speak.ccall(
    "speak_ask", "number", ["string", "number", "number", "number"],
    [prompt, most, temperature, seed]);
  if (failed) throw new Error(text(speak._speak_error()));
  step(++turn, performance.now());
}

// One step, and room for a message before the next.
function step(of, begun) {
  if (of !== turn) return;
  const said = text(speak._speak_step());
  if (said !== null) {
    postMessage({ said, made: speak._speak_made(), seconds: (performance.now() - begun) / 1000 });
    setTimeout(step, 0, of, begun);
  } else if (speak._speak_failed()) postMessage({ failed: text(speak._speak_error()) });
  else postMessage({ ended: true });
}

onmessage = async ({ data }) => {
  try {
    speak = speak || (await Speak());
    if (data.model) open(data.model);
    else if (data.stop) turn++, postMessage({ ended: true });
    else ask(data);
  } catch (error) {
    postMessage({ failed: error.message });
  }
};
