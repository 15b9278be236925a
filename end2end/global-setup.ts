import { mkdirSync } from "node:fs";
import { type FullConfig, request } from "@playwright/test";
import { runFolder, signedInState } from "./lib/paths.ts";
import { publishHandle, RotaServer } from "./lib/server.ts";

/** One server for the whole run, signed in once. The function returned ends it. */
export default async function globalSetup(config: FullConfig): Promise<() => Promise<void>> {
  const url = config.projects[0]?.use.baseURL;
  if (url === undefined) throw new Error("playwright.config.ts sets no baseURL");
  mkdirSync(runFolder, { recursive: true });
  const server = await RotaServer.start(url);
  try {
    publishHandle(server);
    await signIn(server);
  } catch (error) {
    await server.stop();
    throw error;
  }
  return () => server.stop();
}

async function signIn(server: RotaServer): Promise<void> {
  const link = await server.signInLink();
  const browserless = await request.newContext();
  // An empty body from the same origin, as the button on the page sends it.
  const answer = await browserless.post(link, { headers: { origin: server.url }, maxRedirects: 0 });
  if (answer.status() !== 303) throw new Error(`the sign-in link answered ${answer.status()}: ${await answer.text()}`);
  await browserless.storageState({ path: signedInState });
  await browserless.dispose();
}
