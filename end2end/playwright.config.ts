import path from "node:path";
import { defineConfig } from "@playwright/test";
import { chromiumPath, runFolder, signedInState } from "./lib/paths.ts";
import { freePort } from "./lib/server.ts";

// Chosen once; the workers load this file again and inherit the choice.
process.env.ROTA_E2E_URL ??= `http://127.0.0.1:${await freePort()}`;

const desktop = { width: 1440, height: 900 };
const phone = { width: 390, height: 844 };

export default defineConfig({
  globalSetup: "./global-setup.ts",
  outputDir: path.join(runFolder, "results"),
  reporter: [["list"], ["./closing-line.ts"]],
  forbidOnly: true,
  retries: 0,
  // One server with one sandbox: journeys that change it must not meet.
  workers: 1,
  timeout: 60_000,
  expect: { timeout: 10_000 },
  use: {
    baseURL: process.env.ROTA_E2E_URL,
    storageState: signedInState,
    viewport: desktop,
    trace: "retain-on-failure",
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
    // Reading only: every page, both sizes, both schemes.
    { name: "desktop-light", testDir: "pages", use: { viewport: desktop, colorScheme: "light" } },
    { name: "desktop-dark", testDir: "pages", use: { viewport: desktop, colorScheme: "dark" } },
    { name: "phone-light", testDir: "pages", use: { viewport: phone, colorScheme: "light" } },
    { name: "phone-dark", testDir: "pages", use: { viewport: phone, colorScheme: "dark" } },
    // What changes things: once.
    { name: "journeys", testDir: "journeys", use: { viewport: desktop, colorScheme: "light" } },
  ],
});
