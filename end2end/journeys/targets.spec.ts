import { expect, test } from "@playwright/test";
import { expectNothingSerious } from "../lib/accessibility.ts";
import { api, sqliteTable } from "../lib/things.ts";

const key = "journey-cards";
const target = "journey-table";
const records = 120;

test.setTimeout(180_000);
test.describe.configure({ mode: "serial" });

let file = "";
let job = "";

test("a target is registered, with what is wrong beside the field", async ({ page }) => {
  await api().post("keys", { name: key, algorithm: "aes256-gcm", owner_team: "Payments" });
  const values: string[] = [];
  for (let record = 0; record < records; record += 1) values.push(await api().encrypt(key));
  file = await sqliteTable("journey", values);
  await api().post(`keys/${key}/rotate`, { reason: "a drill", confirm: true });

  await page.goto("/reencryptions");
  await page.getByRole("link", { name: "Register a target" }).click();
  await page.locator("#name").fill(target);
  await page.locator("#key").selectOption(key);
  await page.getByLabel("SQLite table").check();
  await page.locator("#config").fill(JSON.stringify({ file, table: "nowhere", column: "card" }));
  await page.getByLabel("Base64").check();
  await page.getByRole("button", { name: "Register the target" }).click();
  await expect(page.locator("#config-error")).toContainText("nowhere");
  await expectNothingSerious(page);
  await page.locator("#config").fill(JSON.stringify({ file, table: "customer", column: "card" }));
  await page.getByRole("button", { name: "Register the target" }).click();
  await expect(page).toHaveURL(/\/reencryptions$/);
  await expect(page.getByRole("region", { name: "Targets" })).toContainText(target);
});

test("a job is begun, paused, made faster, resumed, and seen to its end", async ({ page }) => {
  await page.goto("/reencryptions");
  await page.locator("summary", { hasText: "Begin a job" }).click();
  await page.locator("#target").selectOption(target);
  await page.getByLabel("Rewrap").check();
  await page.locator("#rate").fill("5");
  await page.locator("#batch_size").fill("5");
  await page.getByLabel("Reason").fill("after the drill");
  await page.getByRole("button", { name: "Begin the job" }).click();
  await expect(page).toHaveURL(/\/reencryptions\/[0-9a-f-]{36}$/);
  job = new URL(page.url()).pathname.split("/").pop() ?? "";
  const main = page.getByRole("main");
  await expect(main).toContainText("At most 5 records a second");
  // Live: nobody reloads. With the second look its speed is drawn.
  await expect(main.getByText(/\d+ a second now/)).toBeVisible({ timeout: 30_000 });
  await page.screenshot({ path: "../target/e2e/job.png", fullPage: true });
  await expectNothingSerious(page);

  await page.locator("summary", { hasText: /^Pause$/ }).click();
  await page.getByLabel("Reason").locator("visible=true").fill("to look at it");
  await page.getByRole("button", { name: "Pause" }).click();
  await expect(main).toContainText("to look at it");
  await expect(main.locator(".subject__stage")).toContainText("paused");

  await page.locator("#rate").fill("none");
  await page.getByRole("button", { name: "Change the pace" }).click();
  await expect(page.locator("#rate-error")).toBeVisible();
  await page.locator("#rate").fill("");
  await page.locator("#batch_size").fill("50");
  await page.getByRole("button", { name: "Change the pace" }).click();
  await expect(main).toContainText("As fast as callers allow");

  await page.locator("summary", { hasText: /^Go on$/ }).click();
  await page.getByLabel("Reason").locator("visible=true").fill("it is well");
  await page.getByRole("button", { name: "Go on" }).click();
  await expect(main.locator(".subject__stage")).toContainText("completed", { timeout: 60_000 });
  await expect(main).toContainText(`${records} records.`);
  await expect(main).toContainText("Every record opened so far");
  await expectNothingSerious(page);

  await page.goto(`/keys/${key}`);
  const census = page.getByRole("region", { name: "Targets" });
  await expect(census).toContainText(`version 2: ${records}`);
});

test("a target is not removed while a job works there, and says what is lost when it is", async ({ page }) => {
  const slow = { target, mode: "scan", reason: "slowly", tuning: { rate: 1, batch_size: 1 } };
  const running = await api().post("reencryptions", slow);
  await page.goto("/reencryptions");
  await page.getByRole("link", { name: `Remove ${target}` }).click();
  const main = page.getByRole("main");
  await expect(main).toContainText("cannot be removed right now");
  await page.getByRole("link", { name: "Go to the job" }).click();
  await expect(page).toHaveURL(new RegExp(`/reencryptions/${running.id}$`));
  await page.locator("summary", { hasText: /^Cancel$/ }).click();
  await page.getByLabel("Reason").locator("visible=true").fill("not needed");
  await page.getByRole("button", { name: "Cancel the job" }).click();
  await expect(main.locator(".subject__stage")).toContainText("cancelled");

  await page.goto("/reencryptions");
  await page.getByRole("link", { name: `Remove ${target}` }).click();
  await expect(main).toContainText(`${records} records under version 2`);
  await expect(main).toContainText("is lost for good");
  await page.getByLabel("Reason").fill("the table moved");
  await page.getByRole("button", { name: `Remove ${target}` }).click();
  await expect(page.locator("#understood-error")).toBeVisible();
  await expectNothingSerious(page);
  await page.getByLabel("I have read what will happen").check();
  await page.getByRole("button", { name: `Remove ${target}` }).click();
  await expect(page).toHaveURL(/\/reencryptions$/);
  await expect(page.getByRole("link", { name: `Remove ${target}` })).toHaveCount(0);
  // Its jobs stay, as history.
  await expect(page.getByRole("region", { name: "Jobs" })).toContainText(target);
  const answer = await page.goto(`/reencryptions/${job}`);
  expect(answer?.status()).toBe(200);
});

test("recovery and the root of trust say how things stand", async ({ page }) => {
  await page.goto("/recovery");
  const main = page.getByRole("main");
  await expect(page.getByRole("heading", { level: 1 })).toContainText(/backup|restore|rehears/i);
  await expectNothingSerious(page);
  await page.goto("/root");
  await expect(main).toContainText(/key file|root key/i);
  await expect(main).toContainText(/critical/i);
  await expectNothingSerious(page);
});
