import path from "node:path";
import { expect, test } from "@playwright/test";
import { expectNothingSerious } from "../lib/accessibility.ts";
import { addresses, nothingIsWider } from "../lib/pages.ts";
import { runFolder } from "../lib/paths.ts";

const looks = [
  { name: "desktop-light", width: 1440, colorScheme: "light" },
  { name: "phone-light", width: 390, colorScheme: "light" },
  { name: "phone-dark", width: 390, colorScheme: "dark" },
  { name: "desktop-dark", width: 1440, colorScheme: "dark" },
] as const;
const widthsBetween = [600, 768, 1024, 1280, 1920];

// A page is loaded once and then turned: the server sends the same bytes to every window.
for (const [name, address] of addresses()) {
  test(`${name} reads well`, async ({ page }) => {
    const complaints: string[] = [];
    page.on("console", (message) => {
      if (message.type() === "error") complaints.push(message.text());
    });
    page.on("pageerror", (error) => complaints.push(error.message));
    const answer = await page.goto(address);
    expect(answer?.status()).toBe(200);
    // The boot script says so once the wasm is loaded and the islands are awake.
    await expect(page.locator("html[data-scripted]")).toBeAttached();
    for (const look of looks) {
      await test.step(look.name, async () => {
        await page.setViewportSize({ width: look.width, height: look.width === 390 ? 844 : 900 });
        await page.emulateMedia({ colorScheme: look.colorScheme, reducedMotion: "reduce" });
        await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
        // To be looked at by people.
        const picture = `${look.name}${name.replaceAll("/", "-").replaceAll(":", "")}.png`;
        await page.screenshot({ path: path.join(runFolder, "pages", picture), fullPage: true });
        await nothingIsWider(page);
        // By night only the colours are others.
        await expectNothingSerious(page, look.colorScheme === "light" ? "all" : "colour");
      });
    }
    for (const width of widthsBetween) {
      await page.setViewportSize({ width, height: 900 });
      await nothingIsWider(page);
    }
    expect(complaints, "the browser complains of nothing").toEqual([]);
  });
}
