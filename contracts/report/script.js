// What the page can do besides being read: sort, filter, copy, and open what a link leads to.
"use strict";
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const said = document.getElementById("said");
  const form = document.getElementById("filter");
  const noMatch = document.getElementById("no-match");

  // Sorting. Numbers by their amount, before all texts, in which numbers count too: "9 min 05 s" is
  // before "10 min 00 s", and "3 findings" before "all well". What is empty comes last either way.

  const UNITS = { ms: 0.001, s: 1, min: 60 };
  const NUMBER = /^([-+−]?)(\d[\d,]*(?:\.\d+)?)\s?(%|ms|s|min|x|×)?$/;
  const texts = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

  function amount(text) {
    const found = NUMBER.exec(text);
    if (!found) return NaN;
    const size = Number(found[2].replaceAll(",", "")) * (UNITS[found[3]] ?? 1);
    return found[1] === "-" || found[1] === "−" ? -size : size;
  }

  function keyOf(row, column) {
    const cell = row.cells[column];
    const text = cell ? cell.textContent.trim() : "";
    return { row, text, number: amount(text) };
  }

  function compared(a, b) {
    const numbers = !Number.isNaN(a.number) - !Number.isNaN(b.number);
    if (numbers) return -numbers;
    return Number.isNaN(a.number) ? texts.compare(a.text, b.text) : a.number - b.number;
  }

  function sorted(rows, column, direction) {
    if (direction === "none") return rows;
    const keys = rows.map((row) => keyOf(row, column));
    const sign = direction === "ascending" ? 1 : -1;
    keys.sort((a, b) => !a.text - !b.text || sign * compared(a, b));
    return keys.map((key) => key.row);
  }

  const NEXT = { none: "ascending", ascending: "descending", descending: "none" };

  function makeSortable(table) {
    const heads = all("thead th", table);
    const body = table.tBodies[0];
    const rows = [...body.rows]; // as they came
    heads.forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      head.setAttribute("aria-sort", "none");
      button.addEventListener("click", () => {
        const direction = NEXT[head.getAttribute("aria-sort")];
        for (const other of heads) other.setAttribute("aria-sort", "none");
        head.setAttribute("aria-sort", direction);
        body.append(...sorted(rows, column, direction));
      });
    });
  }

  // Filtering. A finding or row is shown when it, its table and its part have all of the words.

  const textOf = (elements) => elements.map((each) => each.textContent).join(" ").toLowerCase();

  function groupsOf(section) {
    const tables = all("details.table", section).map((details) => ({
      details,
      own: textOf([details.querySelector("summary span")]),
      items: all("tbody tr", details),
      count: details.querySelector(".rows"),
      wholeCount: details.querySelector(".rows").textContent,
      wasOpen: null, // before it was filtered
    }));
    return [{ own: "", items: all(".finding", section) }, ...tables];
  }

  const parts = all("section.part").map((section) => ({
    section,
    own: textOf(all("h2, header code", section)),
    groups: groupsOf(section),
  }));
  const total = all(".finding, details.table tbody tr").length;
  const itemTexts = new Map(); // filled when the first word is typed

  function has(item, word) {
    if (!itemTexts.has(item)) {
      itemTexts.set(item, textOf(item.cells ? [...item.cells] : all("h3, code, .detail, .alike li", item)));
    }
    return itemTexts.get(item).includes(word);
  }

  function filterGroup(group, words) {
    const open = words.filter((word) => !group.own.includes(word));
    let shown = 0;
    for (const item of group.items) {
      item.hidden = !open.every((word) => has(item, word));
      shown += !item.hidden;
    }
    if (group.details) showTable(group, words.length > 0, shown);
    return shown;
  }

  function showTable(group, filtered, shown) {
    const { details } = group;
    details.hidden = filtered && shown === 0;
    if (filtered) {
      group.wasOpen ??= details.open;
      details.open = shown > 0;
    } else if (group.wasOpen !== null) {
      details.open = group.wasOpen;
      group.wasOpen = null;
    }
    group.count.textContent = filtered
      ? `${shown.toLocaleString("en")} of ${group.wholeCount}`
      : group.wholeCount;
  }

  function filterPart(part, words) {
    const { section, own } = part;
    const chosen =
      [section.id, ""].includes(form.elements.part.value) &&
      [section.dataset.verdict, ""].includes(form.elements.verdict.value);
    const open = words.filter((word) => !own.includes(word));
    const shown = part.groups.reduce((sum, group) => sum + filterGroup(group, open), 0);
    section.hidden = !chosen || (open.length > 0 && shown === 0);
    return section.hidden ? 0 : shown;
  }

  function filter() {
    const words = form.elements.words.value.toLowerCase().split(/\s+/).filter(Boolean);
    const shown = parts.reduce((sum, part) => sum + filterPart(part, words), 0);
    const counted = `${shown.toLocaleString("en")} of ${total.toLocaleString("en")}`;
    form.elements.count.value = `${counted} findings and rows`;
    noMatch.hidden = parts.some((part) => !part.section.hidden);
  }

  // Copying. A page that came over plain HTTP has no clipboard, but the older command.

  async function copied(text) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      return copiedByCommand(text);
    }
  }

  function copiedByCommand(text) {
    const field = document.createElement("textarea");
    field.value = text;
    field.className = "unseen";
    document.body.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    return done;
  }

  async function copy(button) {
    const code = button.closest(".copyable").querySelector("code");
    const done = await copied(code.textContent);
    if (!done) getSelection().selectAllChildren(code);
    button.focus();
    button.textContent = done ? "copied" : "selected";
    said.textContent = done ? "copied" : "selected: copy it with the keyboard";
    setTimeout(() => {
      button.textContent = "copy";
      said.textContent = "";
    }, 2500);
  }

  // Links. What they lead to is shown, whatever is filtered or closed.

  function reveal() {
    const target = document.querySelector(":target");
    if (!target) return;
    if (target.closest("[hidden]")) {
      form.reset();
      filter();
    }
    for (let at = target; at; at = at.parentElement) if (at.matches("details")) at.open = true;
    target.scrollIntoView();
  }

  all("table.sortable").forEach(makeSortable);
  all(".copy").forEach((button) => {
    button.hidden = false;
    button.addEventListener("click", () => copy(button));
  });
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
  filter();
  addEventListener("hashchange", reveal);
  reveal();
})();
