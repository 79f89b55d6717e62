// Drives the page of `pgprobe report` in a real browser, as a reader with a keyboard would.
//
//   node page.mjs PAGE [FOLDER]      FOLDER: where pictures of it go
//
// BROWSER_MODULES is where puppeteer-core was installed. Ends with 0 when all holds.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";

const modules = createRequire(path.join(process.env.BROWSER_MODULES, "x.js"));
const { default: puppeteer } = await import(pathToFileURL(modules.resolve("puppeteer-core")));
const [, , file, folder] = process.argv;
const browser = await puppeteer.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-dev-shm-usage"],
});
const complaints = [];
const requests = [];
const open = async (scheme, width) => {
  const page = await browser.newPage();
  page.on("console", (message) => complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("request", (request) => requests.push(request.url()));
  await page.setViewport({ width, height: 900 });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
  await page.goto(pathToFileURL(file).href);
  return page;
};
const rows = (page) => page.$$eval("#rows tr", (found) => found.map((row) => [...row.cells].map((cell) => cell.textContent)));
const count = (page) => page.$eval("#count", (found) => found.textContent);

// Text is legible on what it stands on: WCAG 2.2, 1.4.3.
const contrasts = (page) => page.evaluate(() => {
  const numbers = (colour) => colour.match(/[\d.]+/g).slice(0, 3).map(Number);
  const light = (colour) => {
    const [r, g, b] = numbers(colour).map((part) => part / 255).map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (colour !== "rgba(0, 0, 0, 0)") return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const poor = [];
  for (const element of document.querySelectorAll("p, li b, td, td span, td button, th button, label, figcaption")) {
    const [a, b] = [light(getComputedStyle(element).color), light(behind(element))].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) poor.push(element.outerHTML.slice(0, 80));
  }
  return poor;
});

for (const scheme of ["light", "dark"]) {
  const page = await open(scheme, 1280);
  assert.deepEqual(await contrasts(page), [], scheme);
  if (folder) await page.screenshot({ path: path.join(folder, `report-${scheme}.png`), clip: { x: 0, y: 0, width: 1280, height: 1500 } });
  await page.close();
}

const page = await open("light", 1280);
const all = await rows(page);
assert.ok(all.length > 20, "hosts are there");

// Sorting, by the keyboard: the head of a column is a button.
const sort = async (column) => {
  await page.focus(`th[data-column=${column}] button`);
  await page.keyboard.press("Enter");
  return page.$eval(`th[data-column=${column}]`, (found) => found.getAttribute("aria-sort"));
};
assert.equal(await sort("name"), "ascending");
const ascending = (await rows(page)).map((row) => row[0]);
assert.deepEqual(ascending, [...ascending].sort(new Intl.Collator("en", { numeric: true }).compare));
assert.equal(await sort("name"), "descending");
assert.deepEqual((await rows(page)).map((row) => row[0]), [...ascending].reverse());
assert.equal(await sort("ends"), "ascending");
const ends = (await rows(page)).map((row) => row[8].slice(0, 10)).filter(Boolean);
assert.deepEqual(ends, [...ends].sort());

// Searching: `/` goes there.
await page.focus("th button");
await page.keyboard.press("/");
await page.keyboard.type("db7.example");
assert.deepEqual((await rows(page)).map((row) => row[0]), ["db7.example.com:5432"]);
assert.match(await count(page), /^1 to 1 of 1 found/);
await page.click("#clear");
assert.equal((await rows(page)).length, all.length);

// Filtering.
await page.select("#status", "no_tls");
assert.ok((await rows(page)).every((row) => row[1] === "no_tls"));
assert.ok((await rows(page)).length < all.length);
await page.click("#clear");
await page.select("#ends", "-1");
assert.ok((await rows(page)).length > 0);
assert.ok((await rows(page)).every((row) => /\(-\d+ d\)/.test(row[8])));
await page.click("#clear");

// A host: Enter opens, Escape closes and the focus is back where it was.
await page.focus("#rows button");
await page.keyboard.press("Enter");
assert.ok(await page.$eval("#details", (found) => found.open));
const name = await page.$eval("#details-name", (found) => found.textContent);
assert.equal(name, await page.$eval("#rows button", (found) => found.textContent));
const told = await page.$eval("#details-body", (found) => found.textContent);
for (const word of ["verify-full", "SHA-256", "issuer"]) assert.ok(told.includes(word), word);
if (folder) await page.screenshot({ path: path.join(folder, "report-host.png") });
await page.keyboard.press("Escape");
assert.ok(!(await page.$eval("#details", (found) => found.open)));
assert.ok(await page.evaluate(() => document.activeElement === document.querySelector("#rows button")));

// Nothing is wider than a telephone but the table, which scrolls by itself.
const narrow = await open("light", 380);
assert.ok(await narrow.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth));

assert.deepEqual(complaints, []);
assert.ok(requests.every((url) => url.startsWith("file:") || url.startsWith("data:")), requests.join(" "));
await browser.close();
