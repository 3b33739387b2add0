const every = [...document.querySelectorAll(".episode")];
const rows = every.filter((each) => each.tagName === "TR");
const names = ["scenario", "end", "outcome", "cause", "pair"];
const fields = names.map((name) => document.getElementById(name)).filter(Boolean);
const panel = document.getElementById("chosen");

function filter() {
  const wanted = fields.filter((each) => each.value).map((each) => [each.id, each.value]);
  const fits = (each) => wanted.every(([name, value]) => each.dataset[name] === value);
  every.forEach((each) => each.classList.toggle("hidden", !fits(each)));
  const scenario = document.getElementById("scenario").value;
  document.querySelectorAll(".maps figure").forEach((each) => each.classList.toggle(
    "hidden", Boolean(scenario) && each.dataset.scenario !== scenario));
  document.getElementById("count").textContent =
    `${rows.filter(fits).length} of ${rows.length} episodes`;
}

// Shows an episode of all runs: its ways alone, and what was commanded. Again: shows all.
function choose(id, scroll) {
  const again = panel.dataset.id === id;
  panel.dataset.id = again ? "" : id;
  panel.classList.toggle("hidden", again);
  document.body.classList.toggle("isolated", !again);
  every.forEach((each) => each.classList.toggle("chosen", !again && each.dataset.id === id));
  if (again) return;
  const cards = [...document.querySelectorAll("template[data-id]")].filter(
    (each) => each.dataset.id === id).map(cardOf);
  panel.querySelector(".cards").replaceChildren(...cards);
  panel.querySelector("h3").textContent = id;
  if (scroll) panel.scrollIntoView({block: "nearest"});
}

function cardOf(template) {
  const card = template.content.cloneNode(true);
  const drawn = document.querySelector(`g.episode[data-key="${template.dataset.key}"]`);
  const copy = drawn.cloneNode(true);
  copy.classList.remove("hidden", "episode");
  card.querySelector("svg.map").appendChild(copy);
  return card;
}

fields.forEach((each) => each.addEventListener("change", filter));
rows.forEach((row) => {
  row.addEventListener("click", () => choose(row.dataset.id, true));
  row.addEventListener("keydown", (event) => {
    if (event.key === "Enter") choose(row.dataset.id, true);
  });
});
document.querySelectorAll("g.episode .way").forEach((each) => each.addEventListener(
  "click", () => choose(each.parentNode.dataset.id, false)));
document.getElementById("close").addEventListener("click", () => choose(panel.dataset.id, false));
filter();
