// Pages work without this file; it only saves a step, or moves focus to what changed.
(() => {
  "use strict";
  const every = (selector, act) => document.querySelectorAll(selector).forEach(act);

  // A form marked data-autosave posts itself when a choice changes, unless htmx does it already.
  document.addEventListener("change", (event) => {
    const form = event.target.form;
    if (form?.matches("[data-autosave]") && !(window.htmx && form.matches("[hx-post]"))) form.requestSubmit();
  });
  const hideSaveButtons = () => every("[data-autosave] [data-without-js]", (button) => { button.hidden = true; });
  hideSaveButtons();

  // A refused form says so in the title too: screen readers and tab strips read that first.
  const summary = document.querySelector(".error-summary");
  if (summary) {
    document.title = `${summary.dataset.title}: ${document.title}`;
    summary.focus();
  }

  // htmx replaces the row that had focus: keep the reader where they were.
  let focused = null;
  document.addEventListener("htmx:beforeSwap", () => { focused = document.activeElement; });
  document.addEventListener("htmx:afterSettle", (event) => {
    hideSaveButtons();
    // A button that went with the row (Undo) hands the focus to the row's choice.
    // Only lost focus is given back: a quick reader may have gone on already.
    if (focused && !focused.isConnected && document.activeElement === document.body) {
      const again = document.getElementById(focused.id) ?? event.target.querySelector?.("input:checked");
      again?.focus({ preventScroll: true });
    }
    event.target.classList?.add("changed");
  });

  // Nothing may look saved that is not: without an answer the plain form takes over, same button and all.
  for (const failure of ["htmx:sendError", "htmx:responseError", "htmx:timeout"]) {
    document.addEventListener(failure, (event) => {
      const element = event.detail.elt;
      const form = element.closest("form");
      if (!form) location.reload();
      else if (element.matches("button")) form.requestSubmit(element);
      else form.submit();
    });
  }

  // On the phone the side list is a row wider than the screen: show where we are.
  document.querySelector(".side [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });

  // Passkeys: offered only where the browser knows them; a refusal is told on the page.
  if (window.PublicKeyCredential) {
    every("[data-needs-passkeys]", (element) => { element.hidden = false; });
    every("[data-without-passkeys]", (element) => { element.hidden = true; });
  }
  document.addEventListener("allauth.error", (event) => {
    const place = document.querySelector("[data-passkey-error]");
    if (!place) return;
    event.preventDefault();
    place.hidden = false;
    place.focus();
  });
})();
