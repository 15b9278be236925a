import { mkdirSync } from "node:fs";
import { type FullConfig, request } from "@playwright/test";
import { runFolder, signedInState } from "./lib/paths.ts";
import { publishHandle, RotaServer } from "./lib/server.ts";
import { makeThings, publishThings } from "./lib/things.ts";

/** One server for the whole run, signed in once, with things to look at. The function returned ends it. */
export default async function globalSetup(config: FullConfig): Promise<() => Promise<void>> {
  const url = config.projects[0]?.use.baseURL;
  if (url === undefined) throw new Error("playwright.config.ts sets no baseURL");
  mkdirSync(runFolder, { recursive: true });
  const server = await RotaServer.start(url);
  try {
    publishHandle(server);
    publishThings(await makeThings(url, await signIn(server)));
  } catch (error) {
    await server.stop();
    throw error;
  }
  return () => server.stop();
}

/** Keeps the signed-in browser, and gives a token for what a program does. */
async function signIn(server: RotaServer): Promise<string> {
  const link = await server.signInLink();
  const browserless = await request.newContext();
  // An empty body from the same origin, as the button on the page sends it.
  const answer = await browserless.post(link, { headers: { origin: server.url }, maxRedirects: 0 });
  if (answer.status() !== 303) throw new Error(`the sign-in link answered ${answer.status()}: ${await answer.text()}`);
  await browserless.storageState({ path: signedInState });
  const page = await browserless.post(`${server.url}/settings`, {
    headers: { origin: server.url },
    form: { action: "add_token", name: "journeys", role: "administrator", scope: "api" },
  });
  const token = /rota_api_[A-Za-z0-9_-]{20,}/.exec(await page.text())?.[0];
  await browserless.dispose();
  if (token === undefined) throw new Error(`the settings page answered ${page.status()} and shows no token`);
  return token;
}
