import { existsSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

export const repository = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");

/** Everything a run leaves behind lies here, outside of git. */
export const runFolder = path.join(repository, "target/e2e");

/** The signed-in browser state that every journey starts from. */
export const signedInState = path.join(runFolder, "signed-in.json");

/** The server under test: the development build unless ROTA_BINARY names another. */
export const rotaBinary = process.env.ROTA_BINARY ?? path.join(repository, "target/debug/rota");

/** The one without windows first: it draws the same and takes half the time. */
export function chromiumPath(): string {
  const candidates = [
    process.env.ROTA_CHROMIUM,
    "/usr/bin/chromium-headless-shell",
    "/usr/bin/chromium",
    "/usr/bin/chromium-browser",
    "/usr/bin/google-chrome",
  ];
  const found = candidates.find((candidate) => candidate !== undefined && existsSync(candidate));
  if (found === undefined) throw new Error("no Chromium found: run `make setup`, or set ROTA_CHROMIUM");
  return found;
}
