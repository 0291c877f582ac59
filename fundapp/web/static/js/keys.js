// Keys for who works without a mouse. Each has a control on the page; none works in a text field, and all can be
// turned off in the profile (WCAG 2.1.4).
"use strict";

const off = document.body.dataset.keys === "off";
const typing = (place) => place.isContentEditable || place.matches("textarea, select, input:not([type=radio], [type=checkbox])");
let before = "";

function press(control) {
  if (control) control.click();
  return Boolean(control);
}

function meant(key) {
  if (before === "g" && key === "t") return press(document.querySelector('.main-nav a[href="/tranches"]'));
  if (key === "/") {
    const search = document.querySelector("input[type=search]");
    if (search) search.focus();
    return Boolean(search);
  }
  if (/^[1-5]$/.test(key) && document.querySelector("form[data-score]")) {
    document.dispatchEvent(new CustomEvent("single-key", { detail: key }));
    return true;
  }
  return press([...document.querySelectorAll("[data-key]")].find((one) => one.dataset.key === key));
}

document.addEventListener("keydown", (event) => {
  if (off || event.ctrlKey || event.metaKey || event.altKey || event.repeat || typing(event.target)) return;
  if (meant(event.key)) event.preventDefault();
  before = event.key;
});
