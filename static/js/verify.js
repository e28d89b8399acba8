// Checks a receipt, of a consent, a look of staff or a deletion, in the browser. The file goes nowhere: the one request this page makes
// is for the log's public keys, from the host it came from. All words stand in the page, in its
// language; here are only the steps, the same nine as in consent/proof/verifying.py.
(() => {
  "use strict";
  const page = document.getElementById("verify");
  const LARGEST = 200000;
  const LARGEST_PAPER = 2000000;
  const STEPS = ["json", "writing", "fields", "key", "receipt_signature", "leaf", "path", "head_signature", "readable"];
  // What proves a choice does not apply to the receipt of a deletion, told by the name of its form.
  const OF_A_CHOICE = ["leaf", "path", "head_signature", "readable"];
  const FORM_1 = "ClickSend Portal, deletion receipt, form 1";
  const FORM_2 = "ClickSend Portal, deletion receipt, form 2";
  const FORM_3 = "ClickSend Portal, deletion receipt, form 3";
  const FORM_4 = "ClickSend Portal, deletion receipt, form 4";

  const ACCESS_FORM = "ClickSend Portal, access receipt, form 1";

  class Failed extends Error {
    constructor(step, reason, values = {}) { super(step); Object.assign(this, { step, reason, values }); }
  }

  // --- bytes -----------------------------------------------------------------------------------
  const utf8 = (text) => new TextEncoder().encode(text);
  const sha256 = async (...parts) => new Uint8Array(await crypto.subtle.digest("SHA-256", joined(parts)));
  const joined = (parts) => Uint8Array.from(parts.flatMap((part) => [...part]));
  const same = (a, b) => a.length === b.length && a.every((byte, n) => byte === b[n]);
  const decoded = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const firstDifference = (a, b) => {
    const length = Math.min(a.length, b.length);
    for (let n = 0; n < length; n += 1) if (a[n] !== b[n]) return n;
    return length;
  };

  // RFC 8785: names in order, no blanks. Here all names are ASCII and all numbers whole.
  const canonical = (value) => {
    if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
    if (value === null || typeof value !== "object") return JSON.stringify(value);
    return `{${Object.keys(value).sort().map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join(",")}}`;
  };

  // The signed file inside a paper of ours; null where there is not one, whole and as it was.
  function carriedFile(paper) {
    const letters = new TextDecoder("latin1").decode(paper);
    const [, file, ...more] = letters.split("/Type /EmbeddedFile\n>>\nstream\n");
    const length = file?.indexOf("\nendstream\n") ?? -1;
    if (paper.length > LARGEST_PAPER || more.length || length < 0) return null;
    const begin = letters.length - file.length;
    return paper.subarray(begin, begin + length);
  }
  const isPaper = (data) => "%PDF-".split("").every((letter, n) => data[n] === letter.charCodeAt(0));

  // --- the form of a receipt -------------------------------------------------------------------
  const text = (value) => typeof value === "string";
  const whole = (value) => Number.isSafeInteger(value) && value >= 0;
  const flag = (value) => typeof value === "boolean";
  const orNull = (check) => (value) => value === null || check(value);
  const like = (pattern) => (value) => text(value) && pattern.test(value);
  const bytes = (length) => (value) => {
    try { return text(value) && atob(value).length === length && btoa(atob(value)) === value; } catch { return false; }
  };
  const some = (shape) => (value) => Array.isArray(value) && value.every((item) => !misshapen(item, shape, "x"));
  const uuid = like(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  const moment = like(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$/);
  const second = like(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  const day = like(/^\d{4}-\d\d-\d\d$/);
  const line = like(/^[^\n]+$/);
  const shaped = (shape) => (value) => !misshapen(value, shape, "x");
  const RECEIPT = {
    schema_version: text, record_id: uuid, pii_principal_id: uuid, issued_at: second, language: text,
    pii_processing: {
      privacy_notice: {
        version: orNull(whole), language: text, remark: text,
        texts: some({ language: text, name: text, description: text }),
      },
      purposes: [{ id: uuid, slug: text, name: text, description: text }],
      lawful_basis: text, pii_categories: [text], storage_locations: [text], retention_period: text,
      jurisdictions: [text], recipients: [text], withdrawal_method: [text],
    },
    pii_controllers: [{ name: text, address: text, email: text, url: text }],
    events: [{ time: moment, type: text, state: text, entity: text, method: text, paused_until: orNull(moment) }],
    vocabulary: { dpv: text },
    proof: {
      event: {
        schema: whole, event: uuid, person: uuid, topic: uuid, version: whole, state_before: text, state: text,
        paused_until_before: orNull(moment), paused_until: orNull(moment), undone: flag, source: text, actor: text,
        reason: text, language: text, wording_version: orNull(whole), mailing: whole, at: moment,
        received_at: orNull(moment), salt: bytes(16),
      },
      leaf_index: whole, leaf_hash: bytes(32), inclusion_path: some(bytes(32)),
      head: { origin: line, size: whole, root: bytes(32), time: second, key: whole, signature: bytes(64) },
      public_keys: [{ id: whole, public: bytes(32) }], signed_by: whole,
    },
    signature: bytes(64),
  };
  const oneOf = (...values) => (value) => values.includes(value);
  const KEPT = { model: text, title: text, count: whole, until: orNull(day), without_end_yet: whole, how_long: text, reason: text };
  const TOLD = { systems: whole, acknowledged: whole, open: whole, given_up: whole, no_longer_recorded: whole };
  const REMOVED = { model: text, title: text, count: whole, method: oneOf("deleted", "blanked"), fields: some(text) };
  const DELETION_1 = {
    schema_version: (value) => value === FORM_1, reference: uuid, issued_at: second, language: text,
    deletion: {
      source: text, asked_for_by: text, requested_at: second, finished_at: second,
      removed: orNull(some(REMOVED)),
      kept: orNull(some(KEPT)),
    },
    backups: { until: day, remark: text },
    told: orNull(shaped(TOLD)),
    controller: { name: text, address: text, email: text, url: text },
    proof: {
      journal: { position: orNull(whole), chain: orNull(bytes(32)) },
      public_keys: [{ id: whole, public: bytes(32) }], signed_by: whole,
    },
    signature: bytes(64),
  };
  // What form 2 says beside: what was to go, under which law something stays, who was told by name.
  const { issued_at: _issued, ...OF_BOTH } = DELETION_1;
  const TOLD_2 = { ...TOLD, named: some({ system: text, answer: oneOf("acknowledged", "open", "given_up") }) };
  const DELETION_2 = {
    ...OF_BOTH, schema_version: (value) => value === FORM_2, as_of: second,
    deletion: {
      ...DELETION_1.deletion,
      scope: { what: oneOf("everything", "profile", "list", "messages", "content"), in_words: text, since: orNull(day), until: orNull(day) },
      kept: orNull(some({ ...KEPT, law: text })),
    },
    told: orNull(shaped(TOLD_2)),
  };
  // What form 3 says beside: why blanked rows stay and until when, what a part left as it was, that nobody is told of a part.
  const REMOVED_3 = { ...REMOVED, reason: text, until: orNull(day), how_long: text };
  const DELETION_3 = {
    ...DELETION_2, schema_version: (value) => value === FORM_3,
    deletion: { ...DELETION_2.deletion, removed: orNull(some(REMOVED_3)), stays: text },
    told: orNull(shaped({ ...TOLD_2, remark: text })),
  };
  // What form 4 says beside: under which law blanked rows stay.
  const DELETION_4 = {
    ...DELETION_3, schema_version: (value) => value === FORM_4,
    deletion: { ...DELETION_3.deletion, removed: orNull(some({ ...REMOVED_3, law: text })) },
  };
  const DELETIONS = new Map([[FORM_1, DELETION_1], [FORM_2, DELETION_2], [FORM_3, DELETION_3], [FORM_4, DELETION_4]]);
  // What staff saw of somebody: the same proof, of another record.
  const ACCESS = {
    schema_version: (value) => value === ACCESS_FORM, record_id: uuid, pii_principal_id: uuid, issued_at: second, language: text,
    access: { time: moment, role: text, what: text, basis: text, reference: text, reason: text, in_words: text },
    controller: { name: text, address: text, email: text, url: text },
    proof: {
      ...RECEIPT.proof,
      event: {
        kind: (value) => value === "access", schema: whole, event: uuid, person: uuid, staff: bytes(32), role: text, what: text,
        basis: text, reference: text, reason: text, grant: orNull(uuid), at: moment, salt: bytes(16),
      },
    },
    signature: bytes(64),
  };
  const FORMS = new Map([...DELETIONS, [ACCESS_FORM, ACCESS]]);
  const isAccess = (receipt) => receipt?.schema_version === ACCESS_FORM;
  const isDeletion = (receipt) => DELETIONS.has(receipt?.schema_version);

  // The name of the first field that is not as it must be; "" when all are.
  function misshapen(value, shape, name) {
    if (typeof shape === "function") return shape(value) ? "" : name;
    if (Array.isArray(shape)) {
      if (!Array.isArray(value) || !value.length) return name;
      return value.map((item, n) => misshapen(item, shape[0], `${name}[${n}]`)).find(Boolean) ?? "";
    }
    if (value === null || typeof value !== "object" || Array.isArray(value)) return name || "{ }";
    const path = (key) => (name ? `${name}.${key}` : key);
    const stray = Object.keys(value).find((key) => !Object.hasOwn(shape, key));
    if (stray !== undefined) return path(stray);
    const keys = Object.keys(shape);
    return keys.map((key) => (Object.hasOwn(value, key) ? misshapen(value[key], shape[key], path(key)) : path(key))).find(Boolean) ?? "";
  }

  // --- the tree and the signatures -------------------------------------------------------------
  const nodeHash = (left, right) => sha256([1], left, right);

  // RFC 9162 section 2.1.3.2; null when the path has a wrong length.
  async function rootFrom(index, size, leaf, path) {
    if (index >= size) return null;
    let node = BigInt(index), last = BigInt(size) - 1n, hash = leaf;
    for (const sibling of path) {
      if (last === 0n) return null;
      if (node & 1n || node === last) {
        hash = await nodeHash(sibling, hash);
        while (!(node & 1n) && node) { node >>= 1n; last >>= 1n; }
      } else {
        hash = await nodeHash(hash, sibling);
      }
      node >>= 1n;
      last >>= 1n;
    }
    return last === 0n ? hash : null;
  }

  // true, false, or null when this browser has no Ed25519.
  async function signed(key, signature, message) {
    let imported;
    try {
      imported = await crypto.subtle.importKey("raw", key, { name: "Ed25519" }, false, ["verify"]);
    } catch (error) {
      return error.name === "DataError" ? false : null;
    }
    return crypto.subtle.verify({ name: "Ed25519" }, imported, signature, message);
  }

  async function publishedKeys() {
    try {
      const answer = await fetch(page.dataset.keys, { credentials: "omit", cache: "no-store" });
      const { keys } = await answer.json();
      return new Map(keys.map((row) => [Number(row.id), row.public]));
    } catch {
      return null;
    }
  }

  // --- the steps -------------------------------------------------------------------------------
  // What the readable part must say of the event (consent/proof/vocabulary.py).
  const STATES = { granted: "dpv:ConsentGiven", refused: "dpv:ConsentRefused", withdrawn: "dpv:ConsentWithdrawn" };
  const RECORDED = { staff: "dpv:DataController", api: "dpv:DataController", import: "dpv:DataController", replay: "dpv:DataController", provider: "dpv:DataProcessor" };
  const own = (table, name) => (Object.hasOwn(table, name) ? table[name] : undefined);
  function toldEvent(event) {
    let type = "choice";
    if (event.undone) type = "undo";
    else if (event.paused_until !== null) type = "pause";
    else if (event.paused_until_before !== null && event.state === "granted") type = "end_of_pause";
    return {
      time: event.at, type, state: own(STATES, event.state) ?? "dpv:ConsentUnknown",
      entity: own(RECORDED, event.source) ?? "dpv:DataSubject", method: event.source, paused_until: event.paused_until,
    };
  }

  function agreesOnChoice(receipt, event) {
    const notice = receipt.pii_processing.privacy_notice;
    return receipt.pii_processing.purposes[0].id === event.topic
      && notice.version === event.wording_version && notice.language === event.language
      && canonical(receipt.events) === canonical([toldEvent(event)]);
  }

  function agreesOnAccess(access, event) {
    return access.time === event.at && ["role", "what", "basis", "reference", "reason"].every((name) => access[name] === event[name]);
  }

  // Throws Failed at the first step that fails; `unchecked` gathers what this browser could not do.
  async function check(given, passed, unchecked, inapplicable) {
    const data = isPaper(given) ? carriedFile(given) : given;
    if (!data) throw new Failed("json", "paper");
    if (data.length > LARGEST) throw new Failed("json", "large");
    let receipt;
    try {
      receipt = JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(data));
    } catch {
      throw new Failed("json", "json");
    }
    passed("json");

    const expected = utf8(`${JSON.stringify(receipt, null, 2)}\n`);
    if (!same(data, expected)) throw new Failed("writing", "writing", { byte: firstDifference(data, expected) });
    passed("writing");

    const field = misshapen(receipt, FORMS.get(receipt?.schema_version) ?? RECEIPT, "");
    if (isDeletion(receipt)) OF_A_CHOICE.forEach(inapplicable);
    if (field) throw new Failed("fields", "fields", { field });
    passed("fields");

    const { proof } = receipt, { head, event } = proof;
    const named = new Map(proof.public_keys.map((row) => [row.id, row.public]));
    const published = await publishedKeys();
    for (const number of head ? [proof.signed_by, head.key] : [proof.signed_by]) {
      if (!named.has(number)) throw new Failed("key", "key", { number });
      if (published && published.get(number) !== named.get(number)) throw new Failed("key", "key", { number });
    }
    if (published) passed("key"); else unchecked("key", "keys");

    const judge = async (step, key, signature, message) => {
      const good = await signed(decoded(named.get(key)), decoded(signature), message);
      if (good === false) throw new Failed(step, step);
      if (good) passed(step); else unchecked(step, "ed25519");
    };
    const { signature, ...content } = receipt;
    await judge("receipt_signature", proof.signed_by, signature, utf8(canonical(content)));
    if (isDeletion(receipt)) return receipt;

    const leaf = await sha256([0], utf8(canonical(event)));
    if (!same(leaf, decoded(proof.leaf_hash))) throw new Failed("leaf", "leaf");
    passed("leaf");

    const root = await rootFrom(proof.leaf_index, head.size, leaf, proof.inclusion_path.map(decoded));
    if (!root || !same(root, decoded(head.root))) throw new Failed("path", "path");
    passed("path");

    await judge("head_signature", head.key, head.signature, utf8(`${head.origin}\n${head.size}\n${head.root}\n${head.time}\n`));

    const agrees = receipt.record_id === event.event && receipt.pii_principal_id === event.person
      && (isAccess(receipt) ? agreesOnAccess(receipt.access, event) : agreesOnChoice(receipt, event));
    if (!agrees) throw new Failed("readable", "readable");
    passed("readable");
    return receipt;
  }

  // --- what the reader sees --------------------------------------------------------------------
  const words = (name, values = {}) => {
    const found = page.querySelector(`template[data-words="${name}"]`)?.content.textContent.trim() ?? "";
    return found.replace(/\{(\w+)\}/g, (whole, key) => values[key] ?? whole);
  };
  const verdict = document.getElementById("verdict");
  const facts = document.getElementById("facts");
  const accessFacts = document.getElementById("access-facts");
  const deletionFacts = document.getElementById("deletion-facts");

  function show(step, state, reason) {
    const row = page.querySelector(`[data-step="${step}"]`);
    const mark = row.querySelector(".state");
    mark.className = `state ${{ passed: "kept", failed: "broken", unchecked: "unknown" }[state] ?? ""}`;
    mark.textContent = state ? words(state) : "";
    const why = row.querySelector("[data-why]");
    why.textContent = reason ?? "";
    why.hidden = !reason;
  }

  function conclude(kind, reason) {
    verdict.className = `note ${{ failed: "danger", partly: "warn" }[kind] ?? ""}`;
    verdict.replaceChildren(...[words(`verdict-${kind}`), reason].filter(Boolean).map((sentence, n) => {
      const paragraph = document.createElement("p");
      if (n) paragraph.textContent = sentence;
      else paragraph.append(Object.assign(document.createElement("b"), { textContent: sentence }));
      return paragraph;
    }));
    verdict.hidden = false;
    verdict.focus();
  }

  const moments = () => new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "long", timeStyle: "short" });
  function fill(section, told) {
    for (const [name, value] of Object.entries(told)) {
      const place = section.querySelector(`[data-fact="${name}"]`);
      if (!Array.isArray(value)) place.textContent = value;
      else place.replaceChildren(...value.map((line) => Object.assign(document.createElement("li"), { textContent: line })));
      if (Array.isArray(value)) place.closest("div").hidden = !value.length;
    }
    section.hidden = false;
  }

  function tellDeletion({ deletion, backups, told, controller, reference, proof }) {
    const day = moments();
    const days = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "long", timeZone: "UTC" });
    const why = (row) => (row.reason ? `${row.how_long ? `, ${row.how_long}` : ""}. ${row.reason}.${row.law ? ` ${row.law}.` : ""}` : "");
    const counted = (method) => deletion.removed?.filter((row) => row.method === method).map((row) => `${row.title}: ${row.count}${why(row)}`) ?? [words("not-recorded")];
    const kept = deletion.kept?.map((row) => `${row.title}: ${row.count}, ${row.how_long}. ${row.reason}.${row.law ? ` ${row.law}.` : ""}`) ?? [words("not-recorded")];
    fill(deletionFacts, {
      what: words("deletion"), scope: deletion.scope?.in_words ?? words("everything"), reference, by: deletion.asked_for_by, controller: controller.name,
      requested: day.format(new Date(deletion.requested_at)), finished: day.format(new Date(deletion.finished_at)),
      deleted: counted("deleted"), blanked: counted("blanked"),
      kept: deletion.stays ? [...kept, deletion.stays] : kept,
      backups: days.format(new Date(backups.until)),
      told: told?.remark || words(told ? (told.systems ? "told" : "told-none") : "not-recorded", told ?? {}) + (told?.named?.length ? ` (${told.named.map((each) => each.system).join(", ")})` : ""),
      journal: proof.journal.position === null ? words("not-recorded") : words("record", proof.journal),
    });
  }

  function tellAccess({ access, controller, pii_principal_id: person, proof }) {
    const day = moments();
    fill(accessFacts, {
      words: access.in_words, when: day.format(new Date(access.time)), person, controller: controller.name,
      place: words("place", { index: proof.leaf_index + 1, size: proof.head.size }), head: day.format(new Date(proof.head.time)),
    });
  }

  function tell(receipt) {
    if (isDeletion(receipt)) return tellDeletion(receipt);
    if (isAccess(receipt)) return tellAccess(receipt);
    const day = moments();
    const [event] = receipt.events, { proof } = receipt;
    const told = {
      what: words(event.type === "choice" ? event.state : event.type) || event.state,
      topic: receipt.pii_processing.purposes[0].name,
      when: day.format(new Date(event.time)),
      person: receipt.pii_principal_id,
      controller: receipt.pii_controllers[0].name,
      place: words("place", { index: proof.leaf_index + 1, size: proof.head.size }),
      head: day.format(new Date(proof.head.time)),
    };
    return fill(facts, told);
  }

  // A file chosen while another is still being checked takes its place.
  let current = 0;

  async function verify(file) {
    current += 1;
    const run = current;
    facts.hidden = accessFacts.hidden = deletionFacts.hidden = verdict.hidden = true;
    STEPS.forEach((step) => show(step, ""));
    page.querySelector("[data-name]").textContent = file.name;
    const missing = new Set();
    const steps = new Map();
    let receipt, failed, paper;
    try {
      if (!window.crypto?.subtle) return conclude("partly", words("insecure"));
      const given = new Uint8Array(await file.slice(0, LARGEST_PAPER + 1).arrayBuffer());
      paper = isPaper(given);
      receipt = await check(
        given,
        (step) => steps.set(step, ["passed"]),
        (step, why) => { missing.add(why); steps.set(step, ["unchecked", words(`missing-${why}`)]); },
        (step) => steps.set(step, ["inapplicable"]),
      );
    } catch (error) {
      failed = error;
    }
    if (run !== current) return undefined;
    for (const [step, shown] of steps) show(step, ...shown);
    if (receipt) {
      tell(receipt);
      const said = [...missing].map((why) => words(`missing-${why}`));
      return conclude(missing.size ? "partly" : "passed", [...said, ...(paper ? [words("paper")] : [])].join(" "));
    }
    if (!(failed instanceof Failed)) return conclude("partly", words("unreadable"));
    const reason = words(`reason-${failed.reason}`, failed.values);
    show(failed.step, "failed", reason);
    return conclude("failed", reason);
  }

  // --- choosing a file -------------------------------------------------------------------------
  const input = document.getElementById("receipt");
  const drop = document.getElementById("drop");
  page.hidden = false;
  input.addEventListener("change", () => { if (input.files.length) verify(input.files[0]); });
  for (const name of ["dragover", "drop"]) {
    drop.addEventListener(name, (event) => {
      event.preventDefault();
      if (name === "drop" && event.dataTransfer.files.length) verify(event.dataTransfer.files[0]);
    });
  }
  // A page that came back from the browser's memory may still hold a file.
  if (input.files.length) verify(input.files[0]);
})();
