// Writing a mailing. The page works without this file: the preview then waits for its button.
(() => {
  "use strict";
  const button = document.getElementById("show-draft");
  const form = button?.form;
  if (!form) return;

  // The mail needs a document of its own, with its own policy: so the form is posted into a frame.
  // A fresh frame each time, for a frame that navigates on would fill the history behind "Back".
  let number = 0;
  const show = () => {
    const [shown, ...overtaken] = form.querySelectorAll(".portal-mail");
    overtaken.forEach((frame) => frame.remove());
    const fresh = shown.cloneNode();
    fresh.removeAttribute("src");
    // A name of its own: a frame keeps the one it was opened with.
    button.formTarget = fresh.name = `draft-frame-${number += 1}`;
    shown.after(fresh);
    fresh.classList.add("loading");
    fresh.addEventListener("load", () => {
      fresh.classList.remove("loading");
      shown.remove();
    });
    form.requestSubmit(button);
  };
  let waiting;
  const showSoon = () => {
    clearTimeout(waiting);
    waiting = setTimeout(show, 500);
  };
  if (!form.querySelector(".portal-mail[src]")) showSoon();
  const isShown = (field) => /^(subject|preheader|body)_|^(topic|category)$|^look_/.test(field.name ?? "");
  form.addEventListener("input", (event) => { if (isShown(event.target)) showSoon(); });

  // Whoever writes in a language sees that one.
  form.addEventListener("focusin", (event) => {
    const radio = form.querySelector(`[name=look_language][value="${event.target.lang}"]`);
    if (!isShown(event.target) || !radio || radio.checked) return;
    radio.checked = true;
    showSoon();
  });

  // A row of blocks above each text.
  const toolbar = document.getElementById("portal-toolbar");
  form.querySelectorAll("textarea[name^=body_]").forEach((text) => {
    text.before(toolbar.content.cloneNode(true));
    text.previousElementSibling.addEventListener("click", (event) => {
      const block = event.target.dataset?.insert;
      if (block) insert(text, block);
    });
  });
  const insert = (text, block) => {
    const before = text.value.slice(0, text.selectionStart);
    // A personal field stands in its sentence, everything else on lines of its own.
    const isInline = block.includes("{");
    const field = isInline ? block.slice(block.indexOf("{")) : block;
    const lead = isInline || !before.trim() ? "" : before.endsWith("\n\n") ? "" : before.endsWith("\n") ? "\n" : "\n\n";
    const tail = isInline ? "" : "\n\n";
    text.setRangeText(lead + field + tail, text.selectionStart, text.selectionEnd, "end");
    text.focus();
    text.dispatchEvent(new InputEvent("input", { bubbles: true }));
  };

  // From a line of the checklist to the very words.
  document.getElementById("checklist")?.addEventListener("click", (event) => {
    const { start, end } = event.target.dataset ?? {};
    const field = document.querySelector(event.target.getAttribute?.("href") || null);
    if (!field) return;
    event.preventDefault();
    field.focus();
    field.scrollIntoView({ block: "center" });
    // Counted in characters there, in halves of some of them (emoji) here.
    const place = (count) => [...field.value].slice(0, Number(count)).join("").length;
    if (start) field.setSelectionRange(place(start), place(end));
  });
})();
