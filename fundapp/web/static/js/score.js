// Scoring without a mouse. The other keys, and where keys do nothing: keys.js.
"use strict";

const form = document.querySelector("form[data-score]");

const scored = (criterion) => criterion.querySelector("input[type=radio]:checked");

/** The criterion that has the focus, else the first one without a score. */
function next() {
  const all = [...form.querySelectorAll("[data-criterion]")];
  return all.find((one) => one.contains(document.activeElement)) || all.find((one) => !scored(one)) || all[0];
}

function give(value) {
  const criterion = next();
  const choice = criterion && criterion.querySelector(`input[type=radio][value="${value}"]`);
  if (!choice) return;
  choice.checked = true;
  choice.dispatchEvent(new Event("change", { bubbles: true }));
  const left = [...form.querySelectorAll("[data-criterion]")].find((one) => !scored(one));
  (left ? left.querySelector("input[type=radio]") : choice).focus();
}

document.addEventListener("keydown", (event) => {
  if (form && event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    form.requestSubmit(form.querySelector('button[value="next"]'));
  }
});

// keys.js says which keys were meant: none in a text field, none for who turned them off.
document.addEventListener("single-key", (event) => {
  if (form && /^[1-5]$/.test(event.detail)) give(event.detail);
});

// The weighted score while choosing; the server reckons it again.
const told = document.querySelector("[data-so-far]");
if (form && told) {
  form.addEventListener("change", () => {
    const given = [...form.querySelectorAll("[data-criterion]")].map((one) => [one, scored(one)]).filter(([, choice]) => choice);
    if (!given.length) return;
    const weight = (one) => Number(one.querySelector("legend").textContent.match(/(\d+)%/)[1]);
    const sum = given.reduce((total, [one, choice]) => total + weight(one) * Number(choice.value), 0);
    const mean = sum / given.reduce((total, [one]) => total + weight(one), 0);
    const shown = mean.toFixed(2).replace(".", document.documentElement.lang === "nl" ? "," : ".");
    told.textContent = `${told.dataset.words}: ${shown} (${given.length}/${form.querySelectorAll("[data-criterion]").length})`;
  });
}
