// Every page of the server itself, as people see it: in both colour schemes, on a desk and on a phone, by keyboard, and
// without a word of complaint from the browser.
//
//   SWITCHBOARD=target/debug/switchboard node --test        BROWSER names another Chromium; SHOTS=DIR keeps screenshots.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execFileSync, spawn } from "node:child_process";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";

const PHONE = { width: 390, height: 844 };
const DESK = { width: 1280, height: 900 };

const PASSWORD = "the engine weaves";

let server, address, data, browser;

const binary = process.env.SWITCHBOARD ?? "../../target/debug/switchboard";

before(async () => {
  data = await mkdtemp(join(tmpdir(), "switchboard-browser-"));
  server = spawn(binary, ["serve", "--data", data, "--listen", "127.0.0.1:0"], { stdio: ["ignore", "pipe", "inherit"] });
  address = await new Promise((resolve, reject) => {
    let text = "";
    server.stdout.on("data", (chunk) => {
      text += chunk;
      const found = text.match(/ready at (http:\/\/\S+)/);
      if (found) resolve(found[1]);
    });
    server.on("exit", (code) => reject(new Error(`the server ended with ${code}: ${text}`)));
  });
  const root = ["account", "create", "root@example.com", "--administrator", "--password-stdin", "--data", data];
  execFileSync(binary, root, { input: PASSWORD, stdio: ["pipe", "ignore", "inherit"] });
  browser = await chromium.launch({ executablePath: process.env.BROWSER ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
});

after(async () => {
  await browser?.close();
  server?.kill("SIGTERM");
  await rm(data, { recursive: true, force: true });
});

// Has the administrator sign in and act as somebody else, in a browser that may have opened a page already.
async function actAsSomebody(context, email) {
  const sent = async (path, data, csrf) => {
    const answer = await context.request.post(address + path, { data, headers: csrf ? { "X-CSRF-Token": csrf } : {} });
    assert.ok(answer.ok(), await answer.text());
    return answer.json();
  };
  const begun = await sent("/api/auth/sign-in", { email: "root@example.com", password: PASSWORD });
  const made = await sent("/api/admin/accounts", { email, name: "Ada Lovelace", password: PASSWORD }, begun.csrf_token);
  await sent(`/api/admin/accounts/${made.id}/impersonate`, {}, begun.csrf_token);
}

// Opens a page, and says whatever the browser complained of and wherever else it tried to go.
async function open(path, { viewport = DESK, colorScheme = "light", javaScriptEnabled = true } = {}) {
  const context = await browser.newContext({ viewport, colorScheme, javaScriptEnabled });
  const page = await context.newPage();
  const complaints = [];
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("request", (request) => {
    const inside = request.url().startsWith(address) || /^(data|blob):/.test(request.url());
    if (!inside) complaints.push(`left the server for ${request.url()}`);
  });
  const answer = await page.goto(address + path, { waitUntil: "networkidle" });
  return { page, complaints, status: answer.status() };
}

async function shot(page, name) {
  if (process.env.SHOTS) await page.screenshot({ path: join(process.env.SHOTS, `${name}.png`), fullPage: true });
}

const overflow = (page) => page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);

for (const [size, viewport] of Object.entries({ desk: DESK, phone: PHONE })) {
  for (const colorScheme of ["light", "dark"]) {
    test(`the home page says what runs, on a ${size} in ${colorScheme}`, async () => {
      const { page, complaints, status } = await open("/", { viewport, colorScheme });
      assert.equal(status, 200);
      await page.getByRole("heading", { level: 1 }).waitFor();
      for (const plugin of ["Clips", "Highlight detector"]) await page.getByText(plugin, { exact: true }).first().waitFor();
      assert.ok((await overflow(page)) <= 0, "nothing is wider than the window");
      assert.deepEqual(complaints, []);
      await shot(page, `home-${size}-${colorScheme}`);
      await page.context().close();
    });

    test(`the API reference lists the routes of plugins, on a ${size} in ${colorScheme}`, async () => {
      const { page, complaints, status } = await open("/api/docs#tag/clips", { viewport, colorScheme });
      assert.equal(status, 200);
      await page.getByText("/api/v1/clips/{id}").first().waitFor({ state: "attached", timeout: 20_000 });
      assert.deepEqual(complaints, []);
      await shot(page, `reference-${size}-${colorScheme}`);
      await page.context().close();
    });
  }
}

for (const [size, viewport] of Object.entries({ desk: DESK, phone: PHONE })) {
  for (const colorScheme of ["light", "dark"]) {
    test(`an administrator sees as whom they act and ends it by a click, on a ${size} in ${colorScheme}`, async () => {
      // No JavaScript is the harder case, and the page has none.
      const { page, complaints } = await open("/", { viewport, colorScheme, javaScriptEnabled: false });
      const bar = page.getByRole("complementary", { name: "Acting as somebody else" });
      assert.equal(await bar.count(), 0, "nobody acts as anybody yet");
      await actAsSomebody(page.context(), `ada-${size}-${colorScheme}@example.com`);
      await page.reload();
      assert.match(await bar.innerText(), /You act as Ada Lovelace[^]*root@example\.com/);
      assert.ok((await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)) <= 0);
      await shot(page, `acting-as-${size}-${colorScheme}`);
      await page.getByRole("button", { name: "End acting as Ada Lovelace" }).click();
      await page.waitForURL(`${address}/`);
      await page.getByRole("heading", { level: 1 }).waitFor();
      assert.equal(await bar.count(), 0, "it has ended");
      const me = await (await page.context().request.get(`${address}/api/me`)).json();
      assert.deepEqual([me.account.email, me.impersonator], ["root@example.com", null]);
      assert.deepEqual(complaints, []);
      await page.context().close();
    });
  }
}

test("the home page reads without JavaScript", async () => {
  const { page } = await open("/", { javaScriptEnabled: false });
  await page.getByRole("heading", { level: 1 }).waitFor();
  await page.context().close();
});

test("the keyboard reaches the content first, and then every link, each with a visible focus", async () => {
  const { page } = await open("/");
  await page.keyboard.press("Tab");
  assert.match(await page.evaluate(() => document.activeElement.textContent), /Skip to content/);
  const seen = new Set();
  for (let step = 0; step < 40; step += 1) {
    await page.keyboard.press("Tab");
    const focus = await page.evaluate(() => {
      const style = getComputedStyle(document.activeElement);
      const shown = style.outlineStyle !== "none" || style.boxShadow !== "none";
      return { tag: document.activeElement.tagName, href: document.activeElement.getAttribute("href"), shown };
    });
    if (focus.tag === "BODY") break;
    assert.ok(focus.shown, `no focus is shown on ${focus.tag} ${focus.href ?? ""}`);
    if (focus.href) seen.add(focus.href);
  }
  const links = await page.$$eval("main a[href], header a[href]", (all) => all.map((link) => link.getAttribute("href")));
  for (const link of links) assert.ok(seen.has(link), `the keyboard does not reach ${link}`);
  await page.context().close();
});

test("text stands out from what is behind it, in both schemes", async () => {
  for (const colorScheme of ["light", "dark"]) {
    const { page } = await open("/", { colorScheme });
    await actAsSomebody(page.context(), `faint-${colorScheme}@example.com`);
    await page.reload();
    const faint = await page.evaluate(() => {
      const parse = (text) => text.match(/[\d.]+/g).map(Number);
      const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
      // A canvas knows every way in which CSS writes a colour.
      const rgb = (text) => {
        canvas.clearRect(0, 0, 1, 1);
        canvas.fillStyle = text;
        canvas.fillRect(0, 0, 1, 1);
        return [...canvas.getImageData(0, 0, 1, 1).data];
      };
      const light = (colour) => {
        const [r, g, b] = colour.slice(0, 3).map((part) => {
          const share = part / 255;
          return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
      };
      const behind = (element) => {
        for (let at = element; at; at = at.parentElement) {
          const colour = rgb(getComputedStyle(at).backgroundColor);
          if (colour[3] === 255) return colour;
        }
        return [255, 255, 255, 255];
      };
      const found = [];
      const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
      while (walker.nextNode()) {
        const element = walker.currentNode.parentElement;
        const style = getComputedStyle(element);
        const box = element.getBoundingClientRect();
        if (!walker.currentNode.textContent.trim() || box.width <= 1 || box.bottom < 0 || style.visibility === "hidden") continue;
        const [a, b] = [light(rgb(style.color)), light(behind(element))].sort((x, y) => y - x);
        const ratio = (a + 0.05) / (b + 0.05);
        const [size] = parse(style.fontSize);
        const needed = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700) ? 3 : 4.5;
        if (ratio < needed) found.push(`${ratio.toFixed(2)} of ${needed}: ${walker.currentNode.textContent.trim().slice(0, 40)}`);
      }
      return found;
    });
    assert.deepEqual(faint, [], colorScheme);
    await page.context().close();
  }
});
