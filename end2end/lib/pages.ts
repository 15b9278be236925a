import { expect, type Page } from "@playwright/test";
import { things } from "./things.ts";

/** Every page with things on it: how it is called in the route table, and where it is in this run. */
export function addresses(): [string, string][] {
  const known = things();
  const fixed = [
    "/",
    "/credentials",
    "/rotations",
    "/issuers",
    "/consumers",
    "/expiries",
    "/needs-a-person",
    "/keys",
    "/keys/new",
    "/reencryptions",
    "/targets/new",
    "/recovery",
    "/root",
    "/audit",
    "/settings",
  ].map((address): [string, string] => [address, address]);
  return [
    ...fixed,
    ["/keys/:name", `/keys/${known?.key}`],
    ["/keys/:name/edit", `/keys/${known?.key}/edit`],
    ["/reencryptions/:id", `/reencryptions/${known?.job}`],
    ["/targets/:name/edit", `/targets/${known?.target}/edit`],
    ["/targets/:name/delete", `/targets/${known?.target}/delete`],
  ];
}

export async function nothingIsWider(page: Page): Promise<void> {
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  expect(overflow, "nothing is wider than the window").toBeLessThanOrEqual(0);
}
