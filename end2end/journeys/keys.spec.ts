import { type Browser, type BrowserContext, expect, type Locator, type Page, test } from "@playwright/test";
import { expectNothingSerious } from "../lib/accessibility.ts";
import { api } from "../lib/things.ts";

const key = "journey-orders";
const address = `/keys/${key}`;
const password = "a sentence is easy to remember";

// Each signs in, looks with axe and waits for the server's own turns.
test.setTimeout(180_000);
test.describe.configure({ mode: "serial" });

/** What the first version sealed. */
let sealed = "";

const version = (page: Page, number: number): Locator => page.locator(`#version-${number}`);

/** Opens a button's sheet and gives it; what it will do stands there. */
async function sheet(within: Locator, label: string): Promise<Locator> {
  const ask = within.locator("details.ask", { has: within.page().locator("summary", { hasText: new RegExp(`^${label}$`) }) });
  await ask.locator("summary").click();
  await expect(ask.locator(".ask__effect")).toBeVisible();
  return ask;
}

async function press(ask: Locator, reason: string | null): Promise<void> {
  if (reason !== null) await ask.getByLabel("Reason").fill(reason);
  await ask.getByRole("button").click();
}

/** A second person, signed in with a password of their own. */
async function secondPerson(browser: Browser, name: string): Promise<BrowserContext> {
  await api().post("accounts", { name, role: "operator", password });
  const { baseURL } = test.info().project.use;
  const context = await browser.newContext({ storageState: { cookies: [], origins: [] }, ...(baseURL ? { baseURL } : {}) });
  const page = await context.newPage();
  await page.goto("/sign-in");
  await page.locator("#name").fill(name);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("main").getByRole("button", { name: /sign in/i }).click();
  await expect(page).toHaveURL(/\/$/);
  await page.close();
  return context;
}

test("a person creates a key, and a program seals with it", async ({ page }) => {
  await page.goto("/keys");
  await page.getByRole("link", { name: "Create a key" }).first().click();
  await page.locator("#name").fill(key);
  await page.locator("#description").fill("Addresses of customers");
  await page.locator("#owner_team").fill("Orders");
  await page.locator("#rotate_every").fill("soon");
  await page.getByRole("button", { name: "Create the key" }).click();
  // What is wrong stands beside its field, and nothing typed is lost.
  await expect(page.locator("#rotate_every-error")).toBeVisible();
  await expect(page.locator("#description")).toHaveValue("Addresses of customers");
  await expectNothingSerious(page);
  await page.locator("#rotate_every").fill("30 days");
  await page.getByRole("button", { name: "Create the key" }).click();
  await expect(page).toHaveURL(new RegExp(`${address}$`));
  await expect(page.getByRole("main")).toContainText("Version 1 is active");
  sealed = await api().encrypt(key);
  expect((await api().post(`keys/${key}/decrypt`, { ciphertext: sealed })).version).toBe(1);
});

test("rotated in the browser, it seals under version 2 and opens what version 1 sealed", async ({ page }) => {
  await page.goto(address);
  const ask = await sheet(page.locator(".subject__actions"), "Rotate now");
  await expect(ask).toContainText("Version 2 is made and handed to every replica");
  await press(ask, "the yearly drill");
  const main = page.getByRole("main");
  await expect(main).toContainText("Version 2 is active");
  // The timeline: a lane for each version, and a table that says the same.
  await expect(page.locator("figure.lanes svg[role=img]")).toBeVisible();
  await expect(page.locator("figure.lanes .lanes__bar")).not.toHaveCount(0);
  await expect(version(page, 1)).toContainText("deprecated");
  await expect(version(page, 2)).toContainText("the yearly drill");
  const again = await api().post(`keys/${key}/encrypt`, { plaintext: "aGVsbG8=" });
  expect(again.version).toBe(2);
  expect((await api().post(`keys/${key}/decrypt`, { ciphertext: sealed })).plaintext).toBe("aGVsbG8=");
  // It has only just been used, so a further rotation must be confirmed.
  await page.reload();
  await expect((await sheet(page.locator(".subject__actions"), "Rotate now")).getByText("is not drained")).toBeVisible();
  await page.screenshot({ path: "../target/e2e/key.png", fullPage: true });
  await expectNothingSerious(page);
});

test("its policy is changed with errors beside the fields", async ({ page }) => {
  await page.goto(address);
  await page.getByRole("link", { name: "Change", exact: true }).click();
  await expect(page.locator("#rotate_every")).toHaveValue("30 days");
  await page.locator("#minimum_decryption_version").fill("7");
  await page.getByRole("button", { name: "Store the change" }).click();
  await expect(page.locator("#minimum_decryption_version-error")).toContainText("newest version is 2");
  await expectNothingSerious(page);
  await page.locator("#minimum_decryption_version").fill("1");
  await page.locator("#grace").fill("2 days");
  await page.getByRole("button", { name: "Store the change" }).click();
  await expect(page).toHaveURL(new RegExp(`${address}$`));
  await expect(page.getByRole("main")).toContainText("nothing of it was opened for 2 days");
});

test("suspended, a version seals for nobody until it is resumed", async ({ page }) => {
  await page.goto(address);
  const ask = await sheet(version(page, 2), "Suspend");
  await expect(ask).toContainText("whoever asks to seal gets 409");
  await press(ask, "a drill");
  await expect(page.getByRole("main")).toContainText("No version is active");
  expect((await api().ask("POST", `keys/${key}/encrypt`, { plaintext: "AA==" })).status).toBe(409);
  await page.goto("/keys");
  await expect(page.getByRole("main")).toContainText("1 is suspended");
  await page.goto(address);
  await press(await sheet(version(page, 2), "Resume"), "over");
  await expect(page.getByRole("main")).toContainText("Version 2 is active");
  await api().encrypt(key);
});

test("a revocation says whom it hits, takes effect, and can be undone", async ({ page }) => {
  await page.goto(address);
  const ask = await sheet(version(page, 1), "Revoke");
  await expect(ask).toContainText("opens for nobody");
  await expect(ask).toContainText("It is needed by callers");
  await expect(ask).toContainText("It can be undone until it is destroyed");
  await press(ask, "it stood in a log");
  await expect(version(page, 1)).toContainText("it stood in a log");
  const refused = await api().ask("POST", `keys/${key}/decrypt`, { ciphertext: sealed });
  expect([refused.status, refused.body.code]).toEqual([409, "key_version_unusable"]);
  await press(await sheet(version(page, 1), "Undo revocation"), "it was another key");
  await expect(version(page, 1)).toContainText("deprecated");
  expect((await api().post(`keys/${key}/decrypt`, { ciphertext: sealed })).version).toBe(1);
});

test("a destruction is asked for by one person and approved by another", async ({ page, browser }) => {
  await page.goto(address);
  const ask = await sheet(version(page, 1), "Ask for destruction");
  await expect(ask).toContainText("If another operator approves");
  await expect(ask).toContainText("is lost for good");
  await press(ask, "the contract ended");
  await expect(version(page, 1)).toContainText("Nothing happens until another operator approves it; you asked, so you cannot.");
  await expect(version(page, 1).locator("summary", { hasText: "Approve destruction" })).toHaveCount(0);

  const context = await secondPerson(browser, "journey-bob");
  const other = await context.newPage();
  await other.goto("/needs-a-person");
  const line = other.getByRole("main").locator("li, tr", { hasText: "asks to destroy version 1" }).first();
  await expect(line).toContainText("the contract ended");
  await line.getByRole("link").first().click();
  await expect(other).toHaveURL(new RegExp(address));
  const approval = await sheet(version(other, 1), "Approve destruction");
  await expect(approval).toContainText("Its material is shredded on");
  await press(approval, "I read the contract");
  await expect(version(other, 1)).toContainText("journey-bob approved");
  await expectNothingSerious(other);
  await other.screenshot({ path: "../target/e2e/destruction.png", fullPage: true });
  await context.close();
});
