import { expect, test } from "@playwright/test";
import { expectNothingSerious } from "../lib/accessibility.ts";
import { rota } from "../lib/server.ts";

// A stranger's browser.
test.use({ storageState: { cookies: [], origins: [] } });

test("a stranger is shown nothing but the way to sign in", async ({ page }) => {
  const answer = await page.goto("/credentials");
  expect(answer?.ok() || answer?.status() === 401).toBe(true);
  await expect(page.getByRole("heading", { level: 1, name: /sign in/i })).toBeVisible();
  await expectNothingSerious(page);
});

test("the link shows a button, the button signs in, and the link is spent", async ({ page, browser }) => {
  const link = await rota("admin", "sign-in-link");
  expect(link).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/\S+$/);

  // Looking does not spend it: a mail scanner that follows the link signs nobody in.
  await page.goto(link);
  await page.reload();
  await expectNothingSerious(page);
  await page.getByRole("main").getByRole("button", { name: /sign in/i }).click();
  await expect(page).toHaveURL(/\/$/);
  const cookies = await page.context().cookies();
  expect(cookies.some((cookie) => cookie.httpOnly && cookie.sameSite !== "None")).toBe(true);

  const other = await browser.newContext();
  const otherPage = await other.newPage();
  const spent = await otherPage.goto(link);
  if (spent?.ok()) {
    const again = await otherPage.request.post(link, { headers: { origin: new URL(link).origin }, maxRedirects: 0 });
    expect(again.status()).toBeGreaterThanOrEqual(400);
  }
  expect(await other.cookies()).toEqual([]);
  await other.close();
});

test("the same button works with script off", async ({ browser }) => {
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(await rota("admin", "sign-in-link"));
  await page.getByRole("main").getByRole("button", { name: /sign in/i }).click();
  await expect(page).toHaveURL(/\/$/);
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  await context.close();
});
