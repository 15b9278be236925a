import path from "node:path";
import { expect, test } from "@playwright/test";
import { expectNothingSerious } from "../lib/accessibility.ts";
import { addresses, nothingIsWider } from "../lib/pages.ts";
import { runFolder } from "../lib/paths.ts";

for (const [name, address] of addresses()) {
  test(`${name} reads well`, async ({ page }, testInfo) => {
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
    const picture = `${testInfo.project.name}${name.replaceAll("/", "-").replaceAll(":", "")}.png`;
    await page.screenshot({ path: path.join(runFolder, "pages", picture), fullPage: true });
    await nothingIsWider(page);
    await expectNothingSerious(page);
    expect(complaints, "the browser complains of nothing").toEqual([]);
  });
}
