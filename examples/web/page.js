// The page: a form, and what the worker says.
const at = (id) => document.getElementById(id);
const worker = new Worker("worker.js");

function show(state, busy) {
  at("state").textContent = state;
  at("go").disabled = busy;
  at("stop").disabled = !busy;
}

function load(bytes) {
  show("Reading the model…", true);
  at("stop").disabled = true;
  worker.postMessage({ model: bytes }, [bytes]);
}

worker.onmessage = ({ data }) => {
  if (data.failed) show(data.failed, false);
  else if (data.opened) show(`${data.opened.toLocaleString("en")} parameters.`, false);
  else if (data.ended) show(at("state").textContent, false);
  else {
    at("text").textContent += data.said;
    show(`${data.made} tokens, ${(data.made / data.seconds).toFixed(0)} a second`, true);
  }
};

at("form").onsubmit = (event) => {
  event.preventDefault();
  at("text").textContent = at("prompt").value;
  show("Reading the text…", true);
  worker.postMessage({
    prompt: at("prompt").value, most: +at("most").value,
    temperature: +at("temperature").value, seed: +at("seed").value,
  });
};
at("stop").onclick = () => worker.postMessage({ stop: true });
at("file").onchange = async () => at("file").files[0] && load(await at("file").files[0].arrayBuffer());

document.documentElement.dataset.ready = "yes";
// A model that lies beside the page is there from the beginning.
fetch("model.gguf").then(async (found) => found.ok && load(await found.arrayBuffer()), () => {});
