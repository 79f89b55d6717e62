"use strict";
// The table of hosts: sorted, filtered and leafed through here; all text is set as text.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const text = (i) => data.strings[i];
  const day = (s) => (s === null ? "" : new Date(s * 1000).toISOString().slice(0, 10));
  const mode = (host, at) => data.modes[host.modes[at]];
  const left = (s) => Math.floor((s - data.now) / 86400);
  const FIELDS = ["name", "tag", "address", "probed", "status", "failure", "version", "suite",
    "group", "completed", "client", "modes", "tls", "plaintext", "trust", "chain", "remarks", "ends"];
  const hosts = data.hosts.map((row, index) => {
    const host = { index };
    FIELDS.forEach((field, at) => { host[field] = row[at]; });
    for (const field of ["status", "failure", "version", "suite", "group", "tls", "plaintext"]) {
      host[field] = text(host[field]);
    }
    const leaf = data.certificates[host.chain[0]];
    host.leaf = leaf;
    host.issuer = leaf ? text(leaf[1]) : "";
    host.key = leaf ? text(leaf[7]) : "";
    host.weight = host.remarks.reduce((most, at) => Math.max(most, data.remarks[at][0]), 0);
    host.words = host.remarks.map((at) => data.remarks[at][1]);
    host.full = mode(host, 5)[2] || "";
    host.hay = [host.name, host.tag, host.address, host.issuer, leaf ? leaf[0] + " " + leaf[4] + " " + leaf[9] : "",
      host.words.join(" "), host.suite, host.failure].join(" ").toLowerCase();
    return host;
  });

  const COLUMNS = {
    name: (a, b) => compare(a.name, b.name),
    status: (a, b) => compare(a.status, b.status),
    version: (a, b) => compare(a.version, b.version),
    full: (a, b) => compare(a.full, b.full),
    tls: (a, b) => compare(a.tls, b.tls),
    plaintext: (a, b) => compare(a.plaintext, b.plaintext),
    issuer: (a, b) => compare(a.issuer, b.issuer),
    key: (a, b) => compare(a.key, b.key),
    ends: (a, b) => (a.ends === null) - (b.ends === null) || a.ends - b.ends,
    remarks: (a, b) => a.weight - b.weight || a.remarks.length - b.remarks.length,
  };
  const collator = new Intl.Collator("en", { numeric: true });
  const compare = (a, b) => (a === "") - (b === "") || collator.compare(a, b);
  const PAGE = 100;
  const state = { column: "remarks", down: true, page: 0, found: [] };
  const by = (id) => document.getElementById(id);
  const controls = { search: by("search"), status: by("status"), version: by("version"), remark: by("remark"), ends: by("ends") };

  const make = (name, words, className) => {
    const element = document.createElement(name);
    if (words !== undefined) element.textContent = words;
    if (className) element.className = className;
    return element;
  };
  const WEIGHTS = ["", "low", "medium", "high"];
  const expiry = (host) => (host.ends === null ? "" : day(host.ends) + " (" + left(host.ends) + " d)");

  const find = () => {
    const words = controls.search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const days = controls.ends.value === "" ? null : Number(controls.ends.value);
    state.found = hosts.filter((host) =>
      words.every((word) => host.hay.includes(word))
      && (controls.status.value === "" || host.status === controls.status.value)
      && (controls.version.value === "" || host.version === controls.version.value)
      && (controls.remark.value === "" || host.words.includes(controls.remark.value))
      && (days === null || (host.ends !== null && (days < 0 ? host.ends < data.now : host.ends >= data.now && left(host.ends) <= days))));
    const sign = state.down ? -1 : 1;
    const order = COLUMNS[state.column];
    state.found.sort((a, b) => sign * order(a, b) || a.index - b.index);
  };

  const show = () => {
    const last = Math.max(0, Math.ceil(state.found.length / PAGE) - 1);
    state.page = Math.min(state.page, last);
    const rows = state.found.slice(state.page * PAGE, (state.page + 1) * PAGE).map((host) => {
      const row = make("tr");
      const head = make("td");
      const open = make("button", host.name);
      open.type = "button";
      open.dataset.host = host.index;
      head.append(open);
      if (host.tag) head.append(make("span", " " + host.tag, "low"));
      row.append(head, make("td", host.status), make("td", host.version, "n"), make("td", host.full),
        make("td", host.tls), make("td", host.plaintext), make("td", host.issuer), make("td", host.key, "n"),
        make("td", expiry(host), "n"));
      const remarks = make("td");
      host.remarks.forEach((at, n) => {
        remarks.append(n ? ", " : "", make("span", data.remarks[at][1], WEIGHTS[data.remarks[at][0]]));
      });
      row.append(remarks);
      return row;
    });
    by("rows").replaceChildren(...rows);
    const from = state.found.length ? state.page * PAGE + 1 : 0;
    by("count").textContent = from + " to " + Math.min(state.found.length, (state.page + 1) * PAGE)
      + " of " + state.found.length + " found, " + hosts.length + " in all";
    by("back").disabled = state.page === 0;
    by("on").disabled = state.page >= last;
    document.querySelectorAll("thead th").forEach((th) => {
      const mine = th.dataset.column === state.column;
      if (mine) th.setAttribute("aria-sort", state.down ? "descending" : "ascending");
      else th.removeAttribute("aria-sort");
    });
  };
  const refresh = () => { state.page = 0; find(); show(); };

  const list = (pairs) => {
    const element = make("dl");
    pairs.filter((pair) => pair[1] !== "" && pair[1] !== undefined).forEach(([name, words]) => {
      element.append(make("dt", name), make("dd", words));
    });
    return element;
  };
  const details = (host) => {
    const box = by("details");
    const body = by("details-body");
    by("details-name").textContent = host.name;
    const modes = make("table");
    const head = make("tr");
    ["sslmode", "TLS", "outcome", "why"].forEach((word) => { const th = make("th", word); th.scope = "col"; head.append(th); });
    modes.append(head);
    data.names.forEach((name, at) => {
      const [outcome, encrypted, tls, why] = mode(host, at);
      if (!outcome) return;
      const row = make("tr");
      const how = outcome === "connects" ? (encrypted ? "connects, TLS" : "connects, PLAINTEXT") : outcome;
      row.append(make("td", name, "n"), make("td", tls), make("td", how), make("td", why));
      modes.append(row);
    });
    const parts = [list([
      ["remarks", host.words.join(", ")], ["tag", host.tag], ["address", host.address],
      ["probed", host.probed ? new Date(host.probed * 1000).toISOString().slice(0, 19) + "Z" : ""],
      ["status", host.status], ["failure", host.failure],
      ["TLS", [host.version, host.suite, host.group].filter(Boolean).join(", ")],
      ["client certificate", ["not asked for", "asked for", "demanded"][host.client]],
      ["pg_hba, TLS", host.tls], ["pg_hba, plaintext", host.plaintext],
      ["trust", host.trust.map(text).join("; ")],
    ]), make("h3", "What libpq would do"), modes];
    host.chain.forEach((at, n) => {
      const [subject, issuer, own, serial, names, begins, ends, key, algorithm, sha256] = data.certificates[at];
      parts.push(make("h3", n === 0 ? "The server's certificate" : "Sent with it, " + n), list([
        ["subject", subject], ["names", names], ["issuer", text(issuer) + (own ? " (itself)" : "")],
        ["valid", day(begins) + " to " + day(ends)], ["key", text(key)], ["signature", text(algorithm)],
        ["serial", serial], ["SHA-256", sha256],
      ]));
    });
    body.replaceChildren(...parts);
    box.showModal();
  };

  const fill = (select, words) => [...new Set(words)].filter(Boolean).sort().forEach((word) => {
    const option = make("option", word);
    option.value = word;
    select.append(option);
  });
  fill(controls.status, hosts.map((host) => host.status));
  fill(controls.version, hosts.map((host) => host.version));
  fill(controls.remark, hosts.flatMap((host) => host.words));

  by("filters").addEventListener("submit", (event) => event.preventDefault());
  Object.values(controls).forEach((control) => control.addEventListener("input", refresh));
  by("clear").addEventListener("click", () => { by("filters").reset(); refresh(); });
  by("back").addEventListener("click", () => { state.page -= 1; show(); });
  by("on").addEventListener("click", () => { state.page += 1; show(); });
  document.querySelectorAll("thead th").forEach((th) => th.querySelector("button").addEventListener("click", () => {
    const column = th.dataset.column;
    state.down = state.column === column ? !state.down : column === "remarks";
    state.column = column;
    refresh();
  }));
  by("rows").addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button) details(hosts[Number(button.dataset.host)]);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !/^(INPUT|SELECT)$/.test(document.activeElement.tagName) && !by("details").open) {
      event.preventDefault();
      controls.search.focus();
    }
  });
  refresh();
})();
