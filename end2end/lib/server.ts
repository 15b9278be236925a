import { type ChildProcess, execFile, spawn } from "node:child_process";
import { existsSync, openSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { rotaBinary, runFolder } from "./paths.ts";

/** A port nobody listens on now. */
export async function freePort(): Promise<number> {
  const listener = createServer();
  await new Promise<void>((resolve, reject) => listener.once("error", reject).listen(0, "127.0.0.1", resolve));
  const address = listener.address();
  await new Promise((resolve) => listener.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no free port");
  return address.port;
}

/** A server of our own in a folder of its own; `stop` ends exactly this one. */
export class RotaServer {
  private constructor(
    readonly url: string,
    private readonly folder: string,
    private readonly environment: NodeJS.ProcessEnv,
    private readonly child: ChildProcess,
    private readonly logPath: string,
  ) {}

  static async start(url: string): Promise<RotaServer> {
    if (!existsSync(rotaBinary)) throw new Error(`${rotaBinary} is missing: build it first (make e2e does)`);
    const folder = await mkdtemp(path.join(tmpdir(), "rota-e2e-"));
    const environment: NodeJS.ProcessEnv = {
      PATH: process.env.PATH,
      ROTA_SANDBOX: "1",
      ROTA_DATABASE_URL: `sqlite:${folder}/rota.db`,
      ROTA_LISTEN: new URL(url).host,
      ROTA_PUBLIC_URL: url,
    };
    const logPath = path.join(runFolder, "server.log");
    const log = openSync(logPath, "w");
    const child = spawn(rotaBinary, ["serve"], { cwd: folder, env: environment, stdio: ["ignore", log, log] });
    const server = new RotaServer(url, folder, environment, child, logPath);
    try {
      await server.ready();
    } catch (error) {
      await server.stop();
      throw error;
    }
    return server;
  }

  private async ready(): Promise<void> {
    const deadline = Date.now() + 60_000;
    while (Date.now() < deadline) {
      if (this.child.exitCode !== null || this.child.signalCode !== null) break;
      const answer = await fetch(`${this.url}/readyz`).catch(() => undefined);
      if (answer?.ok) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const tail = readFileSync(this.logPath, "utf8").split("\n").slice(-30).join("\n");
    throw new Error(`the server is not ready at ${this.url}/readyz. Its last words:\n${tail}`);
  }

  /** A fresh single-use link, as an operator gets it. */
  async signInLink(): Promise<string> {
    const { stdout } = await promisify(execFile)(rotaBinary, ["admin", "sign-in-link"], {
      cwd: this.folder,
      env: this.environment,
    });
    return stdout.trim();
  }

  /** What a journey needs to make links of its own, in another process. */
  handle(): ServerHandle {
    return { folder: this.folder, environment: this.environment };
  }

  async stop(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const gone = new Promise<void>((resolve) => this.child.once("exit", () => resolve()));
      this.child.kill("SIGTERM");
      const patience = setTimeout(() => this.child.kill("SIGKILL"), 12_000);
      await gone;
      clearTimeout(patience);
    }
    await rm(this.folder, { recursive: true, force: true });
  }
}

export interface ServerHandle {
  folder: string;
  environment: NodeJS.ProcessEnv;
}

const handleVariable = "ROTA_E2E_SERVER";

/** Workers are processes of their own: they inherit the handle by this variable. */
export function publishHandle(server: RotaServer): void {
  process.env[handleVariable] = JSON.stringify(server.handle());
}

/** `rota` with arguments, against the server of this run. */
export async function rota(...commandLine: string[]): Promise<string> {
  const handle = JSON.parse(process.env[handleVariable] ?? "null") as ServerHandle | null;
  if (handle === null) throw new Error("no server of this run: journeys start it in global-setup.ts");
  const { stdout } = await promisify(execFile)(rotaBinary, commandLine, { cwd: handle.folder, env: handle.environment });
  return stdout.trim();
}
