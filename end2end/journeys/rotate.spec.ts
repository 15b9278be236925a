import { expect, type Page, test } from "@playwright/test";
import { expectNothingSerious } from "../lib/accessibility.ts";

const credential = "/credentials/orders-api-key";

// The sandbox's programs start beside the server; a rotation takes its soak.
test.setTimeout(180_000);
test.describe.configure({ mode: "serial" });

/** Reloads until the page says so: this page is not live. */
async function eventually(page: Page, address: string, words: RegExp): Promise<void> {
  await expect(async () => {
    await page.goto(address);
    await expect(page.getByRole("main")).toContainText(words, { timeout: 2_000 });
  }).toPass({ timeout: 90_000 });
}

async function rotateNow(page: Page, reason: string): Promise<void> {
  await page.goto(credential);
  await page.locator("summary", { hasText: "Rotate now" }).click();
  await page.getByLabel("Reason").first().fill(reason);
  await page.getByRole("button", { name: "Rotate now" }).click();
  await expect(page).toHaveURL(/\/rotations\/[0-9a-f-]{36}$/);
}

test("a newcomer rotates a key that twenty instances use, and watches it move", async ({ page }) => {
  await eventually(page, credential, /20 instances/);
  await rotateNow(page, "my first rotation");
  const main = page.getByRole("main");
  await expect(main).toContainText(/wave 1 of 3/i, { timeout: 30_000 });
  await expectNothingSerious(page);
  // Live: nobody reloads.
  await expect(main).toContainText(/wave 3 of 3/i, { timeout: 60_000 });
  await expect(main).toContainText(/completed/i, { timeout: 90_000 });
  await eventually(page, credential, /version 2/i);
});

test("broken on purpose, it rolls back by itself and says why", async ({ page }) => {
  await page.goto(credential);
  await page.getByRole("button", { name: "Lost permission" }).click();
  await expect(page).toHaveURL(new RegExp(`${credential}$`));
  await rotateNow(page, "to see it come back");
  const main = page.getByRole("main");
  await expect(main).toContainText(/rolled back/i, { timeout: 90_000 });
  await expect(main).toContainText(/was refused/i);
  await page.screenshot({ path: "../target/e2e/rolled-back.png", fullPage: false });

  // What was broken is mended, and the previous version was in use all along.
  await page.goto(credential);
  await page.getByRole("button", { name: "Mend everything" }).click();
  await expect(page.getByRole("main")).toContainText(/version 2/i);
});

test("without script the same button rotates the same key", async ({ browser }) => {
  const context = await browser.newContext({ javaScriptEnabled: false, storageState: test.info().project.use.storageState });
  const page = await context.newPage();
  await rotateNow(page, "by hand, without script");
  await expect(page.getByRole("main")).toContainText(/orders-api-key/);
  await expect(async () => {
    await page.reload();
    await expect(page.getByRole("main")).toContainText(/wave \d of 3/i, { timeout: 1_000 });
  }).toPass({ timeout: 60_000 });
  await page.locator("summary", { hasText: "Roll back" }).click();
  await page.getByLabel("Reason").locator("visible=true").first().fill("enough seen");
  await page.getByRole("button", { name: "Roll back" }).locator("visible=true").last().click();
  await expect(async () => {
    await page.reload();
    await expect(page.getByRole("main")).toContainText(/rolled back/i, { timeout: 1_000 });
  }).toPass({ timeout: 90_000 });
  await context.close();
});
