import path from "node:path";
import { defineConfig } from "@playwright/test";
import { chromiumPath, runFolder, signedInState } from "./lib/paths.ts";
import { freePort } from "./lib/server.ts";

// Chosen once; the workers load this file again and inherit the choice.
process.env.ROTA_E2E_URL ??= `http://127.0.0.1:${await freePort()}`;

export default defineConfig({
  globalSetup: "./global-setup.ts",
  outputDir: path.join(runFolder, "results"),
  reporter: [["list"], ["./closing-line.ts"]],
  forbidOnly: true,
  retries: 0,
  workers: 2,
  timeout: 60_000,
  expect: { timeout: 10_000 },
  use: {
    baseURL: process.env.ROTA_E2E_URL,
    storageState: signedInState,
    viewport: { width: 1440, height: 900 },
    colorScheme: "light",
    // Recording takes a third of the time: `make e2e` with `--trace on` when something is to be looked into.
    trace: "off",
    screenshot: "only-on-failure",
    launchOptions: {
      executablePath: chromiumPath(),
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    },
  },
  projects: [
    // What changes things: one server with one sandbox, so journeys must not meet. First, for they are long.
    { name: "journeys", testDir: "journeys", workers: 1 },
    // Reading only: every page, at every width, in both schemes.
    { name: "pages", testDir: "pages", fullyParallel: true },
  ],
});
