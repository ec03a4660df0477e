// Drives Firefox for test_other_browsers.py: opens the site, paints a photo, downloads it; once more when it is told that the cable is out.
// node firefox.js ADDRESS PHOTO FOLDER   (puppeteer-core speaks WebDriver BiDi with it)
import { once } from "node:events";
import { existsSync, readdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import puppeteer from "puppeteer-core";

const [address, photo, folder] = process.argv.slice(2);
const lines = createInterface({ input: process.stdin });
const prefs = {
  "browser.download.folderList": 2, "browser.download.dir": folder, "browser.download.useDownloadDir": true, "browser.helperApps.neverAsk.saveToDisk": "image/png",
  "browser.download.always_ask_before_handling_new_types": false, "browser.download.alwaysOpenPanel": false,
};
const browser = await puppeteer.launch({ browser: "firefox", executablePath: "/usr/bin/firefox-esr", headless: true, extraPrefsFirefox: prefs });
try {
  const page = await browser.newPage();
  page.setDefaultTimeout(120_000);
  await page.goto(address, { waitUntil: "load" }).catch(() => {}); // it is loaded once more for isolation
  await page.waitForSelector("#grid .tile");
  const input = await page.$("#file");
  await input.uploadFile(photo);
  const painted = () => page.waitForSelector('#painting[data-state="painted"][data-sharp="true"]');
  const download = async (name) => {
    await page.waitForSelector("#download:not(:disabled)");
    await page.click("#download");
    for (let tries = 0; tries < 600; tries++) {
      const found = readdirSync(folder).find((each) => each.startsWith("holiday") && each.endsWith(".png"));
      if (found && !readdirSync(folder).some((each) => each.endsWith(".part"))) return renameSync(join(folder, found), join(folder, name));
      await new Promise((done) => setTimeout(done, 100));
    }
    throw new Error("nothing was downloaded");
  };
  await painted();
  await page.click("#options");
  await page.click('#format label:nth-child(2)');
  await page.keyboard.press("Escape");
  await download("first.png");
  // What is kept for offline use is written behind the answers: the cable waits until nothing has come for a while.
  const kept = () => page.evaluate("caches.keys().then(async (names) => (await Promise.all(names.map(async (name) => (await (await caches.open(name)).keys()).length))).join())");
  for (let before = ""; before !== (before = await kept()); ) await new Promise((done) => setTimeout(done, 2000));
  console.log(JSON.stringify({ isolated: await page.evaluate("crossOriginIsolated"), words: await page.evaluate("document.getElementById('about').textContent") }));
  await once(lines, "line");
  await page.reload({ waitUntil: "load" });
  await page.waitForSelector("#grid .tile");
  await painted();
  await download("second.png");
  console.log(JSON.stringify({ done: existsSync(join(folder, "second.png")) }));
} finally {
  await browser.close();
  lines.close();
}
