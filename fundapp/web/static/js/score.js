// Scoring without a mouse. Every key has a control on the page; keys do nothing in a text field, and can be turned off.
"use strict";

const form = document.querySelector("form[data-score]");
const off = document.querySelector("[data-keys-off]");
const STORED = "keys-off";

if (off) {
  off.checked = localStorage.getItem(STORED) === "1";
  off.addEventListener("change", () => localStorage.setItem(STORED, off.checked ? "1" : "0"));
}

const typing = (place) => place.matches("textarea, input[type=text], select");
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
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || (off && off.checked) || typing(event.target)) return;
  if (form && /^[1-5]$/.test(event.key)) {
    event.preventDefault();
    give(event.key);
    return;
  }
  const control = [...document.querySelectorAll("[data-key]")].find((one) => one.dataset.key === event.key);
  if (control) {
    event.preventDefault();
    control.click();
  }
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
