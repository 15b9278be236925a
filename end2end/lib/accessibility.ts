import { AxeBuilder } from "@axe-core/playwright";
import { expect, type Page } from "@playwright/test";

/** Fails with the rule and the places when axe finds anything serious or critical; of all rules, or of those on colour. */
export async function expectNothingSerious(page: Page, rules: "all" | "colour" = "all"): Promise<void> {
  const builder = new AxeBuilder({ page });
  const { violations } = await (rules === "all" ? builder : builder.withRules(["color-contrast", "link-in-text-block"])).analyze();
  const serious = violations
    .filter((violation) => violation.impact === "serious" || violation.impact === "critical")
    .map((violation) => `${violation.id}: ${violation.help}\n  ${violation.nodes.map((node) => node.target.join(" ")).join("\n  ")}`);
  expect(serious, `axe on ${page.url()}`).toEqual([]);
}
