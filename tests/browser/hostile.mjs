// Opens a page of `pgprobe report` whose hosts hold elements and scripts: all of it stays text.
//
//   node hostile.mjs PAGE
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";

const modules = createRequire(path.join(process.env.BROWSER_MODULES, "x.js"));
const { default: puppeteer } = await import(pathToFileURL(modules.resolve("puppeteer-core")));
const browser = await puppeteer.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-dev-shm-usage"],
});
const complaints = [];
const page = await browser.newPage();
page.on("console", (message) => complaints.push(message.text()));
page.on("pageerror", (error) => complaints.push(error.message));
await page.goto(pathToFileURL(process.argv[2]).href);
await page.click("#rows button");
const told = await page.$eval("#details-body", (found) => found.textContent);
assert.ok(told.includes("<script>console.log('run')</script>"), told);
assert.equal(await page.$$eval("img", (found) => found.length), 0);
assert.equal(await page.$$eval("script", (found) => found.length), 2);

// Even an element that got in would not run: the page forbids what it does not know.
await page.evaluate(() => {
  const script = document.createElement("script");
  script.textContent = "window.ran = true";
  document.body.append(script);
});
assert.equal(await page.evaluate(() => window.ran), undefined);
assert.ok(complaints.length === 1 && complaints[0].includes("Content Security Policy"), complaints.join("\n"));
await browser.close();
