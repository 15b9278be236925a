import path from "node:path";
import { expect, test } from "@playwright/test";
import { expectNothingSerious } from "../lib/accessibility.ts";
import { runFolder } from "../lib/paths.ts";

const addresses = ["/", "/credentials", "/rotations", "/issuers", "/consumers", "/expiries", "/needs-a-person", "/audit", "/settings"];

for (const address of addresses) {
  test(`${address} reads well`, async ({ page }, testInfo) => {
    const complaints: string[] = [];
    page.on("console", (message) => {
      if (message.type() === "error") complaints.push(message.text());
    });
    page.on("pageerror", (error) => complaints.push(error.message));
    const answer = await page.goto(address);
    expect(answer?.status()).toBe(200);
    await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
    // The boot script says so once the wasm is loaded and the islands are awake.
    await expect(page.locator("html[data-scripted]")).toBeAttached();
    // To be looked at by people.
    const picture = `${testInfo.project.name}${address.replaceAll("/", "-")}.png`;
    await page.screenshot({ path: path.join(runFolder, "pages", picture), fullPage: true });
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    expect(overflow, "nothing is wider than the window").toBeLessThanOrEqual(0);
    await expectNothingSerious(page);
    expect(complaints, "the browser complains of nothing").toEqual([]);
  });
}
