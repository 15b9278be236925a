import type { FullResult, Reporter, Suite, TestCase } from "@playwright/test/reporter";

/** Ends a run with the one line that machines read: `N passed, N failed`. */
export default class ClosingLine implements Reporter {
  private suite: Suite | undefined;

  onBegin(_config: unknown, suite: Suite): void {
    this.suite = suite;
  }

  onEnd(result: FullResult): void {
    const outcomes = (this.suite?.allTests() ?? []).map((test: TestCase) => test.outcome());
    const count = (...wanted: string[]) => outcomes.filter((outcome) => wanted.includes(outcome)).length;
    // "flaky" passed in the end, but only after a failure: that is a failure here. Retries are off anyway.
    const failed = count("unexpected", "flaky");
    const skipped = count("skipped");
    const stopped = result.status !== "passed" && failed === 0 ? 1 : 0;
    console.log(`\n${count("expected")} passed, ${failed + stopped} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
  }
}
