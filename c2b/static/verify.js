// Verifies a receipt here in the browser: fetches the published result and all ballots, so that not even the shop learns which ballot is
// asked for, and computes every hash by itself. Without WebCrypto (pages that don't come by https) the form is sent as always.
"use strict";
(() => {
  const form = document.getElementById("form"), here = document.getElementById("here"), said = document.getElementById("here-steps");
  if (!form || !here || !window.crypto || !window.crypto.subtle) return;
  here.hidden = false;

  const bytes = (text) => new TextEncoder().encode(text);
  const hex = (data) => Array.from(data, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const unhex = (text) => Uint8Array.from(text.match(/../g) || [], (pair) => parseInt(pair, 16));
  const sha256 = async (...parts) => {
    const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
    let at = 0;
    for (const part of parts) { whole.set(part, at); at += part.length; }
    return new Uint8Array(await crypto.subtle.digest("SHA-256", whole));
  };

  const parse = (text) => {
    const facts = { pick: [] };
    const lines = text.split(/\r?\n/).map((line) => line.replace(/^[\s>\ufeff]+|\s+$/g, "")).filter(Boolean);
    if (lines[0] !== "c2b receipt 1") return null;
    for (const line of lines.slice(1)) {
      const name = line.split(" ", 1)[0], value = line.slice(name.length).replace(/\s+/g, "");
      if (name === "pick") facts.pick.push(value); else facts[name] = value;
    }
    return facts.campaign && facts.ballot && /^[0-9]+$/.test(facts.version || "") && /^[0-9a-f]{64}$/.test(facts.commitment || "") ? facts : null;
  };

  // The JSON of a commitment is written by hand: keys in order, no spaces; codes and serials are plain ASCII.
  const commitment = (facts) => sha256(bytes(JSON.stringify({
    codes: facts.pick.slice().sort(), nonce: facts.nonce, serial: facts.ballot, version: Number(facts.version),
  })));

  // RFC 6962: a stack of complete subtrees, joined from the right at the end.
  const root = async (commitments) => {
    const stack = [];
    for (const each of commitments) {
      let height = 0, top = await sha256(new Uint8Array([0]), unhex(each));
      while (stack.length && stack[stack.length - 1][0] === height) { top = await sha256(new Uint8Array([1]), stack.pop()[1], top); height += 1; }
      stack.push([height, top]);
    }
    if (!stack.length) return sha256();
    let top = stack.pop()[1];
    while (stack.length) top = await sha256(new Uint8Array([1]), stack.pop()[1], top);
    return top;
  };

  const show = (key, passed, detail) => {
    const row = said.querySelector(`[data-step="${key}"]`);
    row.className = passed === null ? "off" : passed ? "ok" : "bad";
    row.querySelector("em").textContent = said.dataset[passed === null ? "skipped" : passed ? "passed" : "failed"];
    row.querySelector("small").textContent = detail || "";
    return passed;
  };

  const fetched = async (name) => {
    const answer = await fetch(here.dataset.files + name);
    if (!answer.ok) throw new Error(name);
    return answer;
  };

  // The one way to write a value down: keys sorted, no spaces; what JSON.stringify escapes is what the published hashes escape.
  const canonical = (value) => {
    if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
    if (value === null || typeof value !== "object") return JSON.stringify(value);
    return `{${Object.keys(value).sort().map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`).join(",")}}`;
  };
  const digest = async (value) => hex(await sha256(bytes(canonical(value))));
  const without = (value, ...names) => Object.fromEntries(Object.entries(value).filter(([name]) => !names.includes(name)));

  // What binds versions and held ballots: the hash of all that went into the selection.
  const inputOf = async (result, top, listed) => {
    const votes = Object.fromEntries(result.lines.map((line) => [line.code, line]));
    const candidates = result.candidates.map(({ code, category, withdrawn }) => (
      { code, category, withdrawn, votes: votes[code].votes, held: votes[code].held }));
    return digest({ ballot_root: top, ballots: hex(await sha256(bytes(listed))), campaign: result.campaign, candidates, rules: result.rules });
  };

  // What binds everything else: the document's hash, and from it, version by version, the last one's.
  const publishedOf = async (result) => {
    const document = await digest({ ...without(result, "overrides", "published", "published_hash"), ballots: without(result.ballots, "picks") });
    const overrides = {};
    let previous = "";
    for (const told of result.published) {
      previous = await digest({ ...without(told, "hash"), document, previous });
      if (previous !== told.hash) return "";
      for (const { code, change, reason } of told.changes) {
        delete overrides[code];
        if (change !== "undone") overrides[code] = { code, made: change === "made", reason };
      }
    }
    return canonical(Object.keys(overrides).sort().map((code) => overrides[code])) === canonical(result.overrides) ? previous : "";
  };

  // Nothing is said of a ballot before all that it rests on is proved: a false version or a false mark of a held ballot would be believed.
  const verify = async () => {
    for (const row of said.children) show(row.dataset.step, null);
    const facts = parse(form.elements.receipt.value);
    const whole = facts && facts.campaign === here.dataset.campaign && (!facts.nonce || hex(await commitment(facts)) === facts.commitment);
    if (!show("complete", Boolean(whole))) return "no_match";
    const result = await (await fetched("result.json")).json(), list = await (await fetched("ballots.csv")).text();
    const rows = list.trim().split("\n").slice(1).map((line) => line.split(","));
    const own = rows.find((row) => row[0] === facts.ballot);
    if (!show("found", Boolean(own), `${rows.length}`)) return "no_match";
    const wanted = Number(facts.version), taken = Number(own[1]);
    const top = hex(await root(rows.map((row) => (row === own && wanted === taken ? facts.commitment : row[2]))));
    if (!show("root", top === here.dataset.root && top === result.ballots.root, top)) return "no_match";
    const input = await inputOf(result, top, list.slice(list.indexOf("\n") + 1));
    if (!show("list", input === here.dataset.input && input === result.input_hash, input)) return "no_match";
    const secret = unhex(result.secret);
    const bound = hex(await sha256(secret)) === here.dataset.commitment && hex(await sha256(secret, unhex(top))) === result.seed;
    if (!show("seed", bound, result.seed)) return "no_match";
    const published = await publishedOf(result);
    if (!show("published", published === here.dataset.published && published === result.published_hash, published)) return "no_match";
    show("latest", wanted === taken && own[3] === "0", own[1]);
    if (wanted !== taken) return wanted < taken ? "superseded" : "no_match";
    return own[3] === "0" ? "counted" : "held";
  };

  document.getElementById("here-button").addEventListener("click", async () => {
    said.hidden = false;
    said.setAttribute("aria-busy", "true");
    const verdict = document.getElementById("here-verdict");
    try { verdict.textContent = said.dataset[await verify()]; } catch { verdict.textContent = said.dataset.unreachable; }
    said.removeAttribute("aria-busy");
  });
})();
